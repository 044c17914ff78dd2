"""Hierarchical risk parity: which one it is, and bounds that hold inside the recursion."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist, squareform

from parakeet_dagster_tests.strategy.allocation.worlds import NAMES, correlated
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.hrp import HierarchicalRiskParity

ROUNDING = 1e-9
EIGHT = list(NAMES[:8])


def weigh(by_ticker, budget=1.0, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    subject = HierarchicalRiskParity(lookback=lookback, **bounds)
    return subject.weigh(candidates_of(by_ticker, budget))


def test_two_assets_share_by_inverse_variance():
    """Volatilities 1 and 3: weights 9/10 and 1/10."""
    move = np.tile([0.01, -0.01, 0.01, -0.01], 10)
    other = np.tile([0.03, 0.03, -0.03, -0.03], 10)
    assert weigh({"A": move, "B": other}).to_dict() == pytest.approx({"A": 0.9, "B": 0.1})


# --- Which variant ------------------------------------------------------------------------------


def skfolio_s(**options):
    from skfolio.optimization import HierarchicalRiskParity as Skfolio

    return Skfolio(**options)


@pytest.mark.parametrize("seed", range(3))
def test_the_variant_is_skfolio_s_with_ward_linkage(seed):
    from skfolio import RiskMeasure
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.moments import EmpiricalCovariance
    from skfolio.prior import EmpiricalPrior
    from skfolio.seriation import HierarchicalSeriation

    ward = HierarchicalClustering(linkage_method=LinkageMethod.WARD)
    model = skfolio_s(
        risk_measure=RiskMeasure.VARIANCE,
        prior_estimator=EmpiricalPrior(covariance_estimator=EmpiricalCovariance()),
        distance_estimator=PearsonDistance(),
        seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=ward),
        min_weights=0.02,
        max_weights=0.3,
    )
    expected = model.fit(pd.DataFrame(correlated(8, seed))).weights_
    weights = weigh(correlated(8, seed), smallest=0.02, largest=0.3)
    assert weights.to_numpy() == pytest.approx(expected, abs=1e-12)


def correlation_distance(returns):
    correlation = np.corrcoef(returns, rowvar=False)
    return np.sqrt(np.clip((1 - correlation) / 2, 0, 1))


def of_the_distance(returns):
    """The tree of PyPortfolioOpt: single linkage on the correlation distance."""
    return linkage(squareform(correlation_distance(returns), checks=False), "single")


def of_the_distance_of_distances(returns):
    """The paper's tree: single linkage on how differently two assets are distant from all."""
    return linkage(pdist(correlation_distance(returns)), "single")


def paper(returns, tree):
    """The algorithm of López de Prado (2016): halve the sorted list, again and again."""
    covariance = np.cov(returns, rowvar=False)

    def risk(cluster):
        part = covariance[np.ix_(cluster, cluster)]
        inverse = 1 / np.diag(part) / (1 / np.diag(part)).sum()
        return inverse @ part @ inverse

    def share(cluster, whole):
        if len(cluster) == 1:
            return {cluster[0]: whole}
        left, right = cluster[: len(cluster) // 2], cluster[len(cluster) // 2 :]
        to_left = risk(right) / (risk(left) + risk(right))
        return share(left, whole * to_left) | share(right, whole * (1 - to_left))

    shares = share([int(leaf) for leaf in leaves_list(tree(returns))], 1.0)
    return np.array([shares[place] for place in range(len(shares))])


def in_blocks(seed, blocks=4, members=2):
    """Pairs that move almost alike, each pair on its own: every tree joins the pairs first."""
    random = np.random.default_rng(seed)
    common = np.repeat(random.normal(size=(500, blocks)), members, axis=1)
    own = 0.05 * random.normal(size=(500, blocks * members))
    return (common + own) * np.geomspace(0.003, 0.03, blocks * members)


@pytest.mark.parametrize("tree", [of_the_distance, of_the_distance_of_distances])
@pytest.mark.parametrize("seed", range(3))
def test_two_assets_are_the_paper_s(tree, seed):
    by_ticker = correlated(2, seed)
    expected = paper(np.column_stack(list(by_ticker.values())), tree)
    assert weigh(by_ticker).to_numpy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("tree", [of_the_distance, of_the_distance_of_distances])
@pytest.mark.parametrize("seed", range(3))
def test_where_the_trees_coincide_the_weights_are_the_paper_s(tree, seed):
    """Two pairs: whatever the linkage, the list is halved between them."""
    returns = in_blocks(seed, blocks=2)
    weights = weigh(dict(zip("ABCD", returns.T, strict=True)))
    assert weights.to_numpy() == pytest.approx(paper(returns, tree), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_skfolio_with_single_linkage_and_leaves_as_they_come_is_pyportfolioopt_s(seed):
    """So what makes ours another variant is Ward linkage and the optimal order of leaves."""
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.seriation import HierarchicalSeriation

    returns = np.column_stack(list(correlated(11, seed).values()))
    single = HierarchicalClustering(linkage_method=LinkageMethod.SINGLE)
    seriation = HierarchicalSeriation(
        hierarchical_clustering_estimator=single, optimal_ordering=False
    )
    weights = skfolio_s(seriation_estimator=seriation).fit(returns).weights_
    assert weights == pytest.approx(paper(returns, of_the_distance), abs=1e-12)
    ours = weigh(correlated(11, seed)).to_numpy()
    assert abs(ours - weights).max() > 0.001


@pytest.mark.parametrize("seed", range(3))
def test_the_variants_differ_in_how_the_risk_is_spread_not_in_how_much_there_is(seed):
    """Eight pairs' worth of trees: other weights, yet about the same portfolio volatility."""
    returns = in_blocks(seed)
    weights = weigh(dict(zip(EIGHT, returns.T, strict=True))).to_numpy()
    theirs = paper(returns, of_the_distance_of_distances)
    volatility, other = (returns @ weights).std(), (returns @ theirs).std()
    assert volatility == pytest.approx(other, rel=0.2)


# --- Bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", range(1, 9))
def test_bounds_hold_for_any_number_of_kept_assets(count, seed):
    """As in the catalog: k of 8 places share k/8, every one between 2 % and 30 %."""
    weights = weigh(correlated(count, seed), count / 8, smallest=0.02, largest=0.30)
    assert weights.index.tolist() == EIGHT[:count]
    assert weights.sum() == pytest.approx(count / 8, abs=ROUNDING)
    assert weights.min() >= 0.02 - ROUNDING
    assert weights.max() <= 0.30 + ROUNDING


def test_the_bounds_bind_in_these_tests():
    free = weigh(correlated(8))
    assert free.min() < 0.02
    assert free.max() > 0.30


@pytest.mark.parametrize("move", [0.0, 1e-12, -5e-8, 9.9e-8])
@pytest.mark.parametrize("still", [EIGHT[:1], EIGHT[:2], EIGHT])
def test_an_asset_that_hardly_moved_is_taken_for_the_safest(still, move):
    quiet = np.where(np.arange(126) % 2, move, -move)
    weights = weigh(correlated(8) | dict.fromkeys(still, quiet), smallest=0.02, largest=0.3)
    assert weights.sum() == pytest.approx(1.0, abs=ROUNDING)
    assert weights.between(0.02 - ROUNDING, 0.3 + ROUNDING).all()
    others = weights.drop(still)
    assert (others <= weights[still].min() + ROUNDING).all()
