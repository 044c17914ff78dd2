"""Returns by month and over a year: by hand, then what must always hold."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from parakeet_dagster_tests.strategy.frames import days
from parakeet_dagster_tests.strategy.portfolio.accounts import (
    curve,
    curve_of,
    long_returns,
    side_by_side,
)
from strategy.portfolio.calendar_returns import monthly_table, period_returns, rolling_figures
from strategy.portfolio.figures import curve_figures
from strategy.rebalance import SESSIONS_A_YEAR


def test_months_by_hand():
    """November has the first session alone, and so no return; February has no session."""
    dates = days("2020-11-30", "2020-12-01", "2020-12-31", "2021-01-04", "2021-01-29", "2021-03-01")
    one = pd.Series([100.0, 110.0, 99.0, 108.9, 118.8, 59.4], index=dates)
    table = monthly_table(one)
    assert table.index.tolist() == [2020, 2021]
    assert table.columns.tolist() == [*range(1, 13), "year"]
    assert table.loc[2020].dropna().to_dict() == pytest.approx({12: -0.01, "year": -0.01})
    expected = {1: 0.2, 3: -0.5, "year": -0.4}
    assert table.loc[2021].dropna().to_dict() == pytest.approx(expected)


def test_a_year_without_a_return_is_not_there():
    table = monthly_table(curve(100, 101, first="2020-12-31"))
    assert table.index.tolist() == [2021]


def test_one_session_has_no_month():
    table = monthly_table(curve(100))
    assert table.empty
    assert table.columns.tolist() == [*range(1, 13), "year"]


@given(returns=long_returns(1))
def test_months_compound_to_the_total(returns):
    one = curve_of(returns)
    total = one.iloc[-1] / one.iloc[0]
    table = monthly_table(one)
    months = (1 + table.drop(columns="year")).prod(axis=1)
    assert months.prod() == pytest.approx(total)
    assert (1 + table["year"]).tolist() == pytest.approx(months.tolist())
    assert (1 + period_returns(one.to_frame(), "M")).prod().iloc[0] == pytest.approx(total)


def test_a_rolling_year_by_hand():
    """+2 % and -1 % in turn: 129 of each in a year, an even 0.5 % of mean and 1.5 % of spread."""
    table = rolling_figures(curve_of([0.02, -0.01] * 150), rate=0.0)
    assert len(table) == 300 - SESSIONS_A_YEAR + 1
    spread = 0.015 * math.sqrt(258 / 257)
    assert table["return"].tolist() == pytest.approx([(1.02 * 0.99) ** 129 - 1] * len(table))
    assert table["volatility"].tolist() == pytest.approx([spread * 258**0.5] * len(table))
    assert table["sharpe"].tolist() == pytest.approx([0.005 / spread * 258**0.5] * len(table))


def test_a_rolling_year_is_the_figures_of_that_year():
    one = curve_of(np.random.default_rng(5).normal(0.001, 0.02, 400))
    last = one.iloc[-SESSIONS_A_YEAR - 1 :]
    figures = curve_figures(side_by_side(last, last, last), 0.03)["strategy"]
    rolled = rolling_figures(one, 0.03).iloc[-1]
    expected = figures[["total return", "volatility", "Sharpe ratio"]]
    assert rolled.tolist() == pytest.approx(expected.tolist())


def test_a_year_at_rest_has_no_sharpe_ratio():
    """After a crash: what a running sum leaves of it is no movement."""
    table = rolling_figures(curve_of([0.0, -0.4] + [0.0] * 300), 0.02)
    assert table["volatility"].iloc[-1] == pytest.approx(0, abs=1e-7)
    assert math.isnan(table["sharpe"].iloc[-1])


def test_less_than_a_year_has_no_row():
    assert rolling_figures(curve_of([0.01] * 257), 0.0).empty
    assert len(rolling_figures(curve_of([0.01] * 258), 0.0)) == 1
