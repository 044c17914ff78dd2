"""The benchmarks are no tests; that they still fit the code is."""

from pandas.testing import assert_frame_equal

from benchmarks import lake as lake_rows
from benchmarks import s3 as s3_rows
from benchmarks.s3_server import serving
from benchmarks.signals import market, names, sessions_up_to_last
from benchmarks.simulation import frames, targets
from parakeet_dagster.connect import open_lake
from parakeet_dagster.sessions import between
from strategy.portfolio.market import market_of
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.terms import Terms
from strategy.returns import COLUMNS


def test_the_benchmark_s_market_has_the_columns_of_daily_returns():
    frame = market(sessions_up_to_last(4), 3)
    assert frame.columns.tolist() == COLUMNS
    assert frame["ticker"].tolist() == names(3) * 4
    assert frame["date"].is_monotonic_increasing


def test_the_benchmark_s_accounts_trade():
    sessions = sessions_up_to_last(LOOKBACK + 30)
    market = market_of(*frames(sessions, 3), sessions)
    account = Account("0", targets(sessions, 3, 0), Terms())
    book = simulate(market, [account], sessions[LOOKBACK])["0"]
    assert set(book.fills["ticker"]) == set(names(3))


DAYS = between("2024-01-02", "2024-01-05")


def test_the_bare_way_writes_the_bytes_of_the_lake(tmp_path):
    rows = market(lake_rows.days_of(DAYS), lake_rows.TICKERS)
    lake = open_lake(str(tmp_path / "ours"))
    lake.write(lake_rows.ASSET, rows, DAYS)
    lake_rows.plainly_written(tmp_path / "bare", rows, DAYS)
    assert lake_rows.digest(tmp_path / "ours") == lake_rows.digest(tmp_path / "bare")
    bare = lake_rows.plainly_read(tmp_path / "bare", DAYS)
    ours = lake.read(lake_rows.ASSET, DAYS)
    assert_frame_equal(bare.assign(date=ours["date"]), ours, check_exact=True)


def test_the_benchmark_s_server_is_a_lake_s_bucket():
    rows = market(lake_rows.days_of(DAYS[2:]), lake_rows.TICKERS)
    history = between("2019-01-02", "2024-01-05")
    with serving(s3_rows.BUCKET, s3_rows.objects(history, rows)) as url:
        lake, client = s3_rows.lake_at(url), s3_rows.bare_client(url)
        assert lake.sessions(lake_rows.ASSET) == history
        found = lake.read_window(lake_rows.ASSET, DAYS[-1:], 3)
        assert_frame_equal(found, rows, check_exact=True)
        s3_rows.plainly_written(client, rows, DAYS[:2])
        assert len(s3_rows.plainly_read(client, DAYS)) == 2 * len(rows)
