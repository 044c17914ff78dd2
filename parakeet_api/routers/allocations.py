"""``/v1/allocations``: target weights, every version kept: as known at any moment."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api.access import Reading
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page
from parakeet_api.fields import AsOf, Cursor, From, Limit, Session, StrategyName, To
from parakeet_api.versions import Asked, Versions

router = APIRouter()


class Weight(BaseModel):
    """What part of a portfolio is meant to be in a ticker after a session's close."""

    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    session: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    ticker: str = Field(description="As Yahoo writes it; CASH is a row.", examples=["BHP.AX"])
    weight: float = Field(
        description="Of the portfolio in AUD: the weights of a session sum to 1.", examples=[0.25]
    )
    rebalance: bool = Field(
        description="Whether it was decided on this session, else it is carried on.",
        examples=[True],
    )
    known_at: datetime = Field(
        description="When this version was written, UTC.", examples=["2024-01-03T22:15:04.120000Z"]
    )


COLUMNS = tuple(Weight.model_fields)

NEWEST = text("""
    SELECT s.strategy, newest.session, a.ticker, a.weight, a.rebalance, newest.known_at
    FROM allocation_strategies AS s
    CROSS JOIN LATERAL (
        SELECT v.session, v.known_at
        FROM allocations AS v
        WHERE v.strategy = s.strategy
          AND (v.strategy > :after_strategy
               OR (v.session = :after_session AND v.known_at = :after_known_at))
        ORDER BY v.session DESC, v.known_at DESC
        LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT r.ticker, r.weight, r.rebalance
        FROM allocations AS r
        WHERE r.strategy = s.strategy AND r.session = newest.session
          AND r.known_at = newest.known_at
          AND (r.strategy > :after_strategy OR r.ticker > :after_ticker)
        ORDER BY r.ticker
        LIMIT :rows
    ) AS a
    WHERE s.strategy >= :after_strategy
    ORDER BY s.strategy, a.ticker
    LIMIT :rows
""")
VERSION = text("""
    SELECT session, known_at
    FROM allocations
    WHERE strategy = :strategy
      AND session >= coalesce(CAST(:session AS date), '-infinity')
      AND session <= coalesce(CAST(:session AS date), 'infinity')
      AND known_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')
    ORDER BY session DESC, known_at DESC
    LIMIT 1
""")
OF_VERSION = text("""
    SELECT strategy, session, ticker, weight, rebalance, known_at
    FROM allocations
    WHERE strategy = :strategy AND session = :session AND known_at = :known_at
      AND ticker > :after_ticker
    ORDER BY ticker
    LIMIT :rows
""")
# A session is left in the middle at a page's end: its version is the one that was begun. Of a
# comparison inside the subquery the planner expects that half of the rows pass, so it reads them in
# their order until the page is full; of one outside that few do, so it would read and sort all.
HISTORY = text("""
    SELECT a.strategy, a.session, a.ticker, a.weight, a.rebalance, a.known_at
    FROM allocations AS a
    WHERE a.strategy = :strategy
      AND a.session >= :first AND a.session <= :last
      AND (a.session, a.known_at, a.ticker) > (:after_session, :after_known_at, :after_ticker)
      AND (
          SELECT max(v.known_at) = a.known_at
          FROM allocations AS v
          WHERE v.strategy = a.strategy AND v.session = a.session
            AND v.known_at <= CASE
                WHEN a.session = :after_session THEN :after_known_at
                ELSE coalesce(CAST(:as_of AS timestamptz), 'infinity')
            END
      )
    ORDER BY a.session, a.known_at, a.ticker
    LIMIT :rows
""")
IS_KNOWN = text("SELECT EXISTS (SELECT FROM allocations WHERE strategy = :strategy)")

_ALLOCATIONS = Versions(
    "allocations", COLUMNS, ("ticker",), NEWEST, VERSION, OF_VERSION, HISTORY, IS_KNOWN
)


@router.get("/allocations", response_model=Page[Weight], responses=TABLE)
async def newest(
    request: Request,
    reading: Reading,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The target weights of every strategy's newest session, by strategy and ticker."""
    return await _ALLOCATIONS.answer_newest(request, reading, limit, cursor)


@router.get("/allocations/{strategy}", response_model=Page[Weight], responses=TABLE | NOT_FOUND)
async def of_session(
    request: Request,
    reading: Reading,
    strategy: StrategyName,
    session: Session = None,
    as_of: AsOf = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The target weights of a session, by ticker: the newest version known at `as_of`.

    By default of the newest session that was known then.
    """
    asked = Asked(strategy, session=session, as_of=as_of)
    return await _ALLOCATIONS.answer_session(request, reading, asked, limit, cursor)


@router.get(
    "/allocations/{strategy}/history", response_model=Page[Weight], responses=TABLE | NOT_FOUND
)
async def history(
    request: Request,
    reading: Reading,
    strategy: StrategyName,
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The target weights of every session, by session and ticker, as known at `as_of`."""
    asked = Asked(strategy, first=first, last=last, as_of=as_of)
    return await _ALLOCATIONS.answer_history(request, reading, asked, limit, cursor)
