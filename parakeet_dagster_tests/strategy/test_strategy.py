"""A strategy's target, put together by hand."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import window_of
from strategy.allocation.base import Allocation
from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.catalog import CATALOG
from strategy.signals.always_on import AlwaysOn
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import Strategy

UP, DOWN = [0.1, 0.1], [-0.1, -0.1]
MOMENTUM = DualMomentum(lookback=2, places=4, hurdle=0.0, defensive=("BND",))


def strategy(signal=MOMENTUM, allocation=None):
    return Strategy(description="", signal=signal, allocation=allocation or EqualWeight(lookback=2))


def target(subject, by_ticker, **window):
    shown = window_of(by_ticker, **window)
    return dict(subject.target(subject.signal.at(shown), lambda _: shown))


@pytest.mark.parametrize(
    ("by_ticker", "expected"),
    [
        ({"A": UP, "B": UP, "C": UP, "D": UP}, dict.fromkeys("ABCD", 0.25) | {"CASH": 0.0}),
        ({"A": UP, "B": UP, "C": DOWN}, {"A": 0.25, "B": 0.25, "CASH": 0.5}),
        ({"A": UP, "BND": DOWN}, {"A": 0.25, "BND": 0.75, "CASH": 0.0}),
        ({"A": DOWN, "BND": UP}, {"BND": 1.0, "CASH": 0.0}),
        ({"A": DOWN}, {"CASH": 1.0}),
        ({}, {"CASH": 1.0}),
    ],
)
def test_a_place_nobody_earned_is_the_refuge_s_or_cash(by_ticker, expected):
    assert target(strategy(), by_ticker, lookback=2) == pytest.approx(expected)


def test_weights_are_listed_by_ticker_and_cash_stands_last():
    held = target(strategy(), {"Z": UP, "A": UP, "BND": UP})
    assert list(held) == ["A", "BND", "Z", "CASH"]


def test_all_is_cash_while_history_is_shorter_than_the_allocation_s_window():
    subject = strategy(signal=AlwaysOn())
    shown = window_of({"A": [0.1]}, lookback=2)
    signals = subject.signal.at(window_of({"A": [0.1]}))
    assert signals["signal"].tolist() == [1]
    assert dict(subject.target(signals, lambda _: shown)) == {"CASH": 1.0}


def test_what_an_upper_bound_leaves_unspent_is_cash():
    subject = strategy(AlwaysOn(), HierarchicalRiskParity(lookback=2, largest=0.3))
    assert target(subject, {"A": UP, "B": DOWN}) == pytest.approx({"A": 0.3, "B": 0.3, "CASH": 0.4})


def test_what_the_allocation_cannot_weigh_is_cash():
    subject = strategy(AlwaysOn(), HierarchicalRiskParity(lookback=2))
    assert target(subject, {"A": [np.nan, 0.1]}) == {"CASH": 1.0}


def test_rounding_of_a_sum_is_no_cash():
    sevenths = strategy(signal=AlwaysOn())
    held = target(sevenths, dict.fromkeys("ABCDEFG", UP))
    assert held["CASH"] == 0.0


def test_weights_of_zero_are_no_positions():
    class Chosen(Allocation):
        source = "a test"
        lookback: int = 1

        def weigh(self, candidates):
            return pd.Series([candidates.budget, 0.0], index=candidates.window.tickers)

    assert target(strategy(AlwaysOn(), Chosen()), {"A": UP, "B": UP}) == {"A": 1.0, "CASH": 0.0}


def test_the_history_that_a_target_needs():
    """252 sessions, a close before them, and up to 22 sessions since the month's first."""
    assert CATALOG["dual_momentum"].period == 22
    assert CATALOG["dual_momentum"].history == 275
    assert CATALOG["equal_weight"].history == 24
