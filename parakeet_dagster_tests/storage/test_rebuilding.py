"""The database from the lake: row by row what it was, but for timestamps."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.storage import rebuilding
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.dumps import Dumps
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.rebuilding import Totals, rebuild, refill
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame
from parakeet_dagster_tests.storage.lakes import plain_lake
from parakeet_dagster_tests.storage.postgres import empty_database

SESSIONS = ["2022-06-01", "2022-06-02", "2022-06-03", "2022-06-06"]
PRICES = frame(
    *(bar(day, "AAA", 10.1 + n / 3) for n, day in enumerate(SESSIONS)),
    *(
        bar(day, "BHP.AX", 40.0 + n, market="XASX", currency="AUD")
        for n, day in enumerate(SESSIONS)
    ),
    bar("2022-06-02", "SPLIT", 20.0),
    bar("2022-06-03", "SPLIT", 10.0, split_ratio=2.0, dividend=0.3),
    bar("2022-06-03", "HALT", NO_BAR, dividend=1.0),
    bar("2022-06-06", "HALT", 5.0, data_quality="suspect"),
    bar("2022-06-02", "HALT", 6.0),
).assign(volume=lambda rows: (rows.index + 7) * rows["close"].notna())
NOTHING_ON = "2022-06-02"
EXACT = {
    "corporate_actions": "ticker, ex_date, kind, value, source, superseded_at",
    "allocations": "strategy, session, ticker, weight, rebalance",
    "orders": "strategy, session, ticker, side, quantity, price_estimate_aud, cost_estimate_aud,"
    " reason",
    "order_versions": "strategy, session",
    "stale_adjusted_closes": "ticker",
    "market_data": "ticker, date, open, high, low, close, volume, source, data_quality, metadata",
}


def weights(name: str, weight: float) -> pd.DataFrame:
    rows = PRICES[PRICES["ticker"] == name][["date", "ticker"]]
    return rows.assign(weight=weight, rebalance=rows["date"] == SESSIONS[0])


ORDERS = PRICES[(PRICES["ticker"] == "AAA") & (PRICES["date"] != NOTHING_ON)][
    ["date", "ticker"]
].assign(side="buy", quantity=2.5, price_estimate_aud=1 / 3, cost_estimate_aud=3.0, reason="new")


def at(url: str) -> Database:
    return Database(DatabaseUrl.parse(url))


def rows_of(database: Database) -> dict[str, list[object]]:
    """Everything that the lake holds, every digit, without the moments of this database."""
    with database.transaction("look") as connection:
        return {
            table: connection.scalars(
                text(f"SELECT row({columns})::text FROM {table} ORDER BY 1")
            ).all()
            for table, columns in EXACT.items()
        }


def adjusted(database: Database) -> pd.Series:
    with database.transaction("look") as connection:
        query = text("SELECT ticker, date, adjusted_close FROM market_data ORDER BY 1, 2")
        return pd.read_sql_query(query, connection).set_index(["ticker", "date"])["adjusted_close"]


@pytest.fixture(scope="module")
def original(postgres_server):
    """A database that was filled session by session."""
    with empty_database(postgres_server) as url:
        database = at(url)
        for day in SESSIONS:
            database.merge_market_data(PRICES[PRICES["date"] == day], days(day), "daily")
        database.write_allocations("one", weights("AAA", 0.25))
        database.write_allocations("one", weights("AAA", 1 / 3))
        database.write_allocations("two", weights("BHP.AX", 1.0))
        database.write_orders("one", ORDERS, days(*SESSIONS))
        yield database
        database.close()


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """What the same runs left in the lake."""
    lake = plain_lake(FileStore(tmp_path_factory.mktemp("lake")))
    lake.write("raw_prices", PRICES, SESSIONS)
    lake.write("allocations/one", weights("AAA", 1 / 3), SESSIONS)
    lake.write("allocations/two", weights("BHP.AX", 1.0), SESSIONS)
    lake.write("orders/one", ORDERS, SESSIONS)
    return lake


def quietly(_done: int, _total: int, _doing: str) -> None:
    pass


class StoppedError(Exception):
    """As if the process were killed there."""


class TestRebuild:
    def test_it_is_row_by_row_what_it_was(self, original, lake, database, monkeypatch):
        monkeypatch.setattr(rebuilding, "SESSIONS_AT_A_TIME", 2)
        totals = rebuild(database, lake, quietly)

        assert totals == Totals(bars=12, recalled=0, allocations=8, orders=4, beside=0)
        before, after = rows_of(original), rows_of(database)
        newest = {**before, "allocations": [r for r in before["allocations"] if "0.25" not in r]}
        assert after == newest
        assert len(after["market_data"]) == 12
        pd.testing.assert_series_equal(adjusted(database), adjusted(original), rtol=1e-12)
        assert adjusted(database).loc["SPLIT", date(2022, 6, 2)] == pytest.approx(20 / 2.03 / 1)

    def test_the_same_again_writes_nothing(self, lake, database):
        rebuild(database, lake, quietly)
        with database.transaction("look") as connection:
            before = connection.scalar(text("SELECT max(updated_at) FROM market_data"))

        assert rebuild(database, lake, quietly) == Totals(0, 0, 0, 0, 0)
        with database.transaction("look") as connection:
            assert connection.scalar(text("SELECT max(updated_at) FROM market_data")) == before

    def test_one_that_was_killed_goes_on(self, original, lake, database, monkeypatch):
        monkeypatch.setattr(rebuilding, "SESSIONS_AT_A_TIME", 2)

        def killed(done: int, _total: int, _doing: str) -> None:
            if done == 1:
                raise StoppedError

        with pytest.raises(StoppedError):
            rebuild(database, lake, killed)
        assert database.market_data_summary().rows == 6
        totals = rebuild(database, lake, quietly)

        assert totals.bars == 6
        assert rows_of(database)["market_data"] == rows_of(original)["market_data"]
        pd.testing.assert_series_equal(adjusted(database), adjusted(original), rtol=1e-12)

    def test_no_more_than_a_batch_is_read_at_a_time(self, lake, database, monkeypatch):
        monkeypatch.setattr(rebuilding, "SESSIONS_AT_A_TIME", 2)
        told = []
        rebuild(database, lake, lambda done, total, doing: told.append((done, total, doing)))

        assert told[:3] == [
            (0, 8, "raw_prices 2022-06-01 to 2022-06-02"),
            (1, 8, "raw_prices 2022-06-03 to 2022-06-06"),
            (2, 8, "allocations/one 2022-06-01 to 2022-06-02"),
        ]
        assert told[-1] == (8, 8, "adjusting closes")

    def test_what_is_wrong_is_put_right_and_kept_as_a_revision(self, original, lake, database):
        rebuild(database, lake, quietly)
        with database.transaction("spoil") as connection:
            connection.execute(text("UPDATE market_data SET low = 1 WHERE ticker = 'AAA'"))
            connection.execute(text("DELETE FROM market_data WHERE ticker = 'BHP.AX'"))
        rebuild(database, lake, quietly)

        assert rows_of(database)["market_data"] == rows_of(original)["market_data"]
        with database.transaction("look") as connection:
            reasons = connection.execute(text(
                "SELECT DISTINCT ticker, reason FROM market_data_revisions")).all()  # fmt: skip
        assert reasons == [("AAA", "rebuilt from the lake")]

    def test_sessions_that_the_lake_lacks_are_counted_and_stay(self, lake, database):
        database.merge_market_data(frame(bar("2022-06-07", "AAA", 9.0)), days("2022-06-07"), "")

        assert rebuild(database, lake, quietly).beside == 1
        assert len(database.market_data_sessions()) == 5

    def test_a_correction_that_the_lake_does_not_have_yet_stays_open(self, lake, database):
        correction = pd.DataFrame(
            {"ticker": "AAA", "date": pd.to_datetime(["2022-06-01"]).as_unit("us"),
             "row": '{"close": 11}', "reason": "11"}
        )  # fmt: skip
        database.record_corrections(correction)
        rebuild(database, lake, quietly)

        assert len(database.open_corrections()) == 1


class TestAfterARestore:
    """A dump, then a rebuild: also when everything became known is what it was."""

    @pytest.fixture
    def restored(self, original, database, tmp_path) -> Database:
        dump = Dumps(FileStore(tmp_path / "backups")).new(datetime(2022, 6, 7, tzinfo=UTC))
        manifest = original.write_dump(dump)
        database.restore(dump, manifest)
        return database

    def test_bars_have_the_moment_at_which_they_became_known(self, original, restored, lake):
        assert rebuild(restored, lake, quietly).recalled == 12

        assert moments(restored) == moments(original)
        assert rows_of(restored) == rows_of(original)
        with restored.transaction("look") as connection:
            assert connection.scalar(text("SELECT count(*) FROM bars_known_since")) == 0

    def test_the_table_of_the_past_is_what_it_was(self, original, restored, lake):
        rebuild(restored, lake, quietly)
        for day in SESSIONS:
            with original.transaction("look") as connection:
                moment = connection.scalar(
                    text("SELECT max(created_at) FROM market_data WHERE date = :day"), {"day": day}
                )
            columns = ["ticker", "date", "close", "volume", "adjusted_close", "created_at"]
            then, now = original.market_data_as_of(moment), restored.market_data_as_of(moment)
            assert len(then) > 0
            pd.testing.assert_frame_equal(now[columns], then[columns], rtol=1e-12)

    def test_a_bar_that_was_corrected_since_the_dump_is_not_said_to_have_been_known(
        self, restored, lake, tmp_path
    ):
        later = plain_lake(FileStore(tmp_path / "lake"))
        corrected = PRICES.assign(
            high=PRICES["high"].mask(
                (PRICES["ticker"] == "AAA") & (PRICES["date"] == SESSIONS[0]), 99
            )
        )
        later.write("raw_prices", corrected, SESSIONS)
        before = datetime.now(UTC)
        totals = rebuild(restored, later, quietly)

        known = moments(restored)
        assert totals.recalled == 10
        assert all(moment > before for (_, day), moment in known.items() if str(day) == SESSIONS[0])
        assert all(moment < before for (_, day), moment in known.items() if str(day) != SESSIONS[0])
        assert SESSIONS[0] not in restored.market_data_as_of(before)["date"].astype(str).tolist()


class TestRefill:
    """A partition of prices that the lake lost and no vendor has any more: from the table."""

    @pytest.fixture
    def torn(self, lake, tmp_path) -> Lake:
        torn = plain_lake(FileStore(tmp_path / "lake"))
        for path in lake.store.paths("raw_prices"):
            torn.store.write(path, lake.store.read(path))
        for day in SESSIONS[1:3]:
            torn.store.remove(f"raw_prices/session={day}/part-0.parquet")
        return torn

    def test_the_files_are_byte_by_byte_what_they_were(self, original, lake, torn):
        assert refill(original, torn, SESSIONS) == SESSIONS[1:3]
        for path in lake.store.paths("raw_prices"):
            assert torn.store.read(path) == lake.store.read(path), path

    def test_what_is_there_is_left_alone_and_what_is_unknown_is_not_made_up(self, original, torn):
        torn.store.write("raw_prices/session=2022-06-01/part-0.parquet", b"as it is")

        assert refill(original, torn, [*SESSIONS, "2022-06-07"]) == SESSIONS[1:3]
        assert torn.store.read("raw_prices/session=2022-06-01/part-0.parquet") == b"as it is"
        assert torn.store.read("raw_prices/session=2022-06-07/part-0.parquet") is None


def moments(database: Database) -> dict[tuple[str, date], datetime]:
    with database.transaction("look") as connection:
        found = connection.execute(text("SELECT ticker, date, created_at FROM market_data")).all()
    return {(ticker, day): moment for ticker, day, moment in found}
