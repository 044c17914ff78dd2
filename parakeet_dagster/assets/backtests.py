"""The simulated accounts of all strategies, from what the lake holds."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from strategy.strategy import Strategy
from strategy.universes.members import CASH


def backtests(lake: Lake, strategies: Mapping[str, Strategy], terms: Terms) -> dict[str, Book]:
    """The book of every strategy that has a target decided on a complete history.

    It is the account that ``orders/<strategy>`` keeps, from its start to the last stored session.

    Raises:
        HoleError: a session is missing inside the stored history.
    """
    starts = {name: start_of(lake, name, one) for name, one in strategies.items()}
    begun = {name: start for name, start in starts.items() if start is not None}
    last = {name: lake.sessions(f"allocations/{name}")[-1] for name in begun}
    books: dict[str, Book] = {}

    def span(name: str) -> tuple[pd.Timestamp, str]:
        return begun[name], last[name]

    for (start, end), group in groupby(sorted(begun, key=span), key=span):
        names = list(group)
        keys = calendar.between(calendar.key(start), end)
        targets = {name: read_decisions(lake, name, start, keys) for name in names}
        tickers = set().union(*(one["ticker"] for one in targets.values())) - {CASH}
        history = stored_history(lake, pd.Timestamp(end))
        before = history[max(int(history.searchsorted(start)) - LOOKBACK, 0)]
        market = read_market(lake, calendar.between(calendar.key(before), end), tickers)
        accounts = [Account(name, targets[name], terms) for name in names]
        books |= simulate(market, accounts, start)
    return {name: books[name] for name in begun}


def start_of(
    lake: Lake, name: str, strategy: Strategy, last: pd.Timestamp | None = None
) -> pd.Timestamp | None:
    """When the account of a strategy starts, as far as its targets are stored, up to ``last``."""
    days = pd.DatetimeIndex(lake.sessions(f"allocations/{name}")).as_unit("us")
    allocated = days if last is None else days[days <= last]
    if allocated.empty:
        return None
    history = stored_history(lake, allocated[-1])
    return account_start(strategy, history, allocated, calendar.calendar())


def read_decisions(lake: Lake, name: str, start: pd.Timestamp, keys: list[str]) -> pd.DataFrame:
    """The targets that the account of a strategy acts on, see ``decisions``."""
    parts = [decisions(part, start) for part in in_batches(lake, f"allocations/{name}", keys)]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Sample:
    """Everything that could have been held.

    returns: ``return_aud`` of ``daily_returns``: index date, a column per ticker.
    members: columns date, universe, ticker.
    """

    returns: pd.DataFrame
    members: pd.DataFrame


def read_sample(lake: Lake, first: pd.Timestamp, last: pd.Timestamp) -> Sample:
    """The returns and the members of the sessions from ``first`` to ``last``."""
    keys = calendar.between(calendar.key(first), calendar.key(last))
    wide = [
        part.set_index(["date", "ticker"])["return_aud"].unstack()  # noqa: PD010 - no pivot_table: a second return of one day must fail, not be averaged
        for part in in_batches(lake, "daily_returns", keys)
    ]
    of = ["date", "universe", "ticker"]
    members = [part[of] for part in in_batches(lake, "ticker_universe", keys)]
    sessions = pd.DatetimeIndex(keys).as_unit("us")
    return Sample(pd.concat(wide).reindex(sessions), pd.concat(members, ignore_index=True))
