"""The simulated account: twenty years of sessions x 50 shares, a new target every month.

The data is made up, and the same on every run; dividends and splits are in it. A time is from
frames to frames; reading Parquet is not part of it.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.result import Result
from benchmarks.signals import in_turn, names, sessions_up_to_last
from benchmarks.signals import market as returns_of
from strategy.portfolio.market import market_of
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.tax import tax_years
from strategy.portfolio.terms import Terms

SESSIONS, TICKERS, ACCOUNTS = 5160, 50, 16
EVERY = 21
WITHIN = 1.0
"""Seconds, for one account."""


def results() -> list[Result]:
    """One account, many at once, and the tax of a busy one."""
    sessions = sessions_up_to_last(SESSIONS)
    market = market_of(*frames(sessions, TICKERS), sessions)
    accounts = [
        Account(str(seed), targets(sessions, TICKERS, seed), Terms()) for seed in range(ACCOUNTS)
    ]
    first = market.sessions[LOOKBACK]
    busy = replace(accounts[0], terms=Terms(risk_aversion=math.inf))
    book = simulate(market, [busy], first)["0"]
    interest = book.daily.set_index("date")["interest"]
    one, _ = in_turn(lambda: simulate(market, accounts[:1], first), None)
    many, _ = in_turn(lambda: simulate(market, accounts, first), None)
    taxed, _ = in_turn(
        lambda: tax_years(book.fills, book.splits, book.income, interest, 0.39, "min_tax"), None
    )
    size = f"{SESSIONS:,} x {TICKERS}"
    return [
        Result("16a", f"simulation of an account, {size}", one, within=WITHIN),
        Result("16b", f"simulation of {ACCOUNTS} accounts, {size}", many),
        Result("16c", f"tax of {len(book.fills):,} fills", taxed),
    ]


def frames(
    sessions: pd.DatetimeIndex, count: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``daily_returns``, ``raw_prices`` (its actions) and ``fx_rates`` of ``count`` US shares."""
    random = np.random.default_rng(1)
    returns = returns_of(sessions, count)
    size = len(returns)
    prices = returns[["date", "ticker"]].assign(
        dividend=np.where(random.random(size) < 0.004, 0.2, 0.0),
        split_ratio=np.where(random.random(size) < 0.0002, 2.0, 1.0),
    )
    rates = pd.concat(
        pd.DataFrame({"date": sessions, "currency": currency, "aud_per_unit": rate})
        for currency, rate in (("AUD", 1.0), ("USD", 1.5))
    )
    return returns, prices, rates


def targets(sessions: pd.DatetimeIndex, count: int, seed: int) -> pd.DataFrame:
    """Random weights of all tickers, on every ``EVERY``-th session."""
    days = sessions[LOOKBACK::EVERY]
    weights = np.random.default_rng(seed).dirichlet(np.ones(count), len(days))
    return pd.DataFrame(
        {
            "date": days.repeat(count),
            "ticker": np.tile(names(count), len(days)),
            "weight": weights.ravel(),
        }
    ).astype({"ticker": "str"})
