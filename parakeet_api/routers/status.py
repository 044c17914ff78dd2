"""``/v1/status``: how far what is stored reaches, and what is not settled."""

import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from weakref import WeakKeyDictionary

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from parakeet_api.access import Given
from parakeet_api.answers import UNCHANGED, IfNoneMatch, document
from parakeet_api.services import Services

if TYPE_CHECKING:
    from parakeet_dagster.storage.lake import Lake

router = APIRouter()

SHOWN = 1000
"""So many failures and corrections are told; all are counted."""

LISTED_FOR_SECONDS = 30.0
"""So long a listing of the lake is told again: S3 wants a second, and money, for each."""

_LISTINGS_AT_ONCE = 6
"""Each has a connection to S3 for every decade."""

OF_ALL = ("ticker_universe", "raw_prices", "fx_rates", "daily_returns")
OF_EACH_STRATEGY = ("signals", "allocations", "orders")
"""The assets in the lake, see ``storage.schemas``; ``holdings`` are a part of the orders."""

_DAY = ["2024-01-03"]
FirstDay = Annotated[date | None, Field(description="The first session.", examples=_DAY)]
LastDay = Annotated[date | None, Field(description="The last session.", examples=_DAY)]


class Asset(BaseModel):
    """How far an asset reaches."""

    asset: str = Field(description="Its path.", examples=["signals/dual_momentum"])
    first: FirstDay
    last: LastDay
    sessions: int = Field(description="That are stored.", examples=[2520])


class Newest(BaseModel):
    """The newest sessions of a strategy in the database; null where there is none."""

    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    allocations: LastDay
    orders: LastDay


class Failure(BaseModel):
    """A ticker that could not be had."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    error_class: str = Field(description="What kind of failure.", examples=["NO_DATA"])
    first: Annotated[date, Field(description="The first session it lacks.", examples=_DAY)]
    last: Annotated[date, Field(description="The last session it lacks.", examples=_DAY)]
    sessions: int = Field(description="That it lacks.", examples=[3])
    attempts: int = Field(description="On the session that was asked for most often.", examples=[2])
    message: str = Field(description="The newest.", examples=["no rows"])


class Correction(BaseModel):
    """A correction of a stored bar that is not applied yet."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    date: Annotated[date, Field(description="The session.", examples=_DAY)]
    reason: str = Field(description="What differs.", examples=["close"])


class Accepted(BaseModel):
    """A session of a market whose missing data somebody accepted."""

    session: Annotated[date, Field(description="The session.", examples=_DAY)]
    market: str = Field(description="XNYS or XASX.", examples=["XASX"])
    reason: str = Field(description="Why.", examples=["the vendor lost it"])


class Status(BaseModel):
    """See the fields."""

    assets: list[Asset] = Field(
        description=f"By path. Those of the lake as listed {LISTED_FOR_SECONDS:.0f} s ago at most."
    )
    due: Annotated[
        date,
        Field(description="The newest session that both markets have finished.", examples=_DAY),
    ]
    behind: int | None = Field(
        description="Sessions after the newest with prices up to the one that is due; null where"
        " none has prices.",
        examples=[0],
    )
    strategies: list[Newest] = Field(description="Those in the database, by name.")
    failed: int = Field(description="Tickers and kinds of failure that are open.", examples=[1])
    failures: list[Failure] = Field(description=f"By ticker; the first {SHOWN}.")
    delisted: list[str] = Field(
        description="Tickers whose delisting is believed: it was seen on several days."
    )
    quarantined: int = Field(description="Rows in quarantine that wait for somebody.", examples=[0])
    open_corrections: int = Field(description="That no merge has applied yet.", examples=[1])
    corrections: list[Correction] = Field(description=f"By session; the first {SHOWN}.")
    stale_adjusted_closes: int = Field(
        description="Tickers whose adjusted_close waits for the end of a back-fill.", examples=[0]
    )
    accepted: list[Accepted] = Field(description="By session.")


