"""What is lost when a part is lost, and that each way back of docs/operations.md leads there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import boto3
import dagster as dg
import pandas as pd
import psycopg2
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from parakeet_dagster import runs
from parakeet_dagster.backfill import Progress, dependencies
from parakeet_dagster.backup_schedule import DAILY, BackupConfig, backup
from parakeet_dagster.connect import open_database
from parakeet_dagster.definitions import build_definitions, defs
from parakeet_dagster.places import open_lake
from parakeet_dagster.price_sources import sample
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.dumps import TABLES
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.aws import aws, aws_server  # noqa: F401 - fixtures
from parakeet_dagster_tests.command_line import parakeet
from parakeet_dagster_tests.graph import bytes_of
from parakeet_dagster_tests.storage.postgres import empty_database

WANTED = ("2022-06-18", "2022-06-22")
FIRST, LAST = "2022-05-18", "2022-06-22"
"""With what the strategy needs before."""

LOST = "2022-06-21"
STRATEGY = "equal_weight"
COMPLETE = "Nothing to do: every session is complete."
PASSWORD = "s3cret-word"
COUNTERS = "id|created_at|updated_at|known_at|known_since|taken_at"


@pytest.fixture(scope="module")
def made(postgres_server: EmbeddedPostgres) -> Iterator[tuple[Path, str]]:
    """A home after a short back-fill, and the URL of its database, with what a person entered."""
    with (
        tempfile.TemporaryDirectory(prefix="parakeet-") as directory,
        empty_database(postgres_server) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        home = Path(directory) / "home"
        patch.setenv("PARAKEET_HOME", str(home))
        patch.setenv("NEON_DATABASE_URL", url)
        patch.setenv("PARAKEET_STRATEGIES", STRATEGY)
        patch.setattr(runs, "run_reports", no_reports)
        done = parakeet("backfill", *WANTED)
        assert done.code == 0, done.err
        enter(at(url))
        yield home, url


def no_reports(*_: object) -> None:
    """They take half of the time, and are made from the lake whenever they are asked for."""


def enter(database: Database) -> None:
    """What only a person knows, and what is known of the past only."""
    database.accept_session(date(2022, 6, 20), "XNYS", "the market was closed")
    trade = {"id": ["7"], "date": pd.to_datetime(["2022-06-21"]).as_unit("us"), "ticker": ["KO"],
             "side": ["buy"], "quantity": [3.0], "price": [60.5], "currency": ["USD"], "fee": [3.0],
             "aud_per_unit": [float("nan")]}  # fmt: skip
    database.record_trades(pd.DataFrame(trade))
    newest = database.read_allocations(STRATEGY).rename(columns={"session": "date"})
    older = newest.assign(weight=newest["weight"] / 2)
    for version in (older, newest):
        database.write_allocations(STRATEGY, version)
    database.close()


@pytest.fixture
def world(made, postgres_server, tmp_path, monkeypatch) -> Iterator[Path]:
    """A home like that, with a database like that, to lose parts of."""
    home, url = made
    shutil.copytree(home, tmp_path / "home")
    name = f"copy_{tmp_path.name}"
    template = DatabaseUrl.parse(url).database
    with closing(psycopg2.connect(postgres_server.start())) as administrator:
        administrator.autocommit = True
        with administrator.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [template],
            )
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}')
            monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
            monkeypatch.setenv("PARAKEET_STRATEGIES", STRATEGY)
            monkeypatch.setattr(runs, "run_reports", no_reports)
            monkeypatch.setenv("NEON_DATABASE_URL", url.replace(template, name))
            try:
                yield tmp_path / "home"
            finally:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home in which nothing is."""
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def at(url: str) -> Database:
    return Database(DatabaseUrl.parse(url))


def say(*command: str) -> list[str]:
    """What a command that works tells a person."""
    done = parakeet(*command)
    assert done.code == 0, done.err
    return [*done.out.splitlines(), *done.err.splitlines()]


def assert_nothing_is_to_do() -> None:
    assert say("backfill", *WANTED)[-1] == COMPLETE


def missing() -> set[tuple[str, int]]:
    rows = parakeet("status", "--json").objects
    return {(row["asset"], row["missing"]) for row in rows if row["missing"]}


