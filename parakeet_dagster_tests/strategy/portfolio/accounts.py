"""Curves and books, written the way a reader would."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from parakeet_dagster_tests.strategy.frames import weekdays
from strategy.portfolio.financial_years import OF_TAX, financial_year

FIRST = "2021-03-01"
"""A Monday."""


def curve(*values: float, first: str = FIRST) -> pd.Series:
    """A curve by its values, on weekdays."""
    return pd.Series(values, index=weekdays(first, len(values)).rename("date"), dtype="float64")


def curve_of(returns: Iterable[float], capital: float = 100.0, first: str = FIRST) -> pd.Series:
    """A curve by its returns, one session longer than they are."""
    return curve(*(capital * np.cumprod([1.0, *(1 + np.asarray(list(returns)))])), first=first)


def side_by_side(strategy: pd.Series, after_tax: pd.Series, benchmark: pd.Series) -> pd.DataFrame:
    """Three curves as the figures take them."""
    return pd.DataFrame({"strategy": strategy, "after_tax": after_tax, "benchmark": benchmark})


def daily_of(equity: pd.Series, **columns: object) -> pd.DataFrame:
    """``daily`` of a book that did nothing but what is given."""
    nothing = dict.fromkeys(
        ["traded", "fees", "slippage", "fx_costs", "dividends", "withheld", "interest"], 0.0
    )
    book = {"date": equity.index, "equity": equity.to_numpy(), "cash": equity.to_numpy()}
    return pd.DataFrame({**book, **nothing, **columns})


def taxed(daily: pd.DataFrame, **columns: object) -> pd.DataFrame:
    """The tax of the years of a book: 0 where nothing is given."""
    years = financial_year(pd.DatetimeIndex(daily["date"])).unique()
    return pd.DataFrame({**dict.fromkeys(OF_TAX, 0.0), **columns}, index=years)


def long_returns(shortest: int = 60, longest: int = 150) -> st.SearchStrategy[np.ndarray]:
    """Any returns, enough for every figure: often the same one; and noise with fat tails."""
    counts = st.integers(shortest, longest)
    return st.one_of(
        arrays(np.float64, counts, elements=st.floats(-0.3, 0.3)),
        st.builds(_noise, st.integers(0, 10_000), counts),
    )


def _noise(seed: int, count: int) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).standard_t(3, count) * 0.02, -0.5, 0.5)
