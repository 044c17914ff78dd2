"""A back-fill that is killed or stopped, then the same command: as if nothing had happened."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.graph import bytes_of

FIRST, LAST = "2022-03-01", "2022-04-25"
SESSIONS = calendar.between(FIRST, LAST)
"""40 sessions in four runs. 18 and 25 April are among them: only the ASX was closed."""

CHUNK = 10
COMMAND = ("backfill", FIRST, LAST, "--chunk", str(CHUNK))
PATIENCE = 120.0

TABLES = {
    "market_data": ["created_at", "updated_at"],
    "allocations": ["known_at"],
    "orders": ["known_at"],
    "order_versions": ["known_at"],
    "corporate_actions": ["known_at"],
    "market_data_revisions": ["revised_at"],
    "market_data_quarantine": ["detected_at"],
    "ingest_failures": ["first_seen", "last_seen", "attempts"],
}
"""Every table that is filled, and its columns that tell of when and how often it was tried."""


@dataclass
class Place:
    """A home and a database of its own."""

    home: Path
    database_url: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``parakeet`` in a process of its own."""
        environment = {
            **os.environ,  # noqa: TID251 - PATH and the like; ours are cleared
            "PARAKEET_HOME": str(self.home),
            "NEON_DATABASE_URL": self.database_url,
            "PARAKEET_FIRST_SESSION": FIRST,
            "PARAKEET_UNIVERSE_FILE": str(self.home.parent / "mine.csv"),
        }
        program = Path(sys.executable).with_name("parakeet")
        process = subprocess.Popen(
            [program, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def stored(self, asset: str) -> int:
        """How many sessions of an asset have their file."""
        return sum(1 for _ in (self.home / "lake" / asset).glob("session=*/part-0.parquet"))

    def rows(self, table: str) -> list[str]:
        """The rows of a table but for their times, each as JSON, sorted."""
        query = f"SELECT (to_jsonb(t) - %s)::text FROM {table} AS t ORDER BY 1"
        with closing(psycopg2.connect(self.database_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(query, [TABLES[table]])
            return [row for (row,) in cursor.fetchall()]

    def how_runs_ended(self) -> set[str]:
        """The states of the runs on record."""
        return {status for (status,) in self._recorded("runs.db", "SELECT status FROM runs")}

    def places_in_pools(self) -> int:
        """How many are taken."""
        query = "SELECT count(run_id) FROM concurrency_slots"
        return int(self._recorded("runs/index.db", query)[0][0])

    def _recorded(self, file: str, query: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.home / "dagster" / "history" / file)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def places(tmp_path: Path, postgres_server: EmbeddedPostgres) -> Iterator[tuple[Place, Place]]:
    """One to be left alone, one to be killed; a list of their own with a ticker that fails."""
    tickers = ["AAPL", "GE", "JNJ", "KO", "MSFT", "PG", "WMT", "XOM", "NOPE"]
    rows = [f"{ticker},{ticker},XNYS,USD,equity" for ticker in tickers]
    header = "ticker,name,market,currency,asset_class"
    url = postgres_server.start()
    with closing(psycopg2.connect(url)) as administrator:
        administrator.autocommit = True
        cursor = administrator.cursor()
        found = []
        for name in ("undisturbed", "killed"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "mine.csv").write_text("\n".join([header, *rows]))
            cursor.execute(f"CREATE DATABASE {name}")
            of_its_own = url.replace("/parakeet?", f"/{name}?")
            found.append(Place(tmp_path / name / "home", of_its_own))
        yield found[0], found[1]
        for process in (*found[0].started, *found[1].started):
            process.kill()
            process.communicate()
        for name in ("undisturbed", "killed"):
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_until(is_time: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look, while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not is_time():
        assert process.poll() is None, f"it ended by itself: {process.communicate()[1]}"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def kill_when(is_time: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """``kill -9`` as soon as the condition holds."""
    wait_until(is_time, process)
    process.kill()
    assert process.wait() == -9


def stop_when(is_time: Callable[[], bool], process: subprocess.Popen[str], *signals: int) -> str:
    """Ask it to stop as soon as the condition holds; returns the last that it said."""
    wait_until(is_time, process)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.02)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signals[0], said
    assert "Traceback" not in said
    assert all(line.isprintable() for line in said.splitlines()), said
    return said.splitlines()[-1]


def stopped(done: int, total: int) -> str:
    """What is said in the end."""
    return f"Stopped: {done} of {total} sessions are complete; the same command goes on there."


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Wait for success; returns what it said."""
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    return said.splitlines()


def test_the_end_state_equals_that_of_an_undisturbed_run(places):
    undisturbed, killed = places
    alone = undisturbed.start(*COMMAND)
    for asset, count in [
        ("raw_prices", 5),
        ("daily_returns", CHUNK + 5),
        ("holdings/dual_momentum", 2 * CHUNK + 5),
    ]:
        process = killed.start(*COMMAND)
        kill_when(lambda: killed.stored(asset) >= count, process)  # noqa: B023 - called at once
        assert killed.stored("orders/dual_momentum") < len(SESSIONS)
    rest = len(SESSIONS) - 3 * CHUNK
    process = killed.start(*COMMAND)
    in_the_fourth = stop_when(
        lambda: killed.stored("raw_prices") > 3 * CHUNK, process, signal.SIGINT, signal.SIGINT
    )
    assert in_the_fourth == stopped(CHUNK, CHUNK + rest)
    assert killed.how_runs_ended() == {"SUCCESS", "FAILURE", "CANCELED"}
    assert killed.places_in_pools() == 0
    process = killed.start(*COMMAND)
    in_the_fourth = stop_when(
        lambda: killed.stored("signals/dual_momentum") > 3 * CHUNK, process, signal.SIGTERM
    )
    assert in_the_fourth == stopped(0, rest)
    torn = f"lake/orders/dual_momentum/session={LAST}/.part-0.parquet.{process.pid}.tmp"
    (killed.home / torn).parent.mkdir(parents=True, exist_ok=True)
    (killed.home / torn).write_bytes(b"half a fi")

    assert f"Done: {rest} sessions, {SESSIONS[-rest]} to {LAST}" in finish(killed.start(*COMMAND))
    assert f"Done: {len(SESSIONS)} sessions, {FIRST} to {LAST}" in finish(alone)

    expected = bytes_of(undisturbed.home / "lake")
    assert bytes_of(killed.home / "lake") == expected
    assert sum("/session=" in path for path in expected) == 12 * len(SESSIONS)
    assert "performance/equal_weight/report.html" in expected
    for table in TABLES:
        rows = killed.rows(table)
        assert rows == undisturbed.rows(table)
        assert len(rows) == len(set(rows))
    assert len(killed.rows("market_data")) == 8 * len(SESSIONS)
    assert len(killed.rows("ingest_failures")) == len(SESSIONS)
    assert killed.rows("market_data_revisions") == []
    assert finish(killed.start(*COMMAND))[:-1] == [
        f"Sessions {FIRST} to {LAST}",
        "Nothing to do: every session is complete.",
    ]
