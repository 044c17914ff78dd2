"""The sensor that mends what a day's run could not."""

import dagster as dg
import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster.assets.ingest import day_of
from parakeet_dagster.backfill import PRICES, Progress, dependencies, reports
from parakeet_dagster.checks.healing import HEALED
from parakeet_dagster.checks.prices import due_session
from parakeet_dagster.connect import open_database, open_price_source
from parakeet_dagster.dead_runs import bury
from parakeet_dagster.healing import SETTLED_AFTER, Rest, next_request
from parakeet_dagster.places import open_lake
from parakeet_dagster.schedules import daily_job
from parakeet_dagster.settings import load_settings

EVERY_SECONDS = 600


def healing_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Request broken sessions as one range, a bounded number of times, then say so."""

    @dg.sensor(
        job=daily_job,
        name="healing_sensor",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status,
    )
    def healing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Sessions that are missing, stale, corrected by the vendor or lacking a ticker."""
        buried = bury(context.instance)
        if buried:
            context.log.warning("%d runs whose process is gone are marked as failed", len(buried))
        if _is_busy(context.instance):
            return dg.SensorResult(skip_reason="a run is under way")
        return _heal(context)

    return healing


def _is_busy(instance: dg.DagsterInstance) -> bool:
    """Whether a run of the graph waits or works."""
    states = [
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
    return instance.get_runs_count(dg.RunsFilter(statuses=states)) > 0


def _heal(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings = load_settings()
    now = clock.now()
    definitions = context.repository_def
    if definitions is None:
        raise dg.DagsterInvariantViolationError("the sensor needs the definitions it belongs to")
    database = open_database(settings)
    try:
        stale = database.stale_adjusted_closes()
        if stale:
            context.log.info("a back-fill was stopped: adjusting closes of %d tickers", len(stale))
            database.refresh_adjusted_closes()
        progress = Progress(
            dependencies(definitions.asset_graph),
            context.instance,
            open_lake(settings.lake_url),
            database,
        )
        due = due_session(open_price_source(settings), now - SETTLED_AFTER)
        accepted = database.acceptances()["accepted_at"].max()
        found = next_request(
            progress,
            due,
            database.healing_requests(),
            None if accepted is pd.NaT else accepted,
            now,
        )
        if isinstance(found, Rest):
            return _rest(context, found)
        causes = progress.why_broken(found)
        database.record_healing(day_of(found.first), day_of(found.last), causes, now)
    finally:
        database.close()
    context.log.info("%s to %s: %s", found.first, found.last, causes)
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=f"{found.first} {found.last} {now:%Y-%m-%dT%H:%M}",
                tags=found.tags,
                asset_selection=[
                    *found.selection(definitions.asset_graph),
                    *reports(definitions.asset_graph),
                ],
            )
        ]
    )


def _rest(context: dg.SensorEvaluationContext, rest: Rest) -> dg.SensorResult:
    """Say why nothing is asked for; where a person must look, once, as a failed check."""
    if not rest.needs_person:
        return dg.SensorResult(skip_reason=rest.reason, cursor="")
    if context.cursor == rest.reason:
        return dg.SensorResult(skip_reason=rest.reason)
    context.log.error(rest.reason)
    alert = dg.AssetCheckEvaluation(
        check_name=HEALED,
        asset_key=PRICES,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"needs_you": dg.MetadataValue.text(rest.reason)},
    )
    return dg.SensorResult(skip_reason=rest.reason, cursor=rest.reason, asset_events=[alert])
