"""On pure noise the best parameters look good in training, and are worth nothing afterwards.

Returns are independent and normal with mean 0, so that every strategy's Sharpe ratio is 0. Measured
over n sessions it has the deviation of the root of 258 / n, and the best of several is high by
chance: that is what a walk-forward analysis takes away.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.markets import fx
from parakeet_dagster_tests.strategy.worlds import (
    CALENDAR,
    UNIVERSE,
    daily_returns,
    memberships,
    quotes,
)
from strategy.allocation.equal_weight import EqualWeight
from strategy.candidates import candidate_targets
from strategy.portfolio.folds import Windows
from strategy.portfolio.market import market_of
from strategy.portfolio.terms import FREE
from strategy.portfolio.walk_forward import walk_forward
from strategy.rebalance import SESSIONS_A_YEAR
from strategy.signals.momentum import Momentum
from strategy.strategy import Strategy

SEEDS = range(6)
SESSIONS = CALENDAR[-700:]
TICKERS = [f"T{place:02}" for place in range(20)]
MOMENTUM = Strategy(
    description="",
    signal=Momentum(lookback=21, places=3),
    allocation=EqualWeight(),
    rebalance="monthly",
    grid={"signal.lookback": (5, 21, 42), "signal.places": (1, 3, 6)},
)
WINDOWS = Windows(train=126, test=63)
NO_ACTIONS = pd.DataFrame(columns=["date", "ticker", "dividend", "split_ratio"])


def draw(seed):
    return quotes(seed, (len(CALENDAR), len(TICKERS)), 0.02)


def walk(dense):
    """Monthly momentum, without costs."""
    returns = daily_returns(CALENDAR, TICKERS, dense)
    returns = returns[returns["date"].isin(SESSIONS)]
    members = memberships(SESSIONS, {UNIVERSE: TICKERS})
    targets = candidate_targets(MOMENTUM, returns, members, SESSIONS, SESSIONS, CALENDAR)
    of = market_of(returns, NO_ACTIONS, fx(SESSIONS, 1.0), SESSIONS)
    return walk_forward(MOMENTUM, of, targets, SESSIONS, WINDOWS, FREE)


@cache
def walked(seed):
    return walk(draw(seed))


def over_seeds(figure):
    return np.array([figure(walked(seed)) for seed in SEEDS])


def test_what_was_chosen_for_being_good_is_worth_nothing_afterwards():
    trained = over_seeds(lambda result: result.folds["in_sample"].mean())
    tested = over_seeds(lambda result: result.figures.loc["Sharpe ratio", "out_of_sample"])
    count = len(walked(0).fixed) - 1
    deviation = np.sqrt(SESSIONS_A_YEAR / count / len(SEEDS))
    assert abs(tested.mean()) < 3 * deviation
    assert trained.mean() > 3 * deviation
    assert trained.mean() - tested.mean() > 3 * deviation
    assert (trained > tested).all()


def test_hindsight_is_no_skill_either():
    """The best of the test windows beats the account on average, and nobody could hold it."""
    best = over_seeds(lambda result: result.figures.loc["Sharpe ratio", "in_sample"])
    tested = over_seeds(lambda result: result.figures.loc["Sharpe ratio", "out_of_sample"])
    assert best.mean() > tested.mean()


@pytest.mark.parametrize("fold", [0, 3])
def test_other_noise_after_training_changes_no_choice(fold):
    """From prices to choice: targets are decided anew on what came instead."""
    whole = walked(0)
    last = whole.folds["train_last"].iloc[fold]
    dense, other = draw(0), draw(1)
    later = last < CALENDAR
    changed = walk({name: np.where(later[:, None], other[name], dense[name]) for name in dense})
    pd.testing.assert_frame_equal(
        changed.scores.iloc[: fold + 1], whole.scores.iloc[: fold + 1], check_exact=True
    )
    assert changed.folds["chosen"].iloc[: fold + 1].tolist() == (
        whole.folds["chosen"].iloc[: fold + 1].tolist()
    )
    assert not changed.scores.iloc[fold + 1 :].equals(whole.scores.iloc[fold + 1 :])
