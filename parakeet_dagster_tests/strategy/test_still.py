"""Prices that do not move."""

import numpy as np
import pandas as pd
import pytest

from strategy.still import LEAST_MOVEMENT, moving

UP_AND_DOWN = np.tile([0.01, -0.01], 20)


def test_what_moves_stays_as_it_is():
    returns = pd.DataFrame({"A": UP_AND_DOWN, "B": UP_AND_DOWN * 0.01})
    pd.testing.assert_frame_equal(moving(returns), returns)


@pytest.mark.parametrize("quiet", [0.0, 0.001, 1e-9, 9e-6])
def test_what_hardly_moved_moves_a_thousandth_of_the_typical_volatility(quiet):
    """Three that move 1 %, one that does not: the mean variance is 3/4 of theirs."""
    still = quiet * (np.arange(40) % 2) if quiet < 0.001 else np.full(40, quiet)
    returns = pd.DataFrame({"A": UP_AND_DOWN, "B": UP_AND_DOWN, "C": -UP_AND_DOWN, "D": still})
    volatility = moving(returns).std(ddof=0)
    assert volatility["D"] == pytest.approx(0.01 * LEAST_MOVEMENT * np.sqrt(0.75), rel=1e-4)
    assert volatility[["A", "B", "C"]].tolist() == pytest.approx([0.01] * 3)


def test_where_nothing_moved_all_move_alike():
    moved = moving(pd.DataFrame({"A": np.zeros(40), "B": np.full(40, 0.001)}))
    assert moved["A"].tolist() == moved["B"].tolist()
    assert moved["A"].var() > 1e-15
