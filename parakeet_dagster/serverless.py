"""The daily job inside of AWS Lambda: ``daily_ingest``, see ``docs/serverless.md``.

A call that returns has left every session complete; everything else raises, in one line, so that
Lambda's own retries, its dead-letter queue and an alarm see it. What was done until then stays, and
the same call goes on there.

Importing this connects to nothing and takes a fraction of a second: what is large is imported by
the first call.
"""

import logging
import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote
from uuid import uuid4

from parakeet_dagster import clock, logs, metrics, stopping
from parakeet_dagster.deadline import Deadline
from parakeet_dagster.errors import EventError, SettingsError
from parakeet_dagster.settings import (
    Settings,
    export_writable_folders,
    load_settings,
    require_places,
)
from parakeet_dagster.stopping import StopRequested

if TYPE_CHECKING:
    from parakeet_dagster.backfill import Span
    from parakeet_dagster.catching_up import Work

REQUEST_TAG = "parakeet/request"
"""Of every run of a call: AWS's id of the request."""

FAILURES = 50
"""So many failed tickers are named in the answer; all of them are in the database."""

_ACCEPTED = (
    '{}, {"session": "YYYY-MM-DD"}, {"from": "YYYY-MM-DD", "to": "YYYY-MM-DD"} or {"backup": true}'
)
_OF_EVENTBRIDGE = {"detail-type", "source"}

_log = logging.getLogger("parakeet.serverless")


class Context(Protocol):
    """What Lambda tells of a call; only this is used of it."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends the process."""
        ...


def daily_ingest(event: Mapping[str, Any] | None, context: Context | None = None) -> dict[str, Any]:
    """Bring in every session that is due, or those that the event names.

    Args:
        event: ``{}``, or what EventBridge sends by itself: the sessions up to the last one that can
            be had, as far as they are not complete, and what is broken before. ``{"session": D}``:
            a session. ``{"from": A, "to": B}``: the sessions inside of two dates. ``{"backup":
            True}``: no session; the database is dumped to ``PARAKEET_BACKUPS``.
        context: Lambda's; without one there is all the time of the world.

    Returns:
        JSON: ``sessions`` (first, last; completed: how many this call computed; behind: how many
        that can be had are not stored), ``tickers`` (asked, got, failed), ``rows`` (bars stored),
        ``seconds``, ``runs`` (Dagster's ids), ``failures`` (what is open of the sessions: ticker,
        error_class, first, last, sessions, attempts, message; at most 50). Of a backup ``dump``,
        its name, and ``removed``, the names of those that it replaces.

    Raises:
        ParakeetError: in one line, without a secret: the event or a setting is wrong
            (``EventError``, ``SettingsError``), the database cannot be reached (``DatabaseError``),
            a run failed (``RunFailedError``), the time was over (``OutOfTimeError``), or something
            is missing or fails its check (``IncompleteError``).
    """
    settings = load_settings()
    logs.configure(settings.logs, settings.secrets)
    telling = _Telling(settings, str(getattr(context, "aws_request_id", None) or uuid4()))
    with ExitStack() as stack:
        try:
            answer = (
                _back_up(settings)
                if _is_backup(event)
                else _ingest(event, context, settings, telling, stack)
            )
        except Exception as error:
            telling.tell(error)
            raise
        telling.tell(None)
    _log.info("complete: %s", answer)
    return answer


def _ingest(
    event: object,
    context: Context | None,
    settings: Settings,
    telling: "_Telling",
    stack: ExitStack,
) -> dict[str, Any]:
    begun = time.monotonic()
    asked = _Asked.of(event)
    if asked.first is None:
        metrics.record({"Heartbeat": 1}, call=telling.name)
    export_writable_folders(settings)
    require_places(settings)
    stack.enter_context(stopping.listening())
    work = _open(settings, _deadline(context), stack)
    call = telling.call = _Call(work, telling.name)
    if password := work.database.url.password:
        logs.configure(settings.logs, (*settings.secrets, password, quote(password, safe="")))
    wanted = asked.span(work)
    call.bring_in(wanted)
    return {**call.answer(wanted), "seconds": round(time.monotonic() - begun, 1)}


def _is_backup(event: object) -> bool:
    """Whether it is ``{"backup": true}``, and not 1, which Python takes for the same."""
    return isinstance(event, Mapping) and event.keys() == {"backup"} and event["backup"] is True


def _back_up(settings: Settings) -> dict[str, Any]:
    """What no session brings back, dumped; see ``backups``."""
    from parakeet_dagster.backups import KEPT, back_up

    require_places(settings)
    if settings.lambda_function and not settings.backups_url.startswith("s3://"):
        raise SettingsError(
            f"PARAKEET_BACKUPS={settings.backups_url}: in a Lambda it would be lost; accepted is"
            " s3://bucket/prefix"
        )
    made = back_up(settings, KEPT)
    return {"dump": made.dump.name, "removed": list(made.removed)}


