"""What the sensors do, for a job that runs where there are none: after each call of it, once.

What is told is remembered where the sensors remember it, so that nothing is told twice where both
are there.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from parakeet_dagster import clock, metrics
from parakeet_dagster.alerts import Alert
from parakeet_dagster.causes import one_line
from parakeet_dagster.morning import send_digest
from parakeet_dagster.run_metrics import behind_now, record_runs
from parakeet_dagster.settings import Settings
from parakeet_dagster.targets import Message
from parakeet_dagster.telling import post_of, tell_of_run

_log = logging.getLogger("parakeet.alerts")


def tell_of_call(
    instance: dg.DagsterInstance,
    settings: Settings,
    run_ids: Sequence[str],
    call: str,
    error: BaseException | None = None,
) -> None:
    """Write the metrics of a call's runs, send their alerts, and the digest where it is time to.

    Of an error that no run tells of (the time was over, something is missing) there is an alert and
    the metric ``Failed``, too. Nothing is raised: what tells of a failure must not hide it.

    Args:
        instance: where the runs are recorded.
        settings: of the process.
        run_ids: of the call.
        call: its name, the same when it is tried again: Lambda's request id.
        error: by which the call is about to end.
    """
    steps: list[Callable[[], object]] = [
        lambda: _measure(instance, settings, run_ids),
        lambda: _alert(instance, settings, run_ids, call, error),
    ]
    if settings.alerts_anyone:
        post = post_of(instance, settings)
        steps.append(lambda: send_digest(instance, settings, post, clock.now()))
    for step in steps:
        try:
            step()
        except Exception:  # noqa: BLE001 - see the docstring
            _log.exception("could not tell of the call %s", call)


def alert_of_call(call: str, error: BaseException) -> Alert:
    """What is to be told of a call that no run of which has failed."""
    told = one_line(str(error)) or type(error).__name__
    text = f"{told}\n\nWhat to do:\n- parakeet doctor, and the log of the call {call}"
    name = hashlib.sha256(told.encode()).hexdigest()[:16]
    return Alert(f"call/{call}/{name}", Message("Parakeet: the daily job failed", text))


def _measure(instance: dg.DagsterInstance, settings: Settings, run_ids: Sequence[str]) -> None:
    if record_runs(instance, settings, run_ids):
        return
    behind = behind_now(settings)
    if behind is not None:
        metrics.record({"SessionsBehind": behind})


def _alert(
    instance: dg.DagsterInstance,
    settings: Settings,
    run_ids: Sequence[str],
    call: str,
    error: BaseException | None,
) -> None:
    runs: list[Any] = [instance.get_run_by_id(run_id) for run_id in run_ids]
    failed = [run for run in runs if run and run.status is dg.DagsterRunStatus.FAILURE]
    if error is not None and not failed:
        metrics.record({"Failed": 1}, call=call)
    for run_id in run_ids if settings.alerts_anyone else ():
        tell_of_run(instance, settings, run_id)
    if error is not None and not failed and settings.alerts_anyone:
        alert = alert_of_call(call, error)
        post_of(instance, settings).deliver(alert.key, alert.message, clock.now())
