"""Prices that do not move, and methods that divide by their variance."""

import numpy as np
import pandas as pd

SMALLEST_VARIANCE = 1e-14
"""Ten times what skfolio refuses to take for a variance (1e-15)."""


def moving(returns: pd.DataFrame) -> pd.DataFrame:
    """The same returns, with the least possible movement where there was none.

    An asset whose price never moved has no inverse risk: it is given the least variance that can
    be told from 0, by a ripple up and down on alternate sessions.

    Args:
        returns: sessions x tickers, without a gap.
    """
    is_still = returns.to_numpy().var(axis=0) < SMALLEST_VARIANCE
    ripple = np.where(np.arange(len(returns)) % 2, 1.0, -1.0) * np.sqrt(2 * SMALLEST_VARIANCE)
    return returns + np.where(is_still, ripple[:, None], 0.0)
