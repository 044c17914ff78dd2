"""The daily run."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from parakeet_dagster import sessions as calendar
from parakeet_dagster.connect import open_price_source
from parakeet_dagster.partitions import sessions
from parakeet_dagster.settings import load_settings

CRON = "0 1 * * *"

daily_job = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all(),
    partitions_def=sessions,
    description="Every asset for one session, or for a range of sessions in one run.",
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
