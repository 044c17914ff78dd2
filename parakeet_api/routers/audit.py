"""``/v1/audit``: every change of trades and holdings, by whom and when; all there ever were."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from starlette.responses import Response

from parakeet_api import paging
from parakeet_api.access import Reading
from parakeet_api.answers import TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.fields import Cursor

router = APIRouter()

NEWEST = 2**63 - 1


class Entry(BaseModel):
    """A change."""

    id: int = Field(description="Larger than those of the changes before.", examples=[17])
    at: datetime = Field(description="When.")
    actor: str = Field(
        description="Whose API key it was, or command line.", examples=["spreadsheet"]
    )
    key_id: str | None = Field(
        description="Of the API key; null: the command line.", examples=["0f3a5c7e9b1d"]
    )
    action: Literal["create", "update", "delete"] = Field(description="What was done.")
    kind: Literal["trade", "holdings"] = Field(description="To what.")
    key: str = Field(
        description="The id of the trade, the date of the snapshot.", examples=["2024-03-05"]
    )
    before: dict[str, Any] | list[dict[str, Any]] | None = Field(
        description="The trade, or the parcels of the snapshot, as it was; null: there was none.",
        examples=[None],
    )
    after: dict[str, Any] | list[dict[str, Any]] | None = Field(
        description="As before; null: there is none any more.", examples=[None]
    )


COLUMNS = tuple(Entry.model_fields)

Kind = Annotated[
    Literal["trade", "holdings"] | None, Query(description="Only these. Default: both.")
]
Key = Annotated[
    Annotated[str, Field(max_length=1000), AfterValidator(paging.word)] | None,
    Query(description="Only of this trade's id, or this snapshot's date."),
]

Few = Annotated[
    int,
    Query(ge=1, le=200, description="So many changes at most: each may hold two whole snapshots."),
]

_READ = text("""
    SELECT id, at, actor, key_id, action, kind, key, before, after
    FROM entry_audit
    WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
      AND (CAST(:key AS text) IS NULL OR key = :key)
      AND id < CAST(:before_id AS bigint)
    ORDER BY id DESC
    LIMIT :rows
""").columns(before=JSONB, after=JSONB)


@router.get("/audit", response_model=Page[Entry], responses=TABLE)
async def audit(
    request: Request,
    session: Reading,
    kind: Kind = None,
    key: Key = None,
    limit: Few = 50,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """Changes of trades and holdings, the newest first."""
    after = paging.decode(cursor, paging.number)
    asked = {"kind": kind, "key": key, "before_id": after[0] if after else NEWEST}
    found = await session.execute(_READ, {**asked, "rows": limit + 1})
    rows, next_cursor = paging.page(found.all(), limit, COLUMNS.index("id"))
    return table(request, COLUMNS, rows, next_cursor)