def rows_of(url: str, tables: tuple[str, ...]) -> dict[str, list[str]]:
    """Every row, every column."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1")
            found[table] = [row for (row,) in cursor.fetchall()]
        return found


def timeless(url: str, tables: tuple[str, ...]) -> dict[str, list[str]]:
    """The same without ids and the moments at which something was written."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(
                f"SELECT (to_jsonb(t) - string_to_array('{COUNTERS}', '|'))::text"
                f" FROM {table} AS t ORDER BY 1"
            )
            found[table] = [row for (row,) in cursor.fetchall()]
        return found


class TestAPartition:
    def test_of_prices_comes_from_the_source(self, world):
        before = bytes_of(world / "lake")
        shutil.rmtree(world / f"lake/raw_prices/session={LOST}")
        assert missing() == {("raw_prices", 1)}

        say("backfill", LOST, LOST)

        assert bytes_of(world / "lake") == before
        assert_nothing_is_to_do()

    def test_of_prices_comes_from_the_database_where_no_source_has_it(self, world):
        before = bytes_of(world / "lake")
        shutil.rmtree(world / f"lake/raw_prices/session={LOST}")

        assert say("db", "refill", *WANTED) == [f"Wrote raw_prices of {LOST}"]

        assert bytes_of(world / "lake") == before
        assert_nothing_is_to_do()
        assert say("db", "refill", *WANTED) == [
            "Nothing to do: the lake has every session of these that the database has."
        ]

    def test_of_what_is_computed_is_computed_again(self, world):
        before = bytes_of(world / "lake")
        for asset in ("ticker_universe", "daily_returns", f"allocations/{STRATEGY}"):
            shutil.rmtree(world / f"lake/{asset}/session={LOST}")

        say("backfill", LOST, LOST)

        assert bytes_of(world / "lake") == before
        assert_nothing_is_to_do()


class TestTheLake:
    def test_comes_from_the_source_and_the_database_stays_as_it_is(self, world):
        url = load_settings().database_url.get_secret_value()
        files, rows = partitions(world), rows_of(url, ("market_data", *TABLES))
        shutil.rmtree(world / "lake")

        say("backfill", *WANTED)

        assert partitions(world) == files
        again = rows_of(url, ("market_data", *TABLES))
        # Which list the members were taken from is recorded once more, word for word.
        for table in rows.keys() - {"universe_lists"}:
            assert again[table] == rows[table], table

    def test_what_the_source_no_longer_has_stays_as_the_database_has_it(self, world, monkeypatch):
        files = partitions(world)
        shutil.rmtree(world / "lake")
        left = sample.sample_closes().drop(columns="KO")
        monkeypatch.setattr(sample, "sample_closes", lambda: left)

        say("db", "refill", FIRST, LAST)
        say("backfill", *WANTED)

        assert partitions(world) == files


def partitions(home: Path) -> dict[str, bytes]:
    """The lake without the reports."""
    return {path: one for path, one in bytes_of(home / "lake").items() if "session=" in path}


FROM_LAKE = ("market_data", "corporate_actions", "orders", "order_versions")


class TestTheDatabase:
    def test_with_a_dump_all_of_it_comes_back(self, world, database_url, monkeypatch):
        old = load_settings().database_url.get_secret_value()
        say("db", "dump")
        rows = rows_of(old, tuple(TABLES))
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)

        restored = say("db", "restore", str(world / "backups"))
        rebuilt = say("db", "rebuild")

        assert restored[0].startswith("Restored ")
        assert rebuilt[0] == "Wrote 600 bars, 0 allocations and the orders of 0 sessions"
        assert rebuilt[1] == "600 bars known since the moment that the dump tells"
        assert rows_of(database_url, tuple(TABLES)) == rows
        assert timeless(database_url, ("market_data",)) == timeless(old, ("market_data",))
        assert known_since(database_url) == known_since(old)
        assert_nothing_is_to_do()

    def test_without_one_what_the_lake_holds_comes_back(self, world, database_url, monkeypatch):
        old = load_settings().database_url.get_secret_value()
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)

        said = say("db", "rebuild")

        assert said[-1].startswith("What the lake does not hold comes from a dump only")
        assert timeless(database_url, FROM_LAKE) == timeless(old, FROM_LAKE)
        with at(database_url).transaction("look") as new, at(old).transaction("look") as known:
            latest = text("SELECT session, ticker, weight FROM allocations_latest ORDER BY 1, 2")
            assert new.execute(latest).all() == known.execute(latest).all()
        assert_nothing_is_to_do()
        assert at(database_url).trades().empty

    def test_what_came_after_the_dump_comes_from_the_lake(self, world, database_url, monkeypatch):
        old = load_settings().database_url.get_secret_value()
        say("db", "dump")
        say("backfill", "2022-06-23", "2022-06-23")
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)

        say("db", "restore", str(world / "backups"))
        say("db", "rebuild")

        assert timeless(database_url, FROM_LAKE) == timeless(old, FROM_LAKE)
        assert say("backfill", "2022-06-18", "2022-06-23")[-1] == COMPLETE


