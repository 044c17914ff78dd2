"""Risk parity: equal contributions, verified from the covariance itself."""

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.allocation.worlds import correlated, orthogonal
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.risk_parity import RiskParity


def weigh(by_ticker, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    return RiskParity(lookback=lookback, **bounds).weigh(candidates_of(by_ticker)).to_numpy()


def matrix(by_ticker):
    return np.column_stack(list(by_ticker.values()))


def contributions(weights, by_ticker):
    """Each asset's part of the portfolio's variance."""
    covariance = np.cov(matrix(by_ticker), rowvar=False)
    return weights * (covariance @ weights) / (weights @ covariance @ weights)


@pytest.mark.parametrize("count", [2, 3, 8, 30])
@pytest.mark.parametrize("seed", range(3))
def test_every_asset_contributes_the_same_risk(count, seed):
    by_ticker = correlated(count, seed, 252)
    parts = contributions(weigh(by_ticker), by_ticker)
    assert parts == pytest.approx(np.full(count, 1 / count), rel=1e-3)


def test_equal_weight_and_inverse_volatility_do_not():
    """Or the test above would prove nothing."""
    by_ticker = correlated(8, sessions=252)
    inverse = 1 / matrix(by_ticker).std(axis=0)
    for weights in (np.full(8, 1 / 8), inverse / inverse.sum()):
        assert np.ptp(contributions(weights, by_ticker)) > 0.005


@pytest.mark.parametrize("correlation", [-0.8, 0.0, 0.5])
def test_two_assets_share_by_inverse_volatility_whatever_their_correlation(correlation):
    free = matrix(orthogonal(0.01, 0.01))
    other = 3 * (correlation * free[:, 0] + np.sqrt(1 - correlation**2) * free[:, 1])
    weights = weigh({"A": free[:, 0], "B": other})
    assert weights == pytest.approx([0.75, 0.25], abs=1e-5)


def test_uncorrelated_assets_share_by_inverse_volatility():
    weights = weigh(orthogonal(0.005, 0.01, 0.02, 0.06))
    assert weights == pytest.approx([12 / 22, 6 / 22, 3 / 22, 1 / 22], abs=1e-5)


@pytest.mark.parametrize("bounds", [{}, {"smallest": 0.06, "largest": 0.2}])
@pytest.mark.parametrize("seed", range(3))
def test_the_weights_are_those_of_skfolio_called_directly(seed, bounds):
    """On returns in percent, since skfolio's solver stops at absolute tolerances."""
    from skfolio import RiskMeasure
    from skfolio.optimization import RiskBudgeting

    by_ticker = correlated(8, seed, 252)
    model = RiskBudgeting(
        risk_measure=RiskMeasure.VARIANCE,
        min_weights=bounds.get("smallest", 0.0),
        max_weights=bounds.get("largest", 1.0),
    )
    expected = model.fit(100 * matrix(by_ticker)).weights_
    assert weigh(by_ticker, **bounds) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("bounds", [{}, {"largest": 0.2}, {"smallest": 0.06, "largest": 0.2}])
def test_of_all_within_the_bounds_it_has_the_least_volatility_for_its_geometric_mean(bounds):
    """What is left of equal contributions where a bound stops one: Richard and Roncalli (2019)."""
    by_ticker = correlated(8, sessions=252)
    covariance, weights = np.cov(matrix(by_ticker), rowvar=False), weigh(by_ticker, **bounds)
    low, high = bounds.get("smallest", 0.0), bounds.get("largest", 1.0)
    assert bool(bounds) == (weights > high - 1e-6).any()

    def merit(held):
        return np.log(held).mean() - np.log(held @ covariance @ held) / 2

    for giver, taker in np.argwhere(~np.eye(8, dtype=bool)):
        step = min(1e-3, weights[giver] - low, high - weights[taker])
        moved = weights + step * (np.eye(8)[taker] - np.eye(8)[giver])
        assert merit(moved) <= merit(weights) + 1e-8
