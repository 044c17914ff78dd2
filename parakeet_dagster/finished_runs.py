"""The runs that have ended since a moment, and their events, for who tells of them."""

from datetime import datetime, timedelta

import dagster as dg

OVERLAP = timedelta(minutes=10)
"""So much is looked at again: the clocks of the machines that end runs differ."""

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
"""A run that was canceled was stopped by a person, who knows."""

AT_ONCE = 200


def finished_runs(instance: dg.DagsterInstance, since: datetime) -> list[dg.RunRecord]:
    """The newest 200 runs that ended after ``since``, or shortly before, the first to end first.

    Args:
        instance: where runs are recorded.
        since: with a zone.
    """
    wanted = dg.RunsFilter(statuses=ENDED, updated_after=since - OVERLAP)
    found = instance.get_run_records(wanted, limit=AT_ONCE, order_by="update_timestamp")
    return sorted(found, key=lambda record: record.end_time or 0.0)


def failed_runs(
    instance: dg.DagsterInstance, since: datetime, until: datetime | None
) -> list[dg.RunRecord]:
    """The newest 200 runs that failed in [since, until), the first to end first.

    Args:
        instance: where runs are recorded.
        since: with a zone.
        until: likewise; None: until now.
    """
    wanted = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since, updated_before=until
    )
    found = instance.get_run_records(wanted, limit=AT_ONCE, order_by="update_timestamp")
    return sorted(found, key=lambda record: record.end_time or 0.0)


def events_of(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType
) -> list[dg.DagsterEvent]:
    """The events of one kind that a run has put on record, in order."""
    found = instance.get_records_for_run(run_id, of_type=kind).records
    events = [record.event_log_entry.dagster_event for record in found]
    return [event for event in events if event is not None]
