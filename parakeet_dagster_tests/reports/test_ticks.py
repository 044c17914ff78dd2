"""Where axes are marked: by hand, then for any axis."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.reports.ticks import apart, of_dates, of_growth, of_values


@pytest.mark.parametrize(
    ("first", "last", "most", "expected"),
    [
        ("2020-01-01", "2020-01-03", 6, ["2020-01-01", "2020-01-02", "2020-01-03"]),
        ("2020-01-30", "2020-02-08", 10, ["2020-01-30", "2020-02-01", "2020-02-03", "2020-02-05",
                                         "2020-02-07"]),
        ("2020-01-08", "2020-02-08", 6, ["2020-01-13", "2020-01-27"]),
        ("2020-01-15", "2020-05-20", 4, ["2020-02", "2020-03", "2020-04", "2020-05"]),
        ("2019-11-15", "2021-02-20", 5, ["2020-01", "2020-04", "2020-07", "2020-10", "2021-01"]),
        ("2014-01-02", "2018-06-01", 4, ["2015", "2016", "2017", "2018"]),
        ("2003-01-02", "2023-06-01", 5, ["2005", "2010", "2015", "2020"]),
    ],
)  # fmt: skip
def test_dates_by_hand(first, last, most, expected):
    marks, labels = of_dates(pd.Timestamp(first), pd.Timestamp(last), most)
    assert labels == expected
    assert marks[0] == pd.Timestamp(expected[0])


@given(start=st.dates(min_value=pd.Timestamp("1990-01-01").date(),
                      max_value=pd.Timestamp("2040-01-01").date()),
       span=st.integers(1, 15_000), most=st.integers(2, 12))  # fmt: skip
def test_dates_are_neither_none_nor_too_many(start, span, most):
    first = pd.Timestamp(start)
    last = first + pd.Timedelta(days=span)
    marks, labels = of_dates(first, last, most)
    assert 1 <= len(marks) == len(labels) <= most
    assert first <= marks.min() <= marks.max() <= last


@pytest.mark.parametrize(
    ("low", "high", "most", "expected", "decimals"),
    [
        (-0.31, 0.0, 6, [-0.3, -0.2, -0.1, 0.0], 1),
        (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1], 1),
        (99_000, 141_000, 6, [100_000, 110_000, 120_000, 130_000, 140_000], 0),
        (99.98, 100.07, 6, [99.98, 100.0, 100.02, 100.04, 100.06], 2),
        (-1.2, 2.9, 4, [-1, 0, 1, 2], 0),
        (-1.2, 2.9, 3, [0, 2], 0),
    ],
)
def test_values_by_hand(low, high, most, expected, decimals):
    marks, needed = of_values(low, high, most)
    assert marks == pytest.approx(expected)
    assert needed == decimals


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), most=st.integers(3, 8))
def test_values_are_round_and_within(low, span, most):
    marks, decimals = of_values(low, low + span, most)
    assert 1 <= len(marks) <= most
    assert marks[0] >= low - 1e-6 * span
    assert marks[-1] <= low + span * (1 + 1e-6)
    assert len({f"{mark:.{decimals}f}" for mark in marks}) == len(marks)
    assert np.round(marks, decimals) == pytest.approx(marks, abs=1e-9 * max(1, abs(low)))


def test_growth_by_hand():
    assert of_growth(90_000, 1_100_000).tolist() == [1e5, 2e5, 5e5, 1e6]
    assert of_growth(95_000, 320_000) == pytest.approx([1e5, 1.5e5, 2e5, 3e5])


def test_labels_are_pushed_apart_evenly():
    assert apart([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    assert apart([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])


@given(places=st.lists(st.floats(0, 1), min_size=1, max_size=6), gap=st.floats(0, 0.2))
def test_labels_keep_their_order_and_distance(places, gap):
    placed = apart(places, gap)
    order = np.argsort(places, kind="stable")
    assert (np.diff(placed[order]) >= gap - 1e-12).all()
