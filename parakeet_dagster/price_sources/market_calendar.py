"""When the two markets close, and what that says about a vendor's rows. No vendor here."""

import functools
from datetime import date, timedelta

import numpy as np
import pandas as pd

TIME_ZONES = {"XNYS": "America/New_York", "XASX": "Australia/Sydney"}
SETTLING_TIME = pd.Timedelta(minutes=20)
LONGEST_CLOSURE = timedelta(days=14)


def session_closes(market: str, first: date, last: date) -> "pd.Series[pd.Timestamp]":
    """Every session of ``market`` in [first, last] and its regular close.

    Returns:
        Index ``date`` (datetime64[us], no zone), values the close (datetime64[us, UTC]), half days
        included.
    """
    closes = _closes_of_years(market, first.year, last.year)
    return closes.loc[pd.Timestamp(first) : pd.Timestamp(last)]


def session_on_or_before(market: str, day: date) -> date:
    """The last session of ``market`` up to and with ``day``."""
    last: pd.Timestamp = session_closes(market, day - LONGEST_CLOSURE, day).index[-1]
    return last.date()


def finished(
    dates: "pd.Series[pd.Timestamp]",
    asked_at: "pd.Series[pd.Timestamp]",
    closes: "pd.Series[pd.Timestamp]",
) -> "pd.Series[bool]":
    """Whether a row's session had closed, and settled for 20 minutes, when it was asked for.

    dates: session dates; asked_at: UTC; closes: as ``session_closes``. False on a day that is no
    session.
    """
    return dates.map(closes) + SETTLING_TIME <= asked_at


def effective_dates(
    dates: "pd.Series[pd.Timestamp]", own: pd.DatetimeIndex, any_market: pd.DatetimeIndex
) -> "pd.Series[pd.Timestamp]":
    """The session on which an action counts.

    An action keeps its own date where that is a session of either market: there is a partition for
    it, though its own market may be closed. Otherwise (a weekend, a common holiday) it moves to
    the next session of its own market.

    own, any_market: sorted sessions that reach beyond the last of ``dates``.
    """
    following = own[np.searchsorted(own, dates.to_numpy(), side="left")]
    return dates.where(dates.isin(any_market), pd.Series(following, index=dates.index))


@functools.cache
def _closes_of_years(market: str, first_year: int, last_year: int) -> "pd.Series[pd.Timestamp]":
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(
        market, start=f"{first_year}-01-01", end=f"{last_year}-12-31"
    )
    closes: pd.Series[pd.Timestamp] = calendar.closes.astype("datetime64[us, UTC]")
    closes.index = pd.DatetimeIndex(closes.index).as_unit("us").rename("date")
    return closes
