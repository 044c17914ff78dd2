"""What to trade: one asset for every enabled strategy, and the account that it is kept for."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import accounts
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.backtests import start_of
from parakeet_dagster.assets.live import live_orders
from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.strategies import days_of, history_note, stored_history
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions, trailing
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.portfolio.market import market_of
from strategy.portfolio.simulation import LOOKBACK, Account
from strategy.portfolio.terms import Terms
from strategy.portfolio.tracking import Tracked, decisions, track
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy
from strategy.universes.members import CASH

ORDERS = "orders"
NOTHING = "nothing to do"


def holdings_path(name: str) -> str:
    """Where the simulated account of a strategy is kept in the lake."""
    return f"holdings/{name}"


def orders_asset(name: str, strategy: Strategy, terms: Terms, live: str) -> dg.AssetsDefinition:
    """The asset ``orders/<name>``; ``live`` is the strategy that is traded with real money."""
    is_live = name == live

    @dg.asset(
        key=[ORDERS, name],
        description=f"{strategy.description}.\n\nWhat to trade after each session: sized at its"
        " closes, to be filled at the next close of each ticker's own market. It starts from"
        + (
            " your own holdings and trades, as they are known when this is materialised."
            if is_live
            else " a simulated account, which is kept in the lake under holdings."
        ),
        ins={
            "allocations": dg.AssetIn(["allocations", name]),
            "daily_returns": trailing(LOOKBACK),
            "raw_prices": trailing(LOOKBACK),
            "fx_rates": trailing(LOOKBACK),
        },
        partitions_def=sessions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=ORDERS,
        kinds={"parquet", "postgres"},
        owners=OWNERS,
        metadata={**column_schema(ORDERS), "terms": dg.MetadataValue.json(terms_shown(terms))},
    )
    @one_line_failures
    def orders(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[Lake],
        neon: dg.ResourceParam[Database],
        allocations: pd.DataFrame,
        daily_returns: pd.DataFrame,
        raw_prices: pd.DataFrame,
        fx_rates: pd.DataFrame,
    ) -> pd.DataFrame:
        days, keys = days_of(context), context.partition_keys
        history = stored_history(lake, days[-1])
        start = start_of(lake, name, strategy, days[-1])
        before = _before(lake, name, days[0], start)
        names = {*allocations["ticker"].unique(), *before["ticker"]} - {CASH}
        market = market_of(
            daily_returns[daily_returns["ticker"].isin(names)],
            raw_prices,
            fx_rates,
            history[max(int(history.searchsorted(days[0])) - LOOKBACK, 0) :],
        )
        decided = rebalance_sessions(strategy.rebalance, calendar.calendar()).loc[days]
        account = Account(name, decisions(allocations, start), terms, before)
        tracked = track(account, market, days, start, decided)
        lake.write(holdings_path(name), tracked.positions, keys)
        if is_live:
            frame, notes = live_orders(strategy, allocations, lake, neon, start, terms)
        else:
            frame, notes = tracked.orders, _notes(tracked, decided, history, strategy)
        neon.write_orders(name, frame, keys)
        kept = accounts.LIVE if is_live else accounts.SIMULATED
        record = accounts.recorded(kept, terms, _record_before(context, name, start))
        return describe(context, frame, {key: {**notes[key], **record} for key in keys})

    return orders


def terms_shown(terms: Terms) -> Mapping[str, Any]:
    """The terms as metadata; JSON knows no infinity."""
    plain = terms.model_dump()
    return {key: str(value) if value == float("inf") else value for key, value in plain.items()}


def _before(lake: Lake, name: str, first: pd.Timestamp, start: pd.Timestamp | None) -> pd.DataFrame:
    """The positions at the close of the session before; none where the account starts later.

    Raises:
        HoleError: the account goes on, and that session is not in the lake.
    """
    before = _goes_on_from(first, start)
    return lake.read(holdings_path(name), [before] if before else [])


def _record_before(
    context: dg.AssetExecutionContext, name: str, start: pd.Timestamp | None
) -> accounts.Record:
    """Of the session from which the account goes on."""
    before = _goes_on_from(pd.Timestamp(context.partition_keys[0]), start)
    if before is None:
        return accounts.NOTHING_KNOWN
    return accounts.record_of(context.instance, name, before)


def _goes_on_from(first: pd.Timestamp, start: pd.Timestamp | None) -> str | None:
    """The session before ``first``, where the account has begun by then."""
    has_begun = start is not None and start < first
    return calendar.offset(calendar.key(first), -1) if has_begun else None


def _notes(
    tracked: Tracked, decided: pd.Series, history: pd.DatetimeIndex, strategy: Strategy
) -> dict[str, dict[str, Any]]:
    """Per session, what the account is worth, and how much is to be traded."""
    positions, orders = tracked.positions, tracked.orders
    lookback = max(strategy.signal.lookback, strategy.target_lookback)
    is_cash = positions["ticker"] == CASH
    value = orders["quantity"] * orders["price_estimate_aud"]
    table = pd.DataFrame(
        {
            "equity_aud": positions.groupby("date")["value_aud"].sum(),
            "cash_aud": positions[is_cash].set_index("date")["value_aud"],
            "positions": (positions["quantity"] > 0)[~is_cash].groupby(positions["date"]).sum(),
            "orders": orders.groupby("date").size(),
            "traded_aud": value.groupby(orders["date"]).sum(),
            "costs_aud": orders.groupby("date")["cost_estimate_aud"].sum(),
        }
    ).fillna(0.0)
    table = table.round(2).astype({"positions": int, "orders": int})
    return {
        calendar.key(day): {
            "note": "orders of a simulated account" if row["orders"] else NOTHING,
            "history": history_note(history, decided[day], lookback),
            **{str(name): value for name, value in row.items()},
        }
        for day, row in zip(table.index, table.to_dict("records"), strict=True)
    }
