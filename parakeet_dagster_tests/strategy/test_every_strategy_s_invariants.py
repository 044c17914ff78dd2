"""What holds in any world, for every entry of the catalog."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.worlds import (
    AGE,
    REFUGES,
    SESSIONS,
    START,
    UNIVERSE,
    World,
    daily_returns,
    draws,
    memberships,
    outcome,
    quotes,
)
from strategy.catalog import CATALOG
from strategy.invariants import broken_signals, held_without_signal, out_of_bounds, wrong_sums
from strategy.strategy import CASH

MOVES = {
    "steady": (0.0005, 0.01),
    "wild": (0.0, 0.06),
    "falling": (-0.01, 0.01),
    "still": (0.0, 0.0),
    "twin": (0.0, 0.0),
    "halted": (0.0005, 0.01),
    "young": (0.0005, 0.01),
    "late": (0.0005, 0.01),
    "gone": (0.0005, 0.01),
}
"""Drift and volatility by what may be said of a ticker; a twin moves as the first one does."""


def world_of(kinds, seed, refuges):
    """A ticker for each of ``kinds``, and steady refuges."""
    tickers = [f"T{place:02}" for place in range(len(kinds))] + [*refuges]
    kind = np.array([*kinds, *["steady"] * len(refuges)])
    drift, volatility = np.array([MOVES[each] for each in kind]).T
    dense = quotes(seed, (len(SESSIONS), len(tickers)), volatility)
    local = np.clip(dense["return_local"] + drift, -0.5, 1)
    local[:, kind == "twin"] = local[:, :1]
    dense["return_local"] = local
    is_halted = (draws([seed, 5], local.shape) < 0) & (kind == "halted")
    is_halted[START - 2 : START + 2, kind == "halted"] = True
    dense["traded"] = ~is_halted
    dense["covered"][: START - AGE + 1, kind == "young"] = False
    dense["covered"][: START // 2, kind == "late"] = False
    dense["covered"][START:, kind == "gone"] = False
    members = memberships(SESSIONS, {UNIVERSE: tickers})
    return World(SESSIONS, daily_returns(SESSIONS, tickers, dense), members)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 10_000),
    kinds=st.lists(st.sampled_from([*MOVES]), min_size=1, max_size=10),
    refuges=st.sampled_from([(), REFUGES[:1], REFUGES]),
)
@pytest.mark.parametrize("name", CATALOG)
def test_signals_and_weights_are_within_their_bounds(name, seed, kinds, refuges):
    strategy, sessions = CATALOG[name], SESSIONS[START : START + 2]
    signals, targets = outcome(strategy, world_of(kinds, seed, refuges), sessions)
    assert broken_signals(signals).empty
    assert wrong_sums(targets).empty
    assert out_of_bounds(targets, strategy).empty
    assert held_without_signal(targets, signals).empty
    assert targets.loc[targets["ticker"] == CASH, "date"].tolist() == sessions.tolist()
    assert not targets.duplicated(["date", "ticker"]).any()
    assert (targets.loc[targets["ticker"] != CASH, "weight"] > 0).all()
