"""What a currency is worth in AUD."""

from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.batches import batch_of
from parakeet_dagster.assets.ingest import day_of
from parakeet_dagster.assets.metadata import column_schema, describe
from parakeet_dagster.assets.prices import PRICE_POOL
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.partitions import sessions
from parakeet_dagster.price_sources import ecb
from parakeet_dagster.price_sources.base import PriceSource, TickerFailure
from parakeet_dagster.price_sources.fx import PAIR, FxAnswer, exchange_rates
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from strategy.universes.members import BASE_CURRENCY

ASKED_BEFORE = 10
"""Sessions before the first: the rate of the one before it may be carried for five days."""


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    pool=PRICE_POOL,
    metadata=column_schema("fx_rates"),
)
@one_line_failures
def fx_rates(
    context: dg.AssetExecutionContext,
    prices: dg.ResourceParam[PriceSource],
    neon: dg.ResourceParam[Database],
) -> pd.DataFrame:
    """AUD per unit of each currency on the session and on the one before, both of one source.

    The price source's rates where it has them, checked against the ECB's reference rates; the
    ECB's where it has not. A rate is carried at most five days.
    """
    keys = context.partition_keys
    start = day_of(calendar.window(keys[:1], ASKED_BEFORE)[0])
    asked = prices.exchange_rates(PAIR, start, day_of(keys[-1]), batch_of(context))
    if asked is None:
        rates = ecb.fx_rates(keys)
        return describe(context, rates, session_notes(rates))
    answer = exchange_rates(keys, asked)
    came_through = [] if isinstance(asked, TickerFailure) else [PAIR]
    fetch = f"{context.run_id} {PAIR}"
    neon.record_failures(answer.failures, day_of(keys[0]), day_of(keys[-1]), came_through, fetch)
    neon.resolve_failures(fetch)
    return describe(context, answer.rates, answered_notes(answer))


def session_notes(rates: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Per session: where the foreign rate is from, and whether it is of an earlier day."""
    foreign = rates[rates["currency"] != BASE_CURRENCY]
    return {
        calendar.key(row["date"]): {"source": row["source"], "carried": row["carried"]}
        for row in foreign.to_dict("records")
    }


def answered_notes(answer: FxAnswer) -> dict[str, dict[str, Any]]:
    """As ``session_notes``, with how far Yahoo's rate is off the ECB's where both have one."""
    notes = session_notes(answer.rates)
    for row in answer.compared.dropna().to_dict("records"):
        notes[calendar.key(row["date"])]["difference_to_ecb"] = row["difference"]
    return notes
