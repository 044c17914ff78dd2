"""Hierarchical risk parity with bounds that hold."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from strategy.allocation.base import BoundedAllocation, Floats
from strategy.still import moving


class HierarchicalRiskParity(BoundedAllocation):
    """Weights by recursive bisection of a tree of similar assets, each side by its inverse risk.

    The variant is skfolio's: Ward linkage on the correlation distance (López de Prado's paper uses
    single linkage on the distance of distances), leaves in optimal order, risk is variance, the
    sample covariance of the window's AUD returns. Bounds are held inside the recursion; clipping
    afterwards and renormalising would break them again.
    """

    source: ClassVar[str] = "López de Prado (2016), Building Diversified Portfolios; skfolio's HRP"
    lookback: PositiveInt = 126

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        from skfolio.optimization import HierarchicalRiskParity as Hrp  # 2 to 6 s to import

        weights = Hrp(min_weights=smallest, max_weights=largest).fit(moving(returns)).weights_
        return np.asarray(weights, dtype=float)