def known_since(url: str) -> list[tuple[object, ...]]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT ticker, date, created_at FROM market_data ORDER BY 1, 2")
        return cursor.fetchall()


class TestDagstersStorage:
    def test_without_it_everything_counts_as_missing_until_it_is_told(self, world):
        files = partitions(world)
        shutil.rmtree(world / "dagster")
        assert len(missing()) == 8
        assert parakeet("status").err == (
            "The lake holds 26 sessions and Dagster has none on record: if its storage was lost,"
            " run parakeet adopt first, or all of them are asked for again\n"
        )

        said = say("adopt")

        recorded = dict(line.split()[:2] for line in said)
        assert len(recorded) == 8
        assert {recorded[name] for name in recorded.keys() - {"fx_rates"}} == {"26"}
        assert missing() == set()
        assert parakeet("status").err == ""
        assert_nothing_is_to_do()
        assert partitions(world) == files
        assert say("adopt") == ["Nothing to do: all that is stored is on record."]

    def test_what_is_missing_is_not_said_to_be_there(self, world):
        shutil.rmtree(world / "dagster")
        shutil.rmtree(world / f"lake/daily_returns/session={LOST}")
        say("adopt")

        assert missing() == {("daily_returns", 1)}
        say("backfill", *WANTED)
        assert_nothing_is_to_do()


class TestTheLaptop:
    def test_a_new_one_goes_on_with_a_lake_and_a_database_elsewhere(
        self, world, tmp_path, monkeypatch
    ):
        shutil.move(world / "lake", tmp_path / "elsewhere")
        monkeypatch.setenv("PARAKEET_LAKE", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "new"))
        say("adopt")

        assert COMPLETE in say("backfill", *WANTED)
        assert missing() == set()


@pytest.fixture
def bucket(aws) -> str:
    return str(aws.bucket())


class TestOnS3:
    def test_a_dump_is_restored_and_older_ones_are_removed(
        self, aws, bucket, world, database_url, monkeypatch
    ):
        old = load_settings().database_url.get_secret_value()
        monkeypatch.setenv("PARAKEET_LAKE", f"s3://{bucket}/lake")
        place = f"s3://{bucket}/backups"
        store = boto3.resource("s3", endpoint_url=aws.endpoint).Bucket(bucket)
        for name in ("20200101T050000Z", "20200102T050000Z"):
            store.put_object(Key=f"backups/{name}/manifest.json", Body=b"{}")
            store.put_object(Key=f"backups/{name}/trades-000.csv.zst", Body=b"rows")

        said = say("db", "dump", "--keep", "2")

        assert said[-1] == "Removed 20200101T050000Z"
        names = {one.key.split("/")[1] for one in store.objects.filter(Prefix="backups/")}
        assert len(names) == 2
        assert "20200101T050000Z" not in names
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)
        assert say("db", "restore", place)[0].endswith(f": {place}/{max(names)}")
        assert rows_of(database_url, ("trades",)) == rows_of(old, ("trades",))

    def test_a_place_without_a_dump_is_one_line(self, bucket, home):
        place = f"s3://{bucket}/none"

        assert parakeet("db", "restore", place).is_one_line(
            f"there is no complete dump at {place}: name a place that has one"
        )


