"""Checks on exchange rates."""

import dagster as dg

from parakeet_dagster.assets.fx import fx_rates
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.checks.scope import judged_sessions
from parakeet_dagster.price_sources.fx import beside_ecb, too_far_apart
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.lake import Lake


@dg.asset_check(
    asset=fx_rates,
    description="Yahoo's stored rates are within 2 % of the ECB's of the same sessions. Warns:"
    " the two are fixed hours apart, and a rate is refused only where it is 20 % off.",
)
@one_line_failures
def fx_rates_agree(
    context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.AssetCheckResult:
    """Compare what is stored with what the ECB says now."""
    stored = lake.recall("fx_rates", judged_sessions(context, lake, "fx_rates"))
    compared = beside_ecb(stored)
    differ = too_far_apart(compared)
    return dg.AssetCheckResult(
        passed=differ.empty,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared": int(compared["ecb"].notna().sum()),
            "without_ecb_rate": int(compared["ecb"].isna().sum()),
            "differ": len(differ),
            "first": table(differ.head(50)),
        },
    )


FX_CHECKS = [fx_rates_agree]
