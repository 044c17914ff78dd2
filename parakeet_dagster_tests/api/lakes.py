"""Rows for the lake behind an API."""

from typing import Any

import pandas as pd

from parakeet_dagster.storage.lake import Lake

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
"""Sessions; the 6th and the 7th are none."""

RETURN = {
    "market": "XNYS",
    "currency": "USD",
    "close": 10.0,
    "traded": True,
    "open_ratio": 0.99,
    "high_ratio": 1.02,
    "low_ratio": 0.98,
    "value_traded_aud": 15_000.0,
    "return_local": 0.01,
    "return_aud": 0.02,
}
SIGNAL = {"signal": 1, "strength": 0.5, "score": 0.25}
MEMBER = {"name": "A", "market": "XNYS", "currency": "USD", "asset_class": "equity"}


def row(day: str, ticker: str, **others: Any) -> dict[str, Any]:
    return {"date": pd.Timestamp(day), "ticker": ticker, **others}


def store(lake: Lake, asset: str, sessions: list[str], *rows: dict[str, Any]) -> None:
    """Write rows as an asset's files, one a session."""
    empty = lake.read(asset, [])
    lake.write(asset, pd.DataFrame(list(rows)) if rows else empty, sessions)
