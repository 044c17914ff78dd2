"""What must be true of every entry of the catalog: a new one is tested by being there."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.frames import members_on, returns_panel, weekdays
from strategy.catalog import CATALOG
from strategy.daily import daily_signals, daily_targets
from strategy.invariants import broken_signals, out_of_bounds, wrong_sums

COUNT = 330
SESSIONS = weekdays("2021-01-04", COUNT)
WANTED = SESSIONS[-30:]
CALENDAR = weekdays("2020-12-01", COUNT + 60)
TICKERS = (*"ABCDEFGHI", "TLT", "IEF")
LISTED_LATE = "NEW"


@cache
def world(seed=0, tickers=TICKERS):
    """Two groups of assets with a drift, a halt, and a listing 10 sessions before the end."""
    random = np.random.default_rng(seed)
    market = random.normal(0.0005, 0.008, COUNT)
    panel = {
        ticker: market * random.uniform(0, 1.5) + random.normal(0.0003, 0.01, COUNT)
        for ticker in tickers
    }
    panel[tickers[1]][40:200] = 0.0
    panel[LISTED_LATE] = [np.nan, *random.normal(0.01, 0.01, 9)]
    return returns_panel(SESSIONS, panel)


def outcome(strategy, returns, sessions):
    """Signals and targets of ``sessions``, from the windows that the assets declare."""
    history = SESSIONS[: SESSIONS.get_loc(sessions[-1]) + 1]
    first = SESSIONS.get_loc(sessions[0])
    since = SESSIONS[max(first - strategy.period, 0)]
    decided = history[history >= since]
    seen = since_session(returns, first - strategy.period - strategy.signal.lookback + 1, history)
    everyone = members_on(decided, sorted(returns["ticker"].unique()))
    signals = daily_signals(strategy, seen, everyone, history, decided)
    seen = since_session(returns, first - strategy.period - strategy.target_lookback + 1, history)
    targets = daily_targets(strategy, signals, seen, history, sessions, CALENDAR, SESSIONS[0])
    return signals[signals["date"].isin(sessions)], targets


def since_session(returns, place, history):
    return returns[returns["date"].between(SESSIONS[max(place, 0)], history[-1])]


def bits(frame):
    """Every row, its numbers by their bits; in the order of (date, ticker)."""
    ordered = frame.sort_values(["date", "ticker"])
    return {
        name: column.tolist() if column.dtype == "str" else column.to_numpy().tobytes()
        for name, column in ordered.items()
    }


def up_to(frames, session):
    return [bits(frame[frame["date"] <= session]) for frame in frames]


@pytest.fixture(params=CATALOG, scope="module")
def strategy(request):
    return CATALOG[request.param]


@pytest.fixture(scope="module")
def expected(strategy):
    return outcome(strategy, world(), WANTED)


def test_the_strategy_invests_in_this_world(expected):
    signals, targets = expected
    assert signals["signal"].any()
    assert targets.groupby("date")["weight"].max().lt(1).any()


def test_a_range_gives_the_bits_of_single_sessions(strategy, expected):
    """Every third session: the first of a month, those between, and those before."""
    alone = WANTED[::3]
    singles = [outcome(strategy, world(), alone[place : place + 1]) for place in range(len(alone))]
    for whole, parts in zip(expected, zip(*singles, strict=True), strict=True):
        assert bits(pd.concat(parts)) == bits(whole[whole["date"].isin(alone)])


@pytest.mark.parametrize("place", [3, 12, 25])
def test_nothing_after_a_session_changes_it(strategy, expected, place):
    session, returns = WANTED[place], world()
    later = returns["date"] > session
    noise = np.random.default_rng(1).normal(0, 0.5, len(returns))
    noisy = returns.assign(return_aud=returns["return_aud"].where(~later, noise))
    listed = pd.concat(
        [returns, returns_panel(SESSIONS, {"AAA": [0.1] * (len(WANTED) - 1 - place)})]
    )
    for other in (noisy, listed):
        assert up_to(outcome(strategy, other, WANTED), session) == up_to(expected, session)
    alone = outcome(strategy, returns[~later], WANTED[: place + 1])
    assert up_to(alone, session) == up_to(expected, session)


def test_the_order_of_rows_changes_nothing(strategy, expected):
    shuffled = world().sample(frac=1, random_state=2)
    assert up_to(outcome(strategy, shuffled, WANTED), WANTED[-1]) == up_to(expected, WANTED[-1])


def test_history_before_the_look_back_changes_nothing(strategy, expected):
    """What the windows of ``WANTED`` do not reach may be anything."""
    returns = world()
    reach = strategy.period + max(strategy.signal.lookback, strategy.target_lookback)
    earlier = returns["date"] < SESSIONS[max(COUNT - len(WANTED) - reach + 1, 0)]
    noisy = returns.assign(return_aud=returns["return_aud"].mask(earlier, 0.123))
    assert up_to(outcome(strategy, noisy, WANTED), WANTED[-1]) == up_to(expected, WANTED[-1])


def test_all_is_cash_until_history_reaches_back_far_enough(strategy):
    """Decided on the first rebalance whose windows are complete."""
    needed = max(strategy.signal.lookback, strategy.target_lookback)
    _, targets = outcome(strategy, world(), SESSIONS)
    invested = targets[(targets["ticker"] != "CASH") & (targets["weight"] > 0)]["date"]
    assert SESSIONS.get_loc(invested.min()) >= needed - 1
    first_month = targets[targets["date"] < "2021-02-01"]
    assert (first_month["ticker"] == "CASH").all() or needed == 1


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 12), has_refuge=st.booleans())
@pytest.mark.parametrize("name", CATALOG)
def test_weights_sum_to_one_within_their_bounds(name, seed, count, has_refuge):
    subject = CATALOG[name]
    tickers = tuple(f"T{place:02}" for place in range(count)) + ("BND",) * has_refuge
    signals, targets = outcome(subject, world(seed, tickers), WANTED[-5:])
    assert broken_signals(signals).empty
    assert wrong_sums(targets).empty
    assert out_of_bounds(targets, subject).empty
    assert (targets["ticker"] == "CASH").sum() == 5
    assert not targets.duplicated(["date", "ticker"]).any()
