"""What must hold for every signal and every allocation."""

import numpy as np
import pandas as pd
import pytest

from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.invariants import (
    broken_books,
    broken_signals,
    held_without_signal,
    out_of_bounds,
    wrong_sums,
)
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import Strategy

BOUNDED = Strategy(
    description="",
    signal=DualMomentum(defensive=("BND",)),
    allocation=HierarchicalRiskParity(smallest=0.02, largest=0.3),
)


def allocations(day, weights):
    return pd.DataFrame({"date": day, "ticker": list(weights), "weight": list(weights.values())})


@pytest.mark.parametrize(
    ("signal", "strength", "is_broken"),
    [
        (1, 1.0, False),
        (0, 0.0, False),
        (-1, 0.5, False),
        (2, 0.5, True),
        (1, 1.01, True),
        (1, -0.01, True),
        (1, np.nan, True),
    ],
)
def test_a_signal_s_range(signal, strength, is_broken):
    frame = pd.DataFrame({"signal": [0, signal], "strength": [0.0, strength]})
    assert broken_signals(frame).index.tolist() == ([1] if is_broken else [])


@pytest.mark.parametrize(
    ("weights", "is_wrong"),
    [
        ([0.5, 0.5], False),
        ([0.1] * 10, False),
        ([0.5, 0.5 + 1e-12], False),
        ([0.5, 0.5 + 1e-6], True),
        ([0.5, 0.4], True),
        ([0.5, np.nan], True),
    ],
)
def test_a_session_s_weights_sum_to_one(weights, is_wrong):
    bad = pd.DataFrame({"date": "2022-03-02", "weight": weights})
    frame = pd.concat([pd.DataFrame({"date": ["2022-03-01"], "weight": [1.0]}), bad])
    assert wrong_sums(frame).index.tolist() == (["2022-03-02"] if is_wrong else [])


@pytest.mark.parametrize(
    ("ticker", "weight", "is_out"),
    [
        ("A", 0.02, False),
        ("A", 0.30, False),
        ("A", 0.30 + 1e-12, False),
        ("A", 0.019, True),
        ("A", 0.301, True),
        ("A", np.nan, True),
        ("CASH", 0.0, False),
        ("CASH", 1.0, False),
        ("CASH", 1.01, True),
        ("BND", 1.0, False),
        ("BND", -0.01, True),
    ],
)
def test_bounds_hold_for_all_but_cash_and_the_refuge(ticker, weight, is_out):
    """Beside it stand two others, so that no weights are level."""
    frame = allocations("2022-03-01", {ticker: weight, "Y": 0.25, "Z": 0.1})
    assert out_of_bounds(frame, BOUNDED)["ticker"].tolist() == ([ticker] if is_out else [])


@pytest.mark.parametrize(
    ("weights", "out"),
    [
        pytest.param({"A": 0.01, "B": 0.01, "C": 0.01}, [], id="level"),
        pytest.param({"A": 0.01, "B": 0.01 + 1e-12}, [], id="level but for rounding"),
        pytest.param({"A": 0.01, "B": 0.01, "C": 0.011}, ["A", "B"], id="not level"),
        pytest.param({"A": 0.01, "B": 0.02, "C": 0.03}, ["A"], id="one below"),
        pytest.param({"A": 0.01, "B": 0.01, "CASH": 0.98}, [], id="cash need not be level"),
        pytest.param({"A": 0.01, "B": 0.01, "BND": 0.98}, [], id="nor the refuge"),
        pytest.param({"A": 0.01, "B": 0.05, "CASH": 0.01}, ["A"], id="level with cash only"),
        pytest.param({"A": 0.31, "B": 0.31}, ["A", "B"], id="level above the upper bound"),
        pytest.param({"A": -0.01, "B": -0.01}, ["A", "B"], id="level below 0"),
    ],
)
def test_only_level_weights_may_be_below_the_lower_bound(weights, out):
    """61 tickers cannot have 2 % each: then all have the same."""
    frame = allocations("2022-03-01", weights)
    assert out_of_bounds(frame, BOUNDED)["ticker"].tolist() == out


def test_sixty_one_tickers_have_a_sixty_first_each():
    frame = allocations("2022-03-01", {f"T{place}": 1 / 61 for place in range(61)})
    assert out_of_bounds(frame, BOUNDED).empty


def test_weights_are_level_within_a_session():
    frame = pd.concat(
        [
            allocations("2022-03-01", {"A": 0.01, "B": 0.01}),
            allocations("2022-03-02", {"A": 0.015, "B": 0.03}),
        ]
    )
    assert out_of_bounds(frame, BOUNDED)[["date", "ticker"]].values.tolist() == [
        ["2022-03-02", "A"]
    ]


@pytest.mark.parametrize(
    ("ticker", "weight", "rebalance", "is_unwanted"),
    [
        pytest.param("A", 0.5, True, False, id="wanted"),
        pytest.param("B", 0.5, True, True, id="not wanted"),
        pytest.param("B", 0.0, True, False, id="not wanted, not held"),
        pytest.param("B", 0.5, False, False, id="decided earlier"),
        pytest.param("C", 0.5, True, True, id="wanted another day"),
        pytest.param("D", 0.5, True, True, id="wanted less than nothing"),
        pytest.param("E", 0.5, True, True, id="unknown"),
        pytest.param("CASH", 1.0, True, False, id="cash needs no signal"),
    ],
)
def test_only_what_has_a_signal_is_held(ticker, weight, rebalance, is_unwanted):
    signals = pd.DataFrame(
        {
            "date": ["2022-03-01", "2022-03-01", "2022-03-01", "2022-02-28"],
            "ticker": ["A", "B", "D", "C"],
            "signal": [1, 0, -1, 1],
        }
    )
    frame = allocations("2022-03-01", {ticker: weight}).assign(rebalance=rebalance)
    found = held_without_signal(frame, signals)["ticker"].tolist()
    assert found == ([ticker] if is_unwanted else [])


def test_a_book_owes_nothing_and_has_a_price_for_everything():
    columns = ["date", "ticker", "quantity", "wanted", "price_aud", "value_aud"]
    day = pd.Timestamp("2024-01-02")
    positions = pd.DataFrame(
        [
            (day, "CASH", -0.004, -0.004, 1.0, -0.004),  # rounding
            (day, "A", 1.0, 0.0, 2.0, 2.0),
            (day, "B", -1.0, 0.0, 2.0, -2.0),
            (day, "C", 1.0, -1.0, 2.0, 2.0),
            (day, "D", 1.0, 1.0, 0.0, 0.0),
            (day, "E", 1.0, 1.0, np.nan, np.nan),
        ],
        columns=columns,
    )
    assert broken_books(positions)["ticker"].tolist() == ["B", "C", "D", "E"]
