"""On pure noise nobody earns anything: the edge of every entry of the catalog is zero.

Returns are independent and normal, with mean 0 and a volatility of 2 % a session. Stakes w of
session t earn w · r on the next: whatever the past was, that is normal with mean 0 and the
deviation 0.02 |w|. Divided by it, summed over n sessions and divided by the root of n, it is a
standard normal number, exactly. By chance it exceeds ``TOLERANCE`` once in 16,000 trials.

The signals (sign times strength, as if they were held) are judged among 120 tickers on 8 seeds x 63
sessions; the targets, each of which may cost the fit of a model, among 24 tickers on 8 x ``HELD``.

The power: the best 5 by momentum, decided daily, but handed every return one session early, earn

    look-back    5    21    63   126   252
    signals     47    24    13     8     7   deviations
    targets     18     9     5     3     2

so that a leak shows in the signals of any of them. A target that is kept for a month can profit
from such a leak on one session in 21 only; it is the proof of look-ahead that finds it there.
"""

from functools import cache

import numpy as np
import pytest

from parakeet_dagster_tests.strategy.worlds import (
    CALENDAR,
    QUARTER,
    REFUGES,
    UNIVERSE,
    World,
    daily_returns,
    memberships,
    outcome,
    quotes,
    signals_of,
)
from strategy.allocation.equal_weight import EqualWeight
from strategy.catalog import CATALOG
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import CASH, Strategy

SEEDS = range(8)
VOLATILITY = 0.02
TOLERANCE = 4
MANY, FEW = 120, 24

SESSIONS = CALENDAR[: CALENDAR.get_loc(QUARTER) + 64]
JUDGED = SESSIONS[-64:-1]
HELD = {"daily": 21, "weekly": 10, "monthly": 21, "quarterly": 63}
"""The sessions whose targets are judged, by rebalance rule: all that a few decisions cover."""


@cache
def noise(seed, count):
    """A market of ``count`` tickers and the refuges, a session longer than what is judged."""
    tickers = [*(f"T{place:03}" for place in range(count)), *REFUGES]
    dense = quotes(seed, (len(SESSIONS), len(tickers)), VOLATILITY)
    members = memberships(JUDGED, {UNIVERSE: tickers})
    return World(SESSIONS, daily_returns(SESSIONS, tickers, dense), members)


def leaking(seed, count):
    """The same, every return handed over one session early."""
    return noise(seed, count).leaked()


def earned(stakes, world):
    """What each session's stakes earn on the next, in standard deviations.

    Args:
        stakes: columns date, ticker, stake; sessions on which nothing is staked are left out.
        world: that pays.
    """
    table = stakes.pivot(index="date", columns="ticker", values="stake").fillna(0.0)
    paid = world.returns.pivot(index="date", columns="ticker", values="return_aud").shift(-1)
    gain = (table * paid.loc[table.index, table.columns]).sum(axis=1)
    risk = VOLATILITY * np.sqrt((table**2).sum(axis=1))
    return (gain / risk)[risk > 0]


def edge_of_signals(strategy, seen=noise):
    """What the signals earn together, a standard normal number if they know nothing.

    Args:
        strategy: on trial.
        seen: the world of a seed and a size, as the strategy sees it.
    """

    def scores(seed):
        signals = signals_of(strategy, seen(seed, MANY), JUDGED)
        staked = signals.assign(stake=signals["signal"] * signals["strength"])
        return earned(staked, noise(seed, MANY))

    return together(map(scores, SEEDS))


def edge_of_targets(strategy, seen=noise):
    """As ``edge_of_signals``, of the whole strategy."""

    def scores(seed):
        _, targets = outcome(strategy, seen(seed, FEW), JUDGED[: HELD[strategy.rebalance]])
        shares = targets[targets["ticker"] != CASH]
        return earned(shares.rename(columns={"weight": "stake"}), noise(seed, FEW))

    return together(map(scores, SEEDS))


def together(scores):
    """The sum of independent scores in its own standard deviations; 0 of none."""
    whole = np.concatenate([*scores])
    return whole.sum() / np.sqrt(max(len(whole), 1))


@pytest.mark.parametrize("name", CATALOG)
def test_signals_earn_nothing(name):
    edge = edge_of_signals(CATALOG[name])
    assert edge != 0, "it never wants anything of 120 tickers: nothing is proven"
    assert abs(edge) < TOLERANCE


@pytest.mark.parametrize("name", CATALOG)
def test_targets_earn_nothing(name):
    assert abs(edge_of_targets(CATALOG[name])) < TOLERANCE


def test_a_planted_look_ahead_earns_more_than_chance_allows():
    strategy = Strategy(
        description="",
        signal=DualMomentum(lookback=21, places=5, hurdle=0.0),
        allocation=EqualWeight(),
        rebalance="daily",
    )
    assert edge_of_signals(strategy, leaking) > TOLERANCE
    assert edge_of_targets(strategy, leaking) > TOLERANCE
    assert abs(edge_of_signals(strategy)) < TOLERANCE
    assert abs(edge_of_targets(strategy)) < TOLERANCE
