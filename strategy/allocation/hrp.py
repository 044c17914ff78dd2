"""Hierarchical risk parity with bounds that hold."""

from typing import ClassVar

import pandas as pd

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.optimisation import solved


class HierarchicalRiskParity(BoundedAllocation):
    """Weights by recursive bisection of a tree of similar assets, each side by its inverse risk.

    The variant is skfolio's: Ward linkage on the correlation distance (López de Prado's paper uses
    single linkage on the distance of distances), leaves in optimal order, risk is variance, the
    sample covariance of the window's AUD returns. It is never inverted, so it needs neither
    shrinkage nor repair with more assets than sessions. Bounds are held inside the recursion;
    clipping afterwards and renormalising would break them again.
    """

    source: ClassVar[str] = "López de Prado (2016), Building Diversified Portfolios; skfolio's HRP"
    lookback: Sessions = 126

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        from skfolio.moments import EmpiricalCovariance  # 2 to 6 s to import
        from skfolio.optimization import HierarchicalRiskParity as Hrp
        from skfolio.prior import EmpiricalPrior

        prior = EmpiricalPrior(covariance_estimator=EmpiricalCovariance(nearest=False))
        model = Hrp(prior_estimator=prior, min_weights=smallest, max_weights=largest)
        return solved(model, returns.to_numpy())
