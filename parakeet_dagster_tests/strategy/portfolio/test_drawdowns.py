"""Falls from a peak: by hand, then against a walk from session to session."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.accounts import curve, curve_of, long_returns
from strategy.portfolio.drawdowns import COLUMNS, drawdown_table, drawdowns, longest


def rows(table):
    """The table as (started, lowest, recovered, depth, sessions), days of March."""
    return [
        (
            row.started.day,
            row.lowest.day,
            None if pd.isna(row.recovered) else row.recovered.day,
            round(row.depth, 12),
            row.sessions,
        )
        for row in table.itertuples()
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([100, 110, 120], [], id="none"),
        pytest.param([100, 100, 100], [], id="at rest"),
        pytest.param([100], [], id="one session"),
        pytest.param([100, 90, 100], [(1, 2, 3, -0.1, 2)], id="back at the peak is recovered"),
        pytest.param([100, 90, 95, 101], [(1, 2, 4, -0.1, 3)], id="above the peak is recovered"),
        pytest.param([100, 100, 90, 100], [(2, 3, 4, -0.1, 2)], id="the last session at the peak"),
        pytest.param([100, 90, 80], [(1, 3, None, -0.2, 2)], id="it starts falling and never ends"),
        pytest.param([100, 110, 99, 104.5], [(2, 3, None, -0.1, 2)], id="still open, off its low"),
        pytest.param([100, 80, 90, 80, 100], [(1, 2, 5, -0.2, 4)], id="the first of two lows"),
        pytest.param(
            [100, 90, 100, 80, 100, 95],
            [(3, 4, 5, -0.2, 2), (1, 2, 3, -0.1, 2), (5, 8, None, -0.05, 1)],
            id="the deepest first, the peak of one the end of another",
        ),
        pytest.param(
            [100, 75, 100, 75, 125],
            [(1, 2, 3, -0.25, 2), (3, 4, 5, -0.25, 2)],
            id="of equals the earlier",
        ),
        pytest.param([100, 50, 0, 0], [(1, 3, None, -1, 3)], id="all lost"),
        pytest.param([100, 100 - 1e-8, 100], [], id="rounding is no fall"),
    ],
)
def test_by_hand(values, expected):
    assert rows(drawdown_table(curve(*values))) == expected


def test_of_many_equals_the_earlier():
    """A hundred falls of three depths: few enough are sorted in order by any way of sorting."""
    lows = [75.0, 50.0, 90.0, 75.0] * 25
    table = drawdown_table(curve(100, *(value for low in lows for value in (low, 100))))
    assert table["depth"].round(9).tolist() == [-0.5] * 25 + [-0.25] * 50 + [-0.1] * 25
    assert table.groupby("depth")["started"].is_monotonic_increasing.all()


def test_nothing_fell_and_the_columns_are_there():
    table = drawdown_table(curve(100, 101))
    assert list(table.columns) == COLUMNS
    assert str(table["started"].dtype) == str(table["recovered"].dtype) == "datetime64[us]"
    assert (table["depth"].dtype, table["sessions"].dtype) == (np.float64, np.int64)


def test_below_the_peak_by_hand():
    depth = drawdowns(curve(100, 90, 120, 60).to_frame("a"))["a"]
    assert depth.tolist() == pytest.approx([0, -0.1, 0, -0.5])


def test_the_longest_need_not_be_the_deepest():
    curves = pd.DataFrame({"a": curve(100, 50, 100, 99, 99, 100), "b": curve(*range(1, 7))})
    assert longest(curves).to_dict() == {"a": 3.0, "b": 0.0}


def walked(values):
    """The same table, one session after another."""
    found, peak, spell = [], 0, None
    for place, value in enumerate(values):
        depth = value / values[peak] - 1
        if depth >= -1e-9:
            if spell is not None:
                found.append((peak, spell[1], place, spell[0], place - peak))
                spell = None
            if value >= values[peak]:
                peak = place
        elif spell is None or depth < spell[0]:
            spell = (depth, place)
    if spell is not None:
        found.append((peak, spell[1], None, spell[0], len(values) - 1 - peak))
    return sorted(found, key=lambda one: one[3])


@given(steps=st.lists(st.sampled_from([-2, -1, 0, 1, 2]), min_size=1, max_size=60))
def test_the_table_is_what_a_walk_finds(steps):
    """Steps of whole dollars: peaks and lows are met again exactly."""
    values = 100.0 + np.cumsum([0, *steps])
    values = np.maximum(values, 1)
    table = drawdown_table(curve(*values))
    dates = curve(*values).index
    found = [
        (
            dates.get_loc(row.started),
            dates.get_loc(row.lowest),
            None if pd.isna(row.recovered) else dates.get_loc(row.recovered),
            row.depth,
            row.sessions,
        )
        for row in table.itertuples()
    ]
    assert found == walked(values)


@given(returns=long_returns(1))
def test_no_fall_is_deeper_than_everything(returns):
    one = curve_of(returns)
    depth = drawdowns(one.to_frame("a"))["a"]
    assert depth.between(-1, 0).all()
    table = drawdown_table(one)
    assert table["depth"].min() == depth.min() or (table.empty and depth.min() == 0)
    assert table["sessions"].sum() <= len(one) - 1
    assert table["depth"].is_monotonic_increasing
    assert table["recovered"].isna().sum() == (depth.iloc[-1] < 0)
