"""Small markets for tests: one row per session, one column per ticker."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from strategy.portfolio.market import Market, market_of
from strategy.portfolio.simulation import Account
from strategy.portfolio.terms import FREE, Terms

MONDAY = "2024-01-01"
NO_BAND = {"risk_aversion": math.inf}


def days(count: int, first: str = MONDAY) -> pd.DatetimeIndex:
    """Weekdays, all of them sessions."""
    return pd.bdate_range(first, periods=count).as_unit("us")


def market(
    closes: Mapping[str, Sequence[float]],
    *,
    opens: Mapping[str, Sequence[float]] | None = None,
    dividends: Mapping[tuple[str, int], float] | None = None,
    splits: Mapping[tuple[str, int], float] | None = None,
    untraded: Sequence[tuple[str, int]] = (),
    usd: float | Sequence[float] = 1.0,
    first: str = MONDAY,
) -> Market:
    """A market in which NaN is a session without a row; a ticker without ``.AX`` is in USD.

    ``dividends`` and ``splits`` by (ticker, row); ``untraded`` carries the close before.
    """
    table = pd.DataFrame(closes)
    sessions = days(len(table), first)
    returns = long_of(table, sessions)
    opened = pd.DataFrame(opens) if opens else table
    returns["open_ratio"] = (long_of(opened, sessions)["close"] / returns["close"]).to_numpy()
    rows = sessions.get_indexer(pd.Index(returns["date"]))
    returns["traded"] = [
        (ticker, row) not in set(untraded)
        for ticker, row in zip(returns["ticker"], rows, strict=True)
    ]
    actions = [
        (
            sessions[row],
            ticker,
            (dividends or {}).get((ticker, row), 0.0),
            (splits or {}).get((ticker, row), 1.0),
        )
        for ticker, row in {**(dividends or {}), **(splits or {})}
    ]
    prices = pd.DataFrame(actions, columns=["date", "ticker", "dividend", "split_ratio"])
    prices = prices.astype(
        {"date": "datetime64[us]", "ticker": "str", "dividend": float, "split_ratio": float}
    )
    return market_of(returns, prices, fx(sessions, usd), sessions)


def long_of(table: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """``daily_returns`` of closes, each ticker in its own market and currency."""
    wide = table.set_axis(sessions, axis=0).rename_axis(index="date")
    long = (
        wide.reset_index()
        .melt("date", var_name="ticker", value_name="close")
        .dropna(subset="close")
    )
    long["ticker"] = long["ticker"].astype("str")
    is_asx = long["ticker"].str.endswith(".AX")
    change = long.groupby("ticker")["close"].pct_change()
    return long.assign(
        market=np.where(is_asx, "XASX", "XNYS"),
        currency=np.where(is_asx, "AUD", "USD"),
        traded=True,
        open_ratio=1.0,
        return_aud=change,
    ).reset_index(drop=True)


def fx(sessions: pd.DatetimeIndex, usd: float | Sequence[float]) -> pd.DataFrame:
    """``fx_rates``: AUD for a USD."""
    aud = pd.DataFrame({"date": sessions, "currency": "AUD", "aud_per_unit": 1.0})
    rates = pd.DataFrame({"date": sessions, "currency": "USD", "aud_per_unit": usd})
    return pd.concat([aud, rates], ignore_index=True)


def targets(sessions: pd.DatetimeIndex, plan: Mapping[int, Mapping[str, float]]) -> pd.DataFrame:
    """Targets by row; the rest is cash."""
    rows = [
        (sessions[row], ticker, weight)
        for row, weights in plan.items()
        for ticker, weight in {**weights, "CASH": 1 - sum(weights.values())}.items()
    ]
    frame = pd.DataFrame(rows, columns=["date", "ticker", "weight"])
    return frame.astype({"date": "datetime64[us]", "ticker": "str"})


def account(
    sessions: pd.DatetimeIndex,
    plan: Mapping[int, Mapping[str, float]],
    terms: Terms = FREE,
    start: pd.DataFrame | None = None,
    name: str = "one",
) -> Account:
    return Account(name, targets(sessions, plan), terms, start)
