"""The total return of every ticker: what every strategy is computed from."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions, trailing
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.lake import Lake
from strategy.returns import total_returns


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    ins={"fx_rates": trailing(1)},
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("daily_returns"),
)
@one_line_failures
def daily_returns(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    raw_prices: pd.DataFrame,
    fx_rates: pd.DataFrame,
) -> pd.DataFrame:
    """Total return of every covered ticker on every session, in its own currency and in AUD.

    A return never changes once its dividend and split are known, so it can live in a daily
    partition; an adjusted price cannot. The partition of the session before the range is read
    from the lake and not declared as a dependency: Dagster would run a self-dependent asset alone.
    """
    first = context.partition_keys[0]
    carried = lake.read_session_before("daily_returns", first)
    actions = actions_since_last_bar(lake, carried, raw_prices, first)
    frame = total_returns(
        pd.concat([actions, raw_prices], ignore_index=True),
        fx_rates,
        carried,
        pd.DatetimeIndex(context.partition_keys).as_unit("us"),
    )
    return describe(context, frame)


def actions_since_last_bar(
    lake: Lake, carried: pd.DataFrame, raw_prices: pd.DataFrame, first: str
) -> pd.DataFrame:
    """Dividends and splits that a returning ticker had while it did not trade, before ``first``.

    Only tickers that did not trade on the session before and trade again in ``raw_prices`` need
    them: the lake is read backwards until the last bar of each of them is found.
    """
    silent = set(carried.loc[~carried["traded"].astype(bool), "ticker"])
    resumed = silent & set(raw_prices.loc[raw_prices["close"].notna(), "ticker"])

    def found_all(read: pd.DataFrame) -> bool:
        return resumed <= set(read.loc[read["close"].notna(), "ticker"])

    earlier = lake.read_back("raw_prices", first, found_all)
    earlier = earlier[earlier["ticker"].isin(list(resumed))]
    bar_dates = earlier["date"].where(earlier["close"].notna())
    return earlier[earlier["date"] > bar_dates.groupby(earlier["ticker"]).transform("max")]
