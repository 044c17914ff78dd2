"""``/v1/universes``: which universes were fetched last, and who was a member on a session."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api import lake_tables
from parakeet_api.access import Given, Reading
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.fields import NAME, Cursor, Limit, Session
from parakeet_api.paging import Row
from parakeet_api.problems import not_stored

if TYPE_CHECKING:
    from parakeet_dagster.storage.lake import Lake

router = APIRouter()

ASSET = "ticker_universe"
_KEY = ["CORE_ETFS"]

UniverseKey = Annotated[str, Path(pattern=NAME, description="A universe's key.", examples=_KEY)]


class Universe(BaseModel):
    """From which list the members of a universe were taken for a session."""

    key: str = Field(description="The universe's key.", examples=_KEY)
    session: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    source: str = Field(description="Where the list is from.", examples=["bundled"])
    as_of: date = Field(description="The day that the list is of.", examples=["2024-01-03"])
    point_in_time: bool = Field(
        description=(
            "Whether these were the members on the session; if not, it is a list of as_of, and what"
            " left before is missing: survivorship bias."
        ),
        examples=[True],
    )
    members: int = Field(description="How many.", examples=[20])


class Member(BaseModel):
    """A member of a universe on a session."""

    date: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    universe: str = Field(description="The universe's key.", examples=_KEY)
    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    name: str = Field(description="Of the company or fund.", examples=["BHP Group"])
    market: Literal["XNYS", "XASX"] = Field(
        description="XNYS is every US listing.", examples=["XASX"]
    )
    currency: Literal["USD", "AUD"] = Field(description="Of its market.", examples=["AUD"])
    asset_class: Literal["equity", "etf"] = Field(description="What it is.", examples=["equity"])


COLUMNS = tuple(Universe.model_fields)
MEMBER_COLUMNS = tuple(Member.model_fields)

_NEWEST = text("""
    SELECT universe, session, source, as_of, point_in_time, members
    FROM universe_lists
    WHERE session = (SELECT max(session) FROM universe_lists)
    ORDER BY universe
""")


@router.get("/universes", response_model=Page[Universe], responses=TABLE)
async def newest(
    request: Request,
    reading: Reading,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The universes of the newest session, by key: all of them, on one page."""
    found = await reading.execute(_NEWEST)
    return table(request, COLUMNS, found.all())


@router.get("/universes/{key}/members", response_model=Page[Member], responses=TABLE | NOT_FOUND)
async def members(
    request: Request,
    given: Given,
    key: UniverseKey,
    day: Session = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The members of a universe on a session, by ticker.

    The pages of the default session are all of the session that the first one was of.
    """
    asked, after = lake_tables.cross_section_cursor(cursor, day)

    def read(lake: "Lake") -> list[Row]:
        session = lake_tables.session_key(lake, ASSET, asked)
        rows = lake.read(ASSET, [session])
        of_universe = rows[rows["universe"] == key]
        if of_universe.empty:
            raise not_stored(
                f"{key}: no members are stored on {session}; GET /v1/universes lists the universes"
            )
        return lake_tables.by_ticker(of_universe, MEMBER_COLUMNS, after, limit)

    rows, next_cursor = lake_tables.cross_section_page(
        await given.of_lake(read), MEMBER_COLUMNS, limit
    )
    return table(request, MEMBER_COLUMNS, rows, next_cursor)
