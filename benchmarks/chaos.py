"""``python -m benchmarks chaos``: others at work at the same time, and things that break.

Real back-fills by the command line, on made-up prices: with 200 readers beside them, two at once,
with a database that is killed, and with an S3 that fails. What is left is compared with what one
undisturbed back-fill leaves: every byte of the lake and every row but for its times. A row of the
table is a scenario; its time is the whole of it, and its note has the counts. It takes minutes,
and is no part of ``make bench``.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import boto3
import psycopg2

from benchmarks import world
from benchmarks.chaos_command import CORRECTED
from benchmarks.chaos_readers import read_at_once
from benchmarks.clock import timed
from benchmarks.faulty_s3 import FaultyS3
from benchmarks.market import SyntheticSource
from benchmarks.result import Result
from parakeet_dagster_tests.moto_server import moto_server

TICKERS, SESSIONS, CHUNK = 40, 60, 15
STRATEGIES = ("equal_weight", "momentum_21")
RATE, SEED = 0.05, 7
CORRECTION = "T00003 2005-01-20 1.01"
BUCKET = "chaos"
AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
PATIENCE = 600.0

TABLES = {
    "market_data": ("created_at", "updated_at"),
    "allocations": ("known_at",),
    "orders": ("known_at",),
    "order_versions": ("known_at",),
    "corporate_actions": ("known_at",),
    "ingest_failures": ("first_seen", "last_seen", "attempts"),
    "market_data_quarantine": ("detected_at",),
}
"""And their columns that tell of when, and how often it was tried."""

Bytes = dict[str, str]
Rows = dict[str, list[str]]


@dataclass(frozen=True)
class Left:
    """What is stored: a hash of every file of a session, by its path; every table's rows."""

    lake: Bytes
    rows: Rows

    @property
    def counts(self) -> str:
        """How much was compared."""
        return f"{len(self.lake)} files and {sum(map(len, self.rows.values())):,} rows"


def results() -> list[Result]:
    """Every scenario, each in a world of its own."""
    source = SyntheticSource(TICKERS, SESSIONS + 40)
    expected, alone = _undisturbed(source, {})
    corrected, _ = _undisturbed(source, {CORRECTED: CORRECTION})
    return [
        Result("1", "one undisturbed back-fill", alone, note=expected.counts),
        _readers(source, expected),
        _two(source, "2a", "two back-fills at once, one home", [expected], _one_home),
        _two(source, "2b", "two at once, two homes on one lake", [expected], _two_homes),
        _two(
            source,
            "2c",
            "the same, one is told a correction",
            [expected, corrected],
            lambda home: _two_homes(home, {CORRECTED: CORRECTION}),
        ),
        *_killed(source, expected),
        _failing_s3(source, expected),
    ]


def _undisturbed(source: SyntheticSource, more: Mapping[str, str]) -> tuple[Left, float]:
    with world.world(source, STRATEGIES) as home:
        seconds = timed(lambda: _finish(_start(more)))
        return _left(home), seconds


def _range() -> tuple[str, str]:
    from parakeet_dagster import sessions as calendar

    days = SyntheticSource(TICKERS, SESSIONS).days
    return calendar.key(days[0]), calendar.key(days[-1])


