"""Runs whose process is gone.

A run that is killed stays "started" in Dagster's records for ever, with its place in the pool:
every later run would wait for it. Dagster's daemon sees to the runs that it launched itself, on a
launcher that can tell; this sees to those of this machine, and to those of a process that can live
until a moment that is known, as a Lambda's.
"""

import re
from datetime import datetime

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from parakeet_dagster import clock

DEADLINE_TAG = "parakeet/deadline"
"""When a run's process is gone at the latest: an ISO 8601 moment with a zone."""

_PID = re.compile(r"\(pid: (\d+)\)")
_CLOCKS_DIFFER_BY = 5.0


def bury(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process is gone as failed, and free their places; returns their ids."""
    is_local = not instance.run_launcher.supports_check_run_worker_health
    buried = []
    running = dg.RunsFilter(statuses=[*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.CANCELING])
    for record in instance.get_run_records(running):
        run = record.dagster_run
        deadline = run.tags.get(DEADLINE_TAG)
        is_gone = (
            clock.now() > datetime.fromisoformat(deadline)
            if deadline
            else is_local and _is_gone(instance, run.run_id)
        )
        if is_gone:
            instance.report_run_failed(run, "The run's process is gone: it was killed.")
            buried.append(run.run_id)
    free_places(instance)
    return buried


def _is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run named a process, and it is not there or is another one by now."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    named = [
        (found[1], event.timestamp) for event in events if (found := _PID.search(event.message))
    ]
    if not named:
        return False
    import psutil  # seldom wanted

    pid, named_at = named[-1]
    try:
        process = psutil.Process(int(pid))
        is_another = process.create_time() > named_at + _CLOCKS_DIFFER_BY
        return is_another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def free_places(instance: dg.DagsterInstance) -> None:
    """Give back the places in pools of runs that have ended."""
    log = instance.event_log_storage
    if not log.supports_global_concurrency_limits:
        return
    for run_id in log.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            log.free_concurrency_slots_for_run(run_id)
