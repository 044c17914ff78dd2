"""Who is a member."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.batches import takes_lists_again
from parakeet_dagster.assets.membership import NOTE, UNKNOWN, membership_notes
from parakeet_dagster.assets.metadata import column_schema, describe, table
from parakeet_dagster.partitions import sessions
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.universe_sources.active import ActiveUniverse
from strategy.universes.membership import keep_stored

OWNERS = ["team:research"]
LISTS = "lists_believed"


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="universe",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("ticker_universe"),
    check_specs=[
        dg.AssetCheckSpec(
            LISTS,
            asset="ticker_universe",
            description="Every live list of members was believed. Warns where one could not be had"
            " or did not look right, and says which list is used instead.",
        )
    ],
)
@one_line_failures
def ticker_universe(
    context: dg.AssetExecutionContext,
    universe: dg.ResourceParam[ActiveUniverse],
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
    """The tickers that are members of a universe on each session, with market and currency.

    Where a history of membership is known, members are those of the day. Where there is only a
    list, a session keeps the members with which it was first stored, so that nobody is put into
    the past later; a back-fill of the past takes today's list, and says that it is
    survivorship-biased. `parakeet backfill --lists` takes the list again.
    """
    keys = context.partition_keys
    days = pd.DatetimeIndex(keys).as_unit("us")
    found = universe.membership(days, last_good(lake, keys))
    in_lake = set(lake.sessions("ticker_universe"))
    again = takes_lists_again(context)
    stored = lake.read("ticker_universe", [] if again else [key for key in keys if key in in_lake])
    members, taken = keep_stored(found.members, stored, found.lists)
    counts = members.groupby(["date", "universe"]).size().rename("members").reset_index()
    neon.record_universe_lists(
        taken.merge(counts).rename(columns={"date": "session"}),
        [day.date() for day in days],
        universe.keys,
    )
    yield dg.AssetCheckResult(
        check_name=LISTS,
        passed=found.warnings.empty,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"warnings": table(found.warnings)},
    )
    yield dg.Output(describe(context, members, session_notes(neon, keys)))


def last_good(lake: Lake, keys: list[str]) -> pd.DataFrame:
    """The stored members of the last session before ``keys``; of the first after, where none is."""
    stored = lake.sessions("ticker_universe")
    before = [key for key in stored if key < keys[0]][-1:]
    after = [key for key in stored if key > keys[-1]][:1]
    return lake.read("ticker_universe", before or after)


def session_notes(neon: Database, keys: list[str]) -> dict[str, dict[str, Any]]:
    """How the members of each session are known."""
    told = membership_notes(neon, keys)
    return {key: {NOTE: told.get(key, UNKNOWN)} for key in keys}
