"""What only the database holds, dumped as it was at one moment and restored as it was."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv
from sqlalchemy import text

from parakeet_dagster.errors import BackupError, SchemaVersionError
from parakeet_dagster.storage import dumps, migrations
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.dumps import LEFT_OUT, TABLES, Dumps, Manifest
from parakeet_dagster.storage.migrations import Migration, all_migrations
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.bars import bar, days, frame
from parakeet_dagster_tests.storage.postgres import empty_database

NOON = datetime(2022, 6, 5, 12, tzinfo=UTC)
SESSIONS = ["2022-06-01", "2022-06-02", "2022-06-03"]
CASH = pd.DataFrame(
    {"ticker": ["CASH"], "quantity": [9.5], "acquired": [pd.NaT], "price": [None],
     "currency": ["AUD"]}
).astype({"acquired": "datetime64[us]", "price": "float64"})  # fmt: skip


def fill(database: Database) -> None:
    """Something in every table, with what a format could lose: NULL, "", quotes, lines, digits."""
    prices = frame(
        *(bar(day, "AAA", 10.1 + n / 3) for n, day in enumerate(SESSIONS)),
        bar("2022-06-02", "BBB", 0.1 + 0.2, dividend=1 / 3, split_ratio=2.0),
    )
    database.merge_market_data(prices, days(*SESSIONS), "new")
    corrected = prices.assign(close=prices["close"] + 0.5, high=99.0)
    database.merge_market_data(corrected[corrected["date"] == SESSIONS[0]], days(SESSIONS[0]),
                               'a "reason", and\na line')  # fmt: skip
    for weight in (0.25, 1 / 3):
        database.write_allocations("s", frame(bar("2022-06-01", "AAA", 1.0))[["date", "ticker"]]
                                   .assign(weight=weight, rebalance=True))  # fmt: skip
    order = frame(bar("2022-06-01", "AAA", 1.0))[["date", "ticker"]].assign(
        side="buy", quantity=0.1, price_estimate_aud=1.0, cost_estimate_aud=3.0, reason=""
    )
    database.write_orders("s", order, days("2022-06-01", "2022-06-02"))
    database.create_api_key("ann's", ["read", "write"])
    database.replace_holdings(date(2022, 6, 1), CASH)
    database.record_trades(pd.DataFrame(
        {"id": ["1"], "date": pd.to_datetime(["2022-06-01"]).as_unit("us"), "ticker": ["AAA"],
         "side": ["buy"], "quantity": [1.0], "price": [0.1], "currency": ["USD"], "fee": [3.0],
         "aud_per_unit": [float("nan")]}))  # fmt: skip
    day = pd.to_datetime(["2022-06-01", "2022-06-02"]).as_unit("us")
    quarantined = pd.DataFrame({"ticker": "CCC", "date": day, "row": '{"close": null}',
                                "rule": "move"})  # fmt: skip
    database.quarantine(quarantined)
    database.decide_quarantine(1, "rejected", "a typing error")
    database.record_corrections(quarantined.rename(columns={"rule": "reason"}))
    failed = pd.DataFrame({"ticker": ["DDD"], "session": day[:1], "error_class": ["TIMEOUT"],
                           "message": ["30 s, no answer"]})  # fmt: skip
    database.record_failures(failed, date(2022, 6, 1), date(2022, 6, 1), [], "fetch")
    database.accept_session(date(2022, 6, 1), "XASX", "there is none")
    lists = pd.DataFrame({"session": day[:1], "universe": ["SAMPLE"], "source": ["bundled"],
                          "as_of": day[:1], "point_in_time": [False], "members": [25]})  # fmt: skip
    database.record_universe_lists(lists, days("2022-06-01"), ["SAMPLE"])
    database.record_healing(date(2022, 6, 1), date(2022, 6, 2), "why", NOON)


def rows_of(database: Database, tables: list[str]) -> dict[str, list[object]]:
    """Every row, every column, every digit."""
    with database.transaction("look") as connection:
        return {
            table: connection.scalars(
                text(f"SELECT t::text FROM {table} AS t ORDER BY t::text")
            ).all()
            for table in tables
        }


def at(url: str) -> Database:
    return Database(DatabaseUrl.parse(url))


@pytest.fixture(scope="module")
def filled(postgres_server):
    with empty_database(postgres_server) as url:
        database = at(url)
        fill(database)
        yield database
        database.close()


@pytest.fixture(scope="module")
def place(filled, tmp_path_factory) -> Path:
    """A folder with a dump of ``filled``."""
    folder = tmp_path_factory.mktemp("backups")
    filled.write_dump(dumps_in(folder).new(NOON))
    return folder


def dumps_in(folder: Path) -> Dumps:
    return Dumps(FileStore(folder, "PARAKEET_BACKUPS"))


def restore(database: Database, folder: Path) -> Manifest:
    dump, manifest = dumps_in(folder).find()
    database.restore(dump, manifest)
    return manifest


def refusal(database: Database, folder: Path) -> str:
    with pytest.raises((BackupError, SchemaVersionError)) as refused:
        restore(database, folder)
    assert "\n" not in refused.value.message
    return refused.value.message


def test_every_table_is_dumped_or_follows_from_what_is(filled):
    with filled.transaction("look") as connection:
        tables = set(connection.scalars(text(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))  # fmt: skip

    assert tables == TABLES.keys() | LEFT_OUT


class TestRestore:
    def test_every_row_comes_back_as_it_was(self, filled, place, database):
        restore(database, place)
        tables = [name for name in TABLES if name != "bars_known_since"]
        before = rows_of(filled, tables)

        assert all(before.values()), [name for name, rows in before.items() if not rows]
        assert rows_of(database, tables) == before

    def test_the_moments_of_bars_wait_for_them(self, filled, place, database):
        restore(database, place)
        with database.transaction("look") as connection:
            waiting = connection.execute(text(
                "SELECT date::text, known_since, tickers FROM bars_known_since ORDER BY date"
            )).all()  # fmt: skip
        with filled.transaction("look") as connection:
            known = connection.execute(text(
                "SELECT date::text, created_at, array_agg(ticker ORDER BY ticker) FROM market_data"
                " GROUP BY date, created_at ORDER BY date"
            )).all()  # fmt: skip

        assert waiting == known
        assert [tickers for _, _, tickers in waiting] == [["AAA"], ["AAA", "BBB"], ["AAA"]]

    def test_what_comes_next_gets_the_next_id(self, place, database):
        restore(database, place)
        database.accept_session(date(2022, 6, 2), "XASX", "there is none")
        with database.transaction("look") as connection:
            ids = connection.scalars(text("SELECT id FROM session_acceptances ORDER BY id")).all()

        assert ids == [1, 2]

    def test_a_database_that_was_set_up_but_has_no_rows_is_empty(self, place, database):
        database.apply_schema()

        assert restore(database, place).rows > len(TABLES)
        assert len(database.whole_quarantine()) == 2

    @pytest.mark.parametrize("table", ["market_data", "trades"])
    def test_a_database_with_rows_is_refused(self, table, place, database):
        if table == "trades":
            restore(database, place)
            with database.transaction("empty") as connection:
                others = ", ".join(TABLES.keys() - {"trades"})
                connection.execute(text(f"TRUNCATE {others}"))
        else:
            database.merge_market_data(frame(bar("2022-06-01", "A", 1.0)), days("2022-06-01"), "")

        assert refusal(database, place).endswith(
            f") is not empty, {table} has rows: restore a dump into an empty database"
        )

    def test_a_dump_of_an_older_parakeet_is_brought_up_to_date(self, place, database, monkeypatch):
        """What a later file does to rows it does to those of the dump."""
        later = Migration("900_later.sql", "UPDATE trades SET fee = fee + 1")
        known = (*all_migrations(), later)
        monkeypatch.setattr(migrations, "all_migrations", lambda: known)
        restore(database, place)

        assert database.trades()["fee"].tolist() == [4.0]
        assert database.schema_state().newest == "900_later.sql"

    def test_nor_into_a_database_that_was_set_up_by_a_newer_one(self, place, database, monkeypatch):
        known = (*all_migrations(), Migration("900_later.sql", "SELECT 1"))
        monkeypatch.setattr(migrations, "all_migrations", lambda: known)
        database.apply_schema()

        assert refusal(database, place).endswith(": restore it into a database that was never used")

    def test_a_dump_of_a_newer_parakeet_is_refused(self, place, database, monkeypatch):
        known = all_migrations()[:-1]
        monkeypatch.setattr(migrations, "all_migrations", lambda: known)

        assert refusal(database, place) == (
            f"the dump {place}/20220605T120000Z has the schema of a newer Parakeet"
            f" ({all_migrations()[-1].name}): update Parakeet; a schema does not go back"
        )
        assert database.schema_state().is_empty


class TestADamagedDump:
    @pytest.fixture
    def copied(self, place, tmp_path) -> Path:
        source = FileStore(place)
        target = FileStore(tmp_path / "copied")
        for path in source.paths("20220605T120000Z"):
            target.write(path, source.read(path))
        return tmp_path / "copied"

    def test_without_its_manifest_it_is_none(self, copied, database):
        (copied / "20220605T120000Z" / "manifest.json").unlink()

        assert refusal(database, copied) == (
            f"there is no complete dump at {copied}: name a place that has one"
        )

    @pytest.mark.parametrize("file", ["trades-000.csv.zst", "universe_lists-000.csv.zst"])
    def test_a_file_that_is_gone_or_changed_is_named_and_nothing_is_restored(
        self, file, copied, database
    ):
        target = copied / "20220605T120000Z" / file
        packed = bytearray(target.read_bytes())
        packed[-1] ^= 1
        target.write_bytes(packed)

        assert refusal(database, copied) == (
            f"{target} is not what was written: restore another dump"
        )
        target.unlink()
        assert refusal(database, copied) == f"{target} is missing: restore another dump"
        assert database.schema_state().is_empty

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("half", "is not the manifest of a dump: choose another"),
            ('{"format": 1, "tables": []}', "is not the manifest of a dump: choose another"),
            ('{"format": 2}', "is of a format that a newer Parakeet reads: update it"),
        ],
    )
    def test_a_manifest_that_is_none_is_refused(self, content, message, copied, database):
        (copied / "20220605T120000Z" / "manifest.json").write_text(content)

        assert refusal(database, copied).endswith(f"manifest.json {message}")


class TestDump:
    def test_it_is_of_one_moment(self, database, tmp_path, monkeypatch):
        """What is written while it is made is in none of its tables."""
        database.write_allocations("s", frame(bar("2022-06-01", "AAA", 1.0))[["date", "ticker"]]
                                   .assign(weight=0.5, rebalance=True))  # fmt: skip
        plain = dumps.Dump._write_table

        def meanwhile(dump, connection, name):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(fill_once, database, name).result()
            return plain(dump, connection, name)

        monkeypatch.setattr(dumps.Dump, "_write_table", meanwhile)
        manifest = database.write_dump(dumps_in(tmp_path).new(NOON))

        assert manifest.tables["allocations"].rows == 1
        assert manifest.tables["trades"].rows == 0
        assert len(database.trades()) == 1

    def test_the_manifest_says_what_it_is_and_no_secret(self, place):
        content = (place / "20220605T120000Z" / "manifest.json").read_text()
        manifest = Manifest.from_json(content.encode(), "here")
        plain = json.loads(content)

        assert set(plain) == {"format", "made_at", "migrations", "tables"}
        assert manifest.migrations == {one.name: one.checksum for one in all_migrations()}
        assert manifest.tables["allocations"].rows == 2
        assert manifest.tables["order_versions"].rows == 2
        assert manifest.rows == sum(table.rows for table in manifest.tables.values())
        assert manifest.size == sum(file.stat().st_size for file in place.rglob("*.zst"))

    def test_a_large_table_is_several_files_that_each_are_a_table(
        self, filled, tmp_path, database, monkeypatch
    ):
        monkeypatch.setattr(dumps, "PART_BYTES", 1)
        manifest = filled.write_dump(dumps_in(tmp_path).new(NOON))

        parts = manifest.tables["market_data_quarantine"].parts
        assert [(part.path, part.rows) for part in parts] == [
            ("market_data_quarantine-000.csv.zst", 1),
            ("market_data_quarantine-001.csv.zst", 1),
        ]
        first = tmp_path / "20220605T120000Z" / parts[0].path
        with pa.input_stream(str(first), compression="zstd") as stream:
            assert csv.read_csv(stream)["ticker"].to_pylist() == ["CCC"]
        restore(database, tmp_path)
        tables = [name for name in TABLES if name != "bars_known_since"]
        assert rows_of(database, tables) == rows_of(filled, tables)

    def test_a_dump_between_a_restore_and_the_bars_loses_no_moment(
        self, filled, place, database, tmp_path
    ):
        restore(database, place)
        again = database.write_dump(dumps_in(tmp_path).new(NOON))

        _, first = dumps_in(place).find()
        assert again.tables["bars_known_since"] == first.tables["bars_known_since"]


def fill_once(database: Database, name: str) -> None:
    if name == "allocations":
        database.write_allocations("late", frame(bar("2022-06-01", "AAA", 1.0))[["date", "ticker"]]
                                   .assign(weight=0.5, rebalance=True))  # fmt: skip
        database.record_trades(pd.DataFrame(
            {"id": ["1"], "date": pd.to_datetime(["2022-06-01"]).as_unit("us"), "ticker": ["AAA"],
             "side": ["buy"], "quantity": [1.0], "price": [0.1], "currency": ["USD"], "fee": [3.0],
             "aud_per_unit": [1.5]}))  # fmt: skip


class TestPrune:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        manifest = Manifest(NOON, {}, {}).to_json().decode()
        for day in (1, 2, 3, 4):
            dump = tmp_path / f"202206{day:02}T120000Z"
            dump.mkdir()
            (dump / "trades-000.csv.zst").write_text("rows")
            if day != 2:
                (dump / "manifest.json").write_text(manifest)
        (tmp_path / "20220605T110000Z").mkdir()
        (tmp_path / "mine").mkdir()
        return tmp_path

    def test_the_newest_stay_and_what_is_no_dump_of_ours(self, folder):
        gone = dumps_in(folder).prune(2, NOON)

        assert gone == ["20220601T120000Z", "20220602T120000Z"]
        assert sorted(one.name for one in folder.iterdir()) == [
            "20220603T120000Z", "20220604T120000Z", "20220605T110000Z", "mine",
        ]  # fmt: skip

    def test_one_that_is_being_made_is_left_alone(self, folder):
        early = NOON - timedelta(days=3)

        assert dumps_in(folder).prune(9, early) == []

    def test_the_newest_complete_one_is_found(self, folder):
        dump, _ = dumps_in(folder).find()

        assert dump.url == f"{folder}/20220604T120000Z"

    def test_a_dump_itself_is_found(self, folder):
        dump, _ = dumps_in(folder / "20220603T120000Z").find()

        assert dump.url == f"{folder}/20220603T120000Z"
