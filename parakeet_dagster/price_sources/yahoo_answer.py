"""What is asked of Yahoo about one ticker, and what it answers."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from parakeet_dagster.price_sources.as_traded import PRICES
from parakeet_dagster.price_sources.yahoo_chart import Chart

NO_BARS = pd.DataFrame({"date": pd.Series(dtype="datetime64[us]")}).assign(
    **{name: pd.Series(dtype="float64") for name in [*PRICES, "volume"]}
)


@dataclass(frozen=True)
class Member:
    """A symbol of Yahoo's, and where and in what it trades.

    market: a key of the calendars, or ``FX``. time_zone: the exchange's, by which days are told.
    """

    ticker: str
    market: str
    currency: str
    time_zone: str

    def today(self, moment: pd.Timestamp) -> date:
        """The exchange's date at ``moment`` (with a zone)."""
        return moment.tz_convert(self.time_zone).date()


@dataclass(frozen=True)
class Question:
    """All of ``member`` from ``first`` through its exchange's today.

    whole_at: from when on (UTC) the answer holds every finished session that is wanted.
    """

    member: Member
    first: date
    whole_at: pd.Timestamp


@dataclass(frozen=True)
class Answer:
    """What Yahoo said of one ticker.

    first: the day it was asked from; asked_at: UTC; bars: columns as ``NO_BARS``, as Yahoo shows
    them.
    """

    member: Member
    first: date
    asked_at: pd.Timestamp
    chart: Chart
    bars: pd.DataFrame
