"""Runs of a back-fill, in this process: single-run ranges of the daily job, and the reports.

One that is interrupted ends as a canceled one, keeps no place in a pool, and raises
``StopRequested``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import NoReturn

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.utils import make_new_run_id

from parakeet_dagster import sessions as calendar
from parakeet_dagster import stopping
from parakeet_dagster.assets.batches import BATCH_TAG
from parakeet_dagster.assets.orders import ORDERS
from parakeet_dagster.backfill import UNIVERSE, Span, chunks, reports
from parakeet_dagster.causes import root_cause
from parakeet_dagster.dead_runs import free_places
from parakeet_dagster.errors import RunFailedError
from parakeet_dagster.resources.failures import BLOCKED
from parakeet_dagster.schedules import daily_job
from parakeet_dagster.steps import Steps
from parakeet_dagster.stopping import StopRequested

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

STOPPED = "Stopped from the command line."

MEMBERSHIP_CHUNK = 1000
"""Sessions a run whose members are brought in ahead of their prices."""

_TAGS: ContextVar[Mapping[str, str] | None] = ContextVar("tags", default=None)


@contextmanager
def tagged(tags: Mapping[str, str]) -> Iterator[None]:
    """Give these tags to every run that is started within the block."""
    token = _TAGS.set(tags)
    try:
        yield
    finally:
        _TAGS.reset(token)


def run_membership(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    pieces: Sequence[Span],
    batch: str,
) -> None:
    """Materialise the members of all pieces, where there are several that bring in everything.

    The prices of a piece are also those of who joins in the pieces after it.
    """
    whole = [piece for piece in pieces if not piece.derived and not piece.tickers]
    if len(whole) < 2:
        return
    everything = replace(whole[0], last=whole[-1].last)
    for span in chunks([everything], MEMBERSHIP_CHUNK):
        _execute(definitions, instance, span, batch, [UNIVERSE])


def run_reports(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """Materialise what tells of all sessions at once.

    Raises:
        RunFailedError: the run failed; the message is the failed asset's.
    """
    graph = definitions.resolve_asset_graph()
    _materialise(definitions, instance, {}, list(reports(graph)), "reports")


def run_orders(
    definitions: dg.Definitions, instance: dg.DagsterInstance, strategy: str, session: str
) -> None:
    """Materialise the orders of a strategy after a session once more.

    Raises:
        RunFailedError: the run failed; the message is the failed asset's.
    """
    span = Span(session, session)
    _materialise(definitions, instance, span.tags, [dg.AssetKey([ORDERS, strategy])], session)


def run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    span: Span,
    batch: str,
    steps: Steps | None = None,
) -> None:
    """Materialise one span in one run, in this process.

    Where a session of it is blocked, the sessions before that one are brought in first. ``batch``
    names the back-fill that the span is part of: its tickers are asked for once. ``steps`` hears
    how far the run is.

    Raises:
        RunFailedError: the run failed; the message is the failed asset's.
    """
    try:
        _run(definitions, instance, span, batch, steps)
    except _BlockedError as blocked:
        before = calendar.offset(blocked.session, -1)
        if before and before >= span.first:
            _run(definitions, instance, replace(span, last=before), batch, steps)
        raise


class _BlockedError(RunFailedError):
    def __init__(self, message: str, session: str) -> None:
        super().__init__(message)
        self.session = session


def _failed_check(check: dg.AssetCheckEvaluation, what: str) -> str:
    """The check, its asset and what it counted."""
    counts = (
        f"{name} {value.value}"
        for name, value in check.metadata.items()
        if isinstance(value.value, int | float | str)
    )
    asset = check.asset_key.to_user_string()
    return (
        f"the check {check.check_name} of {asset} failed in {what}:"
        f" {', '.join(counts)}; the rows are in the UI"
    )


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    span: Span,
    batch: str,
    steps: Steps | None,
) -> None:
    selection = span.selection(definitions.resolve_asset_graph())
    _execute(definitions, instance, span, batch, selection, steps)


def _execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    span: Span,
    batch: str,
    selection: list[dg.AssetKey],
    steps: Steps | None = None,
) -> None:
    tags = {**span.tags, BATCH_TAG: batch}
    _materialise(definitions, instance, tags, selection, f"{span.first} to {span.last}", steps)


def _materialise(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    tags: Mapping[str, str],
    selection: list[dg.AssetKey],
    what: str,
    steps: Steps | None = None,
) -> None:
    run_id = make_new_run_id()
    ear = _Ear(instance, run_id, steps)
    job = definitions.resolve_job_def(daily_job.name)
    try:
        with stopping.announced(ear.announce):
            result = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                tags={**(_TAGS.get() or {}), **tags},
                asset_selection=selection,
                run_config=QUIET,
                raise_on_error=False,
            )
    except (StopRequested, KeyboardInterrupt, DagsterExecutionInterruptedError) as stop:
        stopping.begin_to_end()
        stopping.let_go(stop)
        _end(instance, run_id)
        stopping.check()
        raise
    if result.success:
        return
    if stopping.is_requested():
        _end(instance, run_id)
        stopping.check()
    _raise_failure(result, what)


def _raise_failure(result: dg.ExecuteInProcessResult, what: str) -> NoReturn:
    failures = [event for event in result.all_events if event.is_step_failure]
    for event in failures:
        told = event.step_failure_data.user_failure_data
        if told is not None and BLOCKED in told.metadata:
            raise _BlockedError(
                f"{event.step_key}: {told.description}", str(told.metadata[BLOCKED].value)
            )
        if told is not None:
            raise RunFailedError(f"{event.step_key}: {told.description}")
    for check in result.get_asset_check_evaluations():
        if check.blocking and not check.passed:
            raise RunFailedError(_failed_check(check, what))
    for event in failures:
        cause = root_cause(event.step_failure_data.error)
        raise RunFailedError(f"{event.step_key}: {cause}")
    raise RunFailedError(f"the run over {what} failed: see its log in the UI")


class _Ear:
    """Hears the events of a run: how far it is, and whether it is being stopped."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, steps: Steps | None) -> None:
        self._instance = instance
        self._run_id = run_id
        self._steps = steps
        self._has_announced = False
        instance.add_event_listener(run_id, self.hear)

    def hear(self, event: dg.EventLogEntry) -> None:
        """One event."""
        if self._steps is not None:
            if event.dagster_event_type is dg.DagsterEventType.RUN_START:
                self._steps.begin(_planned(self._instance, self._run_id))
            self._steps.hear(event)
        if stopping.is_requested():
            self.announce()

    def announce(self) -> None:
        """Say that the run is to be canceled.

        Dagster records a run that was interrupted as canceled where that was said before, and as
        failed otherwise: its daemon would try that one again.
        """
        if self._has_announced:
            return
        self._has_announced = True
        run = self._instance.get_run_by_id(self._run_id)
        if run is not None and not run.is_finished:
            self._instance.report_run_canceling(run, STOPPED)


def _planned(instance: dg.DagsterInstance, run_id: str) -> int:
    """How many steps a run has."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.execution_plan_snapshot_id is None:
        return 0
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    return len(plan.step_keys_to_execute)


def _end(instance: dg.DagsterInstance, run_id: str) -> None:
    """Put on record that an interrupted run is over, and give back its places in pools."""
    stopping.begin_to_end()
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, STOPPED)
    free_places(instance)
