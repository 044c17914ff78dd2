"""The database from the lake: its bars, actions, allocations and orders."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

SESSIONS_AT_A_TIME = 250
"""What is in memory at a time: of 741 tickers 190,000 bars."""

PRICES, ALLOCATIONS, ORDERS = "raw_prices", "allocations", "orders"


@dataclass(frozen=True)
class Totals:
    """What a rebuild wrote: bars, rows of allocations, and sessions of orders.

    recalled: the bars that got the moment that a dump told. beside: the sessions with bars that the
    lake does not have.
    """

    bars: int
    recalled: int
    allocations: int
    orders: int
    beside: int


@dataclass(frozen=True)
class Batch:
    """Some sessions of an asset of the lake."""

    asset: str
    keys: list[str]

    @property
    def days(self) -> list[date]:
        """The sessions as dates."""
        return [date.fromisoformat(key) for key in self.keys]


def rebuild(database: Database, lake: Lake, tell: Callable[[int, int, str], None]) -> Totals:
    """Make the database say what the lake says; the same call again writes nothing.

    Each batch of sessions is stored for good, so that a rebuild that was stopped is begun again
    without loss. What the lake does not hold stays as it is.

    Args:
        database: empty, restored from a dump, or in use.
        lake: what it is made from.
        tell: told how many batches are done, of how many, and what is being done.
    """
    database.rename_tickers(lake.renames)
    batches = list(_batches(lake))
    written: Counter[str] = Counter()
    for done, batch in enumerate(batches):
        tell(done, len(batches), f"{batch.asset} {batch.keys[0]} to {batch.keys[-1]}")
        written.update(_write(database, batch, lake.read(batch.asset, batch.keys)))
    tell(len(batches), len(batches), "adjusting closes")
    database.refresh_adjusted_closes()
    in_lake = {day for batch in batches if batch.asset == PRICES for day in batch.days}
    beside = set(database.market_data_sessions()) - in_lake
    return Totals(
        bars=written["bars"],
        recalled=written["recalled"],
        allocations=written[ALLOCATIONS],
        orders=written[ORDERS],
        beside=len(beside),
    )


def _batches(lake: Lake) -> Iterator[Batch]:
    strategies = [
        f"{asset}/{name}" for asset in (ALLOCATIONS, ORDERS) for name in lake.strategies(asset)
    ]
    for asset in (PRICES, *strategies):
        keys = lake.sessions(asset)
        for place in range(0, len(keys), SESSIONS_AT_A_TIME):
            yield Batch(asset, keys[place : place + SESSIONS_AT_A_TIME])


def _write(database: Database, batch: Batch, frame: pd.DataFrame) -> dict[str, int]:
    """What was written, by kind."""
    kind, _, strategy = batch.asset.partition("/")
    if kind == ALLOCATIONS:
        return {kind: database.write_allocations(strategy, frame)}
    if kind == ORDERS:
        return {kind: database.write_orders(strategy, frame, batch.days)}
    rebuilt = database.rebuild(frame, batch.days)
    changed = rebuilt.bars.inserted + rebuilt.bars.updated + rebuilt.bars.deleted
    return {"bars": changed, "recalled": rebuilt.recalled}


def refill(database: Database, lake: Lake, keys: Sequence[str]) -> list[str]:
    """Write the partitions of prices that the lake lacks, from the table of bars and the actions.

    Args:
        database: where the bars are.
        lake: what has lost some.
        keys: the sessions that it should have.

    Returns:
        The sessions that were written: those that the lake lacked and that have a bar.
    """
    with_bars = {f"{day:%Y-%m-%d}" for day in database.market_data_sessions()}
    lacking = sorted(with_bars.intersection(keys) - set(lake.sessions(PRICES)))
    for place in range(0, len(lacking), SESSIONS_AT_A_TIME):
        batch = Batch(PRICES, lacking[place : place + SESSIONS_AT_A_TIME])
        lake.write(PRICES, database.raw_prices(batch.days), batch.keys)
    return lacking
