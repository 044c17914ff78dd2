"""``/v1/trades``: what a person bought and sold; entered, corrected and deleted one at a time."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
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
from parakeet_api.bodies import Currency, Date, NotNegative, Positive, body_of, documented_body
from parakeet_api.entries import IfMatch
from parakeet_api.fields import TICKER, Cursor, From, Limit, Tickers, To, require_range
from parakeet_api.problems import Wrong, invalid, not_stored

if TYPE_CHECKING:
    import pandas as pd

router = APIRouter()

MOST_SIGNS = 100
"""Of an id that the API creates."""


class TradeContent(BaseModel):
    """What a trade says."""

    model_config = ConfigDict(extra="forbid")

    date: Annotated[Date, Field(description="When it was traded.", examples=["2024-03-04"])]
    ticker: str = Field(pattern=TICKER, description="As Yahoo writes it.", examples=["BHP.AX"])
    side: Literal["buy", "sell"] = Field(description="What was done.")
    quantity: Positive = Field(description="Shares.", examples=[100.0])
    price: Positive = Field(description="Paid per share, in the currency.", examples=[45.15])
    currency: Currency = Field(description="In which the ticker trades.", examples=["AUD"])
    fee: NotNegative = Field(default=0.0, description="Of the broker, in AUD.", examples=[3.0])
    aud_per_unit: Positive | None = Field(
        default=None,
        description="AUD paid for one unit of the currency; null: the rate of the day.",
        examples=[None],
    )


class Trade(TradeContent):
    """A trade that is stored."""

    id: str = Field(description="Given by who entered it; it never changes.", examples=["2024-17"])
    imported_at: datetime = Field(description="When it was entered or corrected.")


CONTENT = tuple(TradeContent.model_fields)
COLUMNS = ("id", *CONTENT, "imported_at")


def _can_be_stored(value: str) -> str:
    """As the import of a CSV has it: nothing that cannot be seen."""
    if not value.isprintable():
        raise ValueError("holds a sign that cannot be seen: an id is printable")
    return value


TradeId = Annotated[
    str,
    Path(
        alias="id",
        min_length=1,
        max_length=1000,
        description="Of the trade, percent-encoded.",
        examples=["2024-17"],
    ),
    AfterValidator(_can_be_stored),
]
Body = Annotated[TradeContent, Depends(body_of(TradeContent))]

_LIST = text("""
    SELECT id, date, ticker, side, quantity, price, currency, fee, aud_per_unit, imported_at
    FROM trades
    WHERE (CAST(:first AS date) IS NULL OR date >= :first)
      AND (CAST(:last AS date) IS NULL OR date <= :last)
      AND (CAST(:tickers AS text[]) IS NULL OR ticker = ANY (CAST(:tickers AS text[])))
      AND (CAST(:after_date AS date) IS NULL
           OR (date, ticker, id COLLATE "C") > (:after_date, :after_ticker, :after_id))
    ORDER BY date, ticker, id COLLATE "C"
    LIMIT :rows
""")
_ONE = text("""
    SELECT id, date, ticker, side, quantity, price, currency, fee, aud_per_unit, imported_at
    FROM trades
    WHERE id = :id