MARKET_DATA = text("""
    SELECT 'market_data' AS asset, min(date) AS first, max(date) AS last, count(*) AS sessions
    FROM market_data_sessions
""")
STRATEGIES = text("""
    WITH RECURSIVE skip AS (
        (SELECT strategy FROM order_versions ORDER BY strategy LIMIT 1)
        UNION ALL
        SELECT (SELECT v.strategy FROM order_versions AS v
                WHERE v.strategy > s.strategy ORDER BY v.strategy LIMIT 1)
        FROM skip AS s
        WHERE s.strategy IS NOT NULL
    )
    SELECT
        strategy,
        (SELECT max(a.session) FROM allocations AS a WHERE a.strategy = s.strategy) AS allocations,
        (SELECT max(v.session) FROM order_versions AS v WHERE v.strategy = s.strategy) AS orders
    FROM (
        SELECT strategy FROM allocation_strategies
        UNION
        SELECT strategy FROM skip WHERE strategy IS NOT NULL
    ) AS s
    ORDER BY strategy
""")
FAILURES = text("""
    SELECT
        ticker,
        error_class,
        min(session) AS first,
        max(session) AS last,
        count(*) AS sessions,
        max(attempts) AS attempts,
        (array_agg(message ORDER BY last_seen DESC, session DESC))[1] AS message,
        count(*) OVER () AS failed
    FROM ingest_failures
    WHERE resolved_at IS NULL
    GROUP BY ticker, error_class
    ORDER BY ticker, error_class
    LIMIT :shown
""")
DELISTED = text("SELECT ticker FROM believed_delisted ORDER BY ticker")
QUARANTINED = text("SELECT count(*) FROM market_data_quarantine WHERE resolved_at IS NULL")
CORRECTIONS = text("""
    SELECT ticker, date, reason, count(*) OVER () AS open
    FROM price_corrections
    WHERE applied_at IS NULL
    ORDER BY date, ticker, id
    LIMIT :shown
""")
STALE = text("SELECT count(*) FROM stale_adjusted_closes")
ACCEPTED = text("""
    SELECT session, market, reason
    FROM session_acceptances
    WHERE withdrawn_at IS NULL
    ORDER BY session, market
""")


@dataclass
class _Listing:
    """What was listed last, and when: of those who ask meanwhile one lists, and all wait."""

    assets: list[dict[str, Any]] = field(default_factory=list)
    at: float = float("-inf")
    lock: anyio.Lock = field(default_factory=anyio.Lock)


_listings: WeakKeyDictionary[Services, _Listing] = WeakKeyDictionary()


@router.get("/status", response_model=Status, responses=UNCHANGED)
async def status(
    request: Request,
    given: Given,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """How far every asset reaches, and what a person may want to look at."""
    assets = await _in_lake(given)
    async with given.database.reading("tell the status") as reading:
        told = await _in_database(reading)
    market_data = told.pop("market_data")
    everything = sorted([*assets, *market_data], key=lambda row: str(row["asset"]))
    age = await given.in_thread(_age, market_data[0]["last"])
    return document(request, {"assets": everything, **age, **told})


async def _in_database(reading: AsyncSession) -> dict[str, Any]:
    async def rows(query: TextClause, **asked: int) -> list[dict[str, Any]]:
        return [dict(row) for row in (await reading.execute(query, asked)).mappings()]

    failures = await rows(FAILURES, shown=SHOWN)
    corrections = await rows(CORRECTIONS, shown=SHOWN)
    return {
        "market_data": await rows(MARKET_DATA),
        "strategies": await rows(STRATEGIES),
        "failed": _counted(failures, "failed"),
        "failures": failures,
        "delisted": list(await reading.scalars(DELISTED)),
        "quarantined": await reading.scalar(QUARANTINED),
        "open_corrections": _counted(corrections, "open"),
        "corrections": corrections,
        "stale_adjusted_closes": await reading.scalar(STALE),
        "accepted": await rows(ACCEPTED),
    }


def _counted(rows: list[dict[str, Any]], column: str) -> int:
    """Takes the column with the number of all rows off those that are told."""
    return max([row.pop(column) for row in rows], default=0)


async def _in_lake(given: Services) -> list[dict[str, Any]]:
    """How far the assets in the lake reach.

    Raises:
        ProblemError: 503: it cannot be read.
    """
    listing = _listings.setdefault(given, _Listing())
    async with listing.lock:
        if time.monotonic() - listing.at >= LISTED_FOR_SECONDS:
            listing.assets = await given.of_lake(_list)
            listing.at = time.monotonic()
        return listing.assets


def _list(lake: "Lake") -> list[dict[str, Any]]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_LISTINGS_AT_ONCE) as pool:
        names = pool.map(lake.strategies, OF_EACH_STRATEGY)
        of_strategies = [
            f"{asset}/{name}"
            for asset, strategies in zip(OF_EACH_STRATEGY, names, strict=True)
            for name in strategies
        ]
        assets = [*OF_ALL, *of_strategies]
        return list(map(_row, assets, pool.map(lake.sessions, assets)))


def _age(newest: date | None) -> dict[str, Any]:
    """Which session is due, and how many the newest one is behind."""
    from parakeet_dagster import clock
    from parakeet_dagster import sessions as calendar

    due = calendar.last_completed(clock.now())
    missing = calendar.between(newest.isoformat(), due)[1:] if newest else None
    return {"due": due, "behind": None if missing is None else len(missing)}


def _row(asset: str, sessions: list[str]) -> dict[str, Any]:
    first, last = (sessions[0], sessions[-1]) if sessions else (None, None)
    return {"asset": asset, "first": first, "last": last, "sessions": len(sessions)}
