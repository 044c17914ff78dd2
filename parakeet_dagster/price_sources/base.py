"""The interface of a price source: tickers and a range in; bars, actions and failures out."""

from collections.abc import Callable
from dataclasses import dataclass, field
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
RANGE = ("open_ratio", "high_ratio", "low_ratio")
VOLUME = ("value_traded_aud",)
LACKS: dict[str, dict[str, tuple[str, ...]]] = {
    "sample": {"volume": VOLUME, "an intraday range": RANGE},
    "yahoo": {},
}
"""By source, what its bars do not tell, and the columns of ``daily_returns`` made of it."""

STRAY_COLUMNS = ("ticker", "date", "row", "rule")


class FailureClass(StrEnum):
    """Why a ticker has no data."""

    DELISTED = "DELISTED"
    RATE_LIMIT = "RATE_LIMIT"
    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    BAD_DATA = "BAD_DATA"
    NO_DATA = "NO_DATA"
    NO_HISTORY = "NO_HISTORY"
    """Not a vendor's: the ticker joined later, and what was stored before has it not yet."""


@dataclass(frozen=True)
class TickerFailure:
    """One ticker that could not be had."""

    ticker: str
    error_class: FailureClass
    message: str


def no_strays() -> pd.DataFrame:
    """An empty ``PriceAnswer.strays``."""
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in STRAY_COLUMNS})
    return empty.astype({"date": "datetime64[us]"})


@dataclass(frozen=True)
class PriceAnswer:
    """What a source knows of the tickers asked for.

    bars: from the first day asked for through what is known after the last one, because a bar is
        judged by what came after it: through the last finished session where a vendor goes on, for
        some weeks where it does not. Whoever wants the range alone cuts it off. One row per ticker
        and date, sorted by (ticker, date), columns ``BAR_COLUMNS``: ``date``
        datetime64[us]; ``ticker`` str; open, high, low, close float64 **as traded that day**;
        ``volume`` int64 as traded; ``dividend`` float64, per share held before that day's split;
        ``split_ratio`` float64, new shares per old, 1.0 when none. An action whose ex-date has no
        bar is a row whose prices are NaN and whose volume is 0.
    listing: index ticker; ``first_bar`` and ``last_bar`` datetime64[us]: the span in which the
        source knows the ticker to have traded, also outside the range asked for. A ticker without
        a bar on a day within its span did not trade that day.
    failures: the tickers that have neither.
    strays: bars inside the range asked for that cannot count, sorted by (ticker, date), columns
        ``STRAY_COLUMNS``: ``date`` datetime64[us]; ``row`` JSON text of the vendor's values;
        ``rule`` is ``day`` where the day is no session of the ticker's market and ``unfinished``
        where the session had not ended when the vendor was asked.
    """

    bars: pd.DataFrame
    listing: pd.DataFrame
    failures: tuple[TickerFailure, ...]
    strays: pd.DataFrame = field(default_factory=no_strays)


OnAnswer = Callable[[int, int], None]
"""Is told how many tickers are answered, and how many were asked for; from any thread."""


class PriceSource(Protocol):
    """A vendor of daily bars.

    ``name`` is stored with every bar. ``last_session`` is the last day the source will ever have
    data for, or None where it goes on. ``on_answer``, where it is set, is told of every ticker that
    somebody had to be asked for.

    Several fetches that belong together, the chunks of a back-fill, share a ``batch``: a source
    that has to ask somebody then asks for each ticker once, and keeps what it was told until the
    batch is forgotten.
    """

    name: str
    last_session: date | None
    on_answer: OnAnswer | None

    def fetch(
        self, members: pd.DataFrame, start: date, end: date, batch: str | None = None
    ) -> PriceAnswer:
        """Bars and actions of ``members`` (columns ticker, market, currency) from ``start`` on.

        Raises:
            PriceSourceError: the range lies outside the source's data.
        """
        ...

    def exchange_rates(
        self, pair: str, start: date, end: date, batch: str | None = None
    ) -> pd.DataFrame | TickerFailure | None:
        """What a currency pair (``AUDUSD=X``: USD per 1 AUD) closed at on each day in [start, end].

        Returns:
            Columns date (datetime64[us]) and close (float64), ascending, finished days only; why
            there are none; or None where the source has no exchange rates at all.
        """
        ...

    def forget(self, batch: str) -> None:
        """Drop what is kept of ``batch``: all of it is stored, or nobody will ask for it again."""
        ...
