"""As much of everything as the signal wants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy.allocation.signal_strength import SignalStrength


@pytest.mark.parametrize(
    ("strength", "budget", "expected"),
    [
        pytest.param([0.25, 0.75], 1.0, [0.25, 0.75], id="weights as they are"),
        pytest.param([1.0, 1.0, 1.0, 1.0], 1.0, [0.25] * 4, id="all the same"),
        pytest.param([0.125, 0.25], 0.75, [0.25, 0.5], id="a part of the portfolio"),
        pytest.param([0.01], 0.5, [0.5], id="one"),
    ],
)
def test_the_budget_is_shared_in_proportion(strength, budget, expected):
    tickers = "ABCD"[: len(strength)]
    chosen = candidates_of({ticker: [0.0] for ticker in tickers}, budget, strength)
    assert SignalStrength().weigh(chosen).to_dict() == dict(zip(tickers, expected, strict=True))


def test_a_ticker_s_history_does_not_matter():
    chosen = candidates_of({"A": [np.nan], "B": [0.1]}, strength=[0.5, 0.5])
    assert SignalStrength().weigh(chosen).to_dict() == {"A": 0.5, "B": 0.5}


@given(
    strength=st.lists(st.floats(1e-9, 1), min_size=1, max_size=20),
    budget=st.floats(0.01, 1),
)
def test_the_weights_sum_to_the_budget(strength, budget):
    still = {f"T{place}": [0.0] for place in range(len(strength))}
    weights = SignalStrength().weigh(candidates_of(still, budget, strength))
    assert weights.sum() == pytest.approx(budget, abs=1e-12)
    assert weights.between(0, 1).all()


def test_there_are_no_bounds_and_no_look_back():
    assert SignalStrength().bounds == (0.0, 1.0)
    assert SignalStrength().model_dump() == {"lookback": 1}
    with pytest.raises(ValidationError):
        SignalStrength(largest=0.3)
