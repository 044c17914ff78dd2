"""The charts of a tear sheet, as matplotlib figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from parakeet_dagster.reports import canvas
from parakeet_dagster.reports.canvas import WIDE, Format
from parakeet_dagster.reports.formatting import fixed, money_mark, percent
from parakeet_dagster.reports.palette import LIGHT, SHARES
from parakeet_dagster.reports.thinning import sampled, thinned
from strategy.portfolio.drawdowns import drawdowns
from strategy.portfolio.tear_sheet import TearSheet
from strategy.universes.members import CASH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"benchmark": "benchmark", "after_tax": "after tax", "strategy": "strategy"}
"""What the curves are called, in the order of drawing: the last is on top."""

COLOURS = {"benchmark": "benchmark", "after_tax": "after-tax", "strategy": "strategy"}

LOGARITHMIC = 3.0
"""From this ratio of the highest value to the lowest on, equal growth is to look equal."""

LEAST_MOVE = 0.0005
"""Of its height, above and below a curve: rounding is not to look like a move."""

LEAST_RANGE = 0.01
"""An axis of parts or ratios spans so much at least: small ones are to look small."""

TALLER = 1.2
"""A chart of three panels, beside the others."""

OTHER = "other"
LONGEST_NAME = 9

NO_YEAR = "There is less than a year of sessions, so there is nothing to show here."
NOTHING_MOVED = "no meaning: nothing moved"


def equity_chart(sheet: TearSheet, form: Format = WIDE) -> "Figure":
    """What the capital became, after tax and in the benchmark too, AUD."""
    with canvas.style():
        figure, [axes] = canvas.panels(form)
        curves = sheet.curves[list(NAMES)].dropna(axis=1, how="all")
        low, high = float(curves.min().min()), float(curves.max().max())
        if low > 0 and high / low > LOGARITHMIC:
            pad = (high / low) ** 0.03
            canvas.mark_growth(axes, low / pad, high * pad, money_mark)
        else:
            pad = max(0.04 * (high - low), LEAST_MOVE * abs(high), 1.0)
            canvas.mark_values(axes, low - pad, high + pad, money_mark)
        _draw_curves(axes, curves, COLOURS, form)
        canvas.mark_dates(axes, pd.DatetimeIndex(curves.index), form)
        return figure


def drawdown_chart(sheet: TearSheet, form: Format = WIDE) -> "Figure":
    """How far the strategy, and as a line the benchmark, was below its highest close so far."""
    with canvas.style():
        figure, [axes] = canvas.panels(form)
        curves = sheet.curves[["benchmark", "strategy"]].dropna(axis=1, how="all")
        depth = drawdowns(curves)
        lowest = min(float(depth.min().min()), -LEAST_RANGE)
        canvas.mark_values(axes, lowest * 1.04, 0.0, _percent)
        area = thinned(depth["strategy"], form.points)
        canvas.fill(axes, area, area * 0, "loss", opacity=0.2)
        _draw_curves(axes, depth, COLOURS | {"strategy": "loss"}, form)
        canvas.mark_dates(axes, pd.DatetimeIndex(curves.index), form)
        return figure


def rolling_chart(sheet: TearSheet, form: Format = WIDE) -> "Figure":
    """Return, volatility and Sharpe ratio over the year before each session, below each other."""
    with canvas.style():
        if sheet.rolling.isna().all(axis=None):
            figure, [axes] = canvas.panels(form)
            canvas.say(axes, NO_YEAR)
            return figure
        figure, rows = canvas.panels(replace(form, height=form.height * TALLER), len(ROLLING))
        for axes, (column, (title, read)) in zip(rows, ROLLING.items(), strict=True):
            canvas.mark_dates(axes, pd.DatetimeIndex(sheet.curves.index), form)
            _draw_figure(axes, thinned(sheet.rolling[column], form.points), read)
            axes.set_title(title, loc="left", fontsize=canvas.FONT, color=LIGHT["ink"], pad=6)
            if axes is not rows[-1]:
                axes.set_xticklabels([])
        return figure


def weights_chart(sheet: TearSheet, form: Format = WIDE) -> "Figure":
    """Parts of the equity over time: the greatest on top, the rest as one, cash at the bottom."""
    with canvas.style():
        figure, [axes] = canvas.panels(form)
        layers = _layers(sampled(sheet.weights.fillna(0.0), form.stacked))
        tops = layers.iloc[:, ::-1].cumsum(axis=1)
        colours = _layer_colours([str(name) for name in layers])
        for name, colour in colours.items():
            canvas.fill(axes, tops[name] - layers[name], tops[name], colour)
        canvas.mark_values(axes, 0.0, 1.0, _percent)
        canvas.mark_dates(axes, pd.DatetimeIndex(layers.index), form)
        canvas.list_colours(axes, [(_short(name), colour) for name, colour in colours.items()])
        return figure


def _percent(part: float, decimals: int) -> str:
    """A mark, given the decimals of a part of 1."""
    return percent(part, max(decimals - 2, 0))


ROLLING: dict[str, tuple[str, Callable[[float, int], str]]] = {
    "return": ("Return", _percent),
    "volatility": ("Volatility", _percent),
    "sharpe": ("Sharpe ratio", fixed),
}
"""Columns of ``TearSheet.rolling``: the title, and how a mark reads."""


def _draw_curves(
    axes: "Axes", curves: pd.DataFrame, colours: Mapping[str, str], form: Format
) -> None:
    """One line a column, named at its end."""
    drawn = [column for column in NAMES if column in curves]
    for column in drawn:
        width = 1.3 if column == "strategy" else 1.0
        canvas.draw(axes, thinned(curves[column], form.points), colours[column], width)
    ends = curves.ffill().iloc[-1]
    canvas.label_ends(axes, [(NAMES[name], float(ends[name]), colours[name]) for name in drawn])


def _draw_figure(axes: "Axes", line: pd.Series, read: Callable[[float, int], str]) -> None:
    """One figure over time, its last value at its end."""
    known = line.dropna()
    if known.empty:
        canvas.say(axes, NOTHING_MOVED)
        return
    low, high = min(float(known.min()), 0.0), max(float(known.max()), LEAST_RANGE)
    pad = 0.05 * (high - low)
    canvas.mark_values(axes, low - pad * (low < 0), high + pad, read, most=4)
    canvas.draw(axes, line, "strategy", 1.1)
    last = float(known.iloc[-1])
    canvas.label_ends(axes, [(read(last, 3 if read is _percent else 2), last, "strategy")])


def _layers(weights: pd.DataFrame) -> pd.DataFrame:
    """The tickers that have a colour of their own, what the rest holds, and cash."""
    tickers = weights.drop(columns=CASH)
    named, rest = tickers.iloc[:, : len(SHARES)], tickers.iloc[:, len(SHARES) :]
    layers = named.copy()
    if not rest.empty:
        layers[OTHER] = rest.sum(axis=1)
    return layers.assign(**{CASH: weights[CASH]})


def _layer_colours(names: Sequence[str]) -> dict[str, str]:
    """The colour of each layer, in their order."""
    greys = {OTHER: "other", CASH: "cash"}
    hues = iter(SHARES)
    return {name: greys.get(name) or next(hues) for name in names}


def _short(name: str) -> str:
    """A name that fits into the margin: of a long one the beginning and the end."""
    kept = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:kept]}…{name[-kept:]}"
