"""What must hold for every signal and every allocation, whatever the strategy."""

import numpy as np
import pandas as pd

from strategy.strategy import Strategy
from strategy.universes.members import CASH

TOLERANCE = 1e-9
CENT = 0.005


def broken_signals(signals: pd.DataFrame) -> pd.DataFrame:
    """The rows whose signal is not -1, 0 or 1, or whose strength lies outside [0, 1]."""
    fits = signals["signal"].isin([-1, 0, 1]) & signals["strength"].between(0, 1)
    return signals[~fits]


def wrong_sums(allocations: pd.DataFrame) -> pd.Series:
    """The sum of weights of each session whose weights do not sum to 1, ``CASH`` included."""
    sums = allocations.groupby("date")["weight"].sum()
    return sums[~np.isclose(sums, 1.0, rtol=0, atol=TOLERANCE)]


def out_of_bounds(allocations: pd.DataFrame, strategy: Strategy) -> pd.DataFrame:
    """The rows whose weight breaks the allocation's bounds.

    ``CASH`` and the tickers that the signal exempts (a refuge) may have any weight in [0, 1]. Where
    there are too many tickers for the lower bound, none may be below their average.
    """
    smallest, largest = strategy.allocation.bounds
    free = allocations["ticker"].isin([CASH, *strategy.signal.exempt])
    average = allocations["weight"].mask(free).groupby(allocations["date"]).transform("mean")
    low = np.where(free, 0.0, np.clip(average, 0.0, smallest)) - TOLERANCE
    high = np.where(free, 1.0, largest) + TOLERANCE
    fits = (allocations["weight"] >= low) & (allocations["weight"] <= high)
    return allocations[~fits]


def held_without_signal(allocations: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """The rows decided on their own session that hold a ticker whose signal there is not 1.

    Args:
        allocations: columns date, ticker, weight, rebalance.
        signals: columns date, ticker, signal; of every session with ``rebalance``, at least.
    """
    decided = allocations[allocations["rebalance"] & (allocations["ticker"] != CASH)]
    long = pd.MultiIndex.from_frame(signals.loc[signals["signal"] == 1, ["date", "ticker"]])
    is_long = pd.MultiIndex.from_frame(decided[["date", "ticker"]]).isin(long)
    return decided[~is_long & (decided["weight"] != 0)]


def broken_books(positions: pd.DataFrame) -> pd.DataFrame:
    """The rows of an account's positions that cannot be: debts, less than nothing, no price.

    Args:
        positions: columns date, ticker, quantity, wanted, price_aud, value_aud.
    """
    quantities = positions[["quantity", "wanted"]].min(axis=1)
    fits = (quantities > -CENT) & (positions["price_aud"] > 0)
    return positions[~fits]
