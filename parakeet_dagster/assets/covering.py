"""Whose prices a run brings in, and who has joined since the sessions before were stored."""

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.price_sources.base import FailureClass, PriceAnswer
from parakeet_dagster.storage.lake import Lake
from strategy.keys import is_among
from strategy.universes.covered import AFTER, BEFORE, covered

JOINED = "it has joined a universe: its earlier bars are not stored yet"


def covered_on(lake: Lake, keys: list[str], before: str = "9999") -> pd.DataFrame:
    """The tickers covered on each of ``keys``, as far as membership is stored.

    Args:
        lake: where ``ticker_universe`` is.
        keys: sessions, ascending.
        before: what is stored from this session on is not looked at.

    Returns:
        Columns date, ticker, market, currency; see ``strategy.universes.covered``.

    Raises:
        HoleError: the members of one of ``keys`` are not stored.
    """
    days = pd.DatetimeIndex(keys).as_unit("us")
    if not keys:
        return covered(lake.read("ticker_universe", []), days, calendar.calendar())
    around = calendar.window(keys, AFTER - 1)
    later = calendar.between(keys[-1], calendar.offset(keys[-1], BEFORE) or keys[-1])
    wanted, own = {*around, *later}, set(keys)
    there = {key for key in lake.sessions("ticker_universe") if key in wanted} | own
    stored = sorted(key for key in there if key < before)
    return covered(lake.recall("ticker_universe", stored), days, calendar.calendar())


def newcomers(
    lake: Lake, keys: list[str], members: pd.DataFrame, answer: PriceAnswer
) -> pd.DataFrame:
    """The stored sessions before a run that lack a member of it, where they should have it.

    It has joined since they were stored, or could not be had when it did. A ticker that the vendor
    does not know before the run's first session lacks nothing; nor does one that has a row on the
    session before, since returns are a complete panel.

    Args:
        lake: where ``ticker_universe`` of the run's sessions is stored.
        keys: the run's sessions.
        members: columns date, ticker: who is a member on them.
        answer: what the vendor said of them.

    Returns:
        Columns ticker, session, error_class, message: a row for each stored session that lacks the
        ticker, as ``Database.record_failures`` takes them.
    """
    carried = lake.read_session_before("daily_returns", keys[0])
    begins = answer.listing["first_bar"]
    known_before = begins.index[begins < pd.Timestamp(keys[0])]
    joined = set(members["ticker"].unique()) & set(known_before) - set(carried["ticker"])
    stored = set(lake.sessions("daily_returns")) if joined else set()
    earlier = [key for key in calendar.window(keys[:1], BEFORE)[:-1] if key in stored]
    now = covered_on(lake, earlier)
    now = now[now["ticker"].isin(joined)]
    there = lake.read("daily_returns", earlier)
    listed = (begins.reindex(now["ticker"]) <= pd.DatetimeIndex(now["date"])).to_numpy()
    rows = now[~is_among(now, there) & listed].rename(columns={"date": "session"})
    return rows[["ticker", "session"]].assign(
        error_class=str(FailureClass.NO_HISTORY), message=JOINED
    )
