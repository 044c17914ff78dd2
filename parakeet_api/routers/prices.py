"""``/v1/prices``: bars as they traded and what went ex, as known at any moment.

Where ``as_of`` is given the adjusted closes are computed, from the whole history of each ticker: so
only tickers that are named are asked for.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api import paging
from parakeet_api.access import Reading
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page, table
from parakeet_api.ever_stored import require_ever_stored
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
from parakeet_api.problems import invalid

router = APIRouter()

_PRICE = [45.15]
_DATE = ["2024-01-03"]


class Bar(BaseModel):
    """One ticker's bar of one session, as it traded that day, in the currency of its market."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    date: Annotated[date, Field(description="The session.", examples=_DATE)]
    open: float = Field(description="Per share, as traded.", examples=_PRICE)
    high: float = Field(description="As open.", examples=_PRICE)
    low: float = Field(description="As open.", examples=_PRICE)
    close: float = Field(description="As open.", examples=_PRICE)
    volume: int = Field(description="Shares.", examples=[5_012_345])
    adjusted_close: float = Field(
        description=(
            "The close, adjusted for every split and dividend known at as_of. Without as_of, until"
            " a back-fill ends, bars before it may lack what it brought: /v1/status counts their"
            " tickers in stale_adjusted_closes."
        ),
        examples=_PRICE,
    )
    source: str = Field(description="The vendor.", examples=["yahoo"])
    data_quality: Literal["good", "suspect"] = Field(
        description="Suspect: kept, but it looks wrong beside its neighbours."
    )


class Action(BaseModel):
    """A dividend or a split."""

    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    ex_date: Annotated[
        date, Field(description="Who buys from this day on does not get it.", examples=_DATE)
    ]
    kind: Literal["dividend", "split"] = Field(description="What happened.")
    value: float = Field(
        description=(
            "Of a dividend: cash per share held before that day's split, in the currency of the"
            " market. Of a split: new shares per old share."
        ),
        examples=[0.72],
    )
    known_at: datetime = Field(
        description="Since when this value is known, UTC.", examples=["2024-01-03T22:15:04.120000Z"]
    )
    source: str = Field(description="The vendor.", examples=["yahoo"])


COLUMNS = tuple(Bar.model_fields)
ACTION_COLUMNS = tuple(Action.model_fields)

OF_TICKER = text("""
    SELECT ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality
    FROM market_data
    WHERE ticker = :ticker AND date >= :first AND date <= :last AND date > :after
    ORDER BY date
    LIMIT :rows
""")
OF_TICKER_AS_OF = text("""
    SELECT b.ticker, b.date, b.open, b.high, b.low, b.close, b.volume, a.adjusted_close, b.source,
           b.data_quality
    FROM bars_known_at(ARRAY[CAST(:ticker AS text)], :as_of) AS b
    JOIN adjusted_closes_known_at(ARRAY[CAST(:ticker AS text)], :as_of) AS a USING (ticker, date)
    WHERE b.date >= :first AND b.date <= :last AND b.date > :after
    ORDER BY b.date
    LIMIT :rows
""")
NEWEST = text("SELECT max(date) FROM market_data")
NEWEST_AS_OF = text("SELECT max(date) FROM bars_known_at(CAST(:tickers AS text[]), :as_of)")
OF_SESSION = text("""
    SELECT ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality
    FROM market_data
    WHERE date = :session
      AND (CAST(:tickers AS text[]) IS NULL OR ticker = ANY (CAST(:tickers AS text[])))
      AND ticker > :after
    ORDER BY ticker
    LIMIT :rows
""")
OF_SESSION_AS_OF = text("""
    SELECT b.ticker, b.date, b.open, b.high, b.low, b.close, b.volume, a.adjusted_close, b.source,
           b.data_quality
    FROM bars_known_at(CAST(:tickers AS text[]), :as_of) AS b
    JOIN adjusted_closes_known_at(CAST(:tickers AS text[]), :as_of) AS a USING (ticker, date)
    WHERE b.date = :session AND b.ticker > :after
    ORDER BY b.ticker
    LIMIT :rows
""")
ACTIONS = text("""
    SELECT ticker, ex_date, kind, value, known_at, source
    FROM corporate_actions
    WHERE ticker = :ticker AND superseded_at IS NULL
      AND ex_date >= :first AND ex_date <= :last AND (ex_date, kind) > (:after, :kind)
    ORDER BY ex_date, kind
    LIMIT :rows
""")
ACTIONS_AS_OF = text("""
    SELECT ticker, ex_date, kind, value, known_at, source
    FROM corporate_actions
    WHERE ticker = :ticker AND known_at <= :as_of
      AND (superseded_at IS NULL OR superseded_at > :as_of)
      AND ex_date >= :first AND ex_date <= :last AND (ex_date, kind) > (:after, :kind)
    ORDER BY ex_date, kind
    LIMIT :rows
""")
# As in market_data_as_of: the planner takes a window over all bars for one row, and would loop.
_WITHOUT_LOOPS = text("SET LOCAL enable_nestloop = off")


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
    asked = {
        "ticker": ticker,
        "first": first or date.min,
        "last": last or date.max,
        "after": after[0] if after else date.min,
        "rows": limit + 1,
    }
    if as_of is None:
        found = await session.execute(OF_TICKER, asked)
    else:
        await session.execute(_WITHOUT_LOOPS)
        found = await session.execute(OF_TICKER_AS_OF, {**asked, "as_of": as_of})
    rows, next_cursor = paging.page(found.all(), limit, COLUMNS.index("date"))
    if not rows and after is None:
        await require_ever_stored(session, ticker)
    return table(request, COLUMNS, rows, next_cursor)


