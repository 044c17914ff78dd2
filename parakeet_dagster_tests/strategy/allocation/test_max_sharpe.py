"""The greatest Sharpe ratio: by hand, against its definition, and where there is none."""

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.allocation.worlds import correlated, orthogonal
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.max_sharpe import MaxSharpe, _attainable, _shrunk_means
from strategy.allocation.min_variance import MinVariance


def weigh(by_ticker, **parameters):
    lookback = len(next(iter(by_ticker.values())))
    return MaxSharpe(lookback=lookback, **parameters).weigh(candidates_of(by_ticker)).to_numpy()


def least_variance(by_ticker, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    return MinVariance(lookback=lookback, **bounds).weigh(candidates_of(by_ticker)).to_numpy()


def matrix(by_ticker):
    return np.column_stack(list(by_ticker.values()))


def test_uncorrelated_assets_of_the_same_variance_share_by_their_shrunk_means():
    """By hand: 64 sessions, volatility 1 %, means 0.3 % and 0.1 %, no interest.

    The least variance is half and half, so g = 0.2 %. The distance is 2 · (0.1 / 1)² = 0.02 and
    64 · 0.02 = 1.28, so b = 4 / (4 + 1.28) = 0.757576. The means shrink to 0.2242 % and 0.1758 %,
    and weights are in proportion to them: 0.5606 and 0.4394.
    """
    weights = weigh(orthogonal(0.01, 0.01, mean=(0.003, 0.001)), risk_free=0.0)
    assert weights == pytest.approx([0.560606, 0.439394], abs=1e-5)


def test_interest_is_taken_off_the_means():
    """At 0.1 % a session (28.6 % a year) the excess means are 0.2 % and 0: g = 0.1 %, b the same.

    They shrink to 0.1242 % and 0.0758 %.
    """
    yearly = 1.001**258 - 1
    weights = weigh(orthogonal(0.01, 0.01, mean=(0.003, 0.001)), risk_free=yearly)
    assert weights == pytest.approx([0.621212, 0.378788], abs=1e-5)


def test_uncorrelated_assets_share_by_mean_over_variance():
    """Closed form on a diagonal covariance, whose shrinkage is sklearn's."""
    from sklearn.covariance import ledoit_wolf

    by_ticker = orthogonal(0.008, 0.01, 0.015, mean=(0.001, 0.002, 0.0015))
    returns = matrix(by_ticker)
    variances = np.diag(ledoit_wolf(returns)[0])
    share = _shrunk_means(returns) / variances
    weights = weigh(by_ticker, risk_free=0.0)
    assert weights == pytest.approx(share / share.sum(), abs=2e-5)


def test_the_expected_returns_are_those_of_skfolio_s_bayes_stein():
    from skfolio.moments import LedoitWolf, ShrunkMu, ShrunkMuMethods

    returns = 100 * matrix(correlated(8))
    model = ShrunkMu(
        covariance_estimator=LedoitWolf(),
        vol_weighted_target=True,
        method=ShrunkMuMethods.BAYES_STEIN,
    )
    assert _shrunk_means(returns) == pytest.approx(model.fit(returns).mu_, rel=1e-6)


@pytest.mark.parametrize("seed", [1, 3, 6])
@pytest.mark.parametrize("bounds", [{}, {"smallest": 0.02, "largest": 0.3}])
def test_nothing_within_the_bounds_has_a_greater_ratio(seed, bounds):
    from sklearn.covariance import ledoit_wolf

    by_ticker = {name: values + 0.001 for name, values in correlated(8, seed).items()}
    returns = matrix(by_ticker)
    covariance, expected = ledoit_wolf(returns)[0], _shrunk_means(100 * returns)

    def ratio(held):
        return held @ expected / np.sqrt(held @ covariance @ held)

    weights = weigh(by_ticker, risk_free=0.0, **bounds)
    low, high = bounds.get("smallest", 0.0), bounds.get("largest", 1.0)
    for giver, taker in np.argwhere(~np.eye(8, dtype=bool)):
        step = min(1e-3, weights[giver] - low, high - weights[taker])
        moved = weights + step * (np.eye(8)[taker] - np.eye(8)[giver])
        assert ratio(moved) <= ratio(weights) * (1 + 1e-8)


@pytest.mark.parametrize("bounds", [{}, {"smallest": 0.02, "largest": 0.3}])
def test_where_nothing_is_expected_to_beat_cash_it_is_the_least_variance(bounds):
    by_ticker = {name: values - 0.005 for name, values in correlated(8).items()}
    assert weigh(by_ticker, **bounds).tolist() == pytest.approx(
        least_variance(by_ticker, **bounds).tolist(), abs=1e-6
    )


def test_where_the_bounds_leave_nothing_that_beats_cash_it_is_the_least_variance_too():
    """One asset earns 0.3 % a session, the others lose 0.3 %: a third of it cannot make up."""
    by_ticker = orthogonal(0.01, 0.01, 0.01, 0.01, mean=(0.003, -0.003, -0.003, -0.003))
    capped = weigh(by_ticker, risk_free=0.0, largest=0.34)
    assert capped == pytest.approx(least_variance(by_ticker, largest=0.34), abs=1e-6)
    assert capped == pytest.approx(np.full(4, 0.25), abs=1e-4)
    free = weigh(by_ticker, risk_free=0.0)
    assert free[0] > 0.9


@pytest.mark.parametrize("above", [-1e-7, 0.0, 1e-7, 2e-6, 1e-5, 1e-4])
def test_around_the_border_it_finds_one_or_the_other(above):
    by_ticker = orthogonal(0.01, 0.01, 0.012, mean=(above, above, above / 2))
    weights = weigh(by_ticker, risk_free=0.0, largest=0.5)
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    assert weights.max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("expected", "smallest", "largest", "most"),
    [
        ([3.0, 1.0, 2.0], 0.0, 1.0, 3.0),
        ([3.0, 1.0, 2.0], 0.0, 0.4, 0.4 * 3 + 0.4 * 2 + 0.2 * 1),
        ([3.0, 1.0, 2.0], 0.2, 1.0, 0.6 * 3 + 0.2 * 2 + 0.2 * 1),
        ([-1.0, -2.0], 0.0, 1.0, -1.0),
        ([-1.0, -2.0], 0.5, 0.5, -1.5),
    ],
)
def test_the_most_that_the_bounds_allow(expected, smallest, largest, most):
    assert _attainable(np.array(expected), smallest, largest) == pytest.approx(most)
