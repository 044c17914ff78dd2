"""The charts of a tear sheet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from parakeet_dagster.reports.canvas import (
    Chart,
    Line,
    Panel,
    Sentence,
    Stack,
    growth_scale,
    values_scale,
)
from parakeet_dagster.reports.formatting import fixed, money_mark, percent
from parakeet_dagster.reports.palette import SHARES
from strategy.portfolio.drawdowns import drawdowns
from strategy.portfolio.tear_sheet import TearSheet
from strategy.universes.members import CASH

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


def equity_chart(sheet: TearSheet) -> Chart:
    """What the capital became, after tax and in the benchmark too, AUD."""
    curves = sheet.curves[list(NAMES)].dropna(axis=1, how="all")
    low, high = float(curves.min().min()), float(curves.max().max())
    if low > 0 and high / low > LOGARITHMIC:
        pad = (high / low) ** 0.03
        scale = growth_scale(low / pad, high * pad, money_mark)
    else:
        pad = max(0.04 * (high - low), LEAST_MOVE * abs(high), 1.0)
        scale = values_scale(low - pad, high + pad, money_mark)
    return Chart(_dates(sheet), (Panel(scale, _lines(curves, COLOURS)),))


def drawdown_chart(sheet: TearSheet) -> Chart:
    """How far the strategy, and as a line the benchmark, was below its highest close so far."""
    depth = drawdowns(sheet.curves[["benchmark", "strategy"]].dropna(axis=1, how="all"))
    lowest = min(float(depth.min().min()), -LEAST_RANGE)
    *others, own = _lines(depth, COLOURS | {"strategy": "loss"})
    lines = (*others, replace(own, shade=0.2))
    return Chart(_dates(sheet), (Panel(values_scale(lowest * 1.04, 0.0, _percent), lines),))


def rolling_chart(sheet: TearSheet) -> Chart:
    """Return, volatility and Sharpe ratio over the year before each session, below each other."""
    if sheet.rolling.isna().all(axis=None):
        return Chart(_dates(sheet), (Sentence(NO_YEAR),))
    panels = (
        _figure(sheet.rolling[column], title, read) for column, (title, read) in ROLLING.items()
    )
    return Chart(_dates(sheet), tuple(panels), TALLER)


def weights_chart(sheet: TearSheet) -> Chart:
    """Parts of the equity over time: the greatest on top, the rest as one, cash at the bottom."""
    layers = _layers(sheet.weights.fillna(0.0))
    colours = _layer_colours([str(name) for name in layers])
    stack = Stack(layers, colours, {name: _short(name) for name in colours})
    panel = Panel(values_scale(0.0, 1.0, _percent), stack=stack)
    return Chart(pd.DatetimeIndex(layers.index), (panel,))


def _dates(sheet: TearSheet) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(sheet.curves.index)


def _percent(part: float, decimals: int) -> str:
    """A mark, given the decimals of a part of 1."""
    return percent(part, max(decimals - 2, 0))


ROLLING: dict[str, tuple[str, Callable[[float, int], str]]] = {
    "return": ("Return", _percent),
    "volatility": ("Volatility", _percent),
    "sharpe": ("Sharpe ratio", fixed),
}
"""Columns of ``TearSheet.rolling``: the title, and how a mark reads."""


def _lines(curves: pd.DataFrame, colours: Mapping[str, str]) -> tuple[Line, ...]:
    """One line a column, named at its end."""
    return tuple(
        Line(curves[column], colours[column], 1.3 if column == "strategy" else 1.0, name)
        for column, name in NAMES.items()
        if column in curves
    )


def _figure(line: pd.Series, title: str, read: Callable[[float, int], str]) -> Panel | Sentence:
    """One figure over time, its last value at its end."""
    known = line.dropna()
    if known.empty:
        return Sentence(NOTHING_MOVED, title)
    low, high = min(float(known.min()), 0.0), max(float(known.max()), LEAST_RANGE)
    pad = 0.05 * (high - low)
    scale = values_scale(low - pad * (low < 0), high + pad, read, most=4)
    last = read(float(known.iloc[-1]), 3 if read is _percent else 2)
    return Panel(scale, (Line(line, "strategy", 1.1, last),), title=title)


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
