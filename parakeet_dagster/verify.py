"""Comparing all that is stored with what the vendor says now."""

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.ingest import day_of, markets_open_on
from parakeet_dagster.connect import open_database, open_lake, open_price_source
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.bars import Known, sort_bars
from strategy.verification import verify

COLUMNS = ["ticker", "date", "reason"]


def verify_history(settings: Settings, first: str, last: str) -> pd.DataFrame:
    """Compare the stored sessions from ``first`` to ``last``, and record what differs.

    Every ticker is asked for once. Nothing that is stored is changed: the healing sensor, or a
    back-fill, computes the sessions with a correction again.

    Returns:
        The corrections that are known for these sessions now and not applied yet: ticker, date,
        reason.
    """
    database, lake = open_database(settings), open_lake(settings.lake_url)
    try:
        found = differences(lake, open_price_source(settings), database, first, last)
        database.record_corrections(found)
        waiting = database.open_corrections()
    finally:
        database.close()
    return waiting.loc[waiting["date"].between(first, last), COLUMNS].reset_index(drop=True)


def differences(
    lake: Lake, prices: PriceSource, database: Database, first: str, last: str
) -> pd.DataFrame:
    """What the vendor says now of what is stored, and differs; see ``strategy.verification``."""
    in_lake = set(lake.sessions("raw_prices")) & set(lake.sessions("ticker_universe"))
    keys = [key for key in calendar.between(first, last) if key in in_lake]
    stored, members = lake.read("raw_prices", keys), lake.read("ticker_universe", keys)
    if not keys:
        return verify(stored, stored)
    answer = prices.fetch(members.drop_duplicates("ticker"), day_of(keys[0]), day_of(keys[-1]))
    judged = sort_bars(
        answer.bars,
        answer.listing,
        members,
        markets_open_on(keys),
        prices.name,
        pd.DatetimeIndex(keys).as_unit("us"),
        Known(decisions=database.quarantine_decisions()),
    )
    return verify(stored, judged.good)
