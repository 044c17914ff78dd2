"""The check on orders, for every enabled strategy."""

import dagster as dg

from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.orders import ORDERS, holdings_path
from parakeet_dagster.checks.scope import judged_sessions
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.lake import Lake
from strategy.invariants import broken_books


def orders_check(name: str) -> dg.AssetChecksDefinition:
    """The check of ``orders/<name>``."""

    @dg.asset_check(
        asset=[ORDERS, name],
        name="book",
        blocking=True,
        description="The simulated account owes nothing, holds nothing below zero, and has a"
        " price for everything that it holds.",
    )
    @one_line_failures
    def book(
        context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.AssetCheckResult:
        judged = judged_sessions(context, lake, f"{ORDERS}/{name}")
        stored = lake.recall(holdings_path(name), judged)
        broken = broken_books(stored)
        return dg.AssetCheckResult(
            passed=broken.empty,
            metadata={"rows": len(stored), "broken": len(broken), "first": table(broken.head())},
        )

    return book
