"""The targets of every candidate of a grid, decided on the same sessions."""

import pandas as pd

from strategy.daily import daily_signals, daily_targets
from strategy.errors import TooShortError
from strategy.grid import candidates
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy


def candidate_targets(
    strategy: Strategy,
    returns: pd.DataFrame,
    members: pd.DataFrame,
    history: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    calendar: pd.DatetimeIndex,
) -> dict[str, pd.DataFrame]:
    """What each candidate of a strategy's grid decided on the rebalance sessions of ``sessions``.

    All begin on the same session, the first at which every one has its history (see
    ``decision_sessions``): a candidate that looks back less far must not be judged on more. Signals
    that several candidates have in common are computed once.

    Args:
        strategy: whose grid.
        returns: ``daily_returns`` of ``history``.
        members: ``ticker_universe`` of ``sessions``.
        history: the stored sessions up to the last one wanted.
        sessions: a tail of ``history``.
        calendar: every session there is.

    Returns:
        By label, in the grid's order: columns date, ticker, weight, whole targets with ``CASH``;
        none of a strategy without a grid.

    Raises:
        TooShortError: no rebalance session has all the history.
    """
    decided = decision_sessions(strategy, history, sessions, calendar)
    named = candidates(strategy)
    signals = {
        signal: daily_signals(
            strategy.model_copy(update={"signal": signal}), returns, members, history, decided
        )
        for signal in {one.signal: None for one in named.values()}
    }
    return {
        label: daily_targets(one, signals[one.signal], returns, history, decided, calendar)[
            ["date", "ticker", "weight"]
        ]
        for label, one in named.items()
    }


def decision_sessions(
    strategy: Strategy,
    history: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    calendar: pd.DatetimeIndex,
) -> pd.DatetimeIndex:
    """The rebalance sessions of ``sessions`` at which every candidate has all its history.

    That is the longest look-back and one session more, since a return needs a close before it.

    Args:
        strategy: whose grid and rebalance rule; without a grid it is the only candidate.
        history: every stored session, ascending.
        sessions: a tail of ``history``.
        calendar: every session there is.

    Raises:
        TooShortError: there is none.
    """
    every = [strategy, *candidates(strategy).values()]
    needed = max(one.history - one.period for one in every)
    decided = rebalance_sessions(strategy.rebalance, calendar).loc[sessions]
    is_rebalance = (decided == decided.index).to_numpy()
    stored = history.searchsorted(sessions, side="right")
    found = sessions[is_rebalance & (stored >= needed)]
    if found.empty:
        raise TooShortError(
            f"no {strategy.rebalance} rebalance has the history that a candidate looks back on:"
            f" {len(history)} sessions are stored, {needed} are needed before the first decision"
        )
    return found
