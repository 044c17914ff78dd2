"""Charts drawn as the paths and texts of an SVG, in tenths of a point.

They are few and simple, so they are written at once: a plotting library takes a hundred times as
long, and a second to import. Whole numbers, each counted from the one before, keep them small.
A colour is a CSS variable with the name that the palette has for it, which a page gives the value
for its screen; without one it is the light colour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from markupsafe import escape

from parakeet_dagster.reports import ticks
from parakeet_dagster.reports.canvas import Chart, Floats, Format, Line, Panel, Sentence, Stack
from parakeet_dagster.reports.palette import LIGHT
from parakeet_dagster.reports.thinning import sampled, thinned

FONT = 8.0
TOP, BOTTOM, GAP = 16.0, 18.0, 24.0
"""Margins of a chart and the room between its panels, in points, as everything below."""

LINE_HEIGHT = 11.0
MIDDLE = 2.1
"""From the middle of a text down to its baseline; of digits alone, more."""

DIGITS_MIDDLE = 3.0
DATES_BELOW = 13.1
VALUES_BESIDE = 5.0
TITLE_ABOVE = 6.0

STROKE, NAME = 8.6, 12.0
"""Beside the end of a line: how far the stroke to its name goes, and where that begins."""

LEGEND = 1.015
"""Where names of areas begin, in widths of the panel."""

SWATCH, SWATCH_HEIGHT, SWATCH_PITCH, SWATCH_NAME = 7.2, 6.6, 11.6, 11.2


@dataclass(frozen=True)
class Box:
    """Where a panel is, from the left and from the top; ``days``: the dates at its edges."""

    left: float
    top: float
    width: float
    height: float
    days: tuple[float, float]

    @property
    def right(self) -> float:
        """Its edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its edge."""
        return self.top + self.height

    def across(self, index: pd.Index) -> Floats:
        """Dates, from the left."""
        first, last = self.days
        return self.left + (days(index) - first) / (last - first) * self.width

    def down(self, parts: Floats) -> Floats:
        """Parts of the height above the bottom, from the top."""
        return self.top + (1 - parts) * self.height


def drawn(chart: Chart, form: Format, root: str) -> str:
    """A chart as an ``svg`` element.

    Args:
        chart: what is shown.
        form: the size.
        root: more attributes of the element.
    """
    width, height = form.width, form.height * chart.taller
    boxes = _boxes(chart, form)
    elements = [
        element
        for panel, box in zip(chart.panels, boxes, strict=True)
        for element in _panel(panel, box, form)
    ]
    if any(isinstance(panel, Panel) for panel in chart.panels):
        elements += _dates(chart.dates, boxes[-1], form)
    return (
        f'<svg {root} viewBox="0 0 {_tenths(width)} {_tenths(height)}"'
        f' font-size="{_tenths(FONT)}" fill="none" stroke-linejoin="round"'
        ' stroke-linecap="round">'
        f"{''.join(elements)}</svg>"
    )


def days(index: pd.Index) -> Floats:
    """Dates as days since 1970."""
    return index.to_numpy(dtype="datetime64[ns]").astype("int64") / 86_400e9


def _boxes(chart: Chart, form: Format) -> list[Box]:
    """Of the same margins and heights, so that dates line up."""
    count = len(chart.panels)
    room = form.height * chart.taller - TOP - BOTTOM - GAP * (count - 1)
    each, width = room / count, form.width - form.left - form.right
    first, last = days(chart.dates[[0, -1]])
    edges = float(first), float(max(last, first + 1))
    return [Box(form.left, TOP + row * (each + GAP), width, each, edges) for row in range(count)]


def _panel(panel: Panel | Sentence, box: Box, form: Format) -> Iterator[str]:
    if panel.title:
        yield _text(box.left, box.top - TITLE_ABOVE, panel.title, "ink")
    if isinstance(panel, Sentence):
        yield _text(box.left, box.top + box.height / 2 + MIDDLE, panel.text, "muted")
        return
    yield from _values(panel, box)
    if panel.stack is not None:
        yield from _stack(panel.stack, panel, box, form)
    for line in panel.lines:
        yield from _line(line, panel, box, form)
    yield from _names(panel, box)


def _values(panel: Panel, box: Box) -> Iterator[str]:
    """Faint lines across, small grey texts, and zero where it is inside."""
    scale = panel.scale
    marks = box.down(scale.parts([value for value, _ in scale.marks])).tolist()
    yield _stroke("".join(_straight(box, mark) for mark in marks), "line", 0.7)
    for mark, (_, text) in zip(marks, scale.marks, strict=True):
        beside = box.left - VALUES_BESIDE
        yield _text(beside, mark + DIGITS_MIDDLE, text, "muted", "end")
    if scale.low < 0 < scale.high:
        yield _stroke(_straight(box, float(box.down(scale.parts(0.0)))), "zero", 0.8)


def _dates(dates: pd.DatetimeIndex, box: Box, form: Format) -> Iterator[str]:
    last = max(dates[-1], dates[0] + pd.Timedelta(days=1))
    marks, labels = ticks.of_dates(dates[0], last, form.dates)
    for place, label in zip(box.across(marks).tolist(), labels, strict=True):
        yield _text(place, box.bottom + DATES_BELOW, label, "muted", "middle")


def _line(line: Line, panel: Panel, box: Box, form: Format) -> Iterator[str]:
    """The line, over its shade."""
    values = thinned(line.over_time, form.points)
    across, down = box.across(values.index), box.down(panel.scale.parts(values))
    if line.shade:
        zero = np.full(len(down), box.down(panel.scale.parts(0.0)))
        yield _area(across, zero, down, line.colour, line.shade)
    yield _stroke(_path(across, down), line.colour, line.width)


def _stack(stack: Stack, panel: Panel, box: Box, form: Format) -> Iterator[str]:
    """The areas, and what they are called from the top on."""
    layers = sampled(stack.layers, form.stacked)
    across = box.across(layers.index)
    tops = layers[[*stack.colours]].iloc[:, ::-1].cumsum(axis=1)
    left = box.left + LEGEND * box.width
    for row, (name, colour) in enumerate(stack.colours.items()):
        top = tops[name]
        low, high = (box.down(panel.scale.parts(edge)) for edge in (top - layers[name], top))
        yield _area(across, low, high, colour)
        at = box.top + row * SWATCH_PITCH
        yield _filled(
            f"M{_tenths(left)} {_tenths(at)}"
            f"h{_tenths(SWATCH)}v{_tenths(SWATCH_HEIGHT)}h-{_tenths(SWATCH)}z",
            colour,
        )
        yield _text(left + SWATCH_NAME, at + SWATCH_HEIGHT - 0.5, stack.names[name], "ink")


def _names(panel: Panel, box: Box) -> Iterator[str]:
    """What lines are called, where they end, but not over each other: a stroke leads there."""
    named = [line for line in panel.lines if line.name]
    ends = [line.over_time.dropna().iloc[-1] for line in named]
    places = panel.scale.parts(ends)
    placed = ticks.apart(places.tolist(), LINE_HEIGHT / box.height)
    rows = zip(named, box.down(places).tolist(), box.down(placed).tolist(), strict=True)
    for line, end, at in rows:
        beside = at + (end - at) * (1 - STROKE / NAME)
        yield _stroke(
            _path(np.array([box.right, box.right + STROKE]), np.array([end, beside])),
            line.colour,
            1.2,
        )
        yield _text(box.right + NAME, at + MIDDLE, line.name, "ink")


def _straight(box: Box, at: float) -> str:
    return f"M{_tenths(box.left)} {_tenths(at)}h{_tenths(box.width)}"


def _path(across: Floats, down: Floats) -> str:
    """A line through points, broken off where one is not known."""
    is_known = np.isfinite(down)
    known = np.flatnonzero(is_known)
    breaks = np.flatnonzero(np.diff(known) > 1) + 1
    starts = [0, *breaks.tolist(), len(known)]
    places = np.rint(np.column_stack([across, down])[is_known] * 10).astype(int)
    return "".join(_unbroken(places[start:end].tolist()) for start, end in pairwise(starts))


def _unbroken(places: Sequence[Sequence[int]]) -> str:
    """Each place counted from the one before: shorter. One alone is a line of no length: a dot."""
    if not places:
        return ""
    steps = [f"{x - left} {y - top}" for (left, top), (x, y) in pairwise(places)]
    return f"M{places[0][0]} {places[0][1]}l{' '.join(steps or ['0 0'])}".replace(" -", "-")


def _area(across: Floats, low: Floats, high: Floats, colour: str, opacity: float = 1.0) -> str:
    """Between two lines over the same dates."""
    outline = _path(np.append(across, across[::-1]), np.append(low, high[::-1]))
    return _filled(f"{outline}z", colour, opacity)


def _stroke(path: str, colour: str, width: float) -> str:
    return f'<path d="{path}" style="stroke: {_colour(colour)}; stroke-width: {_tenths(width)}"/>'


def _filled(path: str, colour: str, opacity: float = 1.0) -> str:
    faint = "" if opacity == 1.0 else f"; opacity: {opacity:g}"
    return f'<path d="{path}" style="fill: {_colour(colour)}{faint}"/>'


def _text(across: float, down: float, text: str, colour: str, anchor: str = "start") -> str:
    return (
        f'<text x="{_tenths(across)}" y="{_tenths(down)}"'
        f' style="fill: {_colour(colour)}; text-anchor: {anchor}">{escape(text)}</text>'
    )


def _colour(name: str) -> str:
    return f"var(--{name}, {LIGHT[name]})"


def _tenths(points: float) -> int:
    return round(points * 10)
