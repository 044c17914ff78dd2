"""Dual momentum on universes small enough to work out by hand; the look-back is 3 sessions."""

import numpy as np
import pytest
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import window_of
from strategy.signals.base import SIGNAL_COLUMNS, Split
from strategy.signals.dual_momentum import DualMomentum

UP_30, UP_20, UP_10, FLAT = (0.0, 0.3, 0.0), (0.2, 0.0, 0.0), (0.0, 0.0, 0.1), (0.0, 0.0, 0.0)
DOWN, CRASH = (-0.1, 0.0, 0.0), (0.0, -0.5, 0.0)
NEW = (np.nan, 0.9, 0.9)

TWO_PLACES = DualMomentum(lookback=3, places=2, hurdle=0.0, defensive=("BND", "TLT"))


def strengths(signal, by_ticker):
    """The tickers with a strength above 0."""
    signals = signal.at(window_of(by_ticker, signal.lookback))
    held = signals[signals["signal"] == 1]
    assert (signals["signal"] == (signals["strength"] > 0)).all()
    return dict(zip(held["ticker"], held["strength"], strict=True))


@pytest.mark.parametrize(
    ("by_ticker", "expected"),
    [
        pytest.param(
            {"A": UP_10, "B": UP_30, "BND": FLAT, "C": UP_20},
            {"B": 0.5, "C": 0.5},
            id="the strongest",
        ),
        pytest.param(
            {"A": UP_10, "B": DOWN, "BND": FLAT, "TLT": UP_20},
            {"A": 0.5, "TLT": 0.5},
            id="a place nobody earned goes to the best refuge",
        ),
        pytest.param(
            {"A": UP_10, "BND": FLAT},
            {"A": 0.5, "BND": 0.5},
            id="fewer assets than places",
        ),
        pytest.param(
            {"A": DOWN, "B": CRASH, "BND": DOWN, "TLT": CRASH},
            {"BND": 1.0},
            id="the best refuge, though it fell too",
        ),
        pytest.param(
            {"A": UP_10, "B": UP_20, "TLT": UP_30},
            {"A": 0.5, "B": 0.5},
            id="the refuge does not compete for places",
        ),
        pytest.param({"A": DOWN, "B": CRASH}, {}, id="cash where there is no refuge"),
        pytest.param({"A": FLAT, "B": FLAT}, {}, id="not more than the hurdle"),
        pytest.param({"A": UP_10, "B": UP_10, "C": UP_10}, {"A": 0.5, "B": 0.5}, id="ties"),
        pytest.param({"A": DOWN, "BND": FLAT, "TLT": FLAT}, {"BND": 1.0}, id="refuges that tie"),
        pytest.param(
            {"A": UP_10, "B": NEW, "BND": NEW, "TLT": DOWN},
            {"A": 0.5, "TLT": 0.5},
            id="a ticker without the whole look-back is not chosen, as a refuge neither",
        ),
        pytest.param({"A": NEW, "BND": NEW}, {}, id="nobody has the whole look-back"),
        pytest.param({}, {}, id="no ticker at all"),
    ],
)
def test_who_is_held(by_ticker, expected):
    assert strengths(TWO_PLACES, by_ticker) == expected


def test_the_score_is_the_return_over_the_look_back():
    signals = TWO_PLACES.at(window_of({"A": (0.1, 0.1, -0.5), "B": NEW, "C": UP_30}))
    assert signals.columns.tolist() == SIGNAL_COLUMNS
    assert signals["score"].tolist() == pytest.approx([-0.395, np.nan, 0.3], nan_ok=True)
    assert signals["signal"].dtype == np.int8
    assert signals["strength"].tolist() == [0.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("lookback", "total", "is_held"),
    [
        (258, 0.0401, True),
        (258, 0.0399, False),
        (129, 0.0199, True),  # 1.04 ^ 0.5 - 1 = 1.98 %
        (129, 0.0197, False),
        (516, 0.0817, True),  # 1.04 ^ 2 - 1 = 8.16 %
        (516, 0.0815, False),
    ],
)
def test_the_hurdle_is_a_yearly_rate(lookback, total, is_held):
    signal = DualMomentum(lookback=lookback, hurdle=0.04)
    assert bool(strengths(signal, {"A": (total, *[0.0] * (lookback - 1))})) == is_held


def test_nothing_is_held_while_history_is_too_short():
    signals = TWO_PLACES.at(window_of({"A": (0.3, 0.3), "BND": (0.0, 0.0)}, lookback=3))
    assert signals["ticker"].tolist() == ["A", "BND"]
    assert signals["strength"].tolist() == [0.0, 0.0]
    assert signals["signal"].dtype == np.int8
    assert signals["score"].isna().all()


@pytest.mark.parametrize(
    ("by_ticker", "expected"),
    [
        ({"A": UP_10, "B": UP_30}, Split(("A", "B"), 1.0, None)),
        ({"A": UP_10, "BND": FLAT}, Split(("A",), 0.5, "BND")),
        ({"A": UP_10, "B": DOWN}, Split(("A",), 0.5, None)),
        ({"A": DOWN, "BND": DOWN}, Split((), 0.0, "BND")),
        ({"A": DOWN}, Split((), 0.0, None)),
    ],
)
def test_each_place_is_worth_the_same_and_the_refuge_takes_the_others(by_ticker, expected):
    assert TWO_PLACES.split(TWO_PLACES.at(window_of(by_ticker))) == expected


def test_the_bounds_do_not_hold_for_a_refuge():
    assert TWO_PLACES.exempt == ("BND", "TLT")


@pytest.mark.parametrize("wrong", [{"places": 0}, {"lookback": 0}, {"hurdle": -0.1}, {"speed": 1}])
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        DualMomentum(**wrong)
