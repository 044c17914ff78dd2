"""Tables of the lake: the rows of one session, or of one ticker through the sessions.

A session is a file. So a page of the former is so many rows, and one of the latter so many
sessions, of which each may have a row or none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import Query

from parakeet_api import paging
from parakeet_api.ever_stored import require_ever_stored
from parakeet_api.fields import require_range
from parakeet_api.paging import Row
from parakeet_api.problems import not_stored
from parakeet_api.services import Services

if TYPE_CHECKING:
    import pandas as pd

    from parakeet_dagster.storage.lake import Lake

A_YEAR = 252
MOST_SESSIONS = 2000

Sessions = Annotated[
    int,
    Query(ge=1, le=MOST_SESSIONS, description="So many sessions at most, with a row or without."),
]
Answer = tuple[Sequence[Row], str | None]
"""Rows, and the cursor of the next page."""


@dataclass(frozen=True)
class Span:
    """Of which sessions a ticker's rows are asked for; both ends are in it, None leaves it open."""

    first: date | None
    last: date | None


async def history(
    given: Services,
    asset: str,
    columns: Sequence[str],
    ticker: str,
    span: Span,
    limit: int,
    cursor: str | None,
) -> Answer:
    """The rows of a ticker, a session each.

    Args:
        given: what is read from.
        asset: the asset's path.
        columns: of the rows.
        ticker: its newest symbol.
        span: from which session to which.
        limit: so many sessions.
        cursor: holds the last session of the page before.

    Raises:
        ProblemError: 404: the asset, a session inside its history, or the ticker is not stored.
    """
    require_range(span.first, span.last)
    after = paging.decode(cursor, paging.day)
    begun = after[0] if after else None
    rows, end = await given.of_lake(_history, asset, columns, ticker, span, begun, limit)
    if not rows and after is None:
        async with given.database.reading("tell whether a ticker is known") as session:
            await require_ever_stored(session, ticker)
    return rows, paging.encode([end]) if end else None


async def cross_section(
    given: Services,
    asset: str,
    columns: Sequence[str],
    session: date | None,
    tickers: Collection[str] | None,
    limit: int,
    cursor: str | None,
) -> Answer:
    """The rows of a session by ticker; those of later pages are of the session of the first one.

    Args:
        given: what is read from.
        asset: the asset's path.
        columns: of the rows.
        session: None for the newest one.
        tickers: only these, by their newest symbols; None for all.
        limit: so many rows.
        cursor: holds the session and the last ticker of the page before.

    Raises:
        ProblemError: 404: the session is not stored; 422: the cursor is of another one.
    """
    day, after = cross_section_cursor(cursor, session)

    def read(lake: "Lake") -> list[Row]:
        key = session_key(lake, asset, day)
        rows = (
            lake.read(asset, [key]) if tickers is None else lake.read_tickers(asset, [key], tickers)
        )
        return by_ticker(rows, columns, after, limit)

    return cross_section_page(await given.of_lake(read), columns, limit)


def cross_section_cursor(cursor: str | None, session: date | None) -> tuple[date | None, str]:
    """The session that is asked for or was begun, and the ticker behind which it goes on.

    Raises:
        ProblemError: 422: the cursor is none of ours, or of another session than is asked for.
    """
    after = paging.decode(cursor, paging.day, paging.word)
    if after is None:
        return session, ""
    paging.require_same(session, after[0])
    return after[0], after[1]


def cross_section_page(rows: Sequence[Row], columns: Sequence[str], limit: int) -> Answer:
    """A page of rows, of which one more was read, and its cursor."""
    return paging.page(rows, limit, columns.index("date"), columns.index("ticker"))


def session_key(lake: "Lake", asset: str, session: date | None) -> str:
    """The key of a session, of the newest one that is stored where none is named.

    Raises:
        ProblemError: 404: no market is open that day, or nothing at all is stored.
    """
    from parakeet_dagster import sessions as calendar

    if session is None:
        return _stored(lake, asset)[-1]
    key = session.isoformat()
    if not calendar.is_session(key):
        raise not_stored(f"{key}: no market is open; sessions are weekdays but for holidays")
    return key


def by_ticker(rows: "pd.DataFrame", columns: Sequence[str], after: str, limit: int) -> list[Row]:
    """The rows behind a ticker, one more than ``limit``."""
    rest = rows[rows["ticker"] > after].sort_values("ticker")
    return rows_of(rest.head(limit + 1), columns)


def rows_of(frame: "pd.DataFrame", columns: Sequence[str]) -> list[Row]:
    """The rows as plain values, dates as ``datetime.date``."""
    values = [
        frame[name].to_numpy().astype("datetime64[D]").tolist()
        if name == "date"
        else frame[name].tolist()
        for name in columns
    ]
    return list(zip(*values, strict=True))


def _history(
    lake: "Lake",
    asset: str,
    columns: Sequence[str],
    ticker: str,
    span: Span,
    after: date | None,
    limit: int,
) -> tuple[list[Row], str | None]:
    from parakeet_dagster import sessions as calendar

    stored = _stored(lake, asset)
    first = max(stored[0], str(span.first or ""))
    last = min(stored[-1], str(span.last or stored[-1]))
    wanted = [key for key in calendar.between(first, last) if key > str(after or "")]
    page = wanted[:limit]
    rows = rows_of(lake.read_tickers(asset, page, [ticker]), columns)
    return rows, page[-1] if len(wanted) > limit else None


def _stored(lake: "Lake", asset: str) -> list[str]:
    stored = lake.sessions(asset)
    if not stored:
        raise not_stored(f"{asset}: no session is stored")
    return stored
