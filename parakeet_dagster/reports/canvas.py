"""What a chart is made of: lines and areas over the same dates, on scales with round marks.

A chart says what is shown; ``svg`` draws it, at the size of a ``Format``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from parakeet_dagster.reports import ticks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Format:
    """The size of a chart: width, height and margins in points.

    dates: marks on the axis of dates, at most.
    points: drawn of one line, at most.
    stacked: sessions of which areas on top of each other are drawn, at most.
    """

    width: float
    height: float
    left: float
    right: float
    dates: int
    points: int
    stacked: int


WIDE = Format(width=576, height=230.4, left=58, right=66, dates=10, points=1500, stacked=400)
NARROW = Format(width=288, height=194.4, left=56, right=62, dates=4, points=500, stacked=160)
"""For a telephone: text of the same size takes more of it."""


@dataclass(frozen=True)
class Scale:
    """An axis of values from ``low`` to ``high``, and its marks: value and text."""

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]
    is_logarithmic: bool = False

    def parts(self, values: npt.ArrayLike) -> Floats:
        """Where values are: 0 at ``low``, 1 at ``high``."""
        given: Floats = np.asarray(values, dtype="float64")
        low, high = self.low, self.high
        if self.is_logarithmic:
            given, low, high = np.log(given), math.log(low), math.log(high)
        return (given - low) / (high - low)


def values_scale(
    low: float, high: float, read: Callable[[float, int], str], most: int = 6
) -> Scale:
    """Equal steps are equally high.

    Args:
        low: below ``high``.
        high: above ``low``.
        read: a value and the decimals that tell the marks apart, as text.
        most: marks, at most.
    """
    marks, decimals = ticks.of_values(low, high, most)
    return Scale(low, high, tuple((float(mark), read(mark, decimals)) for mark in marks))


def growth_scale(low: float, high: float, read: Callable[[float], str]) -> Scale:
    """Equal growth is equally high; ``low`` is above 0."""
    marks = ticks.of_growth(low, high)
    return Scale(low, high, tuple((float(mark), read(mark)) for mark in marks), is_logarithmic=True)


@dataclass(frozen=True)
class Line:
    """One line over dates.

    over_time: index date; it breaks off where it is NaN.
    colour: of the palette.
    width: in points.
    name: what stands at its end.
    shade: opacity of the area between the line and zero.
    """

    over_time: pd.Series
    colour: str
    width: float
    name: str = ""
    shade: float = 0.0


@dataclass(frozen=True)
class Stack:
    """Areas on top of each other.

    layers: index date; a column an area.
    colours: of the palette, by column, the uppermost first.
    names: what the list at the right calls them, by column.
    """

    layers: pd.DataFrame
    colours: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Panel:
    """What is drawn on one scale; the lines in their order, so that the last is on top."""

    scale: Scale
    lines: tuple[Line, ...] = ()
    stack: Stack | None = None
    title: str = ""


@dataclass(frozen=True)
class Sentence:
    """What stands in place of a panel that cannot be drawn."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Chart:
    """Panels below each other, the uppermost first.

    dates: of all of them, ascending.
    taller: its height, as a multiple of the format's.
    """

    dates: pd.DatetimeIndex
    panels: tuple[Panel | Sentence, ...]
    taller: float = 1.0
