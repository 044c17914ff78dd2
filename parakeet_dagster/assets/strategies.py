"""Signals and allocations: two assets for every enabled strategy of the catalog."""

from typing import Any, TypedDict

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.acceptances import with_accepted
from parakeet_dagster.assets.membership import NOTE, UNKNOWN, strategy_membership, without_prices
from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions, trailing
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.daily import LIVE_WITHIN, daily_signals, daily_targets, members_of
from strategy.rebalance import rebalance_sessions
from strategy.strategy import Strategy
from strategy.universes.members import CASH


def strategy_assets(name: str, strategy: Strategy) -> list[dg.AssetsDefinition]:
    """The assets ``signals/<name>`` and ``allocations/<name>``."""
    return [signals_asset(name, strategy), allocations_asset(name, strategy)]


def signals_asset(name: str, strategy: Strategy) -> dg.AssetsDefinition:
    """The asset ``signals/<name>``."""
    lookback = strategy.signal.lookback
    window = max(lookback, LIVE_WITHIN)

    @dg.asset(
        key=["signals", name],
        description=f"{strategy.description}.\n\nWhat it would hold on each session: a function of"
        f" the {lookback} sessions that end there. {strategy.signal.source}.",
        ins={"daily_returns": trailing(window - 1)},
        **_common("signals", strategy),
    )
    @one_line_failures
    def signals(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[Lake],
        neon: dg.ResourceParam[Database],
        daily_returns: pd.DataFrame,
        ticker_universe: pd.DataFrame,
    ) -> pd.DataFrame:
        days = days_of(context)
        history = stored_history(lake, days[-1])
        frame = daily_signals(strategy, daily_returns, ticker_universe, history, days)
        keys = context.partition_keys
        members = members_of(strategy, ticker_universe)
        priced = without_prices(members, daily_returns[daily_returns["date"].isin(days)])
        counts = priced.reindex(days, fill_value=0).to_dict("records")
        chosen = frame[frame["signal"] != 0].groupby("date").size()
        told = strategy_membership(neon, keys, strategy)
        notes = {
            key: {
                NOTE: told.get(key, UNKNOWN),
                "members": int(count["members"]),
                "without_prices": int(count["without_prices"]),
                "history": history_note(history, day, lookback),
                "chosen": int(chosen.get(day, 0)),
            }
            for key, day, count in zip(keys, days, counts, strict=True)
        }
        return describe(context, frame, with_accepted(notes, neon, keys, lookback))

    return signals


def allocations_asset(name: str, strategy: Strategy) -> dg.AssetsDefinition:
    """The asset ``allocations/<name>``."""
    period, lookback = strategy.period, strategy.target_lookback

    @dg.asset(
        key=["allocations", name],
        description=f"{strategy.description}.\n\nTarget weights, decided on the first session of"
        f" each period ({strategy.rebalance}) and kept until the next; `CASH` is a row."
        f" {strategy.allocation.source}."
        + (f" Scaled by an overlay: {strategy.overlay.source}." if strategy.overlay else ""),
        ins={
            "signals": trailing(period, ["signals", name]),
            "daily_returns": trailing(period + lookback - 1),
        },
        **_common("allocations", strategy),
    )
    @one_line_failures
    def allocations(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[Lake],
        neon: dg.ResourceParam[Database],
        signals: pd.DataFrame,
        daily_returns: pd.DataFrame,
    ) -> pd.DataFrame:
        days = days_of(context)
        history = stored_history(lake, days[-1])
        known = with_decision(strategy, signals, lake, history, days)
        frame = daily_targets(strategy, known, daily_returns, history, days, calendar.calendar())
        neon.write_allocations(name, frame)
        decided = rebalance_sessions(strategy.rebalance, calendar.calendar()).loc[days]
        told = strategy_membership(neon, [calendar.key(day) for day in decided.unique()], strategy)
        notes = _allocation_notes(frame, history, strategy, decided, told)
        window = period + max(strategy.signal.lookback, lookback)
        return describe(context, frame, with_accepted(notes, neon, context.partition_keys, window))

    return allocations


def with_decision(
    strategy: Strategy,
    signals: pd.DataFrame,
    lake: Lake,
    history: pd.DatetimeIndex,
    days: pd.DatetimeIndex,
) -> pd.DataFrame:
    """``signals``, with those of the session that decided the first of ``days`` if they lack it.

    So it is where a strategy was switched on within a period: its signals are stored from then on.
    They are a function of what is stored, so the ones before can be computed.
    """
    decision = rebalance_sessions(strategy.rebalance, calendar.calendar()).loc[days[0]]
    if decision not in history or decision >= signals["date"].min():
        return signals
    key = calendar.key(decision)
    reach = max(strategy.signal.lookback, LIVE_WITHIN) - 1
    earlier = daily_signals(
        strategy,
        lake.read_window("daily_returns", [key], reach),
        lake.read("ticker_universe", [key]),
        history[history <= decision],
        pd.DatetimeIndex([decision]),
    )
    return pd.concat([earlier, signals], ignore_index=True)


def stored_history(lake: Lake, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Every session from where history starts to ``last``."""
    every = calendar.calendar()
    return every[every.slice_indexer(pd.Timestamp(lake.sessions("daily_returns")[0]), last)]


def history_note(history: pd.DatetimeIndex, day: pd.Timestamp, lookback: int) -> str:
    """How much of a look-back was there on a day: ``140 of 252 sessions``."""
    return f"{min(int(history.searchsorted(day, side='right')), lookback)} of {lookback} sessions"


def days_of(context: dg.AssetExecutionContext) -> pd.DatetimeIndex:
    """The sessions of the run."""
    return pd.DatetimeIndex(context.partition_keys).as_unit("us")


def _allocation_notes(
    frame: pd.DataFrame,
    history: pd.DatetimeIndex,
    strategy: Strategy,
    decided: pd.Series,
    membership: dict[str, str],
) -> dict[str, dict[str, Any]]:
    """Per session; history and membership are those of the session that decided the target."""
    lookback = max(strategy.signal.lookback, strategy.target_lookback)
    is_cash = frame["ticker"] == CASH
    summary = pd.DataFrame(
        {
            "positions": (~is_cash).groupby(frame["date"]).sum(),
            "cash": frame["weight"].where(is_cash, 0.0).groupby(frame["date"]).sum(),
            "rebalance": frame.groupby("date")["rebalance"].any(),
        }
    )
    return {
        f"{day:%Y-%m-%d}": {
            NOTE: membership.get(calendar.key(decided[day]), UNKNOWN),
            "history": history_note(history, decided[day], lookback),
            "positions": int(row["positions"]),
            "cash": float(row["cash"]),
            "rebalance": bool(row["rebalance"]),
        }
        for day, row in zip(summary.index, summary.to_dict("records"), strict=True)
    }


class _Common(TypedDict):
    partitions_def: dg.PartitionsDefinition
    backfill_policy: dg.BackfillPolicy
    group_name: str
    kinds: set[str]
    owners: list[str]
    metadata: dict[str, Any]


def _common(family: str, strategy: Strategy) -> _Common:
    return {
        "partitions_def": sessions,
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "group_name": family,
        "kinds": {"parquet", "postgres"} if family == "allocations" else {"parquet"},
        "owners": OWNERS,
        "metadata": {
            **column_schema(family),
            "strategy": dg.MetadataValue.json(strategy.model_dump(mode="json")),
        },
    }
