"""The targets of a grid's candidates: when they begin, and that they are the strategies' own."""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.worlds import (
    CALENDAR,
    QUARTER,
    SESSIONS,
    alone,
    bits,
    eventful,
    outcome,
    signals_of,
    targets_of,
)
from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.inverse_volatility import InverseVolatility
from strategy.candidates import candidate_targets, decision_sessions
from strategy.catalog import CATALOG
from strategy.errors import StrategyError
from strategy.grid import candidates
from strategy.invariants import broken_signals, out_of_bounds, wrong_sums
from strategy.rebalance import rebalance_sessions
from strategy.signals.momentum import Momentum
from strategy.strategy import CASH, Strategy

WITH_A_GRID = [name for name, strategy in CATALOG.items() if strategy.grid]
LATELY = SESSIONS[-70:]
WEEKLY = Strategy(
    description="",
    signal=Momentum(lookback=21, places=3),
    allocation=InverseVolatility(lookback=10),
    rebalance="weekly",
    grid={"signal.lookback": (5, 21), "allocation.lookback": (5, 10, 30)},
)


def decided(strategy, sessions):
    """Those of ``sessions`` on which the strategy decides."""
    at = rebalance_sessions(strategy.rebalance, CALENDAR).loc[sessions]
    return sessions[(at == at.index).to_numpy()]


def targets_by_candidate(strategy, world, sessions):
    return candidate_targets(
        strategy, world.returns, world.members, world.sessions, sessions, CALENDAR
    )


@pytest.mark.parametrize("name", CATALOG)
def test_rebalance_sessions_alone_give_the_bits_of_all_sessions(name):
    strategy, world = CATALOG[name], eventful()
    some = decided(strategy, LATELY)
    assert len(some) >= 1
    signals = signals_of(strategy, world, LATELY)
    alone_signals = signals_of(strategy, world, some)
    assert bits(alone_signals) == bits(signals[signals["date"].isin(some)])
    whole = targets_of(strategy, world, signals, LATELY)
    alone_targets = targets_of(strategy, world, alone_signals, some)
    assert alone_targets["rebalance"].all()
    assert bits(alone_targets) == bits(whole[whole["date"].isin(some)])


@pytest.mark.parametrize("name", WITH_A_GRID)
def test_every_candidate_of_the_catalog_keeps_its_bounds(name):
    for label, strategy in candidates(CATALOG[name]).items():
        signals, targets = outcome(strategy, eventful(), alone(QUARTER))
        assert broken_signals(signals).empty, label
        assert wrong_sums(targets).empty, label
        assert out_of_bounds(targets, strategy).empty, label
        assert (targets["ticker"] != CASH).any(), label


def test_each_candidate_decides_what_it_would_decide_alone():
    made = targets_by_candidate(WEEKLY, eventful(), LATELY)
    assert list(made) == list(candidates(WEEKLY))
    for label, strategy in candidates(WEEKLY).items():
        assert made[label].columns.tolist() == ["date", "ticker", "weight"]
        world = eventful()
        some = decided(strategy, LATELY)
        signals = signals_of(strategy, everyone(world), some)
        expected = targets_of(strategy, world, signals, some)
        assert bits(made[label]) == bits(expected[["date", "ticker", "weight"]])
    assert len({str(bits(frame)) for frame in made.values()}) == 6


def everyone(world):
    """The strategies of ``signals_of`` see one universe; ours here sees all that are fetched."""
    members = world.members.assign(universe="TEST")
    return type(world)(world.sessions, world.returns, members)


def test_all_begin_when_the_longest_look_back_is_complete():
    """30 sessions and a close before them; the next Monday is the first decision."""
    start = SESSIONS[-70]
    young = eventful().begun(start)
    made = targets_by_candidate(WEEKLY, young, young.sessions)
    place = young.sessions.searchsorted(made["signal.lookback=5, allocation.lookback=5"]["date"][0])
    assert 30 <= place < 35
    first = young.sessions[place]
    assert first.day_name() == "Monday"
    assert {frame["date"].min() for frame in made.values()} == {first}
    everything = decided(WEEKLY, young.sessions)
    assert made["signal.lookback=5, allocation.lookback=5"]["date"].unique().tolist() == (
        everything[everything >= first].tolist()
    )


@pytest.mark.parametrize("stored", [30, 31])
def test_a_return_needs_a_close_before_it(stored):
    """The longest window is of 30 returns: of 30 sessions, the first has none."""
    monday = pd.Timestamp("2023-12-11")
    last = SESSIONS.get_loc(monday)
    history = SESSIONS[last - stored + 1 :]
    found = decision_sessions(WEEKLY, history, history, CALENDAR)
    assert found[0] == (monday if stored == 31 else pd.Timestamp("2023-12-18"))


def test_too_short_a_history_is_refused_with_the_numbers():
    short = SESSIONS[-12:]
    with pytest.raises(
        StrategyError,
        match=r"no weekly rebalance has the history .*: 12 sessions are stored, 31 are needed",
    ):
        decision_sessions(WEEKLY, short, short, CALENDAR)


def test_a_strategy_without_a_grid_has_no_candidates():
    plain = Strategy(description="", signal=Momentum(lookback=5), allocation=EqualWeight())
    assert targets_by_candidate(plain, eventful(), LATELY) == {}


def test_signals_in_common_are_computed_once():
    seen = []

    class Watched(Momentum):
        def compute(self, window):
            seen.append((self.lookback, window.sessions[-1]))
            return super().compute(window)

    watched = Strategy(
        description="",
        signal=Watched(lookback=21, places=3),
        allocation=InverseVolatility(lookback=10),
        rebalance="weekly",
        grid=WEEKLY.grid,
    )
    targets_by_candidate(watched, eventful(), LATELY)
    assert len(seen) == 2 * len(decided(watched, LATELY))
    assert len(set(seen)) == len(seen)
