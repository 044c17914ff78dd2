"""Nested clustered optimisation, with bounds that hold."""

from typing import ClassVar

import pandas as pd

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.optimisation import in_typical_units, mean_risk, solved


class NestedClusteredOptimisation(BoundedAllocation):
    """The least variance within each cluster of similar assets, then among the clusters.

    As in the paper, each cluster's portfolio becomes one asset, and the outer problem sees their
    returns over the same window (skfolio's ``cv="ignore"``). The clusters are not the paper's
    k-means but skfolio's default, which draws no random numbers: Ward linkage on the correlation
    distance, their number by the two-order difference of the gap statistic. Both problems are long
    only, on the Ledoit-Wolf covariance.

    skfolio bounds a weight within its cluster and a cluster's weight, but not their product. So the
    nested weights are found without bounds; where they break one, the portfolio within the bounds
    that follows them with the least variance of the difference takes their place.
    """

    source: ClassVar[str] = "López de Prado (2019), A Robust Estimator of the Efficient Frontier"
    lookback: Sessions = 252

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        from skfolio.cluster import HierarchicalClustering, LinkageMethod
        from skfolio.distance import PearsonDistance
        from skfolio.optimization import NestedClustersOptimization

        scaled = in_typical_units(returns.to_numpy())
        model = NestedClustersOptimization(
            inner_estimator=mean_risk(),
            outer_estimator=mean_risk(),
            distance_estimator=PearsonDistance(),
            clustering_estimator=HierarchicalClustering(linkage_method=LinkageMethod.WARD),
            cv="ignore",
        )
        nested = solved(model, scaled)
        if nested.min() >= smallest and nested.max() <= largest:
            return nested
        return solved(mean_risk(smallest, largest, target_weights=nested), scaled)
