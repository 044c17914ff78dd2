"""Returns between sessions, by hand."""

import math

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import days
from parakeet_dagster_tests.strategy.portfolio.accounts import curve
from strategy.portfolio.curves import deviation, excess_returns, session_returns


def test_the_first_session_has_no_return():
    returns = session_returns(curve(100, 110, 99).to_frame("a"))
    assert returns["a"].tolist() == pytest.approx([0.1, -0.1])
    assert returns.index.tolist() == days("2021-03-02", "2021-03-03").tolist()


def test_nothing_is_earned_on_nothing():
    returns = session_returns(curve(100, 0, 0, 5).to_frame("a"))["a"]
    assert returns.iloc[0] == -1
    assert returns.iloc[1:].isna().all()


def test_cash_earns_over_the_weekend():
    """3.65 % a year is a basis point a day, of which a Monday has three."""
    dates = days("2021-03-04", "2021-03-05", "2021-03-08", "2021-03-09")
    curves = pd.DataFrame({"a": [100.0, 101.0, 101.0, 101.0]}, index=dates)
    excess = excess_returns(curves, 0.0365)["a"]
    assert excess.tolist() == pytest.approx([0.01 - 0.0001, -0.0003, -0.0001], abs=1e-15)


def test_what_does_not_move_cannot_be_divided_by():
    returns = pd.DataFrame({"moves": [0.01, -0.01], "rounds": [1e-16, -1e-16], "rests": [0.0, 0.0]})
    spread = deviation(returns)
    assert spread["moves"] == pytest.approx(0.01 * math.sqrt(2))
    assert spread[["rounds", "rests"]].isna().all()
