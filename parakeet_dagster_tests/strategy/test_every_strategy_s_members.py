"""Who counts: the day's members with prices, for every entry of the catalog.

Each world is compared with one in which somebody was never heard of.
"""

import pytest

from parakeet_dagster_tests.strategy.worlds import (
    AGE,
    DELISTED,
    IDLE,
    JOINER,
    LEAVER,
    QUARTER,
    SESSIONS,
    START,
    STRANGER,
    TICKERS,
    YOUNG,
    alone,
    bits,
    bits_of,
    eventful,
    expected,
    held,
    outcome,
    signals_of,
)
from strategy.catalog import CATALOG

EVERY = pytest.mark.parametrize("name", CATALOG)
YESTERDAY = SESSIONS[START - 1]


def today(name, world):
    return outcome(CATALOG[name], world, alone(QUARTER))


@EVERY
@pytest.mark.parametrize(
    ("session", "others"),
    [(QUARTER, {LEAVER, DELISTED, STRANGER, IDLE}), (YESTERDAY, {LEAVER, JOINER, STRANGER, IDLE})],
    ids=["joined and delisted", "before that"],
)
def test_signals_see_only_the_members_of_their_day(name, session, others):
    """One left before, one joins today and one is delisted; one has not traded for weeks."""
    signals, _ = expected(name)
    of_day = signals[signals["date"] == session]
    assert of_day["ticker"].tolist() == sorted({*TICKERS} - others)
    among_themselves = eventful().without(*others)
    assert bits(signals_of(CATALOG[name], among_themselves, alone(session))) == bits(of_day)


@EVERY
def test_targets_see_only_the_members_of_their_day(name):
    among_themselves = eventful().without(LEAVER, DELISTED, STRANGER, IDLE)
    assert bits_of(today(name, among_themselves), [QUARTER]) == bits_of(expected(name), [QUARTER])


@EVERY
def test_a_missing_ticker_gives_the_result_of_the_universe_without_it(name):
    """A member without prices is as good as no member, whose prices are as good as none."""
    weights = held(expected(name)[1], QUARTER)
    missing = max(weights, key=weights.get, default="A")
    without_prices = today(name, eventful().delisted(missing))
    no_member = today(name, eventful().expelled(missing))
    assert bits_of(without_prices, [QUARTER]) == bits_of(no_member, [QUARTER])
    assert missing not in held(no_member[1], QUARTER)


@EVERY
def test_a_new_listing_changes_nothing_until_it_has_the_history(name):
    """For the signal, or else for the allocation; one that needs neither holds it at once.

    An overlay is left out: what a new listing returns is part of what the market does.
    """
    strategy = CATALOG[name].model_copy(update={"overlay": None})
    signals, targets = outcome(strategy, eventful(), alone(QUARTER))
    before = outcome(strategy, eventful().without(YOUNG), alone(QUARTER))
    others = signals[signals["ticker"] != YOUNG]
    assert bits(others) == bits(before[0])
    is_old_enough = max(strategy.signal.lookback, strategy.allocation.lookback) < AGE
    assert (YOUNG in held(targets, QUARTER)) == is_old_enough
    if not is_old_enough:
        assert bits(targets) == bits(before[1])
