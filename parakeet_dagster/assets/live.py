"""The orders of the strategy that is traded with real money."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.market import OF_RATES, in_batches, read_market
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.errors import StrategyError
from strategy.portfolio.band import WINDOW
from strategy.portfolio.holdings import held_on
from strategy.portfolio.live import what_is_left
from strategy.portfolio.market import Market
from strategy.portfolio.terms import Terms
from strategy.portfolio.tracking import open_orders
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy
from strategy.universes.members import CASH
from strategy.universes.renames import newest_symbols

NO_DECISION = "the strategy has made no decision on a complete history yet"


def live_orders(
    strategy: Strategy,
    allocations: pd.DataFrame,
    lake: Lake,
    neon: Database,
    start: pd.Timestamp | None,
    terms: Terms,
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """The orders that are left of the standing decision, from a person's holdings and trades.

    Args:
        strategy: whose rebalance rule.
        allocations: its targets, of the sessions wanted.
        lake: prices and rates.
        neon: holdings and trades, as they are known now.
        start: of the strategy's simulated account: its first decision on a complete history.
        terms: what trading costs; the capital is what is held where no holdings were imported.

    Returns:
        Columns ``ORDER_COLUMNS``, and notes by session key.

    Raises:
        StrategyError: more was sold than was held, or a trade has no exchange rate, as of the
            newest stored session. Of an earlier one it is a note: nobody trades on it any more, and
            it must not keep later ones from being computed.
    """
    days = pd.DatetimeIndex(allocations["date"].unique()).sort_values()
    notes: dict[str, dict[str, Any]] = {
        calendar.key(day): {"note": f"nothing to do: {NO_DECISION}"} for day in days
    }
    begun = days[days >= start] if start is not None else days[:0]
    none = lake.read("orders", [])
    if begun.empty:
        return none, notes
    trades = _renamed(neon.trades(None, begun[-1].date()), "date", lake)
    decided = rebalance_sessions(strategy.rebalance, calendar.calendar()).loc[begun]
    imported = _renamed(neon.all_holdings(begun[-1].date()), "as_of", lake)
    snapshots = {
        day: _snapshot(imported, day, decided[day], trades, terms.capital) for day in begun
    }
    held = {*trades["ticker"]}.union(*(one["ticker"] for one in snapshots.values()))
    stored = lake.sessions("daily_returns")
    every = [key for key in stored if key <= calendar.key(begun[-1])]
    sized = {day: _sized_on(snapshots[day], decided[day]) for day in begun}
    reach = calendar.window([calendar.key(min(sized.values()))], WINDOW)[0]
    market = read_market(
        lake,
        [key for key in every if key >= reach],
        {*allocations["ticker"], *held} - {CASH},
    )
    earliest = min(one["as_of"].min() for one in snapshots.values())
    since = [key for key in every if key >= calendar.key(earliest)]
    splits, rates = _splits(lake, since, market), lake.read("fx_rates", since, OF_RATES)
    frames = [none]
    for day in begun:
        try:
            then, now = (
                held_on(snapshots[day], trades, splits, rates, moment)
                for moment in (sized[day], day)
            )
        except StrategyError as error:
            if calendar.key(day) == stored[-1]:
                raise
            notes[calendar.key(day)] = {"note": f"no orders: {error}"}
            continue
        weights = allocations[allocations["date"] == day].set_index("ticker")["weight"]
        left = what_is_left(market, weights, then, now, sized[day], day, terms)
        orders = open_orders(left, pd.Series({day: sized[day]}), market, terms)
        frames.append(orders)
        there = market.tickers[market.present[market.sessions.get_loc(day)]]
        unpriced = sorted(set(now.shares.index) - set(there))
        notes[calendar.key(day)] = _notes(snapshots[day], left, orders, unpriced)
    return pd.concat(frames, ignore_index=True), notes


def _renamed(frame: pd.DataFrame, date: str, lake: Lake) -> pd.DataFrame:
    """With the newest symbols, as everything that is read from the lake."""
    return frame.assign(ticker=newest_symbols(frame["ticker"], frame[date], lake.renames))


def _snapshot(
    imported: pd.DataFrame,
    day: pd.Timestamp,
    decided: pd.Timestamp,
    trades: pd.DataFrame,
    capital: float,
) -> pd.DataFrame:
    """The newest holdings on or before a day; the capital in cash where none were imported."""
    newest = imported.loc[imported["as_of"] <= day, "as_of"].max()
    known: pd.DataFrame = imported[imported["as_of"] == newest]
    if not known.empty:
        return known
    before = min([decided, *trades["date"]]) - timedelta(days=1)
    money = {"as_of": before, "ticker": CASH, "quantity": capital, "imported_at": pd.NaT}
    return pd.DataFrame([money]).astype({"as_of": "datetime64[us]"})


def _sized_on(snapshot: pd.DataFrame, decided: pd.Timestamp) -> pd.Timestamp:
    """When the standing decision was sized: where holdings were imported after it, then."""
    as_of = snapshot["as_of"].iloc[0]
    if as_of <= decided:
        return decided
    every = calendar.calendar()
    return pd.Timestamp(every[every.searchsorted(as_of)])


def _splits(lake: Lake, keys: Sequence[str], market: Market) -> pd.DataFrame:
    """Columns date, ticker, split_ratio: by ex-date, and in the market by the next bar.

    There the close before a split is carried until the ticker trades again, so shares must be, too.
    """
    of = ["date", "ticker", "split_ratio"]
    before = [key for key in keys if key < calendar.key(market.sessions[0])]
    parts = [part[part["split_ratio"] != 1] for part in in_batches(lake, "raw_prices", before, of)]
    row, column = np.nonzero(market.split != 1)
    within = pd.DataFrame(
        {
            "date": market.sessions[row],
            "ticker": market.tickers[column],
            "split_ratio": market.split[row, column],
        }
    )
    return pd.concat([*parts, within], ignore_index=True)


def _notes(
    snapshot: pd.DataFrame, left: pd.DataFrame, orders: pd.DataFrame, unpriced: list[str]
) -> dict[str, Any]:
    is_imported = snapshot["imported_at"].notna().all()
    whose = f"your holdings of {snapshot['as_of'].iloc[0]:%Y-%m-%d} and the trades since"
    start = whose if is_imported else "the capital in cash: no holdings were imported"
    is_cash = left["ticker"] == CASH
    notes = {
        "note": f"{'orders from' if len(orders) else 'nothing to do for'} {start}",
        "equity_aud": round(float(left["value_aud"].sum()), 2),
        "cash_aud": round(float(left.loc[is_cash, "value_aud"].sum()), 2),
        "positions": int((left.loc[~is_cash, "quantity"] > 0).sum()),
        "orders": len(orders),
        "traded_aud": round(float((orders["quantity"] * orders["price_estimate_aud"]).sum()), 2),
        "costs_aud": round(float(orders["cost_estimate_aud"].sum()), 2),
    }
    if left.loc[is_cash, "value_aud"].sum() < 0:
        notes["cash"] = "your trades cost more than the cash that is known: import a snapshot"
    return notes | ({"without_price": ", ".join(unpriced)} if unpriced else {})
