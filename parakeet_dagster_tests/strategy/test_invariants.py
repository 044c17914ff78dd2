"""What must hold for every signal and every allocation."""

import numpy as np
import pandas as pd
import pytest

from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.invariants import broken_signals, out_of_bounds, wrong_sums
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import Strategy

BOUNDED = Strategy(
    description="",
    signal=DualMomentum(defensive=("BND",)),
    allocation=HierarchicalRiskParity(smallest=0.02, largest=0.3),
)


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
    frame = pd.DataFrame({"ticker": [ticker], "weight": [weight]})
    assert len(out_of_bounds(frame, BOUNDED)) == is_out
