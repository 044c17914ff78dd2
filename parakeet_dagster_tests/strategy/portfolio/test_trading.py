"""Turnover, costs and dividends, by hand."""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.accounts import curve, daily_of
from strategy.portfolio.trading import OF_TRADING, trading_figures

YEAR = 258
ORDERS = pd.DataFrame({"reason": ["order"] * 6 + ["delisted", "cash in lieu"]})


def spread_over(equity, **sums):
    """A book of which the sums fall on one session."""
    columns = {name: [0.0, value] + [0.0] * (len(equity) - 2) for name, value in sums.items()}
    return daily_of(equity, **columns)


def test_two_years_by_hand():
    """Equity of 100 and 300 in turn, 200 on average; all of it was bought, sold and bought."""
    equity = curve(*[100.0, 300.0] * YEAR, 200.0)
    daily = spread_over(
        equity, traded=600.0, fees=4.0, slippage=2.0, fx_costs=6.0, dividends=20.0, interest=9.0
    )
    figures = trading_figures(daily, ORDERS)
    assert figures.index.tolist() == list(OF_TRADING)
    assert figures.to_dict() == pytest.approx(
        {
            "turnover a year": 600 / 2 / 200 / 2,
            "trades a year": 3,
            "costs a year": 12 / 200 / 2,
            "dividend yield": 20 / 200 / 2,
        }
    )


def test_less_than_a_quarter():
    daily = spread_over(curve(*[100.0] * 60), traded=100.0)
    assert trading_figures(daily, ORDERS).isna().all()
    daily = spread_over(curve(*[100.0] * 61), traded=100.0)
    figures = trading_figures(daily, ORDERS)
    assert figures["turnover a year"] == pytest.approx(0.5 * YEAR / 60)


def test_no_trade():
    figures = trading_figures(daily_of(curve(*[100.0] * 61)), ORDERS.iloc[:0])
    assert figures.eq(0).all()
