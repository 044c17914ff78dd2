"""Checks on what was corrected, and on what could not be mended without a person."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.ingest import day_of
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.prices import raw_prices
from parakeet_dagster.checks.scope import judged_sessions
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

HEALED = "healed"


@dg.asset_check(
    asset=raw_prices,
    description="The vendor says now what is stored. Warns while a correction is known and not yet"
    " applied; shows which were, and why.",
)
@one_line_failures
def corrections(
    context: dg.AssetCheckExecutionContext,
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
) -> dg.AssetCheckResult:
    """Which stored sessions the vendor has changed its mind about."""
    keys = judged_sessions(context, lake, "raw_prices")
    of_run = neon.corrections(day_of(keys[0]), day_of(keys[-1])) if keys else pd.DataFrame()
    waiting = neon.open_corrections()
    return dg.AssetCheckResult(
        passed=waiting.empty,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "applied_in_these_sessions": len(of_run),
            "applied": table(of_run.head(50)),
            "waiting": table(waiting.head(50)),
        },
    )


@dg.asset_check(
    asset=raw_prices,
    name=HEALED,
    description="Nothing needs a person. Fails when the healing sensor has asked for a session as"
    " often as it may; passes with the next run that comes through.",
)
@one_line_failures
def healed(neon: dg.ResourceParam[Database]) -> dg.AssetCheckResult:
    """A run that came this far has mended what was asked for."""
    requests = neon.healing_requests()
    return dg.AssetCheckResult(
        passed=True,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "requests": len(requests),
            "last_requests": table(requests.tail(10)),
            "accepted_by_hand": table(neon.acceptances()),
        },
    )


HEALING_CHECKS = [corrections, healed]
