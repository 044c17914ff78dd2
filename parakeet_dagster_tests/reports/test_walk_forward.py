"""The chart of a walk-forward analysis shows its three curves."""

import pandas as pd

from parakeet_dagster.reports.walk_forward import walk_forward_chart

DAYS = pd.date_range("2024-01-01", periods=3).astype("datetime64[us]")


def test_three_curves_named_at_their_ends():
    curves = pd.DataFrame(
        {"in_sample": [100.0, 110, 130], "out_of_sample": [100.0, 90, 80], "fixed": 100.0},
        index=DAYS,
    )
    chart = walk_forward_chart(curves)
    [panel] = chart.panels
    assert {line.name: line.over_time.tolist() for line in panel.lines} == {
        "followed": [100, 90, 80],
        "hindsight": [100, 110, 130],
        "fixed": [100, 100, 100],
    }
    assert (panel.scale.low, panel.scale.high) == (78, 132)
    assert chart.dates.equals(DAYS)


def test_what_never_moved_has_a_scale():
    [panel] = walk_forward_chart(
        pd.DataFrame(100.0, index=DAYS, columns=["in_sample", "out_of_sample", "fixed"])
    ).panels
    assert (panel.scale.low, panel.scale.high) == (99, 101)
