"""Others at work at the same time, and things that break: nothing lost, nothing doubled, one line.

The large versions are in ``benchmarks/chaos.py``.
"""

import asyncio
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import boto3
import dagster as dg
import pandas as pd
import pytest
from sqlalchemy import text

from benchmarks.faulty_s3 import FAULTS, Fault, FaultyS3
from parakeet_dagster import sessions as calendar
from parakeet_dagster.connect import open_database
from parakeet_dagster.errors import LakeError
from parakeet_dagster.places import open_lake
from parakeet_dagster.price_sources.sample import SampleSource
from parakeet_dagster.resources import market
from parakeet_dagster.resources.turns import places
from parakeet_dagster.s3 import LakeS3Resource
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster.storage.stores import S3Store
from parakeet_dagster.storage.turns import EVERYTHING
from parakeet_dagster_tests.graph import Graph, bytes_of, checks_of, failures
from parakeet_dagster_tests.graph import graph as graph
from parakeet_dagster_tests.moto_server import moto_server
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of
from parakeet_dagster_tests.storage.postgres import empty_database
from strategy.catalog import CATALOG

SHORT = {"momentum_21": CATALOG["momentum_21"]}
FIRST, LAST = "2022-03-01", "2022-03-10"
DAYS = calendar.between(FIRST, LAST)
CORRECTED = ("KO", pd.Timestamp("2022-03-04"), 1.01)
PATIENCE = 60.0


class Correcting(SampleSource):
    """A vendor that has changed its mind about one close."""

    def fetch(self, *arguments, **options):
        answer = super().fetch(*arguments, **options)
        ticker, day, factor = CORRECTED
        bars = answer.bars.copy()
        wrong = (bars["ticker"] == ticker) & (bars["date"] == day)
        bars.loc[wrong, ["open", "high", "low", "close"]] *= factor
        return replace(answer, bars=bars)


@pytest.fixture
def few_tickers(tmp_path, monkeypatch):
    header = "ticker,name,market,currency,asset_class"
    rows = [f"{name},{name},XNYS,USD,equity" for name in ("AAPL", "GE", "JNJ", "KO", "MSFT", "XOM")]
    (tmp_path / "mine.csv").write_text("\n".join([header, *rows]))
    monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(tmp_path / "mine.csv"))
    monkeypatch.setenv("PARAKEET_FIRST_SESSION", FIRST)


class TestTwoRunsOverTheSameSessions:
    """The table was merged from prices that a run remembered, and that the other had replaced."""

    @pytest.fixture
    def other(self, graph, few_tickers) -> Iterator[Graph]:
        """Another machine with an instance of its own, on the same lake and database."""
        with dg.DagsterInstance.ephemeral() as instance:
            yield Graph(graph.home, instance, SHORT)

    def test_a_correction_that_one_of_them_saw_is_everywhere_or_nowhere(
        self, graph, other, monkeypatch, postgres_server
    ):
        """The other comes when the first has written its prices to the lake, not to the table."""
        of_other = threading.local()
        monkeypatch.setattr(
            market,
            "open_price_source",
            lambda _: Correcting() if getattr(of_other, "here", False) else SampleSource(),
        )
        reached = threading.Event()
        over = threading.Event()
        merge = Database.merge_market_data

        def merge_later(self, *arguments):
            if not getattr(of_other, "here", False):
                reached.set()
                while not (over.wait(0.05) or someone_waits(self)):
                    pass
            return merge(self, *arguments)

        monkeypatch.setattr(Database, "merge_market_data", merge_later)

        def come_between() -> dg.ExecuteInProcessResult:
            of_other.here = True
            assert reached.wait(PATIENCE)
            result = other.run(FIRST, LAST)
            over.set()
            return result

        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(come_between)
            first = graph.run(FIRST, LAST)
        assert failures(first) == failures(second.result()) == {}
        both_ran = [checks_of(result) for result in (first, second.result())]
        assert all(checks["market_data:equals_lake"] for checks in both_ran)

        assert_table_equals(graph)
        monkeypatch.setattr(Database, "merge_market_data", merge)
        left = of_sessions(graph.home)
        with empty_database(postgres_server) as url, dg.DagsterInstance.ephemeral() as instance:
            monkeypatch.setenv("NEON_DATABASE_URL", url)
            monkeypatch.setenv("PARAKEET_HOME", str(graph.home.parent / "undisturbed"))
            monkeypatch.setattr(market, "open_price_source", lambda _: Correcting())
            undisturbed = Graph(graph.home.parent / "undisturbed", instance, SHORT)
            assert undisturbed.run(FIRST, LAST).success
            assert left == of_sessions(undisturbed.home)

    def test_the_check_reads_the_lake_and_not_what_the_run_remembers(
        self, graph, few_tickers, monkeypatch
    ):
        """A file that was replaced by someone who takes no turns."""
        merge = Database.merge_market_data

        def merge_and_replace(self, *arguments):
            counts = merge(self, *arguments)
            lake = graph.lake
            frame = lake.read("raw_prices", DAYS[:1])
            lake.write("raw_prices", frame.assign(close=frame["close"] * 1.01), DAYS[:1])
            return counts

        monkeypatch.setattr(Database, "merge_market_data", merge_and_replace)
        assert not checks_of(graph.run(FIRST, LAST))["market_data:equals_lake"]


