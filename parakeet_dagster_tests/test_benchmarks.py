"""The benchmarks are no tests; that they still fit the code is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benchmarks import api as api_rows
from benchmarks import lake as lake_rows
from benchmarks import s3 as s3_rows
from benchmarks import signals, simulation, yahoo_server
from benchmarks.__main__ import FULL, MODULES
from benchmarks.api_clients import CLIENTS, Load, latencies
from benchmarks.result import Result
from benchmarks.s3_server import serving
from benchmarks.signals import leaders, market, names, row_by_row, sessions_up_to_last
from benchmarks.simulation import frames, targets
from parakeet_dagster.places import open_lake
from parakeet_dagster.sessions import between
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as frame_of
from strategy.catalog import CATALOG
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


def test_every_signal_of_the_catalog_is_measured_once(monkeypatch):
    for name, value in {"SESSIONS": 2, "TICKERS": 60, "OLD_SESSIONS": 130, "ROUNDS": 1}.items():
        monkeypatch.setattr(signals, name, value)
    rows = signals.results()
    measured = [row for row in rows if row.within]
    assert len(measured) == len({strategy.signal for strategy in CATALOG.values()})
    assert len(rows) == len(measured) + 2
    assert len({row.number for row in rows}) == len(rows)
    assert all(row.number.startswith("13") and row.ours > 0 for row in rows)
    assert {row.what for row in measured if row.floor} == {
        "signals: DualMomentum, look-back 252",
        "signals: Momentum, look-back 21",
        "signals: Momentum, look-back 63",
        "signals: Momentum, look-back 126",
        "signals: VolScaledMomentum, look-back 378",
    }


def test_the_loop_and_the_matrix_choose_the_same():
    """So that one is an honest floor of the other."""
    returns = market(sessions_up_to_last(140), 20)
    closes = returns.pivot_table(index="date", columns="ticker", values="close")
    signal = signals.OLD_MOMENTUM
    by_matrix = leaders(closes.to_numpy(), signal.lookback, signal.places)
    chosen = [sorted(closes.columns[row]) for row in by_matrix]
    assert chosen == [sorted(row) for row in row_by_row(closes)]


def test_the_simulation_has_a_target_for_one_account(monkeypatch):
    sizes = {"SESSIONS": LOOKBACK + 30, "TICKERS": 3, "ACCOUNTS": 2}
    for name, value in sizes.items():
        monkeypatch.setattr(simulation, name, value)
    rows = simulation.results()
    assert [(row.number, row.within) for row in rows] == [
        ("16a", 1.0),
        ("16b", None),
        ("16c", None),
    ]


def test_the_benchmark_s_yahoo_lists_all_members_and_answers_alike():
    members = yahoo_server.members()
    assert len(members) == members["ticker"].nunique() == 741
    server = yahoo_server._PatientServer("2020-10-01")
    share = server.on_sale("A007.AX")
    assert share is not None
    assert (share.market, len(share.bars)) == ("XASX", 22)
    window = [int(pd.Timestamp(day).timestamp()) for day in ("2020-10-15", yahoo_server.LAST)]
    made = server.chart("A007.AX", share, *window, server.time())
    assert server.chart("A007.AX", share, *window, server.time()) is made
    (result,) = made["chart"]["result"]
    assert len(result["timestamp"]) == 11


def test_the_modules_that_are_there_have_results():
    assert {"imports", "signals", "simulation", "yahoo"} <= set(MODULES)
    assert FULL not in MODULES


@pytest.mark.parametrize(
    ("row", "ratio", "holds"),
    [
        (Result("1", "", 3.0, 2.0, limit=1.5), 1.5, True),
        (Result("1", "", 3.1, 2.0, limit=1.5), 1.55, False),
        (Result("1", "", 1.0, 99.0, at_least=100), 1 / 99, False),
        (Result("1", "", 1.0, 2.0), 0.5, None),
        (Result("1", "", 2.0, within=2.0), None, True),
        (Result("1", "", 3.0, 2.0, limit=1.5, within=2.0), 1.5, False),
    ],
)
def test_a_row_holds_when_every_target_of_it_is_met(row, ratio, holds):
    assert row.ratio == (None if ratio is None else pytest.approx(ratio))
    assert row.holds is holds
    assert replace(row, number="2").record["holds"] is holds
    assert Result.of(row.record) == row


def test_the_floor_of_scaled_momentum_has_a_value_for_each_session():
    signal = next(
        one.signal for one in CATALOG.values() if one.signal.__class__ is signals.VolScaledMomentum
    )
    history = sessions_up_to_last(signal.lookback + 5)
    closes = market(history, 60)["close"].to_numpy().reshape(len(history), 60)
    volatility = signals.volatility_of_leaders(closes, signal)
    assert len(volatility) == 5
    assert np.isfinite(volatility).all()


def test_the_benchmark_s_clients_and_its_lambda_ask_the_api(database, tmp_path):
    one = frame_of(bar("2016-03-15", "T0000", 10.0))
    database.merge_market_data(one, days("2016-03-15"), "a test")
    key = database.create_api_key("the benchmark", ["read"])
    environment = api_rows.settings(database, tmp_path)
    with api_rows.serving(environment) as port:
        load = Load(port, ["/v1/prices"], {"Authorization": f"Bearer {key}"}, 2, 0.01)
        answered = latencies(load)
        known = api_rows.as_known(load)
        assert (known.expected, known.paths) == (304, ["/v1/prices"])
        unchanged = latencies(api_rows.without_pause(replace(known, rounds=1)))
    assert 0 < answered.median <= answered.percentile_95
    api_rows.first_answer("market_data", key, environment)
    asked = {"a year": answered, "a day": answered}
    table = api_rows.rows(asked, unchanged, [answered, answered], [1.0, 3.0])
    assert [row.number for row in table] == [f"17{letter}" for letter in "abcdefghi"]
    assert [row.holds for row in table[-2:]] == [True, False]
    assert CLIENTS == 50
