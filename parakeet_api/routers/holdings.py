"""``/v1/holdings``: what a person holds, a snapshot a date; each is entered and replaced whole."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from parakeet_api import entries, paging
from parakeet_api.access import Given, Reading, Writer
from parakeet_api.answers import (
    NOT_FOUND,
    TABLE,
    UNCHANGED,
    Format,
    IfNoneMatch,
    Page,
    document,
    table,
)
from parakeet_api.bodies import Currency, Date, Positive, body_of, documented_body
from parakeet_api.entries import IfMatch
from parakeet_api.fields import TICKER, Cursor, Day, Limit
from parakeet_api.problems import ProblemError, Wrong, invalid, not_stored

if TYPE_CHECKING:
    import pandas as pd

router = APIRouter()


class Parcel(BaseModel):
    """Shares of one ticker that were acquired together; of the ticker CASH, money."""

    model_config = ConfigDict(extra="forbid")

    ticker: str = Field(
        pattern=TICKER, description="As Yahoo writes it, or CASH.", examples=["BHP.AX"]
    )
    quantity: Positive = Field(
        description="Shares as of the date of the snapshot; AUD of CASH.", examples=[100.0]
    )
    currency: Currency = Field(
        description="In which the ticker trades; AUD of CASH.", examples=["AUD"]
    )
    acquired: Date | None = Field(
        default=None, description="When; null of CASH.", examples=["2021-05-03"]
    )
    price: Positive | None = Field(
        default=None, description="Paid per share, in the currency; null of CASH.", examples=[45.15]
    )


class SnapshotContent(BaseModel):
    """All that is held on a date."""

    model_config = ConfigDict(extra="forbid")

    parcels: list[Parcel] = Field(min_length=1, description="Each that is held, and the cash.")


class Snapshot(SnapshotContent):
    """A snapshot that is stored."""

    as_of: date = Field(description="The date.", examples=["2024-03-05"])
    imported_at: datetime = Field(description="When it was entered or replaced.")


class HeldParcel(Parcel):
    """A parcel of a snapshot."""

    as_of: date = Field(description="The date of the snapshot.", examples=["2024-03-05"])
    parcel: int = Field(description="Its place in the snapshot, from 1.", examples=[1])
    imported_at: datetime = Field(description="When the snapshot was entered or replaced.")


CONTENT = tuple(Parcel.model_fields)
COLUMNS = ("as_of", "parcel", *CONTENT, "imported_at")

OnOrBefore = Annotated[
    Day | None, Query(description="The newest snapshot on or before it. Default: the newest.")
]
Of = Annotated[
    Day,
    Path(
        alias="date",
        description="The date of the snapshot, YYYY-MM-DD.",
        openapi_examples={"a snapshot": {"value": "2024-03-05"}},
    ),
]
Body = Annotated[SnapshotContent, Depends(body_of(SnapshotContent))]

_NEWEST = text("""
    SELECT as_of, parcel, ticker, quantity, currency, acquired, price, imported_at
    FROM holdings
    WHERE as_of = coalesce(
        CAST(:of AS date),
        (SELECT max(as_of) FROM holdings WHERE CAST(:day AS date) IS NULL OR as_of <= :day)
    )
      AND parcel > CAST(:after AS bigint)
    ORDER BY parcel
    LIMIT :rows
""")
_ONE = text("""
    SELECT ticker, quantity, currency, acquired, price, imported_at
    FROM holdings
    WHERE as_of = :day
    ORDER BY parcel
""")
# What is read after it, in statements of their own, nobody changes until the end.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet holdings'), 0)")
_PUT = text("SELECT put_holdings(:day, CAST(:parcels AS jsonb), :actor, :key_id)")
_DELETE = text("SELECT delete_holdings(:day, :actor, :key_id)")
_EVER = text("""
    SELECT EXISTS (SELECT FROM entry_audit WHERE kind = 'holdings' AND key = :key)
""")


@router.get("/holdings", response_model=Page[HeldParcel], responses=TABLE)
async def newest(
    request: Request,
    session: Reading,
    as_of_date: OnOrBefore = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The parcels of the newest snapshot on or before a date, in the order of their entry."""
    of, after = paging.decode(cursor, paging.day, paging.number) or (None, 0)
    asked = {"of": of, "day": as_of_date, "after": after, "rows": limit + 1}
    found = await session.execute(_NEWEST, asked)
    key = [COLUMNS.index(name) for name in ("as_of", "parcel")]
    rows, next_cursor = paging.page(found.all(), limit, *key)
    return table(request, COLUMNS, rows, next_cursor)


