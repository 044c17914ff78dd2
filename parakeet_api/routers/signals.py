"""``/v1/signals``: what a strategy says of each member, of one session or of one ticker."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from parakeet_api import lake_tables
from parakeet_api.access import Given
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.fields import Cursor, From, Limit, Session, StrategyName, Ticker, Tickers, To
from parakeet_api.lake_tables import A_YEAR, Sessions, Span

router = APIRouter()

ASSET = "signals"


class Signal(BaseModel):
    """What a strategy says of a ticker after a session's close."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    date: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    signal: Literal[-1, 0, 1] = Field(description="Short, out or long.", examples=[1])
    strength: float = Field(description="0 to 1.", ge=0, le=1, examples=[0.8])
    score: float | None = Field(
        description="On the strategy's own scale; null where it cannot be known.", examples=[0.21]
    )


COLUMNS = tuple(Signal.model_fields)


@router.get(
    "/signals/{strategy}/{ticker}", response_model=Page[Signal], responses=TABLE | NOT_FOUND
)
async def of_ticker(
    request: Request,
    given: Given,
    strategy: StrategyName,
    ticker: Ticker,
    first: From = None,
    last: To = None,
    limit: Sessions = A_YEAR,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """What a strategy said of a ticker, by date. A page is so many sessions, not rows."""
    asset, span = f"{ASSET}/{strategy}", Span(first, last)
    rows, after = await lake_tables.history(given, asset, COLUMNS, ticker, span, limit, cursor)
    return table(request, COLUMNS, rows, after)


@router.get("/signals/{strategy}", response_model=Page[Signal], responses=TABLE | NOT_FOUND)
async def of_session(
    request: Request,
    given: Given,
    strategy: StrategyName,
    day: Session = None,
    tickers: Tickers = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """What a strategy says of every member on a session, by ticker.

    The pages of the default session are all of the session that the first one was of.
    """
    rows, after = await lake_tables.cross_section(
        given, f"{ASSET}/{strategy}", COLUMNS, day, tickers, limit, cursor
    )
    return table(request, COLUMNS, rows, after)
