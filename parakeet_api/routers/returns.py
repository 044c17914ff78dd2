"""``/v1/returns``: total returns, of one ticker or of one session, in its currency and in AUD."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from parakeet_api import lake_tables
from parakeet_api.access import Given
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.fields import Cursor, From, Limit, Session, Ticker, Tickers, To
from parakeet_api.lake_tables import A_YEAR, Sessions, Span

router = APIRouter()

ASSET = "daily_returns"
_RATIO = [0.995]
_RETURN = [0.0123]


class Return(BaseModel):
    """What a ticker earned on a session, dividends included, corrected for splits."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    date: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    market: Literal["XNYS", "XASX"] = Field(
        description="XNYS is every US listing.", examples=["XASX"]
    )
    currency: Literal["USD", "AUD"] = Field(description="Of its market.", examples=["AUD"])
    close: float = Field(
        description="Per share in the currency, as traded; the last one where it did not trade.",
        examples=[45.15],
    )
    traded: bool = Field(description="Whether it traded that day.", examples=[True])
    open_ratio: float | None = Field(
        description="open / close; 1 where it did not trade.", examples=_RATIO
    )
    high_ratio: float | None = Field(
        description="high / close; 1 where it did not trade.", examples=[1.01]
    )
    low_ratio: float | None = Field(
        description="low / close; 1 where it did not trade.", examples=_RATIO
    )
    value_traded_aud: float | None = Field(
        description="close x volume, in AUD; 0 where it did not trade.", examples=[226_306_372.0]
    )
    return_local: float | None = Field(
        description=(
            "Total return in its currency since its last bar, a fraction: 0.01 is 1 %. 0 where it"
            " did not trade, null on its first bar."
        ),
        examples=_RETURN,
    )
    return_aud: float | None = Field(
        description=(
            "Total return in AUD since the session before, a fraction; null on its first bar."
        ),
        examples=_RETURN,
    )


COLUMNS = tuple(Return.model_fields)


@router.get("/returns/{ticker}", response_model=Page[Return], responses=TABLE | NOT_FOUND)
async def of_ticker(
    request: Request,
    given: Given,
    ticker: Ticker,
    first: From = None,
    last: To = None,
    limit: Sessions = A_YEAR,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The returns of a ticker, by date. A page is so many sessions, not rows."""
    span = Span(first, last)
    rows, after = await lake_tables.history(given, ASSET, COLUMNS, ticker, span, limit, cursor)
    return table(request, COLUMNS, rows, after)


@router.get("/returns", response_model=Page[Return], responses=TABLE | NOT_FOUND)
async def of_session(
    request: Request,
    given: Given,
    day: Session = None,
    tickers: Tickers = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The returns of a session, by ticker.

    The pages of the default session are all of the session that the first one was of.
    """
    rows, after = await lake_tables.cross_section(
        given, ASSET, COLUMNS, day, tickers, limit, cursor
    )
    return table(request, COLUMNS, rows, after)