@router.get("/prices", response_model=Page[Bar], responses=TABLE)
async def of_session(
    request: Request,
    session: Reading,
    day: Session = None,
    tickers: Tickers = None,
    as_of: AsOf = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The bars of a session, by ticker: a cross-section of the market.

    With `as_of` 1 to 100 tickers must be named, and the default session is the newest of theirs.
    The pages of the default session are all of the session that the first one was of.
    """
    after = paging.decode(cursor, paging.day, paging.word)
    if after:
        paging.require_same(day, after[0])
    asked = {"tickers": tickers, "after": after[1] if after else "", "rows": limit + 1}
    if as_of is None:
        day = after[0] if after else day or await session.scalar(NEWEST)
        found = await session.execute(OF_SESSION, {**asked, "session": day})
    else:
        if not tickers:
            raise invalid("ticker: name 1 to 100 tickers where as_of is given")
        await session.execute(_WITHOUT_LOOPS)
        known = {**asked, "as_of": as_of}
        day = after[0] if after else day or await session.scalar(NEWEST_AS_OF, known)
        found = await session.execute(OF_SESSION_AS_OF, {**known, "session": day})
    key = (COLUMNS.index("date"), COLUMNS.index("ticker"))
    rows, next_cursor = paging.page(found.all(), limit, *key)
    return table(request, COLUMNS, rows, next_cursor)


@router.get("/prices/{ticker}/actions", response_model=Page[Action], responses=TABLE | NOT_FOUND)
async def actions_of_ticker(
    request: Request,
    session: Reading,
    ticker: Ticker,
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The dividends and splits of a ticker, by ex-date; of a ticker with bars there may be none."""
    require_range(first, last)
    after = paging.decode(cursor, paging.day, paging.word)
    asked = {
        "ticker": ticker,
        "first": first or date.min,
        "last": last or date.max,
        "after": after[0] if after else date.min,
        "kind": after[1] if after else "",
        "rows": limit + 1,
    }
    if as_of is None:
        found = await session.execute(ACTIONS, asked)
    else:
        found = await session.execute(ACTIONS_AS_OF, {**asked, "as_of": as_of})
    key = (ACTION_COLUMNS.index("ex_date"), ACTION_COLUMNS.index("kind"))
    rows, next_cursor = paging.page(found.all(), limit, *key)
    if not rows and after is None:
        await require_ever_stored(session, ticker)
    return table(request, ACTION_COLUMNS, rows, next_cursor)