class TestTheJob:
    def test_it_writes_a_dump_and_shows_what_it_is(self, world, monkeypatch):
        url = load_settings().database_url.get_secret_value()
        secret = url.replace("postgres@", f"postgres:{PASSWORD}@")
        monkeypatch.setenv("NEON_DATABASE_URL", secret)
        with dg.DagsterInstance.ephemeral() as instance:
            result = backup.execute_in_process(instance=instance)
            logged = "\n".join(
                str(record.event_log_entry) for record in instance.get_records_for_run(
                    result.run_id).records
            )  # fmt: skip

        (event,) = (one for one in result.all_events if one.is_successful_output)
        shown = {name: it.value for name, it in event.step_output_data.metadata.items()}
        (dump,) = (world / "backups").iterdir()
        assert shown["path"] == str(dump)
        assert shown["rows"] > 100
        assert shown["bytes"] == sum(one.stat().st_size for one in dump.glob("*.zst"))
        assert PASSWORD not in logged + (dump / "manifest.json").read_text()

    @pytest.mark.parametrize("keep", [0, -1])
    def test_it_does_not_remove_what_it_has_made(self, keep):
        with pytest.raises(ValidationError, match="greater than or equal to 1"):
            BackupConfig(keep=keep)

    def test_it_is_started_with_the_others(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "yahoo")
        for schedules, status in (("running", "RUNNING"), ("stopped", "STOPPED")):
            monkeypatch.setenv("PARAKEET_SCHEDULES", schedules)
            settings = load_settings()
            schedule = build_definitions(settings, {}).resolve_schedule_def("backup_schedule")
            assert schedule.default_status.value == status
            assert schedule.cron_schedule == DAILY


class TestTheCommands:
    def test_versions_before_and_after_a_migration(self, world):
        (row,) = parakeet("db", "version", "--json").objects
        assert row["database"] == row["parakeet"]
        assert row["to_apply"] == 0

        with open_database(load_settings()).transaction("go back") as connection:
            connection.execute(text("DELETE FROM schema_migrations WHERE name = :newest"),
                               {"newest": row["parakeet"]})  # fmt: skip
        (older,) = parakeet("db", "version", "--json").objects
        assert older["to_apply"] == 1
        refused = parakeet("status")
        assert refused.code == 1
        assert "run parakeet db migrate" in refused.err
        assert say("db", "migrate")[0] == f"Applied sql/{row['parakeet']}"
        assert say("db", "migrate")[0].startswith(f"The schema is at {row['parakeet']}: ")

    def test_a_database_with_rows_is_not_restored(self, world):
        say("db", "dump")
        refused = parakeet("db", "restore", str(world / "backups"))

        assert refused.code == 1
        assert "is not empty, allocations has rows" in refused.err

    @pytest.mark.parametrize(
        ("lake", "place"),
        [
            ("{0}/lake", "{0}/lake/backups"),
            ("{0}/lake", "{0}/lake"),
            ("s3://mine/lake", "s3://mine/lake/x"),
            ("s3://mine/backups", ""),
            ("s3://mine", "s3://mine"),
        ],
    )
    def test_dumps_do_not_go_into_the_lake(self, lake, place, home, monkeypatch):
        lake, place = lake.format(home), place.format(home)
        monkeypatch.setenv("PARAKEET_LAKE", lake)
        monkeypatch.setenv("PARAKEET_BACKUPS", place)

        assert parakeet("db", "dump").is_one_line(
            f"PARAKEET_BACKUPS={place or lake}: inside the lake {lake}, whose folders are tables;"
            " choose a place beside it"
        )

    @pytest.mark.parametrize(
        ("lake", "place"),
        [("", "{0}/backups"), ("s3://mine/a/lake", "s3://mine/backups"),
         ("s3://mine", "s3://mine/backups")],
    )  # fmt: skip
    def test_where_they_go(self, lake, place, home, monkeypatch):
        monkeypatch.setenv("PARAKEET_LAKE", lake)

        assert load_settings().backups_url == place.format(home)

    def test_a_place_of_another_kind_is_refused(self, home, monkeypatch):
        assert parakeet("db", "dump", "--to", "ftp://x").is_one_line(
            "ftp://x: accepted is a directory, or s3://bucket/prefix"
        )
        monkeypatch.setenv("PARAKEET_BACKUPS", "ftp://x")
        assert parakeet("db", "dump").is_one_line(
            "PARAKEET_BACKUPS=ftp://x: accepted is a directory, or s3://bucket/prefix"
        )


def test_progress_of_a_new_instance_is_nothing(world):
    """Why ``adopt`` is needed: what is not on record is brought in again."""
    settings = load_settings()
    with dg.DagsterInstance.ephemeral() as instance:
        assets = dependencies(defs.resolve_asset_graph())
        lake, database = open_lake(settings.lake_url), open_database(settings)
        progress = Progress(assets, instance, lake, database)
        assert not any(progress.is_brought_in(key) for key in progress.history)
