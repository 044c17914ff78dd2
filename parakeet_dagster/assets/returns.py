"""The total return of every ticker: what every strategy is computed from."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.acceptances import with_accepted
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.assets.gaps import returning, rows_since_last_bar
from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.returns import total_returns


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("daily_returns"),
    deps=["ticker_universe"],
)
@one_line_failures
def daily_returns(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
    raw_prices: pd.DataFrame,
    fx_rates: pd.DataFrame,
) -> pd.DataFrame:
    """Total return of every covered ticker on every session, in its own currency and in AUD.

    A return never changes once its dividend and split are known, so it can live in a daily
    partition; an adjusted price cannot. A ticker's rows end 300 sessions after it was last a
    member. The partition of the session before the range is read from the lake and not declared as
    a dependency: Dagster would run a self-dependent asset alone.
    """
    first = context.partition_keys[0]
    carried = lake.read_session_before("daily_returns", first)
    since = rows_since_last_bar(lake, returning(carried, raw_prices), first)
    actions = since[since["close"].isna()]
    frame = total_returns(
        pd.concat([actions, raw_prices], ignore_index=True),
        fx_rates,
        carried,
        covered_on(lake, context.partition_keys),
        pd.DatetimeIndex(context.partition_keys).as_unit("us"),
    )
    return describe(context, frame, with_accepted({}, neon, context.partition_keys, 1))
