"""Rows of raw_prices, short to write."""

from datetime import date

import pandas as pd

NO_BAR = float("nan")


def bar(day: str, ticker: str, close: float, **columns: object) -> dict[str, object]:
    """One row: open, high and low follow the close, volume 1000, no action, unless given.

    A ``close`` of ``NO_BAR`` is an action without a bar.
    """
    plain = {
        "date": day,
        "ticker": ticker,
        "market": "XNYS",
        "currency": "USD",
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1000 if close == close else 0,
        "dividend": 0.0,
        "split_ratio": 1.0,
        "source": "sample",
        "data_quality": "good",
    }
    return plain | columns


def frame(*rows: dict[str, object]) -> pd.DataFrame:
    """The rows as the lake hands them out; also none."""
    table = pd.DataFrame(list(rows), columns=list(bar("2020-01-01", "A", 1.0)))
    prices = dict.fromkeys(("open", "high", "low", "close", "dividend", "split_ratio"), "float64")
    return table.astype({**prices, "volume": "int64", "date": "datetime64[us]"})


def days(*texts: str) -> list[date]:
    """Sessions from their keys."""
    return [date.fromisoformat(text) for text in texts]
