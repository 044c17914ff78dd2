"""How far long work is: a bar on a terminal, a line for each part elsewhere. On standard error.

Standard output belongs to what was asked for, ``--json`` above all.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from parakeet_dagster.tables import log

LONG = 2.0
"""Seconds after which work without parts is worth a line."""

TIMES_A_SECOND = 4


class Meter:
    """So many of so many.

    Args:
        total: how many there are; 0 where that is not known yet.
        unit: of what, one of them: "session".
        clock: seconds.
    """

    def __init__(self, total: int, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.unit = unit
        self.done = 0.0
        self.doing = ""
        self._clock = clock
        self._begun = self._moved = clock()

    def at(self, done: float, doing: str) -> None:
        """So many are done, a part of one also, and this is being done now."""
        if done != self.done:
            self.done, self._moved = done, self._clock()
        self.doing = doing

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float | None:
        """How many a second, over all of it; None while none is done, and nobody can know."""
        taken = self._moved - self._begun
        return self.done / taken if self.done >= 1 and taken > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds to the end at this rate; None while none is done."""
        if self.rate is None:
            return None
        since = self._clock() - self._moved
        return max((self.total - self.done) / self.rate - since, 0.0)

    def figures(self, of: str) -> str:
        """In words: "12 of 40 sessions, 3.1 sessions/s, 0:04, 0:09 left"; ``of`` is " of "."""
        parts = [f"{int(self.done)}{of}{self.total} {self.unit}s"] if self.total else []
        if self.rate is not None:
            parts.append(f"{self.rate:.1f} {self.unit}s/s")
        parts.append(duration(self.elapsed))
        if self.left is not None and self.done < self.total:
            parts.append(f"{duration(self.left)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """In digits: 0:07, 12:30 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Figures(ProgressColumn):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def render(self, task: Task) -> Text:  # noqa: ARG002 - rich's signature
        return Text(self._meter.figures("/"))


class _TwoLines(Progress):
    """What is being done, and below it the bar: in one line they would not fit into a terminal."""

    def __init__(self, meter: Meter, console: Console) -> None:
        self._meter = meter
        super().__init__(
            BarColumn(bar_width=24),
            _Figures(meter),
            console=console,
            refresh_per_second=TIMES_A_SECOND,
            transient=True,
        )

    def get_renderables(self) -> Iterator[RenderableType]:
        yield Text(self._meter.doing, no_wrap=True, overflow="ellipsis")
        yield from super().get_renderables()


class Shown:
    """A meter that someone watches."""

    def __init__(self, meter: Meter, console: Console, bar: tuple[Progress, TaskID] | None) -> None:
        self._meter = meter
        self._console = console
        self._bar = bar

    def at(self, done: float, doing: str, total: int | None = None) -> None:
        """Move the bar; no line is printed. ``total``: where it was not known before."""
        if total is not None:
            self._meter.total = total
        self._meter.at(done, doing)
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=done, total=self._meter.total)

    def over(self, what: str) -> None:
        """All is done: a line where there is no bar and it took long."""
        if self._bar is None and self._meter.elapsed > LONG:
            say(self._console, f"{what}: {self._meter.figures(' of ')}")

    def part(self, done: float, what: str) -> None:
        """A part is done: move the bar, or print a line where there is none."""
        self.at(done, what)
        if self._bar is None:
            say(self._console, f"{what}: {self._meter.figures(' of ')}")


@contextmanager
def shown(total: int, unit: str, console: Console = log) -> Iterator[Shown]:
    """Show how far a work of ``total`` units is, until the end of the block."""
    meter = Meter(total, unit)
    if not is_watched(console):
        yield Shown(meter, console, None)
        return
    with _TwoLines(meter, console) as progress:
        yield Shown(meter, console, (progress, progress.add_task("", total=total or None)))


@contextmanager
def waiting(what: str, console: Console = log) -> Iterator[None]:
    """Show on a terminal that something is being done, of which nobody knows how long it takes."""
    if not is_watched(console):
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(what, total=None)
        yield


@contextmanager
def working(what: str, console: Console = log) -> Iterator[None]:
    """As ``waiting``; where there is no terminal, a line afterwards, if it took long."""
    begun = time.monotonic()
    with waiting(what, console):
        yield
    taken = time.monotonic() - begun
    if not is_watched(console) and taken > LONG:
        say(console, f"{what}: {duration(taken)}")


def is_watched(console: Console) -> bool:
    """Whether a bar can move there. Colours may be forced upon a file; a bar may not."""
    return console.is_interactive and console.file.isatty()


def say(console: Console, line: str) -> None:
    """One line as it is."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
