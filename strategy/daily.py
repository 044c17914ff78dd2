"""A strategy over sessions: one window each. The loops over sessions and rebalances are here."""

from functools import partial

import numpy as np
import pandas as pd

from strategy.rebalance import rebalance_sessions
from strategy.signals.base import SIGNAL_COLUMNS, Decision
from strategy.strategy import ACTIVE, Strategy
from strategy.threads import one_thread
from strategy.universes.members import CASH
from strategy.window import Panel

ALLOCATION_COLUMNS = ["date", "ticker", "weight", "rebalance"]

LIVE_WITHIN = 10
"""A member that has not traded for this many sessions cannot be bought, and gets no signal."""


def daily_signals(
    strategy: Strategy,
    returns: pd.DataFrame,
    members: pd.DataFrame,
    history: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
) -> pd.DataFrame:
    """The signals of every session of ``sessions``.

    Args:
        strategy: whose signal and universe.
        returns: ``daily_returns`` of ``history``.
        members: ``ticker_universe`` of ``sessions``; a signal sees only its day's members.
        history: the stored sessions up to the last one wanted, as far back as the look-back.
        sessions: the sessions wanted, at least one, a tail of ``history``.

    Returns:
        Columns date, ticker, signal (int8), strength, score: a row per session and covered member
        that traded within the last ``LIVE_WITHIN`` sessions.
    """
    members = members_of(strategy, members)
    reach = max(strategy.signal.lookback, LIVE_WITHIN)
    history = history[max(history.searchsorted(sessions[0]) - reach + 1, 0) :]
    panel = Panel(returns[returns["date"] >= history[0]], history, strategy.signal.fields)
    window_at = panel.live_windows(members, LIVE_WITHIN, strategy.signal.lookback)

    def decided(session: pd.Timestamp) -> tuple[pd.Index, Decision]:
        window = window_at(session)
        return window.tickers, strategy.signal.decide(window)

    with one_thread():
        tickers, told = zip(*map(decided, sessions), strict=True)
    columns = {
        "date": sessions.repeat([len(names) for names in tickers]),
        "ticker": tickers[0].append(list(tickers[1:])),
        "signal": np.concatenate([one.signal for one in told]),
        "strength": np.concatenate([one.strength for one in told]),
        "score": np.concatenate([one.score for one in told]),
    }
    return pd.DataFrame(columns)[["date", *SIGNAL_COLUMNS]]


def members_of(strategy: Strategy, members: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``ticker_universe`` that a strategy's signals see."""
    if strategy.universe == ACTIVE:
        return members
    return members[members["universe"] == strategy.universe]


def daily_targets(
    strategy: Strategy,
    signals: pd.DataFrame,
    returns: pd.DataFrame,
    history: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    calendar: pd.DatetimeIndex,
) -> pd.DataFrame:
    """The target weights of every session of ``sessions``.

    A session's target is the one decided at its rebalance session, a function of the windows that
    end there; between rebalances it stays. A rebalance before history is cash.

    Args:
        strategy: whose overlay, allocation and rebalance rule.
        signals: its signals, of every rebalance session needed that is in history.
        returns: ``daily_returns`` of ``history``.
        history: the stored sessions, back to ``target_lookback`` before that rebalance.
        sessions: the sessions wanted, a tail of ``history``.
        calendar: every session there is, which decides what a period's first session is.

    Returns:
        Columns ``ALLOCATION_COLUMNS``: per session the tickers with a weight above 0, and
        ``CASH``, always; ``rebalance`` tells whether the target was decided on that session.
    """
    decided = rebalance_sessions(strategy.rebalance, calendar).loc[sessions]
    first = history.searchsorted(decided.min()) - strategy.target_lookback + 1
    history = history[max(first, 0) :]
    panel = Panel(returns[returns["date"] >= history[0]], history, strategy.target_fields)
    of_day = dict(iter(signals.groupby("date")))
    targets = {
        day: (
            strategy.target(of_day[day], partial(panel.window, day))
            if day in of_day and day in history
            else {CASH: 1.0}
        )
        for day in decided.unique()
    }
    decisions = pd.DataFrame(
        [
            (day, ticker, weight)
            for day, target in targets.items()
            for ticker, weight in target.items()
        ],
        columns=["decided", "ticker", "weight"],
    )
    plan = pd.DataFrame({"date": sessions, "decided": decided.to_numpy()})
    held = plan.merge(decisions, on="decided")
    held["rebalance"] = held["date"] == held["decided"]
    return held[ALLOCATION_COLUMNS].astype({"date": "datetime64[us]"})
