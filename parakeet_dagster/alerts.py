"""What is told when a run or a check failed: what, where, for which sessions, and what to do."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import SENSOR_NAME_TAG, WILL_RETRY_TAG

from parakeet_dagster.assets.batches import BATCH_TAG
from parakeet_dagster.causes import Cause, cause_of, causes_of, one_line
from parakeet_dagster.partitions import sessions_of_run
from parakeet_dagster.targets import Message

HEALING = "healing_sensor"
NAMED = 5
"""So many causes of a run are told; more are counted."""

LONGEST_LINE = 600

_COMMANDS = {
    "coverage": "parakeet backfill {range}, when the vendor has it; or parakeet session accept",
    "equals_lake": "parakeet backfill {range} --again",
    "last_completed_session": "parakeet status; then parakeet backfill FROM TO",
    "corrections": "nothing: the healing sensor applies them, or parakeet backfill {range}",
    "lists_believed": "parakeet universe KEY, and PARAKEET_UNIVERSE_FILE where the list is yours",
}
"""By the name of a check that failed, what to do; with the sessions in the place of ``range``."""


@dataclass(frozen=True)
class Alert:
    """What is to be told once. ``key``: by which it is known that it was."""

    key: str
    message: Message


def alert_of_run(instance: dg.DagsterInstance, record: dg.RunRecord) -> Alert | None:
    """What is to be told of a run that has ended; None where there is nothing.

    A run that Dagster tries again by itself is not told of, nor are warnings of a back-fill from
    the command line, which is behind the markets until its last chunk. When the healing sensor asks
    for the same sessions again, and they fail for the same reasons, that is not told again.
    """
    run = record.dagster_run
    if run.tags.get(WILL_RETRY_TAG) == "true":
        return None
    is_failed = run.status is dg.DagsterRunStatus.FAILURE
    causes = causes_of(instance, run.run_id)
    if not is_failed and (not causes or BATCH_TAG in run.tags):
        return None
    sessions = sessions_of_run(run.tags)
    subject = f"Parakeet: {_what(run, causes, is_failed=is_failed)}{_of(sessions)}"
    text = "\n".join(
        [
            *_told(causes),
            "",
            "What to do:",
            *(f"- {line}" for line in what_to_do(causes, run.tags, is_failed=is_failed)),
            "",
            _run_line(record),
        ]
    )
    return Alert(_key(run, causes, sessions), Message(subject, text))


def alert_of_check(record: dg.AssetCheckEvaluation, at: float, number: int) -> Alert:
    """What is to be told of a check that failed outside of a run, as the healing sensor's.

    Args:
        record: what it said.
        at: when, in seconds since 1970.
        number: by which the Dagster instance knows it.
    """
    asset = record.asset_key.to_user_string()
    needs = [value.value for value in record.metadata.values() if isinstance(value.value, str)]
    cause = Cause(one_line("; ".join(needs)), (asset,)) if needs else cause_of(record)
    text = "\n".join([*_told([cause]), "", f"{_moment(at)}, see the asset {asset} in the UI"])
    subject = f"Parakeet: the check {record.check_name} of {asset} failed"
    return Alert(f"check/{record.check_name}/{number}", Message(subject, text))


def what_to_do(causes: Sequence[Cause], tags: Mapping[str, str], *, is_failed: bool) -> list[str]:
    """Commands, the most particular first.

    Args:
        causes: of the run.
        tags: of the run.
        is_failed: whether it failed, or only some checks of it.
    """
    ends = sessions_of_run(tags).split(" to ")
    span = f"{ends[0]} {ends[-1]}" if ends[0] else "FROM TO"
    of_checks = [
        _COMMANDS[name].format(range=span)
        for cause in causes
        for name in cause.checks
        if name in _COMMANDS
    ]
    general = (
        [f"parakeet backfill {span}, once the cause is mended: it goes on where it stopped"]
        if is_failed and ends[0]
        else ["parakeet doctor says what is not as it should be"]
        if is_failed
        else ["parakeet status shows what is not settled; nothing was stopped by this"]
    )
    return list(dict.fromkeys([*of_checks, *general]))


def _what(run: dg.DagsterRun, causes: Sequence[Cause], *, is_failed: bool) -> str:
    """The subject's beginning, short enough for a phone."""
    if is_failed:
        struck = next((cause.assets[0] for cause in causes if cause.assets), None)
        return f"{struck} failed" if struck else f"the run {run.job_name} failed"
    first = causes[0]
    more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    return f"check {first.checks[0]} of {first.assets[0]}{more} failed"


def _of(sessions: str) -> str:
    return f", {sessions}" if sessions else ""


def _told(causes: Sequence[Cause]) -> list[str]:
    """A line per cause: the assets, and what was said."""
    lines = []
    for cause in causes[:NAMED]:
        names = ", ".join(cause.assets[:NAMED])
        more = f" and {len(cause.assets) - NAMED} more" if len(cause.assets) > NAMED else ""
        line = cause.line if len(cause.line) <= LONGEST_LINE else f"{cause.line[:LONGEST_LINE]}..."
        prefix = f"{names}{more}: " if names and not cause.checks else ""
        lines.append(prefix + line + ("" if cause.is_blocking else " (a warning)"))
    if len(causes) > NAMED:
        lines.append(f"and {len(causes) - NAMED} more: see the run in the UI")
    return lines or ["failed without a word: see the run's log in the UI"]


def _run_line(record: dg.RunRecord) -> str:
    run = record.dagster_run
    ended = f", ended {_moment(record.end_time)}" if record.end_time else ""
    sessions = sessions_of_run(run.tags)
    return f"Run {run.run_id} of the job {run.job_name}{_of(sessions)}{ended}"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _key(run: dg.DagsterRun, causes: Sequence[Cause], sessions: str) -> str:
    if run.tags.get(SENSOR_NAME_TAG) != HEALING:
        return f"run/{run.run_id}"
    what = "\n".join(sorted(cause.line for cause in causes))
    return f"healing/{sessions}/{hashlib.sha256(what.encode()).hexdigest()[:16]}"