def test_a_run_that_lost_its_turn_writes_nothing_more(graph, few_tickers, monkeypatch):
    merge = Database.merge_market_data

    def merge_and_lose(self, *arguments):
        with self.transaction("end the turn") as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'run %%' AND datname = current_database()"
            )
        return merge(self, *arguments)

    monkeypatch.setattr(Database, "merge_market_data", merge_and_lose)
    failed = failures(graph.run(FIRST, LAST))
    assert failed
    lost = "the connection to the database was lost that kept other runs from writing the same"
    assert all(lost in line for line in failed.values()), failed
    assert not (graph.home / "lake" / "orders").exists()
    monkeypatch.setattr(Database, "merge_market_data", merge)
    assert graph.run(FIRST, LAST).success


def assert_table_equals(graph: Graph) -> None:
    """Lake and database hold the same bars."""
    database = open_database(load_settings())
    stored = database.market_data_checksums(*days(FIRST, LAST)).set_index("date")["checksum"]
    database.close()
    expected = lake_checksum(graph.lake.read("raw_prices", DAYS)).set_index("date")["checksum"]
    pd.testing.assert_series_equal(stored, expected)


def someone_waits(database: Database) -> bool:
    """Whether a run waits for its turn."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with database.transaction("look for who waits") as connection:
        return bool(connection.scalar(text(query)))


def of_sessions(home: Path) -> dict[str, bytes]:
    """The lake but for the reports."""
    stored = bytes_of(home / "lake")
    return {path: content for path, content in stored.items() if "/session=" in path}


def keys(*names: str) -> list[dg.AssetKey]:
    return [dg.AssetKey(name.split("/")) for name in names]


@pytest.mark.parametrize(
    ("selection", "writes", "reads"),
    [
        (None, {EVERYTHING}, set()),
        (keys("ticker_universe"), {EVERYTHING}, set()),
        (keys("raw_prices", "signals/a", "orders/a"), {EVERYTHING}, set()),
        (
            keys("signals/a", "allocations/a", "orders/b"),
            {"strategy a", "strategy b"},
            {EVERYTHING},
        ),
        (keys("performance/a"), set(), {EVERYTHING}),
        (keys("performance/a", "orders/a"), {"strategy a"}, {EVERYTHING}),
    ],
)
def test_what_a_run_keeps_others_from(selection, writes, reads):
    assert places(selection) == (writes, reads)


class TestADatabaseThatIsKilled:
    @pytest.fixture
    def server(self, monkeypatch) -> Iterator[EmbeddedPostgres]:
        """One of the test's own."""
        with tempfile.TemporaryDirectory(prefix="parakeet-") as directory:
            server = EmbeddedPostgres(Path(directory) / "postgres")
            monkeypatch.setenv("NEON_DATABASE_URL", server.start())
            yield server
            server.stop()

    def test_a_run_fails_in_one_line_and_the_same_one_mends_it(
        self, server, graph, few_tickers, monkeypatch
    ):
        monkeypatch.setenv("NEON_DATABASE_URL", server.start())
        merge = Database.merge_market_data

        def merge_into_nothing(self, *arguments):
            monkeypatch.setattr(Database, "merge_market_data", merge)
            with self.transaction("merge half") as connection:
                connection.exec_driver_sql("INSERT INTO stale_adjusted_closes VALUES ('HALF')")
                kill(server)
                return merge(self, *arguments)

        monkeypatch.setattr(Database, "merge_market_data", merge_into_nothing)
        monkeypatch.setattr(Database.__init__, "__defaults__", (0.2,))  # seconds to connect
        failed = failures(graph.run(FIRST, LAST))
        assert "market_data" in failed
        assert all("\n" not in line for line in failed.values()), failed

        server.start()
        assert graph.run(FIRST, LAST).success
        assert_table_equals(graph)
        database = open_database(load_settings())
        assert "HALF" not in database.stale_adjusted_closes()
        database.close()


def kill(server: EmbeddedPostgres) -> None:
    """``kill -9`` of the postmaster; its children follow by themselves."""
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


