"""Comparing all that is stored with what the vendor says now."""

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.assets.ingest import VERIFIED, day_of, without_history
from parakeet_dagster.connect import open_database, open_price_source
from parakeet_dagster.places import open_lake
from parakeet_dagster.price_sources.base import OnAnswer, PriceSource
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.bars import Known, find_corrections

COLUMNS = ["ticker", "date", "reason"]


def verify_history(
    settings: Settings, first: str, last: str, on_answer: OnAnswer | None = None
) -> pd.DataFrame:
    """Compare the stored sessions from ``first`` to ``last``, and record what differs.

    Every ticker is asked for once, and ``on_answer`` told of it. Nothing that is stored is changed:
    the healing sensor, or a back-fill, computes the sessions with a correction again.

    Returns:
        The corrections that are known for these sessions now and not applied yet: ticker, date,
        reason.
    """
    database, lake = open_database(settings), open_lake(settings.lake_url)
    prices = open_price_source(settings)
    prices.on_answer = on_answer
    try:
        found = differences(lake, prices, database, first, last)
        database.record_corrections(found)
        waiting = database.open_corrections()
    finally:
        prices.on_answer = None
        database.close()
    return waiting.loc[waiting["date"].between(first, last), COLUMNS].reset_index(drop=True)


def differences(
    lake: Lake, prices: PriceSource, database: Database, first: str, last: str
) -> pd.DataFrame:
    """What the vendor says now of what is stored, and differs; see ``strategy.verification``."""
    in_lake = set(lake.sessions("raw_prices")) & set(lake.sessions("ticker_universe"))
    keys = [key for key in calendar.between(first, last) if key in in_lake]
    stored = lake.read("raw_prices", keys)
    members = without_history(covered_on(lake, keys), database.open_failures())
    known = Known(stored=stored, decisions=database.quarantine_decisions())
    if not keys:
        return find_corrections(stored, members, known)
    start = calendar.window(keys[:1], VERIFIED)[0]
    asked = members.drop_duplicates("ticker")
    answer = prices.fetch(asked, day_of(start), day_of(keys[-1]))
    return find_corrections(answer.bars, members, known)