@router.get("/holdings/{date}", response_model=Snapshot, responses=NOT_FOUND | UNCHANGED)
async def one(
    request: Request,
    session: Reading,
    day: Of,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The snapshot of a date; its ETag is what ``If-Match`` of PUT and DELETE wants."""
    stored = await _stored(session, day)
    if stored is None:
        raise _missing(day)
    return document(request, stored)


@router.put(
    "/holdings/{date}",
    response_model=Snapshot,
    responses=entries.PUT | entries.created(Snapshot) | NOT_FOUND,  # of a date in two lines
    openapi_extra=documented_body(SnapshotContent),
)
async def put(
    caller: Writer,
    given: Given,
    day: Of,
    body: Body,
    if_match: IfMatch = None,
    if_none_match: entries.IfNoneMatch = None,
) -> Response:
    """Enter all that is held on a date, or replace it. The same again changes nothing.

    What is stored with other content is replaced where ``If-Match`` has its ETag. All or nothing:
    every problem is told, with its place.
    """
    errors = await entries.judged(given, lambda known: _problems(day, body, known))
    if errors:
        raise invalid(f"{errors[0].where}: {errors[0].message}", errors)
    what, parcels = f"holdings of {day}", [_as_stored(parcel) for parcel in body.parcels]
    async with given.database.writing("store holdings") as session:
        await session.execute(_LOCK)
        stored = await _stored(session, day)
        tag = entries.tag_of(stored)
        entries.require_absent(what, tag, if_none_match)
        if stored is None or stored["parcels"] != [one.model_dump() for one in parcels]:
            entries.require_known(what, tag, if_match)
        numbered = [
            {"parcel": place, **one.model_dump(mode="json")}
            for place, one in enumerate(parcels, start=1)
        ]
        whose = {"actor": caller.name, "key_id": caller.key_id}
        await session.execute(_PUT, {"day": day, "parcels": json.dumps(numbered), **whose})
        now = await _stored(session, day) or {}
    return entries.answered(now, f"/v1/holdings/{day}" if stored is None else None)


@router.delete("/holdings/{date}", status_code=204, responses=entries.DELETE)
async def delete(caller: Writer, given: Given, day: Of, if_match: IfMatch = None) -> Response:
    """Delete the snapshot of a date; 204 also where it was deleted before."""
    async with given.database.writing("delete holdings") as session:
        await session.execute(_LOCK)
        stored = await _stored(session, day)
        if stored is None:
            if not await session.scalar(_EVER, {"key": str(day)}):
                raise _missing(day)
            return entries.nothing_left()
        entries.require_match(f"holdings of {day}", entries.tag_of(stored), if_match)
        whose = {"actor": caller.name, "key_id": caller.key_id}
        await session.execute(_DELETE, {"day": day, **whose})
    return entries.nothing_left()


async def _stored(session: AsyncSession, day: date) -> dict[str, Any] | None:
    rows = (await session.execute(_ONE, {"day": day})).all()
    if not rows:
        return None
    parcels = [dict(zip(CONTENT, row[:-1], strict=True)) for row in rows]
    return {"as_of": day, "imported_at": max(row[-1] for row in rows), "parcels": parcels}


def _as_stored(parcel: Parcel) -> Parcel:
    """As the import of a CSV has it: the price of money, where it is 1, is none."""
    from strategy.universes.members import CASH

    return parcel.model_copy(update={"price": None}) if parcel.ticker == CASH else parcel


def _problems(day: date, body: SnapshotContent, known: "pd.DataFrame") -> list[Wrong]:
    """What the import of a CSV would say of it."""
    from parakeet_dagster import clock
    from parakeet_dagster.imports.csv_file import as_lines
    from parakeet_dagster.imports.holdings import COLUMNS as CELLS
    from parakeet_dagster.imports.holdings import check_holdings

    today = clock.newest_day()
    if day > today:
        return [Wrong(where="date", message=f"{day} is in the future: today is {today}")]
    records = [
        {name: "" if value is None else str(value) for name, value in parcel}
        for parcel in body.parcels
    ]
    problems = check_holdings(as_lines(records, CELLS), known, day, today).problems
    return [Wrong(where=f"parcels.{place}", message=message) for place, message in problems.items()]


def _missing(day: date) -> ProblemError:
    return not_stored(f"holdings of {day}: are not stored; GET /v1/holdings tells the newest")
