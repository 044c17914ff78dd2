"""Prices that do not move, and methods that divide by their variance."""

import numpy as np
import pandas as pd

SMALLEST_VARIANCE = 1e-14
"""Ten times what skfolio refuses to take for a variance (1e-15)."""

LEAST_MOVEMENT = 1e-3
"""Of the typical volatility: what an asset moves at least, in the eyes of an allocation."""


def moving(returns: pd.DataFrame) -> pd.DataFrame:
    """The same returns, with the least possible movement where there was less.

    An asset whose price never moved has no inverse risk, and one that hardly moved makes every
    optimiser stumble. Both are given a thousandth of the typical volatility, by a ripple up and
    down on alternate sessions: they are the safest, and the same to every method.

    Args:
        returns: sessions x tickers, without a gap, at least two sessions.
    """
    values = returns.to_numpy()
    variances = values.var(axis=0)
    least = max(LEAST_MOVEMENT**2 * variances.mean(), SMALLEST_VARIANCE)
    ripple = np.where(np.arange(len(values)) % 2, 1.0, -1.0) * np.sqrt(least)
    moved = np.where(variances < least, ripple[:, None], values)
    return pd.DataFrame(moved, columns=returns.columns)
