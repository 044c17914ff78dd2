"""What must be true of every entry of the catalog: a new one is tested by being there.

Here: no look-ahead, and the same bits whatever the range, the order and the history handed over.
"""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.worlds import (
    QUARTER,
    SESSIONS,
    START,
    World,
    alone,
    bits_of,
    eventful,
    expected,
    outcome,
    signals_of,
    span,
    targets_of,
    wild,
)
from strategy.allocation.equal_weight import EqualWeight
from strategy.catalog import CATALOG
from strategy.daily import LIVE_WITHIN
from strategy.invariants import broken_signals, out_of_bounds, wrong_sums
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import CASH, Strategy

EVERY = pytest.mark.parametrize("name", CATALOG)
LOOKBACKS = {
    name: max(strategy.signal.lookback, strategy.target_lookback)
    for name, strategy in CATALOG.items()
}
CUTS = [SESSIONS[START - 3], QUARTER]


def changed_by_the_future(strategy, whole, run=outcome):
    """What of the results up to a session depends on what comes after it.

    Args:
        strategy: on trial.
        whole: what ``run`` says of the strategy's span in the eventful world.
        run: computes signals and targets of a strategy, a world and sessions.
    """
    for cut in CUTS:
        up_to = span(strategy)[span(strategy) <= cut]
        noisy = run(strategy, eventful().followed_by(wild(), cut), span(strategy))
        if bits_of(noisy, up_to) != bits_of(whole, up_to):
            yield f"noise after {cut:%Y-%m-%d}"
        cut_off = run(strategy, eventful().until(cut), alone(cut))
        if bits_of(cut_off, [cut]) != bits_of(whole, [cut]):
            yield f"nothing after {cut:%Y-%m-%d}"


@EVERY
def test_the_strategy_invests_in_this_world(name):
    signals, targets = expected(name)
    assert signals["signal"].any()
    assert (targets["ticker"] != CASH).any()


@EVERY
def test_nothing_after_a_session_changes_it(name):
    assert not [*changed_by_the_future(CATALOG[name], expected(name))]


def test_a_planted_look_ahead_is_caught():
    """Momentum that is handed every return one session early."""
    strategy = Strategy(
        description="",
        signal=DualMomentum(lookback=5, places=3),
        allocation=EqualWeight(),
        rebalance="daily",
    )

    def early(strategy, world, sessions):
        return outcome(strategy, world.leaked(), sessions)

    whole = early(strategy, eventful(), span(strategy))
    assert len([*changed_by_the_future(strategy, whole, early)]) == 2 * len(CUTS)


@EVERY
@pytest.mark.parametrize("place", [START - 1, START, START + 1, len(SESSIONS) - 1])
def test_a_range_gives_the_bits_of_single_sessions(name, place):
    single = outcome(CATALOG[name], eventful(), alone(SESSIONS[place]))
    assert bits_of(single, [SESSIONS[place]]) == bits_of(expected(name), [SESSIONS[place]])


@EVERY
def test_the_order_of_rows_and_columns_changes_nothing(name):
    """Nor does a member that is listed twice."""
    world = eventful()
    twice = pd.concat([world.members, world.members.iloc[::2]])
    shuffled = World(world.sessions, world.returns, twice).changed(
        lambda frame: frame.sample(frac=1, random_state=2).iloc[:, ::-1]
    )
    assert bits_of(outcome(CATALOG[name], shuffled, alone(QUARTER)), [QUARTER]) == bits_of(
        expected(name), [QUARTER]
    )


@EVERY
def test_history_before_the_look_back_changes_nothing(name):
    """The assets hand over no more than the look-backs."""
    strategy, today = CATALOG[name], alone(QUARTER)

    def lately(lookback):
        return eventful().since(SESSIONS[START + 1 - lookback])

    signals = signals_of(strategy, lately(max(strategy.signal.lookback, LIVE_WITHIN)), today)
    targets = targets_of(strategy, lately(strategy.target_lookback), signals, today)
    assert bits_of((signals, targets), today) == bits_of(expected(name), today)


@pytest.mark.parametrize("name", [name for name in CATALOG if LOOKBACKS[name] > 1])
def test_all_is_cash_while_history_is_a_session_too_short(name):
    """And not from the next one on, as the test above says."""
    strategy, today = CATALOG[name], alone(QUARTER)
    world = eventful().begun(SESSIONS[START + 2 - LOOKBACKS[name]])
    signals, targets = outcome(strategy, world, today)
    assert targets["ticker"].tolist() == [CASH]
    if strategy.signal.lookback == LOOKBACKS[name]:
        assert (signals["signal"] == 0).all()


@EVERY
def test_the_first_session_of_all_breaks_nothing(name):
    """Nobody has a return on it, and it is in the first full window."""
    strategy = CATALOG[name].model_copy(update={"rebalance": "daily"})
    signals, targets = outcome(strategy, eventful(), alone(SESSIONS[LOOKBACKS[name] - 1]))
    assert broken_signals(signals).empty
    assert wrong_sums(targets).empty
    assert out_of_bounds(targets, strategy).empty


@EVERY
@pytest.mark.parametrize("before", [0, 5], ids=["on the session", "in the window"])
def test_a_session_without_a_row_breaks_nothing(name, before):
    """Nobody is covered on it, so that no window over it is without a gap."""
    world = eventful().without_rows(SESSIONS[START - before])
    signals, targets = outcome(CATALOG[name], world, alone(QUARTER))
    assert broken_signals(signals).empty
    assert wrong_sums(targets).empty
    assert out_of_bounds(targets, CATALOG[name]).empty
    if before == 0:
        assert signals.empty
        assert targets["ticker"].tolist() == [CASH]
