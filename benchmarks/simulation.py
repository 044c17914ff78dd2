"""The simulated account: twenty years of sessions x 50 shares, a new target every month.

``python -m benchmarks.simulation`` prints a table and writes it to ``benchmarks/results/``. The
data is made up, and the same on every run; dividends and splits are in it. A time is the median of
three runs, from frames to frames; reading Parquet is not part of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.signals import market as returns_of
from benchmarks.signals import names, sessions_up_to_last, timed
from strategy.portfolio.market import Market, market_of
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.tax import tax_years
from strategy.portfolio.terms import Terms

RESULTS = Path(__file__).parent / "results"
SESSIONS, TICKERS = 5160, 50
EVERY = 21
TARGET = 1.0
"""Seconds, for one account."""

HEADINGS = ("what", "accounts", "sessions x tickers", "seconds", "target")


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


def rows(market: Market, accounts: Sequence[Account]) -> list[tuple[str, ...]]:
    """The table."""
    first = market.sessions[LOOKBACK]
    busy = replace(accounts[0], terms=Terms(risk_aversion=math.inf))
    book = simulate(market, [busy], first)["0"]
    interest = book.daily.set_index("date")["interest"]
    size = f"{len(market.sessions):,} x {len(market.tickers)}"

    def measured(what: str, count: int, run: Callable[[], object]) -> tuple[str, ...]:
        target = f"{TARGET:.1f}" if what == "simulation" and count == 1 else ""
        return what, str(count), size, f"{timed(run):.3f}", target

    return [
        measured("simulation", 1, lambda: simulate(market, accounts[:1], first)),
        measured("simulation", len(accounts), lambda: simulate(market, accounts, first)),
        measured(
            f"tax of {len(book.fills):,} fills",
            1,
            lambda: tax_years(book.fills, book.splits, book.income, interest, 0.39, "min_tax"),
        ),
    ]


def main() -> None:
    """Measure, print and write."""
    sessions = sessions_up_to_last(SESSIONS)
    market = market_of(*frames(sessions, TICKERS), sessions)
    accounts = [Account(str(seed), targets(sessions, TICKERS, seed), Terms()) for seed in range(16)]
    found = rows(market, accounts)
    table = Table(*HEADINGS)
    for row in found:
        table.add_row(*row)
    Console(width=110).print(table)
    lines = [
        "# Simulation",
        "",
        "Seconds for twenty years, monthly targets, median of 3. `make bench` writes this file.",
        "",
        *(f"| {' | '.join(row)} |" for row in (HEADINGS, ("---",) * len(HEADINGS), *found)),
        "",
    ]
    (RESULTS / "simulation.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
