"""``python -m benchmarks scaling``: Dagster's own storage far away, and runs beside each other.

What `docs/scaling.md` says was measured: a back-fill and a day whose instance is in SQLite, in a
PostgreSQL on this machine, and in one that is 20 ms away; strategies as one run, in turn, and as
runs at once; and how often an idle daemon asks its storage. No part of ``make bench``.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import boto3
import psycopg2

from benchmarks import chaos, world
from benchmarks.clock import timed
from benchmarks.faulty_s3 import FaultyS3
from benchmarks.market import SyntheticSource
from benchmarks.result import Result
from benchmarks.slow_line import SlowLine, Traffic, slow_line
from parakeet_dagster import sessions as calendar

TICKERS, SESSIONS = 200, 60
CHUNK = 30
STRATEGIES = ("equal_weight", "momentum_63", "momentum_126", "vol_scaled_momentum")
AWAY = 0.02
"""Seconds of a round trip to the storage that is far away."""

SETTLED, IDLE = 45.0, 120.0
INSTANCE = """
telemetry: {enabled: false}
storage:
  postgres:
    postgres_url: {env: DAGSTER_POSTGRES_URL}
run_retries: {enabled: true, max_retries: 1, retry_on_asset_or_op_failure: false}
run_monitoring: {enabled: true, free_slots_after_run_end_seconds: 60}
concurrency:
  pools: {granularity: op, default_limit: 1}
  runs: {max_concurrent_runs: 2}
"""


def results() -> list[Result]:
    """The rows."""
    source = SyntheticSource(TICKERS, SESSIONS + 40)
    return [*_storages(source), *_at_once(source), *_on_s3(source), *_idle(source)]


def _keys(source: SyntheticSource) -> list[str]:
    return [calendar.key(day) for day in source.days[: SESSIONS + 1]]


def _command(*arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own arguments
        [sys.executable, "-m", *arguments],
        env={**world.ENVIRONMENT, **(more or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _wait(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate()
    if process.returncode:
        raise AssertionError(said.decode())


def _backfill(*arguments: str, more: Mapping[str, str] | None = None) -> float:
    command = ("benchmarks.command", "backfill", *arguments)
    return timed(lambda: _wait(_command(*command, more=more)))


def _sockets() -> Path:
    """Where the world's database listens; it has a database for Dagster, too."""
    from parakeet_dagster.logins import embedded_postgres
    from parakeet_dagster.settings import load_settings

    server = embedded_postgres(load_settings())
    connection = psycopg2.connect(server.start())
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE dagster")
    connection.close()
    return server.directory


@contextmanager
def _postgres_instance(home: Path, delay: float) -> Iterator[SlowLine]:
    """Let Dagster keep what it knows in PostgreSQL, so far away."""
    (home / "dagster" / "dagster.yaml").write_text(INSTANCE)
    with slow_line(str(_sockets()), delay) as line:
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{line.port}/dagster"
        world.ENVIRONMENT["DAGSTER_POSTGRES_URL"] = url
        try:
            yield line
        finally:
            del world.ENVIRONMENT["DAGSTER_POSTGRES_URL"]


def _events(home: Path) -> int:
    """In Dagster's PostgreSQL."""
    connection = psycopg2.connect(f"postgresql://postgres@/dagster?host={home / 'postgres'}")
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM event_logs")
        return int(cursor.fetchall()[0][0])
    finally:
        connection.close()


def _storages(source: SyntheticSource) -> list[Result]:
    keys = _keys(source)
    first, last, day = keys[0], keys[-2], keys[-1]
    what = f"{SESSIONS} sessions in {SESSIONS // CHUNK} chunks"
    with world.world(source, STRATEGIES) as home:
        near = _backfill(first, last, "--chunk", str(CHUNK))
        near_day = _backfill(day, day)
        size = _bytes_a_session(home / "lake")
    found = [
        Result("6a", f"{what}, instance in SQLite", near, note=f"{size:,} bytes a session"),
        Result("6b", "a day after that", near_day),
    ]
    for number, delay in [("7", 0.0), ("8", AWAY / 2)]:
        with world.world(source, STRATEGIES) as home, _postgres_instance(home, delay) as line:
            seconds = _backfill(first, last, "--chunk", str(CHUNK))
            many, events = line.traffic(), _events(home)
            seconds_of_day = _backfill(day, day)
            both, all_events = line.traffic(), _events(home)
        where = f"instance in PostgreSQL {delay * 2000:.0f} ms away"
        note = f"{events:,} events, {many.in_words}"
        of_day = f"{all_events - events:,} events, {both.after(many).in_words}"
        found += [
            Result(f"{number}a", f"{what}, {where}", seconds, near, note=note),
            Result(f"{number}b", "a day after that", seconds_of_day, near_day, note=of_day),
        ]
    with world.world(source, STRATEGIES), slow_line(str(_sockets()), AWAY / 2) as line:
        more = {"NEON_DATABASE_URL": f"postgresql://postgres@127.0.0.1:{line.port}/parakeet"}
        seconds = _backfill(first, last, "--chunk", str(CHUNK), more=more)
        many = line.traffic()
        seconds_of_day = _backfill(day, day, more=more)
        of_day = line.traffic().after(many).in_words
    far = f"{what}, SQLite; market data {AWAY * 1000:.0f} ms away"
    return [
        *found,
        Result("9a", far, seconds, near, note=many.in_words),
        Result("9b", "a day after that", seconds_of_day, near_day, note=of_day),
    ]