class TestReaders:
    """Readers see a session as it was or as it is, whole, and keep no writer waiting."""

    COUNT, VERSIONS, TICKERS = 10, 5, 50
    DAY = "2024-01-03"
    QUERY = "SELECT close FROM market_data WHERE date = '2024-01-03'"

    def merge(self, database: Database, version: int) -> None:
        tickers = [f"T{place:03}" for place in range(self.TICKERS)]
        rows = [bar(self.DAY, ticker, float(version)) for ticker in tickers]
        database.merge_market_data(bars_of(*rows), days(self.DAY), "another version")

    def test_each_reader_sees_one_version(self, database):
        self.merge(database, 1)
        is_over = threading.Event()

        def read() -> set[tuple[int, int]]:
            seen = set()
            while not is_over.is_set():
                with database.transaction("read") as connection:
                    closes = list(connection.scalars(text(self.QUERY)))
                seen.add((len(closes), len(set(closes))))
            return seen

        async def read_too() -> set[tuple[int, int]]:
            engine = database.async_engine()
            seen = set()
            try:
                while not is_over.is_set():
                    async with engine.connect() as connection:
                        closes = list(await connection.scalars(text(self.QUERY)))
                    seen.add((len(closes), len(set(closes))))
            finally:
                await engine.dispose()
            return seen

        with ThreadPoolExecutor(self.COUNT + 2) as pool:
            readers = [pool.submit(read) for _ in range(self.COUNT)]
            readers += [pool.submit(asyncio.run, read_too()) for _ in range(2)]
            for version in range(2, 2 + self.VERSIONS):
                self.merge(database, version)
            is_over.set()
        assert set().union(*(reader.result() for reader in readers)) == {(self.TICKERS, 1)}

    def test_a_slow_reader_keeps_no_writer_waiting(self, database):
        self.merge(database, 1)
        with database.transaction("read slowly") as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert set(connection.scalars(text(self.QUERY))) == {1.0}
            self.merge(database, 2)
            assert set(connection.scalars(text(self.QUERY))) == {1.0}

    def test_a_merge_waits_for_who_locked_the_table(self, database):
        self.merge(database, 1)
        with ThreadPoolExecutor(1) as pool:
            with database.transaction("lock") as connection:
                connection.exec_driver_sql("LOCK TABLE market_data IN ACCESS EXCLUSIVE MODE")
                waiting = pool.submit(self.merge, database, 2)
                with pytest.raises(TimeoutError):
                    waiting.result(timeout=0.3)
            waiting.result(timeout=PATIENCE)
        with database.transaction("read") as connection:
            assert set(connection.scalars(text(self.QUERY))) == {2.0}


class TestAnS3ThatFails:
    @pytest.fixture(scope="class")
    def s3_url(self):
        with moto_server() as url:
            yield url

    @pytest.fixture
    def bucket(self, s3_url, monkeypatch) -> str:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3", endpoint_url=s3_url).create_bucket(Bucket="chaos")
        return "chaos"

    def test_nothing_is_lost_where_a_part_of_the_requests_fails(self, s3_url, bucket, monkeypatch):
        every = calendar.between("2022-01-01", "2022-04-30")
        rows = [bar(key, "KO", float(place)) for place, key in enumerate(every, 1)]
        frame = bars_of(*rows)
        with FaultyS3(s3_url, rate=0.05, seed=3).serving() as faulty:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty.url)
            lake = open_lake(f"s3://{bucket}/lake")
            lake.write("raw_prices", frame, every)
            for _ in range(2):
                read = lake.read("raw_prices", every)
                pd.testing.assert_frame_equal(read, frame[read.columns], check_dtype=False)
            assert lake.sessions("raw_prices") == every
        assert set(faulty.injected) == set(FAULTS)
        assert faulty.attempts[2] > 0

    @pytest.mark.parametrize("operation", ["read", "write"])
    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (Fault.INTERNAL_ERROR, "(InternalError), also when asked again: S3 is in trouble"),
            (Fault.SLOW_DOWN, "(SlowDown), also when asked again: S3 is in trouble"),
            (Fault.RESET, "s3://chaos/lake cannot be reached: "),
        ],
    )
    def test_where_all_fail_it_says_so_in_one_line(
        self, fault, says, operation, s3_url, bucket, monkeypatch
    ):
        with FaultyS3(s3_url, 1.0, 1, [fault]).serving() as faulty:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty.url)
            store = S3Store(LakeS3Resource(max_attempts=2).get_client(), bucket, "lake")
            calls = {"read": lambda: store.read("x"), "write": lambda: store.write("x", b"1")}
            with pytest.raises(LakeError) as told:
                calls[operation]()
        assert says in str(told.value)
        assert "\n" not in str(told.value)
