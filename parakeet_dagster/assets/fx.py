"""What a currency is worth in AUD."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions
from parakeet_dagster.price_sources import ecb
from parakeet_dagster.resources.failures import one_line_failures


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("fx_rates"),
)
@one_line_failures
def fx_rates(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """AUD per unit of each currency: the ECB's reference rates, carried at most five days."""
    return describe(context, ecb.fx_rates(context.partition_keys))
