"""Checks on signals and allocations, for every enabled strategy."""

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.checks.scope import judged_sessions
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.lake import Lake
from strategy.invariants import broken_signals, held_without_signal, out_of_bounds, wrong_sums
from strategy.strategy import Strategy


def strategy_checks(name: str, strategy: Strategy) -> list[dg.AssetChecksDefinition]:
    """The checks of ``signals/<name>`` and ``allocations/<name>``."""
    return [_signals_in_range(name), _weights(name, strategy)]


def _signals_in_range(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["signals", name],
        name="signals_in_range",
        blocking=True,
        description="Every signal is -1, 0 or 1 and every strength lies in [0, 1].",
    )
    @one_line_failures
    def signals_in_range(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        asset = f"signals/{name}"
        stored = lake.recall(asset, judged_sessions(context, lake, asset))
        broken = broken_signals(stored)
        return dg.AssetCheckResult(
            passed=broken.empty,
            metadata={"rows": len(stored), "broken": len(broken), "first": table(broken.head())},
        )

    return signals_in_range


def _weights(name: str, strategy: Strategy) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["allocations", name],
        name="weights",
        blocking=True,
        description="Each session's weights sum to 1 with CASH, every one within its bounds, and"
        " nothing is held that had no signal when the target was decided.",
    )
    @one_line_failures
    def weights(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        asset = f"allocations/{name}"
        judged = judged_sessions(context, lake, asset)
        stored = lake.recall(asset, judged)
        sums, outside = wrong_sums(stored), out_of_bounds(stored, strategy)
        unwanted = held_without_signal(stored, _signals_of_decisions(lake, name, stored))
        lacking = len(judged) - stored["date"].nunique()
        return dg.AssetCheckResult(
            passed=sums.empty and outside.empty and unwanted.empty and lacking == 0,
            metadata={
                "sessions": len(judged),
                "sessions_without_weights": lacking,
                "wrong_sums": table(sums.reset_index().head()),
                "out_of_bounds": table(outside.head()),
                "without_signal": table(unwanted.head()),
            },
        )

    return weights


def _signals_of_decisions(lake: Lake, name: str, allocations: pd.DataFrame) -> pd.DataFrame:
    decided = allocations.loc[allocations["rebalance"], "date"].unique()
    return lake.recall(f"signals/{name}", [calendar.key(day) for day in decided])
