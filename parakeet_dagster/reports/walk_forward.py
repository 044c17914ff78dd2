"""The chart of a walk-forward analysis."""

import pandas as pd

from parakeet_dagster.reports.canvas import Chart, Line, Panel, values_scale
from parakeet_dagster.reports.formatting import money

SIDES = {"out_of_sample": "followed", "in_sample": "hindsight", "fixed": "fixed"}
"""The curves and what they are called at their ends."""

COLOURS = {"out_of_sample": "strategy", "in_sample": "after-tax", "fixed": "benchmark"}


def walk_forward_chart(curves: pd.DataFrame) -> Chart:
    """What the capital became by following the choices, with hindsight, and without a choice.

    Args:
        curves: index date, columns ``SIDES``, AUD.
    """
    low, high = float(curves.min().min()), float(curves.max().max())
    pad = 0.04 * (high - low) or 0.01 * abs(high) or 1.0
    lines = (
        Line(curves[side], COLOURS[side], 1.3 if side == "out_of_sample" else 1.0, name)
        for side, name in SIDES.items()
    )
    panel = Panel(values_scale(low - pad, high + pad, money), tuple(lines))
    return Chart(pd.DatetimeIndex(curves.index), (panel,))
