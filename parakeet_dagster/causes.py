"""Why a run failed, and which of its checks did: what it has put on record, in lines."""

from dataclasses import dataclass

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from parakeet_dagster.finished_runs import events_of

_SAID_BY_CHECKS = "DagsterAssetCheckFailedError"
SEE_THE_RUN = "failed; see the run's log in the UI"


@dataclass(frozen=True)
class Cause:
    """One reason, and the assets that it struck.

    checks: the names of the checks that say so, none where it was raised. is_blocking: whether
    what follows from the assets was not computed.
    """

    line: str
    assets: tuple[str, ...]
    checks: tuple[str, ...] = ()
    is_blocking: bool = True


def causes_of(instance: dg.DagsterInstance, run_id: str) -> list[Cause]:
    """Every reason once, what was raised first, then the checks that failed.

    Of several steps that failed for one reason, all are named by it. A check that only says what
    its asset's step has raised is left out.
    """
    raised = raised_in(instance, run_id)
    struck = {asset for cause in raised for asset in cause.assets}
    failed = [cause_of(check) for check in evaluations(instance, run_id) if not check.passed]
    return [*raised, *(one for one in failed if not struck.issuperset(one.assets))]


def raised_in(instance: dg.DagsterInstance, run_id: str) -> list[Cause]:
    """What the steps of a run raised; else why the run itself failed, as when its process died."""
    steps: dict[str, list[str]] = {}
    for event in events_of(instance, run_id, dg.DagsterEventType.STEP_FAILURE):
        data = event.step_failure_data
        if data.error is not None and data.error.cls_name == _SAID_BY_CHECKS:
            continue
        told = data.user_failure_data
        line = told.description if told and told.description else root_cause(data.error)
        steps.setdefault(one_line(line), []).append(asset_of(event.step_key or ""))
    if steps:
        return [Cause(line, tuple(dict.fromkeys(assets))) for line, assets in steps.items()]
    events = events_of(instance, run_id, dg.DagsterEventType.RUN_FAILURE)
    blocked = any(check.blocking and not check.passed for check in evaluations(instance, run_id))
    if blocked:
        return []
    return [Cause(one_line(event.message or SEE_THE_RUN), ()) for event in events[-1:]]


def evaluations(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """What the checks of a run said."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    return [event.asset_check_evaluation_data for event in events_of(instance, run_id, kind)]


def cause_of(check: dg.AssetCheckEvaluation) -> Cause:
    """A check that failed, with what it counted."""
    counts = [
        f"{name} {value.value}"
        for name, value in check.metadata.items()
        if isinstance(value.value, int | float | str)
    ]
    asset = check.asset_key.to_user_string()
    line = f"the check {check.check_name} of {asset} failed: {', '.join(counts)}"
    return Cause(one_line(line), (asset,), (check.check_name,), bool(check.blocking))


def root_cause(error: SerializableErrorInfo | None) -> str:
    """What no one foresaw, in one line; the run's log has the traceback."""
    while error is not None and error.cause is not None:
        error = error.cause
    lines = error.message.strip().splitlines() if error else []
    return lines[-1] if lines else SEE_THE_RUN


def asset_of(step: str) -> str:
    """The asset of a step's key: "signals__x" computes "signals/x"."""
    return step.replace("__", "/")


def one_line(text: str) -> str:
    """Without line breaks, nor runs of blanks."""
    return " ".join(text.split())
