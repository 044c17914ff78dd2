"""The daily run, and the monthly comparison with the vendor."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from parakeet_dagster import metrics
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.prices import PRICE_POOL
from parakeet_dagster.assets.walk_forward import WALK_FORWARD
from parakeet_dagster.connect import open_price_source
from parakeet_dagster.partitions import sessions
from parakeet_dagster.places import open_lake
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.settings import load_settings
from parakeet_dagster.verify import verify_history

CRON = "0 1 * * *"
MONTHLY = "0 7 2 * *"

daily_job = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(WALK_FORWARD),
    partitions_def=sessions,
    description="Every asset for one session, or for a range of sessions in one run; but for the"
    " walk-forward, which takes its time.",
)


def daily_schedule(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Request the session whose window has just closed, at 01:00 UTC: Friday's on Saturday."""

    @dg.schedule(
        job=daily_job,
        cron_schedule=CRON,
        execution_timezone="UTC",
        name="daily_schedule",
        default_status=status,
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Yesterday's session, once; nothing after a day without one."""
        metrics.record({"Heartbeat": 1}, job=daily_job.name)
        return request_for(context.scheduled_execution_time)

    return daily


def request_for(tick: datetime) -> dg.RunRequest | dg.SkipReason:
    """What the schedule asks for at a tick."""
    day = calendar.key((tick.astimezone(UTC) - timedelta(days=1)).date())
    if not calendar.is_session(day):
        return dg.SkipReason(f"{day} was no session: XNYS and XASX were closed")
    if not sessions.has_partition_key(day):
        return dg.SkipReason(f"{day} is before PARAKEET_FIRST_SESSION")
    last = open_price_source(load_settings()).last_session
    if last and day > calendar.key(last):
        return dg.SkipReason(f"{day} is after the price source's last session {last}")
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.op(pool=PRICE_POOL)
@one_line_failures
def compare_with_vendor(context: dg.OpExecutionContext) -> None:
    """Compare all of history with what the vendor says now; see ``parakeet verify``."""
    settings = load_settings()
    stored = open_lake(settings.lake_url).sessions("raw_prices")
    if not stored:
        context.log.info("nothing is stored yet")
        return
    found = verify_history(settings, stored[0], stored[-1])
    context.log.info("%d corrections between %s and %s", len(found), stored[0], stored[-1])
    context.add_output_metadata({"corrections": len(found), "first": table(found.head(50))})


@dg.job(description="Once a month: is all that is stored still what the vendor says?")
def monthly_verification() -> None:
    """A correction that it finds is applied by the healing sensor."""
    compare_with_vendor()


def monthly_schedule(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """The second day of each month, at 07:00 UTC, when no session is being brought in."""
    return dg.ScheduleDefinition(
        job=monthly_verification,
        cron_schedule=MONTHLY,
        execution_timezone="UTC",
        default_status=status,
    )