class _Telling:
    """Tells of a call what a sensor would, see ``without_daemon``."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self.name = name
        self.call: _Call | None = None

    def tell(self, error: Exception | None) -> None:
        """Write the metrics, and send what is to be sent; ``error``: how the call ends."""
        if self.call is None:
            metrics.record({"Failed": float(error is not None)}, call=self.name)
            return
        from parakeet_dagster.without_daemon import tell_of_call

        instance = self.call.work.instance
        tell_of_call(instance, self._settings, self.call.run_ids(), self.name, error)


@dataclass(frozen=True)
class _Asked:
    """The dates of an event; both None where it names none."""

    first: str | None = None
    last: str | None = None

    @classmethod
    def of(cls, event: object) -> "_Asked":
        """What an event asks for.

        Raises:
            EventError: it is none of those that are taken.
        """
        if event is None:
            return cls()
        if isinstance(event, Mapping):
            if not event or event.keys() >= _OF_EVENTBRIDGE:
                return cls()
            if all(isinstance(value, str) for value in event.values()):
                if event.keys() == {"session"}:
                    return cls(event["session"], event["session"])
                if event.keys() == {"from", "to"}:
                    return cls(event["from"], event["to"])
        shown = repr(event)
        shown = shown if len(shown) < 200 else f"{shown[:200]}..."
        raise EventError(f"the event {shown} is not known; accepted is {_ACCEPTED}")

    def span(self, work: "Work") -> "Span":
        """The sessions.

        Raises:
            SessionError: a date is malformed, no session, or outside of what can be had.
        """
        from parakeet_dagster import sessions as calendar
        from parakeet_dagster.backfill import Span, snap

        if self.first is None or self.last is None:
            due = _due(work)
            return Span(due, due)
        if self.first == self.last:
            calendar.require_session(self.first)
        return snap(self.first, self.last, work.prices)


def _due(work: "Work") -> str:
    from parakeet_dagster.checks.prices import due_session

    return due_session(work.prices, clock.now())


def _deadline(context: Context | None) -> Deadline:
    if context is None:
        return Deadline(lambda: math.inf)
    return Deadline(lambda: context.get_remaining_time_in_millis() / 1000)


def _open(settings: Settings, deadline: Deadline, stack: ExitStack) -> "Work":
    """Everything that a call works on, closed with ``stack``."""
    from parakeet_dagster.catching_up import Work
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.connect import open_database, open_price_source, read_lists_again
    from parakeet_dagster.definitions import build_definitions
    from parakeet_dagster.instance import open_serverless_instance
    from parakeet_dagster.places import open_lake

    read_lists_again()
    instance = stack.enter_context(open_serverless_instance(settings))
    database = open_database(settings)
    stack.callback(database.close)
    return Work(
        settings=settings,
        definitions=build_definitions(settings, enabled_strategies(settings)),
        instance=instance,
        lake=open_lake(settings.lake_url),
        database=database,
        prices=open_price_source(settings),
        deadline=deadline,
    )


class _Call:
    """One call: its runs carry its name, and the time at which its process is gone."""

    def __init__(self, work: "Work", name: str) -> None:
        self.work = work
        self.name = name

    def bring_in(self, wanted: "Span") -> None:
        """Complete the sessions; see ``catching_up.bring_in``."""
        from parakeet_dagster.catching_up import bring_in
        from parakeet_dagster.dead_runs import bury
        from parakeet_dagster.runs import tagged

        buried = bury(self.work.instance)
        if buried:
            _log.warning("%d runs whose time is over are marked as failed", len(buried))
        try:
            with self.work.deadline.interrupting(), tagged(self._tags()):
                bring_in(self.work, wanted)
        except StopRequested:
            stopping.begin_to_end()
            self.work.is_stopped = not self.work.deadline.has_passed
            raise self.work.out_of_time() from None

    def run_ids(self) -> list[str]:
        """The runs of the call, in order."""
        import dagster as dg

        wanted = dg.RunsFilter(tags={REQUEST_TAG: self.name})
        records = self.work.instance.get_run_records(wanted, ascending=True)
        return [record.dagster_run.run_id for record in records]

    def answer(self, wanted: "Span") -> dict[str, Any]:
        """What to return."""
        from parakeet_dagster import sessions as calendar

        sessions = self.work.sessions
        span = (min([wanted.first, *sessions]), max([wanted.last, *sessions]))
        failures = self._failures(*span)
        failed, asked = len({one["ticker"] for one in failures}), self.work.heard.asked
        stored = self.work.lake.sessions("daily_returns")[-1]
        return {
            "sessions": {
                "first": span[0],
                "last": span[1],
                "completed": len(sessions),
                "behind": len(calendar.between(stored, _due(self.work))[1:]),
            },
            "tickers": {"asked": asked, "got": max(asked - failed, 0), "failed": failed},
            "rows": self.work.heard.rows,
            "runs": self.run_ids(),
            "failures": failures[:FAILURES],
        }

    def _tags(self) -> dict[str, str]:
        from parakeet_dagster.dead_runs import DEADLINE_TAG

        tags, left = {REQUEST_TAG: self.name}, self.work.deadline.until_end
        if math.isfinite(left):
            tags[DEADLINE_TAG] = (clock.now() + timedelta(seconds=left)).isoformat()
        return tags

    def _failures(self, first: str, last: str) -> list[dict[str, Any]]:
        from parakeet_dagster import sessions as calendar
        from parakeet_dagster.cli_status import by_ticker

        found = self.work.database.open_failures()
        of_span = found[found["session"].between(first, last)]
        rows = by_ticker(of_span).to_dict("records")
        days = ("first", "last")
        return [
            {str(name): calendar.key(it) if name in days else it for name, it in row.items()}
            for row in rows
        ]
