"""Examinations that run side by side, each with a time limit; none stops another."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from parakeet_dagster.errors import ParakeetError
from parakeet_dagster.redaction import redacted

SECONDS = 15.0
"""What an examination may take; they run at the same time, so that all take no longer."""


class Status(StrEnum):
    """How bad it is: ``WARN`` may be as intended, ``FAIL`` keeps Parakeet from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one examination found, and what to do about it; one line each, without secrets."""

    status: Status
    found: str
    do: str = ""


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Status.OK, found)


def warn(found: str, do: str) -> Finding:
    """It may be as intended."""
    return Finding(Status.WARN, found, do)


def fail(found: str, do: str) -> Finding:
    """Parakeet cannot work so."""
    return Finding(Status.FAIL, found, do)


Examination = Callable[[], Finding]


@dataclass(frozen=True)
class Report:
    """findings: by name, in the order asked for. is_hanging: an examination has not come back."""

    findings: Mapping[str, Finding]
    is_hanging: bool

    @property
    def is_well(self) -> bool:
        """Whether nothing fails."""
        return all(one.status is not Status.FAIL for one in self.findings.values())


def examine(
    examinations: Mapping[str, Examination],
    advice: Mapping[str, str],
    secrets: Sequence[str] = (),
    seconds: float = SECONDS,
) -> Report:
    """Run all, at the same time.

    Args:
        examinations: by name.
        advice: by name, what to do where an examination cannot tell.
        secrets: what no finding may show.
        seconds: after so many an examination that has not come back has failed. Its thread is left
            to itself: nothing in Python can end it.
    """
    found: dict[str, Finding] = {}

    def run(name: str, examination: Examination) -> None:
        found[name] = _without(secrets, _guarded(examination, advice[name]))

    threads = {
        name: threading.Thread(target=run, args=(name, one), name=f"doctor {name}", daemon=True)
        for name, one in examinations.items()
    }
    for thread in threads.values():
        thread.start()
    limit = threading.Event()
    timer = threading.Timer(seconds, limit.set)
    timer.start()
    for thread in threads.values():
        while thread.is_alive() and not limit.is_set():
            thread.join(0.05)
    timer.cancel()
    silent = f"no answer in {seconds:g} seconds"
    findings = {name: found.get(name) or fail(silent, advice[name]) for name in threads}
    return Report(findings, any(thread.is_alive() for thread in threads.values()))


def _guarded(examination: Examination, advice: str) -> Finding:
    try:
        return examination()
    except ParakeetError as error:
        problem, _, do = error.message.partition("; ")
        return fail(problem, do or advice)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is a finding, too
        lines = str(error).strip().splitlines()
        told = f": {lines[0]}" if lines else ""
        return fail(f"{type(error).__name__}{told}", advice)


def _without(secrets: Sequence[str], finding: Finding) -> Finding:
    return Finding(
        finding.status,
        " ".join(redacted(finding.found, secrets).split()),
        " ".join(redacted(finding.do, secrets).split()),
    )
