"""``/v1/prices``: bars as they traded, of one ticker or of one session, as known at any moment."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api import paging
from parakeet_api.access import Reading
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.fields import (
    AsOf,
    Cursor,
    From,
    Limit,
    Session,
    Ticker,
    Tickers,
    To,
    require_range,
)
from parakeet_api.problems import not_stored

router = APIRouter()

_PRICE = [45.15]


class Bar(BaseModel):
    """One ticker's bar of one session, as it traded that day, in the currency of its market."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    date: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    open: float = Field(description="Per share, as traded.", examples=_PRICE)
    high: float = Field(description="As open.", examples=_PRICE)
    low: float = Field(description="As open.", examples=_PRICE)
    close: float = Field(description="As open.", examples=_PRICE)
    volume: int = Field(description="Shares.", examples=[5_012_345])
    adjusted_close: float = Field(
        description="The close, adjusted for every split and dividend known at as_of.",
        examples=_PRICE,
    )
    source: str = Field(description="The vendor.", examples=["yahoo"])
    data_quality: Literal["good", "suspect"]


COLUMNS = tuple(Bar.model_fields)

_OF_TICKER = text("""
    SELECT ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality
    FROM market_data
    WHERE ticker = :ticker AND date >= :first AND date <= :last
    ORDER BY date
    LIMIT :rows
""")
_OF_TICKER_AS_OF = text("""
    SELECT b.ticker, b.date, b.open, b.high, b.low, b.close, b.volume, a.adjusted_close, b.source,
           b.data_quality
    FROM bars_known_at(ARRAY[CAST(:ticker AS text)], :as_of) AS b
    JOIN adjusted_closes_known_at(ARRAY[CAST(:ticker AS text)], :as_of) AS a USING (ticker, date)
    WHERE b.date >= :first AND b.date <= :last
    ORDER BY b.date
    LIMIT :rows
""")


_IS_UNKNOWN = text("SELECT NOT EXISTS (SELECT FROM market_data WHERE ticker = :ticker)")
_OF_SESSION = text("""
    SELECT ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality
    FROM market_data
    WHERE date = coalesce(CAST(:session AS date), (SELECT max(date) FROM market_data))
      AND (CAST(:tickers AS text[]) IS NULL OR ticker = ANY (CAST(:tickers AS text[])))
      AND ticker > :after
    ORDER BY ticker
    LIMIT :rows
""")


@router.get("/prices/{ticker}", response_model=Page[Bar], responses=TABLE | NOT_FOUND)
async def of_ticker(
    request: Request,
    session: Reading,
    ticker: Ticker,
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The bars of a ticker, by date."""
    require_range(first, last)
    after = paging.decode(cursor, paging.day)
    first = first or date.min
    asked = {
        "ticker": ticker,
        "first": max(first, after[0] + timedelta(days=1)) if after else first,
        "last": last or date.max,
        "rows": limit + 1,
    }
    if as_of is None:
        found = await session.execute(_OF_TICKER, asked)
    else:
        found = await session.execute(_OF_TICKER_AS_OF, {**asked, "as_of": as_of})
    rows, next_cursor = paging.page(found.all(), limit, COLUMNS.index("date"))
    if not rows and after is None and await session.scalar(_IS_UNKNOWN, {"ticker": ticker}):
        raise not_stored(f"{ticker}: no bar is stored; parakeet status tells what is")
    return table(request, COLUMNS, rows, next_cursor)


@router.get("/prices", response_model=Page[Bar], responses=TABLE)
async def of_session(
    request: Request,
    session: Reading,
    day: Session = None,
    tickers: Tickers = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The bars of a session, by ticker: a cross-section of the market."""
    after = paging.decode(cursor, paging.word)
    asked = {"session": day, "tickers": tickers, "after": after[0] if after else ""}
    found = await session.execute(_OF_SESSION, {**asked, "rows": limit + 1})
    rows, next_cursor = paging.page(found.all(), limit, COLUMNS.index("ticker"))
    return table(request, COLUMNS, rows, next_cursor)
