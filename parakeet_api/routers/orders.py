"""``/v1/orders``: what to trade, every version kept, also the one that says: nothing."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from parakeet_api.access import Reading
from parakeet_api.answers import NOT_FOUND, TABLE, Format, IfNoneMatch, Page
from parakeet_api.fields import AsOf, Cursor, From, Limit, Session, StrategyName, To
from parakeet_api.versions import Asked, Versions

router = APIRouter()


class Order(BaseModel):
    """A trade that moves a portfolio to its target, to be made after a session's close."""

    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    session: Annotated[date, Field(description="The session.", examples=["2024-01-03"])]
    ticker: str = Field(description="As Yahoo writes it.", examples=["BHP.AX"])
    side: Literal["buy", "sell"] = Field(description="What to do.")
    quantity: float = Field(description="Shares, above 0.", examples=[12.0])
    price_estimate_aud: float = Field(
        description="AUD a share: the session's close.", examples=[45.15]
    )
    cost_estimate_aud: float = Field(
        description="AUD: fee, slippage and exchange.", examples=[3.54]
    )
    reason: str = Field(
        description="What it does to the position, in parts of the portfolio.",
        examples=["adjust: 10.0% to 12.5%"],
    )
    known_at: datetime = Field(
        description="When this version was written, UTC.", examples=["2024-01-03T22:15:04.120000Z"]
    )


COLUMNS = tuple(Order.model_fields)

NEWEST = text("""
    WITH RECURSIVE skip AS (
        (SELECT strategy FROM order_versions
         WHERE strategy >= :after_strategy ORDER BY strategy LIMIT 1)
        UNION ALL
        SELECT (SELECT v.strategy FROM order_versions AS v
                WHERE v.strategy > s.strategy ORDER BY v.strategy LIMIT 1)
        FROM skip AS s
        WHERE s.strategy IS NOT NULL
    )
    SELECT s.strategy, newest.session, o.ticker, o.side, o.quantity, o.price_estimate_aud,
           o.cost_estimate_aud, o.reason, newest.known_at
    FROM skip AS s
    CROSS JOIN LATERAL (
        SELECT v.session, v.known_at
        FROM order_versions AS v
        WHERE v.strategy = s.strategy
          AND (v.strategy > :after_strategy
               OR (v.session = :after_session AND v.known_at = :after_known_at))
        ORDER BY v.session DESC, v.known_at DESC
        LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT r.ticker, r.side, r.quantity, r.price_estimate_aud, r.cost_estimate_aud, r.reason
        FROM orders AS r
        WHERE r.strategy = s.strategy AND r.session = newest.session
          AND r.known_at = newest.known_at
          AND (r.strategy > :after_strategy
               OR (r.ticker, r.side) > (:after_ticker, :after_side))
        ORDER BY r.ticker, r.side
        LIMIT :rows
    ) AS o
    ORDER BY s.strategy, o.ticker, o.side
    LIMIT :rows
""")
VERSION = text("""
    SELECT session, known_at
    FROM order_versions
    WHERE strategy = :strategy
      AND session >= coalesce(CAST(:session AS date), '-infinity')
      AND session <= coalesce(CAST(:session AS date), 'infinity')
      AND known_at <= coalesce(CAST(:as_of AS timestamptz), 'infinity')
    ORDER BY session DESC, known_at DESC
    LIMIT 1
""")
OF_VERSION = text("""
    SELECT strategy, session, ticker, side, quantity, price_estimate_aud, cost_estimate_aud, reason,
           known_at
    FROM orders
    WHERE strategy = :strategy AND session = :session AND known_at = :known_at
      AND (ticker, side) > (:after_ticker, :after_side)
    ORDER BY ticker, side
    LIMIT :rows
""")
# A session is left in the middle at a page's end: its version is the one that was begun. Of a
# comparison inside the subquery the planner expects that half of the rows pass, so it reads them in
# their order until the page is full; of one outside that few do, so it would read and sort all.
HISTORY = text("""
    SELECT o.strategy, o.session, o.ticker, o.side, o.quantity, o.price_estimate_aud,
           o.cost_estimate_aud, o.reason, o.known_at
    FROM orders AS o
    WHERE o.strategy = :strategy
      AND o.session >= :first AND o.session <= :last
      AND (o.session, o.known_at, o.ticker, o.side)
          > (:after_session, :after_known_at, :after_ticker, :after_side)
      AND (
          SELECT max(v.known_at) = o.known_at
          FROM order_versions AS v
          WHERE v.strategy = o.strategy AND v.session = o.session
            AND v.known_at <= CASE
                WHEN o.session = :after_session THEN :after_known_at
                ELSE coalesce(CAST(:as_of AS timestamptz), 'infinity')
            END
      )
    ORDER BY o.session, o.known_at, o.ticker, o.side
    LIMIT :rows
""")
IS_KNOWN = text("SELECT EXISTS (SELECT FROM order_versions WHERE strategy = :strategy)")

_ORDERS = Versions(
    "orders", COLUMNS, ("ticker", "side"), NEWEST, VERSION, OF_VERSION, HISTORY, IS_KNOWN
)


@router.get("/orders", response_model=Page[Order], responses=TABLE)
async def newest(
    request: Request,
    reading: Reading,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The orders of every strategy's newest session, by strategy, ticker and side.

    A strategy that has nothing to do on its newest session has no row; `/v1/status` names it.
    """
    return await _ORDERS.answer_newest(request, reading, limit, cursor)


@router.get("/orders/{strategy}", response_model=Page[Order], responses=TABLE | NOT_FOUND)
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
    """The orders of a session, by ticker and side: the newest version known at `as_of`.

    No row says that there is nothing to do; a session of which nothing is known is not found. By
    default of the newest session that was known then.
    """
    asked = Asked(strategy, session=session, as_of=as_of)
    return await _ORDERS.answer_session(request, reading, asked, limit, cursor)


@router.get("/orders/{strategy}/history", response_model=Page[Order], responses=TABLE | NOT_FOUND)
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
    """The orders of every session, by session, ticker and side, as known at `as_of`.

    A session with nothing to do has no row.
    """
    asked = Asked(strategy, first=first, last=last, as_of=as_of)
    return await _ORDERS.answer_history(request, reading, asked, limit, cursor)
