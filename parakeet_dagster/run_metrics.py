"""The figures of a run, from what it has put on record."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from parakeet_dagster import clock, metrics
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.metadata import ROW_COUNT
from parakeet_dagster.assets.prices import COVERAGE
from parakeet_dagster.checks.prices import due_session
from parakeet_dagster.connect import open_price_source
from parakeet_dagster.finished_runs import events_of
from parakeet_dagster.marks import Marks
from parakeet_dagster.partitions import sessions_of_run
from parakeet_dagster.places import open_lake
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.lake import Lake

RAW_PRICES = dg.AssetKey("raw_prices")
LATEST = "daily_returns"
"""What a portfolio of today needs; ``sessions behind`` counts from its last session."""

_OF_CHECK = {
    "TickersAsked": "tickers_asked",
    "TickersGot": "tickers_got",
    "TickersFailed": "tickers_failed",
    "Coverage": "lowest_coverage",
}
"""A metric, and where the check ``coverage`` says it: also of a run that stored nothing."""


def record_runs(instance: dg.DagsterInstance, settings: Settings, run_ids: Iterable[str]) -> int:
    """Write the metrics of runs that have ended to the log, each once, whoever asks for it.

    Args:
        instance: where the runs are recorded, and which of them were measured.
        settings: of the process.
        run_ids: of the runs.

    Returns:
        How many were not measured before.
    """
    asked, marks = list(run_ids), Marks(instance, "measured")
    measured = marks.among(asked)
    fresh = [run_id for run_id in asked if run_id not in measured]
    behind = behind_now(settings) if fresh else None
    for run_id in fresh:
        record_run(instance, run_id, behind)
        marks.set(run_id, clock.now())
    return len(fresh)


def record_run(instance: dg.DagsterInstance, run_id: str, behind: int | None) -> dict[str, float]:
    """Write the metrics of a run that has ended to the log.

    Args:
        instance: where the run is recorded.
        run_id: of the run.
        behind: see ``sessions_behind``.

    Returns:
        What was written, by the names of ``metrics.METRICS``.
    """
    found = figures_of(instance, run_id)
    if behind is not None:
        found["SessionsBehind"] = behind
    run = instance.get_run_by_id(run_id)
    about = {"run_id": run_id}
    if run is not None:
        about |= {"job": run.job_name, "session": sessions_of_run(run.tags)}
    metrics.record(found, **about)
    return found


def figures_of(instance: dg.DagsterInstance, run_id: str) -> dict[str, float]:
    """The figures of a run; without those that it has none of.

    ``Coverage`` is that of the session and market that lacks most: one market that is missing would
    not show among the tickers of all. ``Rows`` are the bars stored.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return {}
    is_failed = record.dagster_run.status is dg.DagsterRunStatus.FAILURE
    found: dict[str, float] = {"Failed": float(is_failed)}
    if record.start_time is not None and record.end_time is not None:
        found["Seconds"] = max(record.end_time - record.start_time, 0.0)
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    for event in events_of(instance, run_id, kind):
        check = event.asset_check_evaluation_data
        if (check.asset_key, check.check_name) == (RAW_PRICES, COVERAGE):
            told = numbers_of(check.metadata)
            found |= {name: told[at] for name, at in _OF_CHECK.items() if at in told}
    stored = [
        numbers_of(event.step_materialization_data.materialization.metadata)
        for event in events_of(instance, run_id, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.asset_key == RAW_PRICES
    ]
    if stored:
        found["Rows"] = sum(of.get(ROW_COUNT, 0.0) for of in stored)
    return found


def behind_now(settings: Settings) -> int | None:
    """``sessions_behind`` of what the settings name, now."""
    due = due_session(open_price_source(settings), clock.now())
    return sessions_behind(open_lake(settings.lake_url), due)


def sessions_behind(lake: Lake, due: str) -> int | None:
    """How many sessions that can be had are not in the lake's returns yet.

    Args:
        lake: where frames are.
        due: the last session that can be had.

    Returns:
        The number; None where nothing is stored, since nobody has begun.
    """
    stored = lake.sessions(LATEST)
    return len(calendar.between(stored[-1], due)[1:]) if stored else None


def numbers_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, float]:
    """The numbers in what is on record of an asset or a check, by name."""
    return {
        name: float(value.value)
        for name, value in metadata.items()
        if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
        and value.value is not None
    }
