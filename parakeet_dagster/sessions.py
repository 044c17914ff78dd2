"""Which days are sessions, and which markets are open on them. Plain dates, no Dagster.

A session is a weekday on which XNYS or XASX is open. Session D is complete for both markets at
01:00 UTC on D+1 in every combination of daylight-saving times.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from parakeet_dagster.closures import CLOSURES, FIRST_DAY, LAST_DAY
from parakeet_dagster.errors import SessionError

MARKETS = tuple(CLOSURES)
COMPLETE_AFTER = timedelta(days=1, hours=1)

BOTH_CLOSED = tuple(sorted(set.intersection(*(set(days) for days in CLOSURES.values()))))


@cache
def calendar() -> pd.DatetimeIndex:
    """Every session of the horizon, past and future: datetime64[us], ascending."""
    weekdays = pd.bdate_range(FIRST_DAY, LAST_DAY)
    return weekdays.difference(pd.DatetimeIndex(BOTH_CLOSED)).as_unit("us")


@cache
def _keys() -> list[str]:
    """The keys of ``calendar``: written once, since every run asks for thousands of them."""
    return calendar().strftime("%Y-%m-%d").tolist()


@cache
def _closed(market: str) -> frozenset[str]:
    return frozenset(CLOSURES[market])


def key(day: date | pd.Timestamp | np.datetime64) -> str:
    """The session key of a day, ``YYYY-MM-DD``."""
    return f"{pd.Timestamp(day):%Y-%m-%d}"


def is_open(market: str, session: str) -> bool:
    """Whether ``market`` trades on a session key."""
    return session not in _closed(market)


def open_markets(session: str) -> list[str]:
    """The markets that trade on a session key."""
    return [market for market in MARKETS if is_open(market, session)]


def offset(session: str, by: int) -> str | None:
    """The session ``by`` places later (earlier when negative), or None beyond the calendar."""
    place = bisect_left(_keys(), session) + by
    return _keys()[place] if 0 <= place < len(_keys()) else None


def between(first: str, last: str) -> list[str]:
    """Every session key in [first, last]."""
    return _keys()[bisect_left(_keys(), first) : bisect_right(_keys(), last)]


def window(keys: Sequence[str], lookback: int) -> list[str]:
    """Consecutive session keys, and the ``lookback`` sessions before them as far as there are."""
    return between(offset(keys[0], -lookback) or _keys()[0], keys[-1])


def complete_at(session: str) -> datetime:
    """When a session is complete for both markets, in UTC."""
    return datetime.fromisoformat(session).replace(tzinfo=UTC) + COMPLETE_AFTER


def last_completed(now: datetime | None = None) -> str:
    """The last session that is complete for both markets at ``now`` (default: the clock)."""
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    days = calendar()
    return key(days[days + COMPLETE_AFTER <= pd.Timestamp(moment)][-1])


def parse_date(text: str) -> date:
    """A date written YYYY-MM-DD.

    Raises:
        SessionError: it is not.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise SessionError(f"{text!r} is not a date: write YYYY-MM-DD")
    return day


def nearest(day: date) -> str:
    """The sessions around a day that is none, for a message."""
    place = int(calendar().searchsorted(pd.Timestamp(day)))
    around = [key(found) for found in calendar()[max(place - 1, 0) : place + 1]]
    return " and ".join(around)


def require_session(text: str) -> str:
    """The key of a date that must be a session.

    Raises:
        SessionError: it is no date, or no session; the nearest ones are named.
    """
    day = parse_date(text)
    if pd.Timestamp(day) not in calendar():
        raise SessionError(
            f"{text} ({day:%A}) is not a session: no market is open; the nearest are {nearest(day)}"
        )
    return key(day)


def is_session(text: str) -> bool:
    """Whether a date written YYYY-MM-DD is a session."""
    return pd.Timestamp(text) in calendar()
