"""The interface of a price source: tickers and a range in; bars, actions and failures out."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

import pandas as pd

BAR_COLUMNS = (
    "date",
    "ticker",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "dividend",
    "split_ratio",
)


class FailureClass(StrEnum):
    """Why a ticker has no data."""

    DELISTED = "DELISTED"
    RATE_LIMIT = "RATE_LIMIT"
    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    BAD_DATA = "BAD_DATA"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True)
class TickerFailure:
    """One ticker that could not be had."""

    ticker: str
    error_class: FailureClass
    message: str


@dataclass(frozen=True)
class PriceAnswer:
    """What a source knows of the tickers asked for.

    bars: one row per ticker and date, sorted by (ticker, date), columns ``BAR_COLUMNS``: ``date``
        datetime64[us]; ``ticker`` str; open, high, low, close float64 **as traded that day**;
        ``volume`` int64 as traded; ``dividend`` float64, per share held before that day's split;
        ``split_ratio`` float64, new shares per old, 1.0 when none. An action whose ex-date has no
        bar is a row whose prices are NaN and whose volume is 0.
    listing: index ticker; ``first_bar`` and ``last_bar`` datetime64[us]: the span in which the
        source knows the ticker to have traded, also outside the range asked for. A ticker without
        a bar on a day within its span did not trade that day.
    failures: the tickers that have neither.
    """

    bars: pd.DataFrame
    listing: pd.DataFrame
    failures: tuple[TickerFailure, ...]


class PriceSource(Protocol):
    """A vendor of daily bars.

    ``name`` is stored with every bar. ``last_session`` is the last day the source will ever have
    data for, or None where it goes on.
    """

    name: str
    last_session: date | None

    def fetch(self, members: pd.DataFrame, start: date, end: date) -> PriceAnswer:
        """Bars and actions of ``members`` (columns ticker, market, currency) in [start, end].

        Raises:
            PriceSourceError: the range lies outside the source's data.
        """
        ...