""")
# What is read after it, in statements of their own, nobody changes until the end.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet trades'), 0)")
_PUT = text("SELECT put_trade(:id, CAST(:content AS jsonb), :actor, :key_id)")
_DELETE = text("SELECT delete_trade(:id, :actor, :key_id)")
_EVER = text("SELECT EXISTS (SELECT FROM entry_audit WHERE kind = 'trade' AND key = :id)")


@router.get("/trades", response_model=Page[Trade], responses=TABLE)
async def every(
    request: Request,
    session: Reading,
    first: From = None,
    last: To = None,
    tickers: Tickers = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """Trades by date, ticker and id."""
    require_range(first, last)
    after = paging.decode(cursor, paging.day, paging.word, paging.word) or (None, None, None)
    asked = {"first": first, "last": last, "tickers": tickers, "rows": limit + 1}
    behind = dict(zip(("after_date", "after_ticker", "after_id"), after, strict=True))
    found = await session.execute(_LIST, {**asked, **behind})
    key = [COLUMNS.index(name) for name in ("date", "ticker", "id")]
    rows, next_cursor = paging.page(found.all(), limit, *key)
    return table(request, COLUMNS, rows, next_cursor)


@router.get("/trades/{id:path}", response_model=Trade, responses=NOT_FOUND | UNCHANGED)
async def one(
    request: Request,
    session: Reading,
    trade: TradeId,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """A trade; its ETag is what ``If-Match`` of PUT and DELETE wants."""
    stored = await _stored(session, trade)
    if stored is None:
        raise _missing(trade)
    return document(request, stored)


@router.put(
    "/trades/{id:path}",
    response_model=Trade,
    responses=entries.PUT | entries.created(Trade) | NOT_FOUND,  # of an id in two lines
    openapi_extra=documented_body(TradeContent),
)
async def put(
    caller: Writer,
    given: Given,
    trade: TradeId,
    body: Body,
    if_match: IfMatch = None,
    if_none_match: entries.IfNoneMatch = None,
) -> Response:
    """Enter a trade, or correct one. The same again changes nothing.

    What is stored with other content is replaced where ``If-Match`` has its ETag. A new id has up
    to 100 signs, and no ``/``.
    """
    problems = await entries.judged(given, lambda known: _problems(trade, body, known))
    if problems:
        raise invalid(problems[0], [Wrong(where="body", message=one) for one in problems])
    what, said = f"trade {trade[:80]!a}", body.model_dump()
    async with given.database.writing("store a trade") as session:
        await session.execute(_LOCK)
        stored = await _stored(session, trade)
        tag = entries.tag_of(stored)
        entries.require_absent(what, tag, if_none_match)
        if stored is None or any(stored[name] != said[name] for name in CONTENT):
            entries.require_known(what, tag, if_match)
        if stored is None:
            _require_new(trade)
        content = json.dumps(body.model_dump(mode="json"))
        whose = {"actor": caller.name, "key_id": caller.key_id}
        await session.execute(_PUT, {"id": trade, "content": content, **whose})
        now = await _stored(session, trade) or {}
    location = f"/v1/trades/{quote(trade, safe='')}" if stored is None else None
    return entries.answered(now, location)


@router.delete("/trades/{id:path}", status_code=204, responses=entries.DELETE)
async def delete(
    caller: Writer, given: Given, trade: TradeId, if_match: IfMatch = None
) -> Response:
    """Delete a trade; 204 also where it was deleted before."""
    async with given.database.writing("delete a trade") as session:
        await session.execute(_LOCK)
        stored = await _stored(session, trade)
        if stored is None:
            if not await session.scalar(_EVER, {"id": trade}):
                raise _missing(trade)
            return entries.nothing_left()
        entries.require_match(f"trade {trade[:80]!a}", entries.tag_of(stored), if_match)
        whose = {"actor": caller.name, "key_id": caller.key_id}
        await session.execute(_DELETE, {"id": trade, **whose})
    return entries.nothing_left()


async def _stored(session: AsyncSession, trade: str) -> dict[str, Any] | None:
    found = (await session.execute(_ONE, {"id": trade})).one_or_none()
    return None if found is None else dict(zip(COLUMNS, found, strict=True))


def _require_new(trade: str) -> None:
    """Every id that is stored can be named; a new one is such that every client can.

    Raises:
        ProblemError: 422.
    """
    why = None
    if len(trade) > MOST_SIGNS:
        why = f"has over {MOST_SIGNS} signs"
    elif "/" in trade or trade in (".", ".."):
        why = "cannot stand in a path everywhere"
    elif trade != " ".join(trade.split()) or "\ufffd" in trade:
        why = "has spaces around it, two in a row, or what is no UTF-8"
    if why:
        message = f"{trade[:80]!a} {why}: give the trade another id"
        raise invalid(f"id: {message}", [Wrong(where="id", message=message)])


def _problems(trade: str, body: TradeContent, known: "pd.DataFrame") -> list[str]:
    """What the import of a CSV would say of it."""
    from parakeet_dagster import clock
    from parakeet_dagster.imports.csv_file import as_lines
    from parakeet_dagster.imports.trades import OPTIONAL, REQUIRED, check_trades

    cells = {name: "" if value is None else str(value) for name, value in body}
    lines = as_lines([{"id": trade, **cells}], (*REQUIRED, *OPTIONAL))
    return check_trades(lines, known, clock.newest_day()).problems.tolist()


def _missing(trade: str) -> Exception:
    return not_stored(f"trade {trade[:80]!a}: is not stored; GET /v1/trades tells what is")
