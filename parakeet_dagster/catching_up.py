"""Bringing sessions in within a time that is limited, so that the next attempt goes on.

As ``parakeet backfill`` does, in pieces. What is done is on record when its piece ends, so a later
call finds it (see ``backfill``). A piece that can hardly end in time is not begun; one that is
under way when the time is over is interrupted, and leaves what Ctrl-C would.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg

from parakeet_dagster import runs
from parakeet_dagster.assets.metadata import ROW_COUNT
from parakeet_dagster.backfill import (
    PRICES,
    Progress,
    Span,
    batch_of,
    chunks,
    dependencies,
    plan,
    plan_for_who_joined,
    reports,
)
from parakeet_dagster.choices import enabled_strategies
from parakeet_dagster.deadline import Deadline
from parakeet_dagster.errors import IncompleteError, OutOfTimeError, RunFailedError
from parakeet_dagster.partitions import RANGE_TAGS
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import Settings
from parakeet_dagster.steps import Steps
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

FIRST_PIECE = 20
"""Sessions of the first run: nobody knows yet how long one takes."""

LARGEST_PIECE = 260
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
        IncompleteError: the runs succeeded, and still a session lacks something, or a check failed;
            or nothing at all that is stored is on record.
    """
    progress = work.progress
    _require_records(progress)
    history = max((one.history for one in enabled_strategies(work.settings).values()), default=1)
    batch = batch_of("serverless", wanted, work.settings)
    spans = plan(progress, wanted, history)
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


def _require_records(progress: Progress) -> None:
    """Refuse to bring in all that is stored once more, years of it, because of lost records.

    A first run that was killed leaves none, either, but no more sessions than it had.
    """
    if progress.lost_its_records and len(progress.history) > FIRST_PIECE:
        raise IncompleteError(
            f"the lake holds {len(progress.history)} sessions and Dagster's storage has none on"
            " record: run parakeet adopt against that storage first, see docs/serverless.md"
        )


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
    failed = [*work.heard.failed_checks, *_still_failed(work, wanted)]
    if failed:
        named = ", ".join(dict.fromkeys(failed))
        raise IncompleteError(f"stored, but the check {named} failed; its rows are in the UI")


def _still_failed(work: Work, wanted: Span) -> Iterator[str]:
    """As ``Heard.failed_checks``, of the newest run over sessions of ``wanted``.

    What is stored is not computed again: without this, the call that Lambda makes after one that
    failed would pass.
    """
    checks = list(work.definitions.resolve_asset_graph().asset_check_keys)
    newest = work.instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    for record in newest.values():
        event = record.event.dagster_event if record.event else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        name = failed_check(event.asset_check_evaluation_data)
        run = work.instance.get_run_by_id(record.run_id) if name else None
        first, last = (run.tags.get(tag, "") if run else "" for tag in RANGE_TAGS)
        if name and first <= wanted.last and wanted.first <= last:
            yield name


def failed_check(check: dg.AssetCheckEvaluation) -> str | None:
    """The name, "asset:check", of one that failed and blocks nothing; a warning is none."""
    if check.passed or check.blocking or check.severity is not dg.AssetCheckSeverity.ERROR:
        return None
    return f"{check.asset_key.to_user_string()}:{check.check_name}"


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
            name = failed_check(told.asset_check_evaluation_data)
            self.failed_checks += [name] if name else []
        if told.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and (
            told.asset_key == PRICES
        ):
            metadata = told.step_materialization_data.materialization.metadata
            self.rows += int(str(metadata[ROW_COUNT].value)) if ROW_COUNT in metadata else 0
