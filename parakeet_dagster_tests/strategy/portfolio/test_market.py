"""The market from the lake's frames, by hand; that it agrees with daily_returns is a property."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.markets import fx, long_of, market
from strategy.errors import StrategyError
from strategy.portfolio.market import market_of


def test_actions_on_a_session_without_a_bar_come_with_the_next_one() -> None:
    of = market(
        {"SPY": [100.0, 100.0, 100.0, 26.0, 26.0]},
        untraded=[("SPY", 1), ("SPY", 2)],
        dividends={("SPY", 1): 1.0, ("SPY", 3): 0.5},
        splits={("SPY", 2): 4.0},
    )
    assert of.split[:, 0].tolist() == [1, 1, 1, 4, 1]
    # 1 a share before the split, and 0.5 for each of the four it became
    assert of.dividend[:, 0].tolist() == [0, 0, 0, 3, 0]
    assert of.untraded[:, 0].tolist() == [0, 1, 2, 0, 0]


def test_actions_after_the_last_bar_wait() -> None:
    of = market({"SPY": [100.0, 100.0]}, untraded=[("SPY", 1)], splits={("SPY", 1): 4.0})
    assert of.split[:, 0].tolist() == [1, 1]


def test_a_ticker_is_there_from_its_first_row_to_its_last() -> None:
    of = market({"A.AX": [np.nan, 10.0, np.nan], "SPY": [1.0, 1.0, 1.0]}, usd=[1.3, 1.4, 1.5])
    assert of.tickers.tolist() == ["A.AX", "SPY"]
    assert of.present[:, 0].tolist() == [False, True, False]
    assert of.close[:, 0].tolist() == [0, 10, 10]
    assert of.price_aud[:, 1].tolist() == [1.3, 1.4, 1.5]
    assert of.is_foreign.tolist() == [False, True]
    assert of.is_us.tolist() == [False, True]


def test_until_a_session() -> None:
    of = market({"A.AX": [1.0, 2.0, 3.0], "SPY": [4.0, 5.0, 6.0]})
    cut = of.until(of.sessions[1])
    assert cut.sessions.equals(of.sessions[:2])
    assert cut.close.tolist() == [[1, 4], [2, 5]]
    assert cut.tickers.equals(of.tickers)
    assert cut.is_us.tolist() == of.is_us.tolist()


def test_a_session_without_a_rate_is_an_error() -> None:
    sessions = market({"SPY": [1.0, 1.0]}).sessions
    returns = long_of(pd.DataFrame({"SPY": [1.0, 1.0]}), sessions)
    none = pd.DataFrame(columns=["date", "ticker", "dividend", "split_ratio"])
    with pytest.raises(StrategyError, match=r"no exchange rate of USD on 2024-01-02"):
        market_of(returns, none, fx(sessions[:1], 1.5), sessions)
