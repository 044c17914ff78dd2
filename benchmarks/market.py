"""A made-up market that is the same on every run, behind the interface of a price source.

Splits, dividends, gaps, and shares that are listed later. What a ticker does on a day depends on
neither the range nor the tickers asked for, so that chunks and single sessions get the same bars.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.price_sources.base import BAR_COLUMNS, OnAnswer, PriceAnswer
from parakeet_dagster.price_sources.ecb import ecb_rates

FIRST = "2005-01-03"
TICKERS, SESSIONS = 741, 5650
US_PART = 2 / 3
"""Of the tickers; the others trade in Sydney."""

GAPS, DIVIDENDS, SPLITS, LISTED_LATER = 0.002, 0.012, 0.0002, 0.15
AFTERWARDS = timedelta(days=20)

Array = npt.NDArray[Any]


@dataclass(eq=False)
class SyntheticSource:
    """See ``PriceSource``: ``count`` tickers, ``length`` sessions from ``first`` on."""

    count: int = TICKERS
    length: int = SESSIONS
    first: str = FIRST
    name: str = "synthetic"
    last_session: date | None = None
    on_answer: OnAnswer | None = None

    @cached_property
    def days(self) -> pd.DatetimeIndex:
        """Every session that there are bars of."""
        every = calendar.calendar()
        return every[every >= pd.Timestamp(self.first)][: self.length]

    @cached_property
    def members(self) -> pd.DataFrame:
        """The universe: columns ticker, name, market, currency, asset_class."""
        is_us = np.arange(self.count) < US_PART * self.count
        names = np.array([f"T{place:05}" for place in range(self.count)])
        return pd.DataFrame(
            {
                "ticker": np.where(is_us, names, np.char.add(names, ".AX")),
                "name": names,
                "market": np.where(is_us, "XNYS", "XASX"),
                "currency": np.where(is_us, "USD", "AUD"),
                "asset_class": "equity",
            }
        )

    @cached_property
    def _trades(self) -> Array:
        """Whether there is a bar; sessions x tickers, as everything below."""
        random = np.random.default_rng(7)
        trades = random.random(self._shape, dtype=np.float32) > GAPS
        is_late = random.random(self.count) < LISTED_LATER
        start = np.where(is_late, random.integers(0, len(self.days), self.count), 0)
        trades &= np.arange(len(self.days))[:, None] >= start
        for market in calendar.MARKETS:
            is_open = [calendar.is_open(market, calendar.key(day)) for day in self.days]
            trades &= np.array(is_open)[:, None] | (self.members["market"] != market).to_numpy()
        return trades

    @cached_property
    def _splits(self) -> Array:
        happens = np.random.default_rng(8).random(self._shape, dtype=np.float32) < SPLITS
        return happens & self._trades

    @cached_property
    def _dividends(self) -> Array:
        happens = np.random.default_rng(9).random(self._shape, dtype=np.float32) < DIVIDENDS
        return happens & self._trades

    @cached_property
    def _closes(self) -> Array:
        """As traded; a number also where there is no bar."""
        random = np.random.default_rng(10)
        level = random.standard_normal(self._shape, dtype=np.float32).astype(np.float64)
        level *= 0.012
        level -= np.log(2) * self._splits
        np.cumsum(level, axis=0, out=level)
        level += np.log(random.uniform(100, 400, self.count))
        return np.maximum(np.round(np.exp(level), 3), 1.0)

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.days), self.count

    @cached_property
    def _listing(self) -> pd.DataFrame:
        last = len(self.days) - 1
        spans = {
            "first_bar": self.days[self._trades.argmax(axis=0)],
            "last_bar": self.days[last - self._trades[::-1].argmax(axis=0)],
        }
        return pd.DataFrame(spans, index=pd.Index(self.members["ticker"], name="ticker"))

    def fetch(
        self,
        members: pd.DataFrame,
        start: date,
        end: date,
        batch: str | None = None,  # noqa: ARG002 - nobody is asked, so nothing is kept
    ) -> PriceAnswer:
        """See ``PriceSource.fetch``."""
        columns = np.flatnonzero(self.members["ticker"].isin(members["ticker"]))
        reach = (self.days >= pd.Timestamp(start)) & (self.days <= pd.Timestamp(end + AFTERWARDS))
        days = np.flatnonzero(reach)
        column, day = np.nonzero(self._trades[days][:, columns].T)
        place = (days[day], columns[column])
        close = self._closes[place]
        swing = (place[0] * 31 + place[1] * 17) % 97 / 97 * 0.01
        bars = pd.DataFrame(
            {
                "date": self.days[place[0]],
                "ticker": self.members["ticker"].array.take(place[1]),
                "open": np.round(close * (1 + swing / 2), 3),
                "high": np.round(close * (1 + swing), 3),
                "low": np.round(close * (1 - swing), 3),
                "close": close,
                "volume": (1e6 + 1e4 * swing).astype(np.int64),
                "dividend": np.where(self._dividends[place], 0.4, 0.0),
                "split_ratio": np.where(self._splits[place], 2.0, 1.0),
            }
        )
        known = self._listing.loc[self.members["ticker"].array.take(columns)]
        return PriceAnswer(bars[list(BAR_COLUMNS)], known, ())

    def exchange_rates(
        self,
        pair: str,  # noqa: ARG002 - there is one
        start: date,
        end: date,
        batch: str | None = None,  # noqa: ARG002 - as for ``fetch``
    ) -> pd.DataFrame:
        """The ECB's, the last one for ever."""
        euro = ecb_rates()
        rates = (euro["USD"] / euro["AUD"]).rename_axis("date").rename("close")
        days = pd.bdate_range(start, end).as_unit("us")
        return rates.reindex(days, method="ffill").rename_axis("date").reset_index()

    def forget(self, batch: str) -> None:
        """Nothing is kept."""
