"""Nested clustered optimisation: the paper's steps, skfolio's weights, and bounds that hold."""

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.allocation.worlds import correlated
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.min_variance import MinVariance
from strategy.allocation.nco import NestedClusteredOptimisation


def weigh(by_ticker, method=NestedClusteredOptimisation, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    return method(lookback=lookback, **bounds).weigh(candidates_of(by_ticker)).to_numpy()


def matrix(by_ticker):
    return np.column_stack(list(by_ticker.values()))


def skfolio_s(returns, **bounds):
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk, NestedClustersOptimization
    from skfolio.prior import EmpiricalPrior

    prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
    model = NestedClustersOptimization(
        inner_estimator=MeanRisk(prior_estimator=prior, **bounds),
        outer_estimator=MeanRisk(prior_estimator=prior, **bounds),
        cv="ignore",
    )
    return model.fit(returns)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_are_those_of_skfolio_called_directly(seed):
    """On returns in percent, since skfolio's solver stops at absolute tolerances."""
    by_ticker = correlated(9, seed, 252)
    expected = skfolio_s(100 * matrix(by_ticker)).weights_
    assert weigh(by_ticker) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_steps_of_the_paper(seed):
    """The least variance of each cluster, then of the clusters' portfolios."""
    by_ticker = correlated(9, seed, 252)
    labels = skfolio_s(100 * matrix(by_ticker)).clustering_estimator_.labels_
    inner = np.zeros((labels.max() + 1, 9))
    for label, row in enumerate(inner):
        members = np.flatnonzero(labels == label)
        row[members] = weigh({f"{n:02}": matrix(by_ticker)[:, n] for n in members}, MinVariance)
    clusters = {f"{n:02}": portfolio for n, portfolio in enumerate(inner @ matrix(by_ticker).T)}
    expected = weigh(clusters, MinVariance) @ inner
    assert weigh(by_ticker) == pytest.approx(expected, abs=1e-4)


def test_two_assets_are_two_clusters():
    by_ticker = correlated(2)
    assert weigh(by_ticker) == pytest.approx(weigh(by_ticker, MinVariance), abs=1e-5)


def test_skfolio_s_own_bounds_do_not_hold_for_the_product():
    """A least weight within a cluster times a cluster's weight is less than the least weight."""
    weights = skfolio_s(100 * matrix(correlated(9)), min_weights=0.05, max_weights=0.9).weights_
    assert weights.min() < 0.05 - 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_where_a_bound_is_broken_it_is_the_portfolio_that_follows_with_the_least_error(seed):
    from sklearn.covariance import ledoit_wolf

    by_ticker = correlated(9, seed, 252)
    free, held = weigh(by_ticker), weigh(by_ticker, smallest=0.03, largest=0.25)
    assert free.max() > 0.25
    assert held.min() >= 0.03 - 1e-9
    assert held.max() <= 0.25 + 1e-9
    covariance = ledoit_wolf(matrix(by_ticker))[0]

    def error(weights):
        return (weights - free) @ covariance @ (weights - free)

    for giver, taker in np.argwhere(~np.eye(9, dtype=bool)):
        step = min(1e-3, held[giver] - 0.03, 0.25 - held[taker])
        moved = held + step * (np.eye(9)[taker] - np.eye(9)[giver])
        assert error(moved) >= error(held) * (1 - 1e-6)