def _bytes_a_session(lake: Path) -> int:
    """Of all assets together."""
    sizes = [file.stat().st_size for file in lake.rglob("session=*/part-0.parquet")]
    return sum(sizes) // len(list((lake / "raw_prices").iterdir()))


def _on_s3(source: SyntheticSource) -> list[Result]:
    """How often S3 is asked."""
    keys = _keys(source)
    found = []
    with (
        chaos.moto() as upstream,
        FaultyS3(upstream, 0.0, 0).serving() as counted,
        world.world(source, STRATEGIES),
    ):
        world.ENVIRONMENT.update(chaos.AWS)
        boto3.client("s3", endpoint_url=upstream).create_bucket(Bucket=chaos.BUCKET)
        more = {"PARAKEET_LAKE": f"s3://{chaos.BUCKET}/lake", "AWS_ENDPOINT_URL_S3": counted.url}
        spans = [(keys[0], keys[-2], f"{SESSIONS} sessions"), (keys[-1], keys[-1], "a day")]
        for letter, (first, last, what) in zip("ab", spans, strict=True):
            before = counted.kinds.copy()
            seconds = _backfill(first, last, "--chunk", str(CHUNK), more=more)
            kinds = counted.kinds - before
            note = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
            found.append(Result(f"12{letter}", f"{what} on S3", seconds, note=note))
    return found


def _materialise(names: Sequence[str], first: str, last: str) -> subprocess.Popen[bytes]:
    """A run of some strategies over what is stored, as a launcher would start it."""
    keys = [f"{family}/{name}" for name in names for family in ("signals", "allocations", "orders")]
    return _command(
        *("dagster", "asset", "materialize", "-m", "benchmarks.definitions"),
        *("--select", ",".join(f'key:"{key}"' for key in keys)),
        *("--partition-range", f"{first}...{last}"),
    )


def _at_once(source: SyntheticSource) -> list[Result]:
    keys = _keys(source)
    first, last = keys[0], keys[-2]
    half = len(STRATEGIES) // 2
    with world.world(source, STRATEGIES) as home, _postgres_instance(home, 0.0):
        _backfill(first, last, "--chunk", str(CHUNK))
        one = timed(lambda: _wait(_materialise(STRATEGIES, first, last)))

        def in_turn() -> None:
            for names in (STRATEGIES[:half], STRATEGIES[half:]):
                _wait(_materialise(names, first, last))

        def at_once() -> None:
            running = [
                _materialise(names, first, last) for names in (STRATEGIES[:half], STRATEGIES[half:])
            ]
            for process in running:
                _wait(process)

        turns, together = timed(in_turn), timed(at_once)
    what = f"{len(STRATEGIES)} strategies over {SESSIONS} sessions"
    return [
        Result("10a", f"{what}, one run", one),
        Result("10b", f"{what}, two runs in turn", turns),
        Result("10c", f"{what}, two runs at once", together, turns),
    ]


def _idle(source: SyntheticSource) -> list[Result]:
    """Left alone: schedules and sensors on, no browser, and nothing stored that could be healed."""
    found = []
    with world.world(source, STRATEGIES[:1]) as home, _postgres_instance(home, 0.0) as line:
        graph = ("-m", "benchmarks.definitions")
        for number, what, command in [
            ("11a", "an idle daemon", ("dagster._daemon", "run", *graph)),
            ("11b", "an idle web server", ("dagster_webserver", "-p", "0", *graph)),
        ]:
            process = _command(*command, more={"PARAKEET_SCHEDULES": "running"})
            try:
                time.sleep(SETTLED)
                before = line.traffic()
                time.sleep(IDLE)
                traffic = line.traffic().after(before)
            finally:
                process.terminate()
                process.communicate(timeout=60)
            found.append(Result(number, what, IDLE, note=_pace(traffic)))
    return found


def _pace(traffic: Traffic) -> str:
    pauses = [later - earlier for earlier, later in pairwise(traffic.moments)]
    return (
        f"{traffic.requests / IDLE * 60:.0f} round trips and"
        f" {traffic.connections / IDLE * 60:.0f} connections a minute; the longest silence"
        f" {max(pauses, default=IDLE):.1f} s"
    )
