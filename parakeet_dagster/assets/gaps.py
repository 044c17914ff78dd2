"""What happened to a ticker between its last bar and the sessions of a run."""

from collections.abc import Collection

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake


def returning(carried: pd.DataFrame, raw_prices: pd.DataFrame) -> set[str]:
    """The tickers that did not trade on the session before, and have a bar now."""
    silent = carried.loc[~carried["traded"].astype(bool), "ticker"]
    traded = raw_prices.loc[raw_prices["close"].notna(), "ticker"]
    return set(silent) & set(traded.unique())


def rows_since_last_bar(lake: Lake, tickers: Collection[str], first: str) -> pd.DataFrame:
    """The stored rows of ``tickers`` before session ``first``, from the last bar of each on.

    The lake is read backwards until a bar of every one of them is found.
    """

    def found_all(read: pd.DataFrame) -> bool:
        return set(tickers) <= set(read.loc[read["close"].notna(), "ticker"])

    rows = lake.read_back("raw_prices", first, found_all)
    rows = rows[rows["ticker"].isin(list(tickers))]
    bar_dates = rows["date"].where(rows["close"].notna())
    return rows[rows["date"] >= bar_dates.groupby(rows["ticker"]).transform("max")]


def require_no_missed_action(
    lake: Lake, neon: Database, prices: PriceSource, members: pd.DataFrame, bars: pd.DataFrame
) -> None:
    """Refuse to go on where a ticker could not be had on the day of a dividend or split.

    A ticker that failed on an earlier session and is back now is asked again for the time between.
    Without an action in it, its return since its last bar is exact. With one, the session that
    lacks it must be fetched again first: the return would be wrong by the whole split.

    Raises:
        PriceSourceError: there is one; the ticker, the day and the command are named.
    """
    if members.empty:
        return
    first = calendar.key(members["date"].min())
    carried = lake.read_session_before("daily_returns", first)
    failures = neon.open_failures()
    failed = set(failures.loc[failures["session"] < pd.Timestamp(first), "ticker"])
    lost = returning(carried, bars) & failed
    if not lost:
        return
    stored = rows_since_last_bar(lake, lost, first)
    before = str(calendar.offset(first, -1))
    asked = members[members["ticker"].isin(list(lost))].drop_duplicates("ticker")
    start, end = stored["date"].min().date(), pd.Timestamp(before).date()
    between = prices.fetch(asked, start, end).bars
    between = between[between["date"] <= pd.Timestamp(before)]
    last_bars = stored[stored["close"].notna()].set_index("ticker")["date"]
    acted = between[(between["dividend"] != 0) | (between["split_ratio"] != 1)]
    acted = acted[acted["date"] > acted["ticker"].map(last_bars)]
    keys = ["date", "ticker"]
    found = acted.merge(stored[keys], on=keys, how="left", indicator="found")
    missed = found[found["found"] == "left_only"]
    if not missed.empty:
        ticker, day = missed["ticker"].iloc[0], calendar.key(missed["date"].iloc[0])
        raise PriceSourceError(
            f"{ticker} could not be had on {day}, when it had a dividend or split: bring that in"
            f" first: parakeet backfill {day} {first}"
        )
