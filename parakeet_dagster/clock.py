"""The one clock, so that a test can move it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LAST_MARKET_TO_CLOSE = ZoneInfo("America/New_York")
FIRST_MARKET_TO_OPEN = ZoneInfo("Australia/Sydney")


def now() -> datetime:
    """The current moment, in UTC."""
    return datetime.now(UTC)


def session_day() -> date:
    """The date in New York, where the last market of a session closes.

    A list of members that is taken when a session has just ended is of that session's day.
    """
    return now().astimezone(LAST_MARKET_TO_CLOSE).date()


def newest_day() -> date:
    """The date in Sydney: the first market of a session is open, or about to be."""
    return now().astimezone(FIRST_MARKET_TO_OPEN).date()
