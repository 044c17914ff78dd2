"""Small frames, written the way a reader would."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from strategy.allocation.base import Candidates
from strategy.window import Window


def days(*texts: str) -> pd.DatetimeIndex:
    """Sessions by name."""
    return pd.DatetimeIndex(texts).as_unit("us")


def weekdays(first: str, count: int) -> pd.DatetimeIndex:
    """That many sessions in a row, of a world without holidays."""
    return pd.bdate_range(first, periods=count).as_unit("us")


def bars(rows: Iterable[tuple], market: str = "XNYS", currency: str = "USD") -> pd.DataFrame:
    """``raw_prices`` from (date, ticker, close, dividend, split_ratio); NaN closes are actions."""
    frame = pd.DataFrame(rows, columns=["date", "ticker", "close", "dividend", "split_ratio"])
    frame = frame.astype(
        {
            "date": "datetime64[us]",
            "ticker": "str",
            "close": "float64",
            "dividend": "float64",
            "split_ratio": "float64",
        }
    )
    close = frame["close"]
    return frame.assign(
        market=market,
        currency=currency,
        open=close,
        high=close,
        low=close,
        volume=close.notna().astype("int64") * 100,
        source="test",
        data_quality="good",
    )


def rates(usd: dict[str, float]) -> pd.DataFrame:
    """``fx_rates`` from AUD per USD by date; the first one has no rate of the session before."""
    rows = [(day, "USD", rate) for day, rate in usd.items()] + [(day, "AUD", 1.0) for day in usd]
    frame = pd.DataFrame(rows, columns=["date", "currency", "aud_per_unit"])
    before = frame.groupby("currency")["aud_per_unit"].shift()
    return frame.astype({"date": "datetime64[us]"}).assign(
        aud_per_unit_before=before.where(frame["currency"] != "AUD", 1.0),
        source="test",
        carried=False,
    )


def covered_throughout(sessions: pd.DatetimeIndex, *frames: pd.DataFrame) -> pd.DataFrame:
    """Every ticker of the frames, covered on every session."""
    tickers = pd.concat([frame["ticker"] for frame in frames]).unique()
    rows = [(day, ticker) for day in sessions for ticker in tickers]
    frame = pd.DataFrame(rows, columns=["date", "ticker"])
    return frame.astype({"date": "datetime64[us]", "ticker": "str"})


def returns_panel(
    sessions: pd.DatetimeIndex, by_ticker: dict[str, Iterable[float]]
) -> pd.DataFrame:
    """``daily_returns`` whose AUD returns are given.

    A ticker has as many rows as it has returns, the last one on the last session.
    """
    frames = []
    for ticker, values in by_ticker.items():
        column = np.asarray(list(values), dtype=float)
        frames.append(
            pd.DataFrame(
                {
                    "date": sessions[len(sessions) - len(column) :],
                    "ticker": ticker,
                    "market": "XNYS",
                    "currency": "AUD",
                    "close": 10.0,
                    "traded": True,
                    "open_ratio": 1.0,
                    "high_ratio": 1.0,
                    "low_ratio": 1.0,
                    "value_traded_aud": 0.0,
                    "return_local": column,
                    "return_aud": column,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"ticker": "str"})


def members_on(sessions: pd.DatetimeIndex, tickers: Iterable[str]) -> pd.DataFrame:
    """``ticker_universe``: the same members on every session."""
    rows = [(day, "TEST", ticker) for day in sessions for ticker in tickers]
    frame = pd.DataFrame(rows, columns=["date", "universe", "ticker"])
    return frame.astype({"date": "datetime64[us]", "ticker": "str"})


def window_of(by_ticker: dict[str, Iterable[float]], lookback: int | None = None) -> Window:
    """A window of AUD returns, a list per ticker, all of one length, in the order given."""
    columns = [np.array(list(values), dtype=float) for values in by_ticker.values()]
    count = len(columns[0]) if columns else lookback or 1
    return Window(
        sessions=weekdays("2022-01-03", count),
        tickers=pd.Index(list(by_ticker), dtype="str"),
        fields={"return_aud": np.column_stack([np.empty((count, 0)), *columns])},
        lookback=lookback or count,
    )


def candidates_of(
    by_ticker: dict[str, Iterable[float]],
    budget: float = 1.0,
    strength: Iterable[float] | None = None,
) -> Candidates:
    """What an allocation shares: a window of AUD returns, all at full strength unless said."""
    window = window_of(by_ticker)
    whole = np.ones(len(window.tickers)) if strength is None else np.array(list(strength))
    return Candidates(window, whole, budget)
