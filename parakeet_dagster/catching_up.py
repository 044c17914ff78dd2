"""Bringing sessions in within a time that is limited, so that the next attempt goes on.

As ``parakeet backfill`` does, in pieces. What is done is on record when its piece ends, so a later
call finds it (see ``backfill``). A piece that can hardly end in time is not begun; one that is
under way when the time is over is interrupted, and leaves what Ctrl-C would.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import dagster as dg

from parakeet_dagster import runs
from parakeet_dagster.backfill import (
    PRICES,
    Progress,
    Span,
    chunks,
    dependencies,
    plan,
    plan_for_who_joined,
    reports,
)
from parakeet_dagster.connect import enabled_strategies
from parakeet_dagster.deadline import Deadline
from parakeet_dagster.errors import IncompleteError, OutOfTimeError, RunFailedError
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import Settings
from parakeet_dagster.steps import Steps
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

FIRST_PIECE = 20
"""Sessions of the first run: nobody knows yet how long one takes."""

LARGEST_PIECE = 260
ROWS = "dagster/partition_row_count"
MARGIN = 1.5
"""A run may take so much longer than the one before it."""


@dataclass
class Work:
    """Everything that a call works on, and what it has done.

    is_stopped: somebody else than the clock ended it.
    completed: the pieces that are complete, in order. left: what was planned beside them; None
    before anything was.
    """

    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    lake: Lake
    database: Database
    prices: PriceSource
    deadline: Deadline
    completed: list[Span] = field(default_factory=list)
    left: list[Span] | None = None
    heard: "Heard" = field(default_factory=lambda: Heard())
    is_stopped: bool = False

    @property
    def progress(self) -> Progress:
        """What is recorded and stored now."""
        assets = dependencies(self.definitions.resolve_asset_graph())
        return Progress(assets, self.instance, self.lake, self.database)

    @property
    def sessions(self) -> list[str]:
        """The sessions that are complete because of this call, ascending."""
        return sorted({key for span in self.completed for key in span.keys})

    def out_of_time(self) -> OutOfTimeError:
        """What to say where the work was cut short."""
        why = "stopped" if self.is_stopped else "out of time"
        done = f"{why}: {len(self.sessions)} sessions were completed"
        if self.left is None:
            return OutOfTimeError(f"{why}: nothing was begun; call it again with more time")
        missing = sorted({key for span in self.left for key in span.keys})
        rest = f"{len(missing)} from {missing[0]} to {missing[-1]}" if missing else "the reports"
        return OutOfTimeError(f"{done}, {rest} are left; the same call goes on there")


def bring_in(work: Work, wanted: Span) -> None:
    """Complete the sessions of ``wanted``, and all that is stored.

    Raises:
        RunFailedError: a run failed; what is complete before it stays.
        OutOfTimeError: the time is over.
        IncompleteError: the runs succeeded, and still a session lacks something, or a check failed.
    """
    history = max((one.history for one in enabled_strategies(work.settings).values()), default=1)
    batch = _batch(work.settings, wanted)
    spans = plan(work.progress, wanted, history)
    while spans:
        _run_all(work, spans, batch)
        work.prices.forget(batch)
        done, progress = spans, work.progress
        joined = plan_for_who_joined(progress, work.database)
        corrected = not work.database.open_corrections().empty
        spans = joined or (plan(progress, wanted, history) if corrected else [])
        spans = [] if spans == done else spans
    progress = work.progress
    work.database.refresh_adjusted_closes()
    if progress.are_stale(reports(work.definitions.resolve_asset_graph()), work.instance):
        runs.run_reports(work.definitions, work.instance)
    _require_complete(work, progress, wanted)


def _run_all(work: Work, spans: Sequence[Span], batch: str) -> None:
    left, size = list(spans), FIRST_PIECE
    work.left = left
    work.prices.on_answer = work.heard.answered
    try:
        pieces = list(chunks(spans, size))
        runs.run_membership(work.definitions, work.instance, pieces, batch)
        while left:
            piece, left = _split(left, size)
            begun = time.monotonic()
            runs.run(work.definitions, work.instance, piece, batch, work.heard)
            work.left = left
            work.completed.append(piece)
            if left:
                size = _next_size(size, time.monotonic() - begun, work)
    except RunFailedError:
        work.prices.forget(batch)
        work.database.refresh_adjusted_closes()
        raise
    finally:
        work.prices.on_answer = None


def _split(spans: Sequence[Span], size: int) -> tuple[Span, list[Span]]:
    """The first ``size`` sessions of the first span, and all the others."""
    piece, *others = chunks(spans[:1], size)
    rest = [replace(spans[0], first=others[0].first)] if others else []
    return piece, [*rest, *spans[1:]]


def _next_size(size: int, seconds: float, work: Work) -> int:
    """Twice as many sessions where there is time for that many.

    A run of more sessions asks the vendor for as many tickers as one of few.

    Raises:
        OutOfTimeError: there is hardly time for as many again.
    """
    left = work.deadline.seconds
    if left < seconds * MARGIN:
        raise work.out_of_time()
    return min(size * 2, LARGEST_PIECE) if left > seconds * MARGIN * 2 else size


def _require_complete(work: Work, progress: Progress, wanted: Span) -> None:
    for asset in progress.assets:
        missing = progress.missing(asset, wanted.keys)
        if missing:
            raise IncompleteError(
                f"not complete: {asset.to_user_string()} lacks {len(missing)} of"
                f" {len(wanted.keys)} sessions, the first is {missing[0]}; call it again"
            )
    if work.heard.failed_checks:
        named = ", ".join(dict.fromkeys(work.heard.failed_checks))
        raise IncompleteError(f"stored, but the check {named} failed; its rows are in the UI")


def _batch(settings: Settings, wanted: Span) -> str:
    """The name under which answers are kept: a call that is repeated goes on with them."""
    what = f"{wanted.first} {wanted.last} {settings.universe_keys} {settings.universe_file}"
    return "serverless-" + hashlib.sha256(what.encode()).hexdigest()[:16]


class Heard(Steps):
    """What runs have said.

    asked: the most tickers that one of them asked the vendor for. rows: bars that were stored.
    failed_checks: "asset:check" of those that failed and blocked nothing; warnings are left out.
    """

    def __init__(self) -> None:
        super().__init__(lambda _part, _doing: None)
        self.asked = 0
        self.rows = 0
        self.failed_checks: list[str] = []

    def answered(self, tickers: int, asked: int) -> None:
        """So many tickers of so many were answered."""
        super().answered(tickers, asked)
        self.asked = max(self.asked, asked)

    def hear(self, event: dg.EventLogEntry) -> None:
        """One event of a run."""
        super().hear(event)
        told = event.dagster_event
        if told is None:
            return
        if told.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = told.asset_check_evaluation_data
            if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                self.failed_checks.append(f"{check.asset_key.to_user_string()}:{check.check_name}")
        if told.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and (
            told.asset_key == PRICES
        ):
            metadata = told.step_materialization_data.materialization.metadata
            self.rows += int(str(metadata[ROWS].value)) if ROWS in metadata else 0
