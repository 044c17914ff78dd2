"""One line of the table: what was measured, what it is held against, and the verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any

HEADINGS = ("#", "what", "ours", "floor", "ratio", "target", "holds", "memory", "note")


@dataclass(frozen=True)
class Result:
    """A measurement.

    number: of the row in the table. what: the work, in words.
    ours, floor: seconds; floor is None where the row is only reported.
    limit: ``ours / floor`` may be so much; None where there is no target.
    within: seconds that ``ours`` may take, beside the ratio; None where there is no such target.
    at_least: ``floor / ours`` must be so much; for the row that compares with a slower way.
    memory: the peak of the process that did our work, in MB; None where it was not taken.
    note: what a reader must know.
    """

    number: str
    what: str
    ours: float
    floor: float | None = None
    limit: float | None = None
    within: float | None = None
    at_least: float | None = None
    memory: float | None = None
    note: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Result":
        """The measurement that ``record`` tells of."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})

    @property
    def ratio(self) -> float | None:
        """How many times the floor ours costs."""
        return None if self.floor is None else self.ours / self.floor

    @property
    def holds(self) -> bool | None:
        """Whether every target of the row is met; None where it has none."""
        met = []
        if self.limit is not None and self.ratio is not None:
            met.append(self.ratio <= self.limit)
        if self.at_least is not None and self.ratio is not None:
            met.append(1 / self.ratio >= self.at_least)
        if self.within is not None:
            met.append(self.ours <= self.within)
        return all(met) if met else None

    @property
    def target(self) -> str:
        """The targets in words."""
        parts = []
        if self.limit is not None:
            parts.append(f"≤ {self.limit:.1f}x")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:.0f} times faster")
        if self.within is not None:
            parts.append(f"≤ {seconds(self.within)}")
        return ", ".join(parts) or "report"

    @property
    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        ratio = ""
        if self.ratio is not None:
            ratio = f"1/{1 / self.ratio:.0f}" if self.at_least else f"{self.ratio:.2f}x"
        return (
            self.number,
            self.what,
            seconds(self.ours),
            "" if self.floor is None else seconds(self.floor),
            ratio,
            self.target,
            {True: "yes", False: "NO", None: ""}[self.holds],
            "" if self.memory is None else f"{self.memory:,.0f} MB",
            self.note,
        )

    @property
    def record(self) -> dict[str, Any]:
        """As JSON stores it."""
        return asdict(self) | {"ratio": self.ratio, "holds": self.holds}


def results_of(module: str) -> list[Result]:
    """The rows of one module. Not in ``__main__``, which a spawned process cannot import."""
    rows: list[Result] = import_module(f"benchmarks.{module}").results()
    return rows


def seconds(value: float) -> str:
    """A time in the unit that suits it."""
    if value < 0.001:
        return f"{value * 1e6:.1f} µs"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
