"""The paper that charts are drawn on: one look, and the same margins, so that dates line up.

Matplotlib takes a second to import and is imported when something is drawn. Its global state, and
a style of the reader's own, stay out of it: figures are made without pyplot, under ``style``.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from parakeet_dagster.reports import ticks
from parakeet_dagster.reports.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 72
"""An inch."""

FONT = 8.0
TOP, BOTTOM, GAP = 16.0, 18.0, 24.0
"""Margins of a chart and the room between its panels, in points."""

LINE_HEIGHT = 11.0
LEGEND = 1.015
"""Where names of areas begin, in widths of the chart."""


@dataclass(frozen=True)
class Format:
    """The size of a chart: width and height in inches, margins in points.

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


WIDE = Format(width=8.0, height=3.2, left=58, right=66, dates=10, points=1500, stacked=400)
NARROW = Format(width=4.0, height=2.7, left=56, right=62, dates=4, points=500, stacked=160)
"""For a telephone: text of the same size takes more of it."""


def style() -> AbstractContextManager[None]:
    """Matplotlib's defaults, whatever the reader's own, with our font and reproducible SVG."""
    import matplotlib.style

    ours = {
        "font.family": "DejaVu Sans",  # comes with matplotlib: measured the same anywhere
        "font.size": FONT,
        "text.parse_math": False,  # A$ is no formula
        "svg.fonttype": "none",
        "svg.hashsalt": "parakeet",
    }
    return matplotlib.style.context(["default", ours])


def panels(form: Format, count: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure of so many empty charts below each other, the uppermost first."""
    from matplotlib.figure import Figure

    width, height = form.width * POINTS, form.height * POINTS
    each = (height - TOP - BOTTOM - GAP * (count - 1)) / count
    figure = Figure(figsize=(form.width, form.height), facecolor=LIGHT["paper"])
    places = [
        (
            form.left / width,
            (BOTTOM + (count - 1 - row) * (each + GAP)) / height,
            (width - form.left - form.right) / width,
            each / height,
        )
        for row in range(count)
    ]
    return figure, [_empty(figure.add_axes(place)) for place in places]


def _empty(axes: "Axes") -> "Axes":
    """No frame, no ticks: faint lines across and small grey labels."""
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LIGHT["line"], linewidth=0.7, clip_on=False)
    axes.tick_params(length=0, pad=5, labelcolor=LIGHT["muted"])
    axes.tick_params(axis="x", pad=7)
    return axes


def days(index: pd.Index) -> npt.NDArray[np.float64]:
    """Dates as matplotlib's numbers: days since 1970."""
    return index.to_numpy(dtype="datetime64[ns]").astype("int64") / 86_400e9


def mark_dates(axes: "Axes", index: pd.DatetimeIndex, form: Format) -> None:
    """Let the axis go from the first date to the last, and mark it."""
    first, last = index[0], max(index[-1], index[0] + pd.Timedelta(days=1))
    marks, labels = ticks.of_dates(first, last, form.dates)
    axes.set_xlim(*days(pd.DatetimeIndex([first, last])))
    axes.set_xticks(days(marks), labels)


def mark_values(
    axes: "Axes", low: float, high: float, read: Callable[[float, int], str], most: int = 6
) -> None:
    """Let the axis of values go from ``low`` to ``high``, and mark it.

    Args:
        axes: to mark.
        low: below ``high``.
        high: above ``low``.
        read: a value and the decimals that tell the marks apart, as text.
        most: marks, at most.
    """
    marks, decimals = ticks.of_values(low, high, most)
    axes.set_ylim(low, high)
    axes.set_yticks(marks, [read(mark, decimals) for mark in marks])
    if low < 0 < high:
        axes.axhline(0, color=LIGHT["zero"], linewidth=0.8, clip_on=False)


def mark_growth(axes: "Axes", low: float, high: float, read: Callable[[float], str]) -> None:
    """Let the axis of values be logarithmic, and mark it."""
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    marks = ticks.of_growth(low, high)
    axes.set_yticks(marks, [read(mark) for mark in marks])
    axes.set_yticks([], minor=True)


def draw(axes: "Axes", line: pd.Series, colour: str, width: float = 1.2) -> None:
    """One line over dates, in a colour of the palette."""
    axes.plot(
        days(line.index),
        line.to_numpy(),
        color=LIGHT[colour],
        linewidth=width,
        solid_joinstyle="round",
        solid_capstyle="butt",
        clip_on=False,
    )


def fill(
    axes: "Axes",
    low: pd.Series,
    high: pd.Series,
    colour: str,
    opacity: float = 1.0,
) -> None:
    """The area between two lines over the same dates, in a colour of the palette."""
    from matplotlib.patches import Polygon

    across = days(low.index)
    outline = np.concatenate([across, across[::-1]])
    edges = np.concatenate([low.to_numpy(), high.to_numpy()[::-1]])
    corners = np.column_stack([outline, edges])
    axes.add_artist(  # add_patch would look for the limits, which are set, corner by corner
        Polygon(corners, color=LIGHT[colour], linewidth=0, alpha=opacity, clip_on=False)
    )


def label_ends(axes: "Axes", ends: Sequence[tuple[str, float, str]]) -> None:
    """Name lines at the right, where they end; a stroke leads from the end to the name.

    Args:
        axes: with the limits set.
        ends: name, last value, colour of the palette.
    """
    if not ends:
        return
    to_inches = axes.figure.dpi_scale_trans.inverted()
    height = axes.bbox.transformed(to_inches).height * POINTS
    to_axes = axes.transScale + axes.transLimits
    places = [float(to_axes.transform((0, value))[1]) for _, value, _ in ends]
    placed = ticks.apart(places, LINE_HEIGHT / height)
    for (name, _, colour), place, label in zip(ends, places, placed, strict=True):
        axes.annotate(
            name,
            xy=(1, place),
            xycoords="axes fraction",
            xytext=(12, (label - place) * height),
            textcoords="offset points",
            va="center",
            color=LIGHT["ink"],
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": LIGHT[colour],
                "linewidth": 1.2,
                "shrinkA": 1.5,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def list_colours(axes: "Axes", names: Sequence[tuple[str, str]]) -> None:
    """Name areas at the right, from the top: name, colour of the palette."""
    from matplotlib.patches import Patch

    axes.legend(
        handles=[Patch(color=LIGHT[colour], linewidth=0, label=name) for name, colour in names],
        loc="upper left",
        bbox_to_anchor=(LEGEND, 1),
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.5,
        labelspacing=0.45,
        labelcolor=LIGHT["ink"],
    )


def say(axes: "Axes", text: str) -> None:
    """A sentence in place of what cannot be drawn."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0, 0.5, text, color=LIGHT["muted"], va="center", transform=axes.transAxes)
