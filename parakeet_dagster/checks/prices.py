"""Checks on stored prices, and on the table that mirrors them."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.prices import market_data, raw_prices
from parakeet_dagster.assets.returns import daily_returns
from parakeet_dagster.checks.scope import judged_sessions
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.price_rules import broken_rule

RULES = {
    "no_duplicates": "duplicate",
    "positive_prices": "price",
    "ohlc_order": "order",
}


@dg.multi_asset_check(
    name="raw_prices_rules",
    specs=[
        dg.AssetCheckSpec(
            name,
            asset=raw_prices,
            blocking=True,
            description=f"No stored row breaks the rule `{rule}` of strategy/price_rules.py: what"
            " broke it went to quarantine before, so this judges the lake itself.",
        )
        for name, rule in RULES.items()
    ],
)
@one_line_failures
def raw_prices_rules(
    context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
) -> Iterator[dg.AssetCheckResult]:
    """Judge what is stored, not what was about to be."""
    stored = lake.recall("raw_prices", judged_sessions(context, lake, "raw_prices"))
    broken = broken_rule(stored)
    for name, rule in RULES.items():
        wrong = stored[broken == rule]
        yield dg.AssetCheckResult(
            check_name=name,
            passed=wrong.empty,
            metadata={"rows": len(stored), "broken": len(wrong), "first": table(wrong.head())},
        )


@dg.asset_check(
    asset=market_data,
    description="For each session the table holds the lake's rows: the same number, the same"
    " checksum over ticker, prices and volume.",
)
@one_line_failures
def equals_lake(
    context: dg.AssetCheckExecutionContext,
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
) -> dg.AssetCheckResult:
    """Compare database and lake session by session, as they are and not as the run has them."""
    keys = judged_sessions(context, lake, "raw_prices")
    if not keys:
        return dg.AssetCheckResult(passed=True, metadata={"rows_in_lake": 0})
    days = [pd.Timestamp(key).date() for key in keys]
    in_lake = lake_checksum(lake.read("raw_prices", keys)).set_index("date")
    in_database = neon.market_data_checksums(days[0], days[-1]).set_index("date")
    both = in_lake.join(in_database, how="outer", lsuffix="_lake", rsuffix="_database")
    torn = both[both["checksum_lake"] != both["checksum_database"]].reset_index()
    return dg.AssetCheckResult(
        passed=torn.empty,
        metadata={
            "rows_in_lake": int(both["rows_lake"].sum()),
            "rows_in_database": int(both["rows_database"].sum()),
            "sessions_that_differ": table(torn.head(20)),
        },
    )


@dg.asset_check(
    asset=daily_returns,
    description="The last session that both markets have completed is in the lake. It knows the"
    " holidays of both, and where the price source ends.",
)
@one_line_failures
def last_completed_session(
    lake: dg.ResourceParam[Lake], prices: dg.ResourceParam[PriceSource]
) -> dg.AssetCheckResult:
    """Warn while the graph lags behind the markets."""
    due = due_session(prices, clock.now())
    stored = lake.sessions("daily_returns")
    return dg.AssetCheckResult(
        passed=due in stored,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"last_completed": due, "last_stored": stored[-1] if stored else "none"},
    )


def due_session(prices: PriceSource, now: datetime) -> str:
    """The last session that can be had at ``now``."""
    completed = calendar.last_completed(now)
    if prices.last_session is None:
        return completed
    return min(completed, calendar.key(prices.last_session))


PRICE_CHECKS = [raw_prices_rules, equals_lake, last_completed_session]
