"""200 readers at once: 100 threads on psycopg2 or on the lake, 100 tasks on asyncpg.

Each asks what ``docs/database.md`` lists, or reads a session of the lake, one after the other
until the end, and makes sure that what it sees is whole: a session has all its bars or none.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import quantiles

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.world import use
from parakeet_dagster.places import open_lake
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl

THREADS, TASKS, OF_THE_LAKE = 100, 100, 25
PAUSE = 0.05
"""Seconds between two questions of a reader."""

QUERIES = {
    "one ticker's history": text(
        "SELECT date, close FROM market_data WHERE ticker = :ticker AND date > '2005-01-01'"
    ),
    "the last 252 bars": text(
        "SELECT date, close FROM market_data WHERE ticker = :ticker ORDER BY date DESC LIMIT 252"
    ),
    "the latest close": text("SELECT get_latest_close(:ticker)"),
    "the same adjusted": text("SELECT * FROM market_data_adjusted WHERE ticker = :ticker"),
}
SESSION = text("SELECT count(*) FROM market_data WHERE date = CAST(CAST(:day AS text) AS date)")


@dataclass
class Seen:
    """What the readers met."""

    seconds: list[float] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def in_words(self, what: str) -> str:
        """The counts, and how long half and nineteen of twenty took at most."""
        cuts = quantiles(self.seconds, n=20)
        return (
            f"{what}: {len(self.seconds):,} reads, p50 {cuts[9] * 1000:.0f} ms, p95"
            f" {cuts[18] * 1000:.0f} ms, {len(self.torn)} torn, {len(self.errors)} errors"
        )


class _Market:
    """What may be seen."""

    def __init__(self) -> None:
        source = use()
        everything = source.fetch(source.members, source.days[0].date(), source.days[-1].date())
        bars = everything.bars
        self.tickers = source.members["ticker"].tolist()
        self.days = [f"{day:%Y-%m-%d}" for day in source.days]
        self.bars = bars.groupby(bars["date"].dt.strftime("%Y-%m-%d")).size().to_dict()


def read_at_once(url: str, lake: str, is_over: Callable[[], bool]) -> str:
    """Read until ``is_over``; returns what the readers met, in words.

    Raises:
        AssertionError: one saw a part of a session, or failed.
    """
    market = _Market()
    stop = threading.Event()
    database = Database(DatabaseUrl.parse(url))
    database.apply_schema()
    of_database, of_lake, of_tasks = Seen(), Seen(), Seen()
    with ThreadPoolExecutor(THREADS + 1) as pool:
        futures = [
            pool.submit(_read_lake, lake, market, of_lake, stop, place)
            if place < OF_THE_LAKE
            else pool.submit(_read_database, database, market, of_database, stop, place)
            for place in range(THREADS)
        ]
        futures.append(pool.submit(asyncio.run, _read_by_tasks(database, market, of_tasks, stop)))
        while not is_over():
            time.sleep(0.1)
        stop.set()
        for future in futures:
            future.result()
    database.close()
    all_of_it = {"psycopg2": of_database, "asyncpg": of_tasks, "lake": of_lake}
    wrong = [line for seen in all_of_it.values() for line in (*seen.torn, *seen.errors)]
    if wrong:
        raise AssertionError(f"{len(wrong)}: {wrong[:3]}")
    return "; ".join(seen.in_words(what) for what, seen in all_of_it.items())


def _question(market: _Market, chance: random.Random) -> tuple[TextClause, dict[str, str]]:
    if chance.random() < 0.5:
        return SESSION, {"day": chance.choice(market.days)}
    query = chance.choice(list(QUERIES.values()))
    return query, {"ticker": chance.choice(market.tickers)}


def _judge(market: _Market, seen: Seen, given: dict[str, str], count: int | None) -> None:
    day = given.get("day")
    if day and count not in (0, market.bars.get(day, 0)):
        seen.torn.append(f"{day}: {count} of {market.bars.get(day, 0)} bars")


def _read_database(
    database: Database, market: _Market, seen: Seen, stop: threading.Event, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - whom to ask for, no secret
    while not stop.is_set():
        query, given = _question(market, chance)
        begun = time.perf_counter()
        try:
            with database.transaction("read") as connection:
                rows = connection.execute(query, given).all()
        except Exception as error:  # noqa: BLE001 - counted, and told
            seen.errors.append(str(error))
            continue
        seen.seconds.append(time.perf_counter() - begun)
        _judge(market, seen, given, rows[0][0] if rows else None)
        time.sleep(PAUSE)


async def _read_by_tasks(
    database: Database, market: _Market, seen: Seen, stop: threading.Event
) -> None:
    engine = database.async_engine()
    try:
        await asyncio.gather(
            *(_read_by_task(engine, market, seen, stop, THREADS + place) for place in range(TASKS))
        )
    finally:
        await engine.dispose()


async def _read_by_task(
    engine: AsyncEngine, market: _Market, seen: Seen, stop: threading.Event, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - as above
    while not stop.is_set():
        query, given = _question(market, chance)
        begun = time.perf_counter()
        try:
            async with engine.connect() as connection:
                rows = (await connection.execute(query, given)).all()
        except Exception as error:  # noqa: BLE001 - counted, and told
            seen.errors.append(str(error))
            continue
        seen.seconds.append(time.perf_counter() - begun)
        _judge(market, seen, given, rows[0][0] if rows else None)
        await asyncio.sleep(PAUSE)


def _read_lake(url: str, market: _Market, seen: Seen, stop: threading.Event, seed: int) -> None:
    """Files are replaced whole: what is there can be read."""
    chance = random.Random(seed)  # noqa: S311 - as above
    lake = open_lake(url)
    while not stop.is_set():
        begun = time.perf_counter()
        try:
            stored = lake.sessions("raw_prices")
            if stored:
                day = chance.choice(stored)
                bars = lake.read("raw_prices", [day])["close"].notna().sum()
                _judge(market, seen, {"day": day}, int(bars))
        except Exception as error:  # noqa: BLE001 - counted, and told
            seen.errors.append(str(error))
            continue
        seen.seconds.append(time.perf_counter() - begun)
        time.sleep(PAUSE)
