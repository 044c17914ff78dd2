"""Hierarchical risk parity: which one it is, and bounds that hold."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.hrp import HierarchicalRiskParity

NAMES = ["A", "B", "C", "D", "E", "F", "G", "H"]
ROUNDING = 1e-9


def correlated(count, seed=0, sessions=126):
    """Daily returns of two groups that move together, volatilities from 0.3 % to 3 %."""
    random = np.random.default_rng(seed)
    groups = random.normal(size=(sessions, 2))
    own = random.normal(size=(sessions, count))
    mixed = 0.7 * groups[:, np.arange(count) % 2] + 0.5 * own
    volatility = np.geomspace(0.003, 0.03, count) if count > 1 else np.array([0.01])
    return dict(zip(NAMES[:count], (mixed * volatility).T, strict=True))


def weigh(by_ticker, budget=1.0, **bounds):
    lookback = len(next(iter(by_ticker.values())))
    subject = HierarchicalRiskParity(lookback=lookback, **bounds)
    return subject.weigh(candidates_of(by_ticker, budget))


def test_two_assets_share_by_inverse_variance():
    """Volatilities 1 and 3: weights 9/10 and 1/10."""
    move = np.tile([0.01, -0.01, 0.01, -0.01], 10)
    other = np.tile([0.03, 0.03, -0.03, -0.03], 10)
    assert weigh({"A": move, "B": other}).to_dict() == pytest.approx({"A": 0.9, "B": 0.1})


@pytest.mark.parametrize("seed", range(3))
def test_the_variant_is_skfolio_s_with_ward_linkage(seed):
    from skfolio import RiskMeasure
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.moments import EmpiricalCovariance
    from skfolio.optimization import HierarchicalRiskParity as Skfolio
    from skfolio.prior import EmpiricalPrior
    from skfolio.seriation import HierarchicalSeriation

    returns = pd.DataFrame(correlated(8, seed))
    model = Skfolio(
        risk_measure=RiskMeasure.VARIANCE,
        prior_estimator=EmpiricalPrior(covariance_estimator=EmpiricalCovariance()),
        distance_estimator=PearsonDistance(),
        seriation_estimator=HierarchicalSeriation(
            hierarchical_clustering_estimator=HierarchicalClustering(
                linkage_method=LinkageMethod.WARD
            )
        ),
        min_weights=0.02,
        max_weights=0.3,
    )
    expected = model.fit(returns).weights_
    assert weigh(correlated(8, seed), smallest=0.02, largest=0.3).tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", range(1, 9))
def test_bounds_hold_for_any_number_of_kept_assets(count, seed):
    """As in the catalog: k of 8 places share k/8, every one between 2 % and 30 %."""
    weights = weigh(correlated(count, seed), count / 8, smallest=0.02, largest=0.30)
    assert weights.index.tolist() == NAMES[:count]
    assert weights.sum() == pytest.approx(count / 8, abs=ROUNDING)
    assert weights.min() >= 0.02 - ROUNDING
    assert weights.max() <= 0.30 + ROUNDING


def test_the_bounds_bind_in_these_tests():
    free = weigh(correlated(8))
    assert free.min() < 0.02
    assert free.max() > 0.30


def test_one_asset_gets_the_budget():
    assert weigh(correlated(1), 0.125, largest=0.3).to_dict() == {"A": 0.125}


def test_too_few_assets_get_the_greatest_weight_and_leave_the_rest():
    assert weigh(correlated(3), 1.0, largest=0.3).to_dict() == dict.fromkeys("ABC", 0.3)


def test_too_many_assets_get_the_same_weight():
    assert weigh(correlated(4), 0.5, smallest=0.2).to_dict() == dict.fromkeys("ABCD", 0.125)


def test_the_order_of_columns_moves_no_weight():
    by_ticker = correlated(8)
    random = np.random.default_rng(1)
    expected = weigh(by_ticker, smallest=0.02, largest=0.3)
    for _ in range(5):
        shuffled = {name: by_ticker[name] for name in random.permutation(NAMES)}
        weights = weigh(shuffled, smallest=0.02, largest=0.3)
        assert weights.index.tolist() == list(shuffled)
        assert weights[NAMES].tolist() == expected.tolist()


@pytest.mark.parametrize("move", [0.0, 1e-12, -5e-8, 9.9e-8])
@pytest.mark.parametrize("still", [("A",), ("A", "B"), tuple(NAMES)])
def test_an_asset_that_hardly_moved_is_taken_for_the_safest(still, move):
    quiet = np.where(np.arange(126) % 2, move, -move)
    weights = weigh(correlated(8) | dict.fromkeys(still, quiet), smallest=0.02, largest=0.3)
    assert weights.sum() == pytest.approx(1.0, abs=ROUNDING)
    assert weights.between(0.02 - ROUNDING, 0.3 + ROUNDING).all()
    others = weights.drop(list(still))
    assert (others <= weights[list(still)].min() + ROUNDING).all()


def test_an_asset_without_the_whole_look_back_is_left_out():
    by_ticker = correlated(4)
    expected = weigh({name: by_ticker[name] for name in "ACD"})
    by_ticker["B"] = np.where(np.arange(126) == 0, np.nan, by_ticker["B"])
    weights = weigh(by_ticker)
    assert weights.to_dict() == expected.to_dict()


def test_nobody_with_a_look_back_gives_no_weight():
    assert weigh({"A": np.full(126, np.nan)}).empty


@pytest.mark.parametrize(
    "wrong",
    [{"smallest": 0.4, "largest": 0.3}, {"largest": 0.0}, {"smallest": -0.1}, {"lookback": 0}],
)
def test_bounds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        HierarchicalRiskParity(**wrong)
