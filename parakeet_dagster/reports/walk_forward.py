"""The chart of a walk-forward analysis."""

from typing import TYPE_CHECKING

import pandas as pd

from parakeet_dagster.reports import canvas
from parakeet_dagster.reports.canvas import WIDE, Format
from parakeet_dagster.reports.formatting import money
from parakeet_dagster.reports.thinning import thinned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDES = {"out_of_sample": "followed", "in_sample": "hindsight", "fixed": "fixed"}
"""The curves and what they are called at their ends."""

COLOURS = {"out_of_sample": "strategy", "in_sample": "after-tax", "fixed": "benchmark"}


def walk_forward_chart(curves: pd.DataFrame, form: Format = WIDE) -> "Figure":
    """What the capital became by following the choices, with hindsight, and without a choice.

    Args:
        curves: index date, columns ``SIDES``, AUD.
        form: the size.
    """
    with canvas.style():
        figure, [axes] = canvas.panels(form)
        low, high = float(curves.min().min()), float(curves.max().max())
        pad = 0.04 * (high - low) or 0.01 * abs(high) or 1.0
        canvas.mark_values(axes, low - pad, high + pad, money)
        for side in SIDES:
            width = 1.3 if side == "out_of_sample" else 1.0
            line = thinned(curves[side], form.points)
            canvas.draw(axes, line, COLOURS[side], width)
        ends = curves.iloc[-1]
        canvas.label_ends(axes, [(SIDES[side], float(ends[side]), COLOURS[side]) for side in SIDES])
        canvas.mark_dates(axes, pd.DatetimeIndex(curves.index), form)
        return figure
