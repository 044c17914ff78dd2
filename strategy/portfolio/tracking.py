"""The simulated account of a strategy: from when it is kept, and what it is to trade."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from strategy.portfolio import POSITION_COLUMNS
from strategy.portfolio.market import Market
from strategy.portfolio.orders import conditions
from strategy.portfolio.simulation import Account, simulate
from strategy.portfolio.terms import Terms
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy
from strategy.universes.members import CASH

ORDER_COLUMNS = [
    "date",
    "ticker",
    "side",
    "quantity",
    "price_estimate_aud",
    "cost_estimate_aud",
    "reason",
]

NEAR = 1e-6
"""A difference of fewer shares is rounding."""


def account_start(
    strategy: Strategy,
    history: pd.DatetimeIndex,
    allocated: pd.DatetimeIndex,
    calendar: pd.DatetimeIndex,
) -> pd.Timestamp | None:
    """The session at which a strategy's simulated account begins.

    The first with a target that was decided on all the history that the strategy looks back on, and
    one session before it, since a return needs a close to start from. Before that the target is
    cash for want of history, which says nothing of the strategy. One that looks at its own session
    only, as equal weights do, needs no return.

    Args:
        strategy: whose look-backs and rebalance rule.
        history: every stored session, ascending, from where history starts.
        allocated: the sessions with a stored target, ascending.
        calendar: every session there is.

    Returns:
        None where there is no such session yet.
    """
    lookback = max(strategy.signal.lookback, strategy.target_lookback)
    needed = lookback + 1 if lookback > 1 else lookback
    if len(history) < needed or allocated.empty:
        return None
    decided = rebalance_sessions(strategy.rebalance, calendar).loc[allocated]
    complete = decided[decided >= history[needed - 1]]
    return None if complete.empty else pd.Timestamp(complete.index[0])


def decisions(allocations: pd.DataFrame, start: pd.Timestamp | None) -> pd.DataFrame:
    """The targets that an account acts on: those decided on their session, and its first one.

    Args:
        allocations: columns date, ticker, weight, rebalance.
        start: of the account; None: not yet, so it does not act.
    """
    if start is None:
        return allocations.loc[[], ["date", "ticker", "weight"]]
    acts = allocations["rebalance"] | (allocations["date"] == start)
    since = allocations["date"] >= start
    return allocations.loc[acts & since, ["date", "ticker", "weight"]]


@dataclass(frozen=True)
class Tracked:
    """An account over some sessions.

    positions: columns ``POSITION_COLUMNS``, of every session.
    orders: columns ``ORDER_COLUMNS``, see ``open_orders``.
    """

    positions: pd.DataFrame
    orders: pd.DataFrame


def track(
    account: Account,
    market: Market,
    days: pd.DatetimeIndex,
    start: pd.Timestamp | None,
    decided: pd.Series,
) -> Tracked:
    """Keep the book of one account over ``days``, in cash without interest until it starts.

    Args:
        account: its targets are those of ``days``, see ``decisions``; it goes on from positions at
            the close of the session before, which are not looked at where it starts in ``days``.
        market: of ``days`` and ``simulation.LOOKBACK`` sessions before.
        days: sessions, ascending; the last is the market's.
        start: of the account; None: not yet.
        decided: by session, when its target was decided.
    """
    waits = days if start is None else days[days < start]
    before = _idle(waits, account.terms.capital)
    if len(waits) == len(days):
        return Tracked(before, open_orders(before, decided, market, account.terms))
    first = days[len(waits)]
    begins = first == start
    goes_on = replace(account, start=None) if begins else account
    positions = simulate(market, [goes_on], first)[account.name].positions
    since = decided.where(decided > start, start)
    orders = open_orders(positions, since, market, account.terms)
    return Tracked(pd.concat([before, positions], ignore_index=True), orders)


def _idle(days: pd.DatetimeIndex, capital: float) -> pd.DataFrame:
    """The positions of an account before it starts."""
    money = {"quantity": capital, "wanted": capital, "price_aud": 1.0, "value_aud": capital}
    frame = pd.DataFrame({"date": days, "ticker": CASH, **money})
    return frame[POSITION_COLUMNS].astype({"ticker": "str"})


def open_orders(
    positions: pd.DataFrame, decided: pd.Series, market: Market, terms: Terms
) -> pd.DataFrame:
    """What would move each position to what is wanted, after each close.

    Args:
        positions: columns ``POSITION_COLUMNS``; sessions of ``market``.
        decided: by session, when what is wanted was decided.
        market: has every ticker of ``positions``.
        terms: what trading costs.

    Returns:
        Columns ``ORDER_COLUMNS``: quantity in shares, above 0; price_estimate_aud of a share, the
        close; cost_estimate_aud: fee, slippage and exchange; reason: what the order makes of the
        position, as a part of the equity, and since when it is open. Sorted by date and ticker.
    """
    equity = positions.groupby("date")["value_aud"].transform("sum")
    change = positions["wanted"] - positions["quantity"]
    is_order = (change.abs() > NEAR) & (positions["ticker"] != CASH)
    rows = positions[is_order].assign(change=change[is_order], equity=equity[is_order])
    on = conditions([terms], market.is_foreign)
    columns = market.tickers.get_indexer(pd.Index(rows["ticker"]))
    value = rows["change"].abs() * rows["price_aud"]
    orders = pd.DataFrame(
        {
            "date": rows["date"],
            "ticker": rows["ticker"],
            "side": np.where(rows["change"] > 0, "buy", "sell"),
            "quantity": rows["change"].abs(),
            "price_estimate_aud": rows["price_aud"],
            "cost_estimate_aud": terms.fee + value * on.proportional[0, columns],
            "reason": _reasons(rows, decided),
        }
    )
    texts = {"ticker": "str", "side": "str", "reason": "str"}
    return orders.astype(texts).sort_values(["date", "ticker"], ignore_index=True)[ORDER_COLUMNS]


def _reasons(rows: pd.DataFrame, decided: pd.Series) -> pd.Series:
    """``0.0 % to 12.5 %``, and since when where the decision is of an earlier session."""
    part = rows["price_aud"] / rows["equity"]
    now, then = (
        (rows[name] * part).map("{:.1%}".format).astype("str") for name in ("quantity", "wanted")
    )
    moves = ("adjust: " + now + " to " + then).mask(rows["quantity"] <= NEAR, "enter: 0 to " + then)
    moves = moves.mask(rows["wanted"] <= NEAR, "leave: " + now + " to 0")
    since = rows["date"].map(decided).astype("datetime64[us]")
    waits = "; open since " + since.dt.strftime("%Y-%m-%d")
    return moves + waits.where(since < rows["date"], "")
