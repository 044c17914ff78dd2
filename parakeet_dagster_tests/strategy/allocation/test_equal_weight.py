"""The same weight for everything."""

import pytest

from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.equal_weight import EqualWeight


@pytest.mark.parametrize(
    ("tickers", "budget", "each"), [("A", 1.0, 1.0), ("ABCD", 1.0, 0.25), ("AB", 0.25, 0.125)]
)
def test_the_budget_is_shared_equally(tickers, budget, each):
    weights = EqualWeight().weigh(candidates_of({ticker: [0.0] for ticker in tickers}, budget))
    assert weights.to_dict() == dict.fromkeys(tickers, each)
