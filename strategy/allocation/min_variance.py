"""The portfolio of the least variance, with bounds that hold."""

from typing import ClassVar

import pandas as pd

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.optimisation import in_typical_units, mean_risk, solved


class MinVariance(BoundedAllocation):
    """The long-only portfolio of the least variance within the bounds; it needs no forecast.

    The covariance is that of the window's AUD returns, shrunk after Ledoit and Wolf: the sample
    covariance would bet on its own errors (Michaud, 1989), and has no inverse with more assets
    than sessions. The optimiser is skfolio's MeanRisk.
    """

    source: ClassVar[str] = (
        "Markowitz (1952), Portfolio Selection; Ledoit and Wolf (2004), A Well-Conditioned"
        " Estimator for Large-Dimensional Covariance Matrices"
    )
    lookback: Sessions = 252

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        return solved(mean_risk(smallest, largest), in_typical_units(returns.to_numpy()))