def _start(more: Mapping[str, str]) -> subprocess.Popen[str]:
    """A back-fill in a process of its own, with these variables beside the world's."""
    command = ["backfill", *_range(), "--chunk", str(CHUNK)]
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "benchmarks.chaos_command", *command],
        env={**world.ENVIRONMENT, **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and the last line that it said."""
    _, said = process.communicate(timeout=PATIENCE)
    if "Traceback" in said:
        raise AssertionError(said)
    return process.returncode, (said.strip().splitlines() or [""])[-1]


def _finish(process: subprocess.Popen[str]) -> None:
    code, said = _ended(process)
    if code:
        raise AssertionError(said)


def _left(home: Path) -> Left:
    root = home / "lake"
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("session=*/*.parquet")}
    return Left({name: _hash(file.read_bytes()) for name, file in files.items()}, _rows())


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _rows() -> Rows:
    found = {}
    connection = psycopg2.connect(_url())
    try:
        for table, times in TABLES.items():
            cursor = connection.cursor()
            cursor.execute(
                f"SELECT (to_jsonb(t) - %s)::text FROM {table} AS t ORDER BY 1",  # noqa: S608 - ours
                [list(times)],
            )
            found[table] = [row for (row,) in cursor.fetchall()]
    finally:
        connection.close()
    return found


def _url() -> str:
    """Of the world's database."""
    from parakeet_dagster.logins import embedded_postgres
    from parakeet_dagster.settings import load_settings

    return embedded_postgres(load_settings()).start()


def _same(left: Left, expected: list[Left]) -> str:
    """What is equal, in words.

    Raises:
        AssertionError: something is not.
    """
    if left in expected:
        return f"{left.counts} equal"
    wanted = expected[0]
    files = [
        path for path in left.lake | wanted.lake if left.lake.get(path) != wanted.lake.get(path)
    ]
    tables = [table for table in TABLES if left.rows[table] != wanted.rows[table]]
    raise AssertionError(f"{len(files)} files differ, {sorted(files)[:3]}; so do {tables}")


def _readers(source: SyntheticSource, expected: Left) -> Result:
    with world.world(source, STRATEGIES) as home:
        url = _url()
        process = _start({"NEON_DATABASE_URL": url})
        begun = time.perf_counter()
        try:
            note = read_at_once(url, str(home / "lake"), lambda: process.poll() is not None)
        finally:
            _finish(process)
        seconds = time.perf_counter() - begun
        return Result(
            "3", "200 readers beside it", seconds, note=f"{note}; {_same(_left(home), [expected])}"
        )


def _one_home(home: Path) -> list[Mapping[str, str]]:  # noqa: ARG001 - as _two_homes
    return [{}, {}]


def _two_homes(home: Path, more: Mapping[str, str] | None = None) -> list[Mapping[str, str]]:
    """The second has an instance of its own, as a Lambda beside a laptop."""
    shared = {"NEON_DATABASE_URL": _url(), "PARAKEET_LAKE": str(home / "lake")}
    second = {
        "PARAKEET_HOME": str(home / "second"),
        "DAGSTER_HOME": str(home / "second" / "dagster"),
    }
    return [shared, {**shared, **second, **(more or {})}]


def _two(
    source: SyntheticSource,
    number: str,
    what: str,
    expected: list[Left],
    places: Callable[[Path], list[Mapping[str, str]]],
) -> Result:
    with world.world(source, STRATEGIES) as home:
        _url()
        begun = time.perf_counter()
        running = [_start(more) for more in places(home)]
        ends = [_ended(process) for process in running]
        seconds = time.perf_counter() - begun
        failed = [said for code, said in ends if code]
        if failed:
            raise AssertionError(failed)
        return Result(number, what, seconds, note=_same(_left(home), expected))


def _killed(source: SyntheticSource, expected: Left) -> list[Result]:
    """The database is killed while a chunk is at work; it is started again by us, or by the run."""
    found = []
    for number, who, is_told in [("4a", "we start it again", True), ("4b", "it is its own", False)]:
        with world.world(source, STRATEGIES) as home:
            url = _url()
            begun = time.perf_counter()
            process = _start({"NEON_DATABASE_URL": url} if is_told else {})
            _wait_for(home / "lake" / "daily_returns", CHUNK + 5, process)
            _kill_database()
            if is_told:
                time.sleep(2)
                _url()
            code, said = _ended(process)
            again, _ = _ended(_start({}))
            if again:
                raise AssertionError("the same command did not mend it")
            seconds = time.perf_counter() - begun
            same = _same(_left(home), [expected])
            note = f"exit code {code}: {said!r}; after the same command {same}"
            found.append(Result(number, f"the database killed, {who}", seconds, note=note))
    return found


def _wait_for(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    while sum(1 for _ in folder.glob("session=*/part-0.parquet")) < count:
        if process.poll() is not None:
            raise AssertionError(f"it ended by itself: {_ended(process)}")
        time.sleep(0.005)


def _kill_database() -> None:
    from parakeet_dagster.logins import embedded_postgres
    from parakeet_dagster.settings import load_settings

    pid = embedded_postgres(load_settings()).status().pid
    if pid is None:
        raise AssertionError("it does not run")
    os.kill(pid, signal.SIGKILL)


def _failing_s3(source: SyntheticSource, expected: Left) -> Result:
    with (
        moto() as upstream,
        FaultyS3(upstream, RATE, SEED).serving() as faulty,
        world.world(source, STRATEGIES),
    ):
        world.ENVIRONMENT.update(AWS)
        boto3.client("s3", endpoint_url=upstream).create_bucket(Bucket=BUCKET)
        more = {"PARAKEET_LAKE": f"s3://{BUCKET}/lake", "AWS_ENDPOINT_URL_S3": faulty.url}
        process = _start(more)
        begun = time.perf_counter()
        _finish(process)
        seconds = time.perf_counter() - begun
        lake = _bytes_in_bucket(upstream)
        same = _same(Left(lake, _rows()), [expected])
    injected = ", ".join(f"{count} {fault}" for fault, count in sorted(faulty.injected.items()))
    retries = sum(count for attempt, count in faulty.attempts.items() if attempt > 1)
    return Result(
        "5",
        f"an S3 that fails {RATE:.0%} of all requests",
        seconds,
        note=f"{faulty.requests:,} requests, {sum(faulty.injected.values())} failures ({injected}),"
        f" {retries} retries by boto3, at most {max(faulty.attempts)} tries; {same}",
    )


@contextmanager
def moto() -> Iterator[str]:
    """The URL of a server that speaks S3; each request is a line in no log."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with moto_server() as url:
        yield url


def _bytes_in_bucket(url: str) -> Bytes:
    bucket = boto3.resource("s3", endpoint_url=url).Bucket(BUCKET)
    return {
        item.key.removeprefix("lake/"): _hash(item.get()["Body"].read())
        for item in bucket.objects.all()
        if "/session=" in item.key
    }
