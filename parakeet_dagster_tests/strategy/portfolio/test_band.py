"""The no-trade band, by hand."""

import numpy as np
import pytest

from strategy.portfolio.band import LEAST_RETURNS, WINDOW, is_worth_it, volatility
from strategy.rebalance import SESSIONS_A_YEAR


def test_a_volatility_is_the_sample_s_over_the_window_s_known_returns() -> None:
    rng = np.random.default_rng(0)
    returns = rng.normal(0, 0.01, (WINDOW + 30, 2))
    returns[-40:, 1] = np.nan
    found = volatility(returns)
    expected = returns[-WINDOW:, 0].std(ddof=1) * SESSIONS_A_YEAR**0.5
    assert found[0] == pytest.approx(expected)
    assert found[1] == pytest.approx(returns[-WINDOW:-40, 1].std(ddof=1) * SESSIONS_A_YEAR**0.5)


def test_too_few_returns_are_no_volatility() -> None:
    returns = np.full((WINDOW, 1), np.nan)
    returns[-LEAST_RETURNS + 1 :] = 0.01
    assert volatility(returns)[0] == np.inf


@pytest.mark.parametrize(
    ("difference", "aversion", "yearly", "cost", "expected"),
    [
        # 3/2 x 0.2^2 x 1,000^2 / 100,000 = 0.60 AUD a year are lost
        (1000.0, 3.0, 0.2, 0.59, True),
        (1000.0, 3.0, 0.2, 0.61, False),
        (-1000.0, 3.0, 0.2, 0.59, True),
        (7071.0, 3.0, 0.2, 30.0, False),  # 29.9991
        (7072.0, 3.0, 0.2, 30.0, True),  # 30.0079
        (1000.0, np.inf, 0.2, 1e9, True),
        (1000.0, np.inf, 0.0, 1e9, True),
        (0.0, np.inf, 0.2, 0.0, False),
        (1e-9, 3.0, np.inf, 1e9, True),
        (1000.0, 0.0, 0.2, 0.0, False),
    ],
)
def test_a_trade_is_worth_what_the_difference_costs_in_a_year(
    difference: float, aversion: float, yearly: float, cost: float, expected: bool
) -> None:
    found = is_worth_it(
        np.array([[difference]]),
        np.array([[100_000.0]]),
        np.array([yearly]),
        np.array([[aversion]]),
        np.array([[cost]]),
    )
    assert found.tolist() == [[expected]]
