"""Who is a member."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.partitions import sessions
from parakeet_dagster.resources.failures import one_line_failures

OWNERS = ["team:research"]


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="universe",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("ticker_universe"),
)
@one_line_failures
def ticker_universe(
    context: dg.AssetExecutionContext, universe: dg.ResourceParam[pd.DataFrame]
) -> pd.DataFrame:
    """The tickers that are members of a universe on each session, with market and currency.

    Members are today's lists, also for the past: a back-test over them is survivorship-biased.
    """
    days = pd.DataFrame({"date": pd.DatetimeIndex(context.partition_keys).as_unit("us")})
    biased = {
        key: {"membership": "today's list: survivorship-biased"} for key in context.partition_keys
    }
    return describe(context, days.merge(universe, how="cross"), biased)
