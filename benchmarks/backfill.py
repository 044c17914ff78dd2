"""The whole graph: back-fills, a day, and how the cost of a row grows with tickers and years.

``parakeet backfill`` itself, on made-up prices, with an embedded PostgreSQL and a lake in a
directory. Its floor is the same runs of the same graph with empty assets (``benchmarks.empty``),
which record as many events in the same instance, opened in the same way.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import world
from benchmarks.clock import alone, timed
from benchmarks.market import SyntheticSource
from benchmarks.result import Result

CHUNK = 260
"""As `parakeet backfill` has it unless told otherwise."""
LOOKBACK = 390
"""Sessions brought in before the clock starts: the longest look-back of the strategies is 378."""

TWO_YEARS, DAYS = 520, 3
ALONE = 10
"""Runs of one session each, of which the rest are extrapolated."""

FEW, MANY, SHORT = 741, 10_000, 65
YEAR, YEARS = 260, 20
THIN = 25
"""Tickers over twenty years: with 741 that is the table of ``make bench-full``."""


def results() -> list[Result]:
    """Rows 6, 8, 11 and 12."""
    return [*_two_years(), *_many_tickers(), *_many_years()]


def bring_in(first: int, count: int, chunk: int = CHUNK) -> float:
    """Seconds for ``parakeet backfill`` over ``count`` sessions from place ``first`` on."""
    days = _keys(first, count)
    from parakeet_dagster import cli, definitions  # noqa: F401 - loading is row 10

    return timed(
        lambda: cli.backfill(days[0], days[-1], chunk=chunk, again=False, lists=False, tickers="")
    )


def bare(first: int, count: int, chunk: int = CHUNK) -> float:
    """Seconds for the same runs, empty."""
    days = _keys(first, count)
    from benchmarks.empty import described, empty
    from parakeet_dagster import backfill, runs
    from parakeet_dagster.definitions import defs
    from parakeet_dagster.instance import open_instance
    from parakeet_dagster.partitions import sessions
    from parakeet_dagster.settings import load_settings

    definitions = empty(described(defs), sessions)
    pieces = list(backfill.chunks([backfill.Span(days[0], days[-1])], chunk))

    def run() -> None:
        with open_instance(load_settings()) as instance:
            runs.run_membership(definitions, instance, pieces, "bare")
            for piece in pieces:
                runs.run(definitions, instance, piece, "bare")
            runs.run_reports(definitions, instance)

    return timed(run)


def describe(file: str) -> None:
    """Write the steps of the graph for ``benchmarks.bare_day``."""
    world.use()
    from benchmarks.empty import described
    from parakeet_dagster.definitions import defs

    Path(file).write_text(json.dumps(described(defs)))


def _keys(first: int, count: int) -> list[str]:
    """Session keys of the source of this process."""
    source = world.use()
    from parakeet_dagster import sessions as calendar

    source.fetch(source.members, source.days[0].date(), source.days[0].date())  # made once
    return [calendar.key(day) for day in source.days[first : first + count]]


def _process(*arguments: str) -> float:
    """Seconds of a Python process."""
    command = [sys.executable, *arguments]
    return timed(lambda: subprocess.run(command, check=True, capture_output=True))  # noqa: S603


def _two_years() -> list[Result]:
    source = SyntheticSource(length=LOOKBACK + TWO_YEARS + DAYS + ALONE + 20)
    with world.world(source) as home:
        alone(bring_in, 0, LOOKBACK)
        ours = alone(bring_in, LOOKBACK, TWO_YEARS)
        floor = alone(bare, LOOKBACK, TWO_YEARS)
        days = alone(_keys, LOOKBACK + TWO_YEARS, DAYS + ALONE).value
        day, bare_day = _day(home, days[:DAYS])
        singles = _singles(days[DAYS:])
    what = f"all assets, {len(world.STRATEGIES)} strategies, {source.count} tickers"
    return [
        Result(
            "6",
            f"two years, {what}",
            ours.value,
            floor.value,
            limit=2.0,
            memory=ours.memory,
            note=f"{ours.value / TWO_YEARS * 1000:.0f} ms a session",
        ),
        Result(
            "8",
            f"one day from the command line, {what}",
            day,
            bare_day,
            limit=2.0,
            note="whole processes; reports too",
        ),
        Result(
            "12",
            "two years by one back-fill, beside a Dagster run a session",
            ours.value,
            median(singles) * TWO_YEARS,
            at_least=100,
            note=f"{ALONE} runs measured, {median(singles):.1f} s each",
        ),
    ]


def _day(home: Path, days: Sequence[str]) -> tuple[float, float]:
    """Medians of the command and of its floor, in turn."""
    steps = str(home / "steps.json")
    alone(describe, steps)
    ours, floor = [], []
    for day in days:
        ours.append(_process("-m", "benchmarks.command", "backfill", day, day))
        floor.append(_process("-m", "benchmarks.bare_day", steps, day))
    return median(ours), median(floor)


def _singles(days: Sequence[str]) -> list[float]:
    """As Dagster's own back-fill does without single-run ranges: a process and a run a session."""
    daily = ("-m", "dagster", "job", "execute", "-m", "benchmarks.definitions", "-j", "daily")
    return [_process(*daily, "--tags", json.dumps({"dagster/partition": day})) for day in days]


def _many_tickers() -> list[Result]:
    per_row = []
    for count in (FEW, MANY):
        source = SyntheticSource(count, length=3 * SHORT)
        with world.world(source):
            alone(bring_in, 0, SHORT)
            ours = alone(bring_in, SHORT, SHORT)
        per_row.append((ours.value / (count * SHORT), ours.memory))
    (few, _), (many, memory) = per_row
    return [
        Result(
            "11a",
            f"a row with {MANY:,} tickers, beside one with {FEW}",
            many,
            few,
            limit=1.2,
            memory=memory,
            note=f"{SHORT} sessions, five strategies",
        )
    ]


def _many_years() -> list[Result]:
    seconds = {}
    for years in (1, YEARS):
        source = SyntheticSource(THIN, length=YEARS * YEAR + 30)
        with world.world(source, ["momentum_63"]):
            seconds[years] = alone(bring_in, 0, years * YEAR)
    return [
        Result(
            "11b",
            f"a row of {YEARS} years, beside one of a year",
            seconds[YEARS].value / YEARS / YEAR / THIN,
            seconds[1].value / YEAR / THIN,
            limit=1.2,
            memory=seconds[YEARS].memory,
            note=f"{THIN} tickers, one strategy; 741 and five are in the table of twenty years",
        )
    ]
