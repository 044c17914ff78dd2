"""The simulated accounts of all strategies, from what the lake holds."""

from collections.abc import Mapping
from itertools import groupby

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.market import in_batches, read_market
from parakeet_dagster.assets.strategies import stored_history
from parakeet_dagster.storage.lake import Lake
from strategy.portfolio.book import Book
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.terms import Terms
from strategy.portfolio.tracking import account_start, decisions
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy
from strategy.universes.members import CASH


def backtests(
    lake: Lake, strategies: Mapping[str, Strategy], terms: Terms, shortest: int = 1
) -> dict[str, Book]:
    """The book of every strategy that has ``shortest`` sessions or more since its start.

    It is the account that ``orders/<strategy>`` keeps, from its first target that was decided on a
    complete history to the last stored session.

    Raises:
        HoleError: a session is missing inside the stored history.
    """
    stored = {name: allocated_sessions(lake, name) for name in strategies}
    ends = {name: days[-1] for name, days in stored.items() if len(days)}
    if not ends:
        return {}
    history = stored_history(lake, max(ends.values()))
    starts = {
        name: account_start(
            strategies[name], history[history <= end], stored[name], calendar.calendar()
        )
        for name, end in ends.items()
    }
    begun = {name: start for name, start in starts.items() if start is not None}
    if not begun:
        return {}
    accounts = {
        name: Account(name, read_decisions(lake, name, strategies[name], start, ends[name]), terms)
        for name, start in begun.items()
    }
    tickers = set().union(*(one.targets["ticker"] for one in accounts.values())) - {CASH}
    reach = history[max(int(history.searchsorted(min(begun.values()))) - LOOKBACK, 0) :]
    market = read_market(lake, [calendar.key(day) for day in reach], tickers)
    books: dict[str, Book] = {}

    def span(name: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        return begun[name], ends[name]

    for (start, end), group in groupby(sorted(begun, key=span), key=span):
        books |= simulate(market.until(end), [accounts[name] for name in group], start)
    return {name: books[name] for name in begun if len(books[name].sessions) >= shortest}


def start_of(lake: Lake, name: str, strategy: Strategy, last: pd.Timestamp) -> pd.Timestamp | None:
    """When the account of a strategy starts, as far as its targets are stored, up to ``last``."""
    days = allocated_sessions(lake, name)
    allocated = days[days <= last]
    if allocated.empty:
        return None
    return account_start(strategy, stored_history(lake, last), allocated, calendar.calendar())


def allocated_sessions(lake: Lake, name: str) -> pd.DatetimeIndex:
    """The sessions with a stored target of a strategy, ascending."""
    return pd.DatetimeIndex(lake.sessions(f"allocations/{name}")).as_unit("us")


def read_decisions(
    lake: Lake, name: str, strategy: Strategy, start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """The targets that the account of a strategy acts on, see ``decisions``.

    Only the sessions that decide are read: those between them repeat the target.

    Raises:
        HoleError: one of them is not stored.
    """
    every = rebalance_sessions(strategy.rebalance, calendar.calendar()).loc[start:end]
    acts = every.index[(every == every.index) | (every.index == start)]
    parts = [
        decisions(part, start)
        for part in in_batches(lake, f"allocations/{name}", [calendar.key(day) for day in acts])
    ]
    return pd.concat(parts, ignore_index=True)
