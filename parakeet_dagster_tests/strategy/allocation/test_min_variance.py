"""The least variance, in closed form where there is one."""

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.allocation.worlds import correlated, orthogonal
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.min_variance import MinVariance


def weigh(by_ticker, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    return MinVariance(lookback=lookback, **bounds).weigh(candidates_of(by_ticker)).to_numpy()


def shrunk(by_ticker):
    from sklearn.covariance import ledoit_wolf

    return ledoit_wolf(np.column_stack(list(by_ticker.values())))[0]


@pytest.mark.parametrize(
    ("volatility", "correlation"), [(0.02, 0.0), (0.02, 0.3), (0.015, -0.5), (0.01, 0.9)]
)
def test_two_assets(volatility, correlation):
    """``(v2 - c) / (v1 + v2 - 2 c)`` of the shrunk variances v and covariance c."""
    free = list(orthogonal(0.01, 1.0).values())
    other = volatility * (correlation * free[0] / 0.01 + np.sqrt(1 - correlation**2) * free[1])
    by_ticker = {"A": free[0], "B": other}
    (first, both), (_, second) = shrunk(by_ticker)
    expected = (second - both) / (first + second - 2 * both)
    assert weigh(by_ticker) == pytest.approx([expected, 1 - expected], abs=1e-5)


def test_two_assets_of_which_one_is_not_worth_holding():
    calm = orthogonal(0.005, 0.01)
    wild = 6 * calm["T000"] + calm["T001"]
    assert weigh({"A": calm["T000"], "B": wild}) == pytest.approx([1, 0], abs=1e-9)


def test_uncorrelated_assets_share_by_inverse_variance():
    by_ticker = orthogonal(0.008, 0.01, 0.012, 0.02)
    covariance = shrunk(by_ticker)
    assert covariance - np.diag(np.diag(covariance)) == pytest.approx(0, abs=1e-12)
    expected = 1 / np.diag(covariance) / (1 / np.diag(covariance)).sum()
    assert weigh(by_ticker) == pytest.approx(expected, abs=1e-5)


def test_assets_of_the_same_variance_share_equally():
    """What is shrunk is then the covariance already, so nothing depends on the shrinkage."""
    weights = weigh(orthogonal(0.01, 0.01, 0.01, 0.01))
    assert weights == pytest.approx(np.full(4, 0.25), abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bounds", [{}, {"smallest": 0.02, "largest": 0.3}])
def test_nothing_within_the_bounds_has_a_lower_variance(seed, bounds):
    by_ticker = correlated(8, seed)
    covariance, weights = shrunk(by_ticker), weigh(by_ticker, **bounds)
    least = weights @ covariance @ weights
    low, high = bounds.get("smallest", 0.0), bounds.get("largest", 1.0)
    for giver, taker in np.argwhere(~np.eye(8, dtype=bool)):
        step = min(1e-3, weights[giver] - low, high - weights[taker])
        moved = weights + step * (np.eye(8)[taker] - np.eye(8)[giver])
        assert moved @ covariance @ moved >= least * (1 - 1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_are_those_of_skfolio_called_directly(seed):
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk
    from skfolio.prior import EmpiricalPrior

    by_ticker = correlated(8, seed)
    model = MeanRisk(
        prior_estimator=EmpiricalPrior(covariance_estimator=LedoitWolf()), max_weights=0.4
    )
    expected = model.fit(100 * np.column_stack(list(by_ticker.values()))).weights_
    assert weigh(by_ticker, largest=0.4) == pytest.approx(expected, abs=5e-5)


def test_what_is_not_worth_holding_has_no_weight_at_all():
    weights = weigh(correlated(8))
    assert (weights == 0).any()
    assert ((weights == 0) | (weights > 1e-6)).all()
