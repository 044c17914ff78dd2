"""Inverse volatility, by hand."""

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.allocation.worlds import orthogonal
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.inverse_volatility import InverseVolatility


def weigh(by_ticker, budget=1.0, **bounds):
    subject = InverseVolatility(lookback=64, **bounds)
    return subject.weigh(candidates_of(by_ticker, budget)).tolist()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        pytest.param({}, [12 / 22, 6 / 22, 3 / 22, 1 / 22], id="1/1 : 1/2 : 1/4 : 1/12"),
        pytest.param(
            {"largest": 0.5}, [0.5, 0.3, 0.15, 0.05], id="the others keep their 6 : 3 : 1"
        ),
        pytest.param({"largest": 0.3}, [0.3, 0.3, 0.3, 0.1], id="one stopped after another"),
        pytest.param({"smallest": 0.16}, [0.68 * 2 / 3, 0.68 / 3, 0.16, 0.16], id="a least weight"),
    ],
)
def test_by_hand(bounds, expected):
    returns = orthogonal(0.005, 0.01, 0.02, 0.06, mean=(0.001, 0.0, -0.002, 0.0))
    assert weigh(returns, **bounds) == pytest.approx(expected, abs=1e-12)


def test_of_half_a_budget_bounds_are_parts_of_the_whole_portfolio():
    returns = orthogonal(0.005, 0.01, 0.02, 0.06)
    assert weigh(returns, 0.5, largest=0.2) == pytest.approx([0.2, 0.18, 0.09, 0.03], abs=1e-12)


def test_correlations_do_not_matter():
    free = orthogonal(0.01, 0.02)
    tied = {"T000": free["T000"], "T001": 2 * free["T000"]}
    assert weigh(free) == pytest.approx([2 / 3, 1 / 3])
    assert weigh(tied) == pytest.approx([2 / 3, 1 / 3])


def test_an_asset_that_never_moved_counts_as_a_thousandth_of_the_typical_volatility():
    """Mean variance 0.01² / 2, so the still one counts as 0.01 / 1,000 / √2."""
    weights = weigh(orthogonal(0.01) | {"Z": np.zeros(64)})
    assert weights[0] / weights[1] == pytest.approx(1 / 1000 / np.sqrt(2))
