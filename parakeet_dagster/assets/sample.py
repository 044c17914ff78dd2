"""What could have been held instead: the funds, the members of a universe, and their prices."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.market import batches
from parakeet_dagster.storage.lake import Lake
from strategy.daily import members_of
from strategy.portfolio.benchmark import FUNDS, mean_return, member_returns
from strategy.strategy import Strategy

OF_RETURNS = ["date", "ticker", "return_aud"]
OF_MEMBERS = ["date", "universe", "ticker"]


@dataclass(frozen=True)
class Sample:
    """What could have been held on the sessions of a book.

    funds: ``return_aud`` of those of ``FUNDS`` that there are: index date, a column each.
    mean: of the returns of the members of the session before: index date; NaN on the first
        session, and where none of them has one.
    held: how many tickers are in ``mean``, on one session or more.
    unpriced: the part of all members of all sessions that has no return.
    """

    funds: pd.DataFrame
    mean: pd.Series
    held: int
    unpriced: float


def read_samples(
    lake: Lake, strategies: Mapping[str, Strategy], spans: Mapping[str, pd.DatetimeIndex]
) -> dict[str, Sample]:
    """The sample of every span; the returns of the whole market are not in memory at once.

    Args:
        lake: where the returns and the members are.
        strategies: by name, whose universe counts.
        spans: by the name of their strategy, the sessions of its book.

    Raises:
        HoleError: a session of a span is not stored.
    """
    by_universe: dict[str, list[str]] = defaultdict(list)
    for name in spans:
        by_universe[strategies[name].universe].append(name)
    funds: list[pd.DataFrame] = []
    means, counts = defaultdict(list), defaultdict(list)
    held: dict[str, set[str]] = defaultdict(set)
    for returns, members in _batches(lake, _keys(spans)):
        funds.append(returns[[name for name in FUNDS if name in returns]])
        for universe, names in by_universe.items():
            seen = members_of(strategies[names[0]], members)
            of_members = member_returns(returns, seen)
            means[universe].append(mean_return(of_members))
            counts[universe].append(_counts(returns, seen))
            for name in names:
                after = of_members[of_members.index.isin(spans[name][1:])]
                held[name] |= set(after.columns[after.notna().any()])
    return {
        name: Sample(
            pd.concat(funds).loc[days[0] : days[-1]],
            pd.concat(means[universe]).loc[days[0] : days[-1]].where(days != days[0]),
            len(held[name]),
            _unpriced(pd.concat(counts[universe]).loc[days[0] : days[-1]]),
        )
        for universe, names in by_universe.items()
        for name, days in ((name, spans[name]) for name in names)
    }


def _keys(spans: Mapping[str, pd.DatetimeIndex]) -> list[str]:
    """The sessions from the first of any span to the last."""
    if not spans:
        return []
    first, last = min(days[0] for days in spans.values()), max(days[-1] for days in spans.values())
    return calendar.between(calendar.key(first), calendar.key(last))


def _batches(lake: Lake, keys: list[str]) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Returns, index date and a column per ticker, and members, also of the session before.

    A ticker keeps its column and a new one comes last, so that sums are of one order throughout.
    """
    before: list[str] = []
    tickers: pd.Index = pd.Index([], dtype="str")
    for batch in batches(keys):
        rows = lake.read("daily_returns", batch, OF_RETURNS).set_index(["date", "ticker"])
        wide = rows["return_aud"].unstack()  # noqa: PD010 - no pivot_table: a second return of one day must fail, not be averaged
        members = lake.read("ticker_universe", [*before, *batch], OF_MEMBERS)
        tickers = tickers.union(wide.columns, sort=False)
        yield wide.reindex(pd.DatetimeIndex(batch).as_unit("us"), columns=tickers), members
        before = batch[-1:]


def _counts(returns: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """How many members a session has, and how many of them have a return; index date."""
    unique = members.loc[members["date"] >= returns.index[0], ["date", "ticker"]].drop_duplicates()
    rows = returns.index.get_indexer(pd.Index(unique["date"]))
    columns = returns.columns.get_indexer(pd.Index(unique["ticker"]))
    is_known = columns >= 0
    is_priced = returns.notna().to_numpy()[rows[is_known], columns[is_known]]
    count = len(returns)
    return pd.DataFrame(
        {
            "members": np.bincount(rows, minlength=count),
            "priced": np.bincount(rows[is_known][is_priced], minlength=count),
        },
        index=returns.index,
    )


def _unpriced(counts: pd.DataFrame) -> float:
    members, priced = counts["members"].sum(), counts["priced"].sum()
    return float(1 - priced / members) if members else 0.0
