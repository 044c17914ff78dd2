"""Inverse volatility with bounds that hold."""

from typing import ClassVar

import numpy as np
import pandas as pd

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.proportions import proportional


class InverseVolatility(BoundedAllocation):
    """Weights in proportion to 1 / volatility: risk parity that ignores correlations.

    Volatility is the sample standard deviation of the window's AUD returns. An asset that a bound
    stops gets the bound; the others keep their proportions, see ``strategy.proportions``.
    """

    source: ClassVar[str] = (
        "Leote de Carvalho, Lu and Moulin (2012), Demystifying Equity Risk-Based Strategies"
    )
    lookback: Sessions = 126

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        volatility = np.std(returns.to_numpy(), axis=0, ddof=1)
        return proportional(1 / volatility, smallest, largest)
