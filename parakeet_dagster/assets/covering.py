"""Whose prices a run brings in, and who has joined since the sessions before were stored."""

from collections.abc import Collection

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.price_sources.base import FailureClass, PriceAnswer
from parakeet_dagster.storage.lake import Lake
from strategy.keys import is_among
from strategy.universes.covered import AFTER, BEFORE, covered

JOINED = "it has joined a universe: its earlier bars are not stored yet"


def covered_on(lake: Lake, keys: list[str], leaving_out: Collection[str] = ()) -> pd.DataFrame:
    """The tickers covered on each of ``keys``, as far as membership is stored.

    Returns:
        Columns date, ticker, market, currency; see ``strategy.universes.covered``.
    """
    days = pd.DatetimeIndex(keys).as_unit("us")
    if not keys:
        return covered(lake.read("ticker_universe", []), days, calendar.calendar())
    around = calendar.window(keys, AFTER - 1)
    later = calendar.between(keys[-1], calendar.offset(keys[-1], BEFORE) or keys[-1])
    wanted = {*around, *later} - set(leaving_out)
    stored = [key for key in lake.sessions("ticker_universe") if key in wanted]
    return covered(lake.read("ticker_universe", stored), days, calendar.calendar())


def newcomers(lake: Lake, keys: list[str], answer: PriceAnswer) -> pd.DataFrame:
    """What a run's membership adds to the sessions before it, which are stored without it.

    A ticker that the vendor does not know before the run's first session has nothing to add; one
    whose returns of the session before are stored has been brought in already.

    Args:
        lake: where ``ticker_universe`` of the run's sessions is stored.
        keys: the run's sessions.
        answer: what the vendor said of their tickers.

    Returns:
        Columns ticker, session, error_class, message: a row for each stored session that lacks the
        ticker, as ``Database.record_failures`` takes them.
    """
    first = pd.Timestamp(keys[0])
    reach = calendar.window(keys[:1], BEFORE)[:-1]
    stored = set(lake.sessions("raw_prices"))
    earlier = [key for key in reach if key in stored]
    now, before = covered_on(lake, earlier), covered_on(lake, earlier, leaving_out=keys)
    carried = lake.read_session_before("daily_returns", keys[0])
    begins = answer.listing["first_bar"].reindex(now["ticker"]).to_numpy()
    lacking = now[
        ~is_among(now, before)
        & (begins < first)
        & (begins <= now["date"])
        & ~now["ticker"].isin(carried["ticker"])
    ]
    rows = lacking.rename(columns={"date": "session"})[["ticker", "session"]]
    return rows.assign(error_class=str(FailureClass.NO_HISTORY), message=JOINED)
