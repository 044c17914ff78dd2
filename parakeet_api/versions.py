"""Tables of which every version is kept, of a strategy and a session each: which one is meant.

A version is told by its ``known_at``. The cursor of a page holds that of its last row, so the pages
of one session are all of one version, also where a newer one is written meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from parakeet_api import paging
from parakeet_api.answers import table
from parakeet_api.fields import require_range
from parakeet_api.problems import ProblemError, not_stored

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What a client may ask of such a table; see the fields of the same names."""

    strategy: str
    session: date | None = None
    first: date | None = None
    last: date | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class Versions:
    """Such a table.

    Every statement takes ``rows``, how many, and of the last row of the page before ``after_…``:
    strategy, session, known_at, and each of ``key``.

    Args:
        noun: what a row is, in the plural.
        columns: of a row; strategy, session and known_at are among them.
        key: the columns that tell the rows of a version apart, in their order.
        newest: every strategy's newest session.
        version: ``strategy``, ``session``, ``as_of`` (each of the two may be null): the columns
            session and known_at of the version meant; no row where there is none.
        of_version: ``strategy``, ``session``, ``known_at``: its rows.
        history: ``strategy``, ``first``, ``last``, ``as_of``: of each session the version meant.
        is_known: ``strategy``: whether it has any version.
    """

    noun: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    newest: TextClause
    version: TextClause
    of_version: TextClause
    history: TextClause
    is_known: TextClause

    async def answer_newest(
        self, request: Request, reading: AsyncSession, limit: int, cursor: str | None
    ) -> Response:
        """A page of the newest session of every strategy."""
        after = self._after(cursor)
        found = await reading.execute(self.newest, {**after, "rows": limit + 1})
        return self._table(request, found.all(), limit)

    async def answer_session(
        self, request: Request, reading: AsyncSession, asked: Asked, limit: int, cursor: str | None
    ) -> Response:
        """A page of one session, by default the newest.

        Raises:
            ProblemError: 404: there is no such version; 422: the cursor is of another request.
        """
        after = self._after(cursor)
        meant = {"session": after["after_session"], "known_at": after["after_known_at"]}
        if cursor is not None:
            paging.require_same(asked.strategy, after["after_strategy"])
            paging.require_same(asked.session, after["after_session"])
        else:
            which = {"strategy": asked.strategy, "session": asked.session, "as_of": asked.as_of}
            version = (await reading.execute(self.version, which)).one_or_none()
            if version is None:
                raise self._none(asked)
            meant = {"session": version.session, "known_at": version.known_at}
        wanted = {**after, **meant, "strategy": asked.strategy, "rows": limit + 1}
        found = await reading.execute(self.of_version, wanted)
        return self._table(request, found.all(), limit)

    async def answer_history(
        self, request: Request, reading: AsyncSession, asked: Asked, limit: int, cursor: str | None
    ) -> Response:
        """A page of all sessions of a range.

        Raises:
            ProblemError: 404: the strategy has no version at all; 422: the range is reversed, or
                the cursor is of another request.
        """
        require_range(asked.first, asked.last)
        after = self._after(cursor)
        if cursor is not None:
            paging.require_same(asked.strategy, after["after_strategy"])
        wanted = {
            **after,
            "strategy": asked.strategy,
            "first": asked.first or date.min,
            "last": asked.last or date.max,
            "as_of": asked.as_of,
            "rows": limit + 1,
        }
        rows = (await reading.execute(self.history, wanted)).all()
        if not rows and cursor is None:
            of = {"strategy": asked.strategy}
            if not await reading.scalar(self.is_known, of):
                raise self._none(Asked(asked.strategy))
        return self._table(request, rows, limit)

    def _after(self, cursor: str | None) -> Mapping[str, Any]:
        names = ("strategy", "session", "known_at", *self.key)
        types = (paging.word, paging.day, paging.moment, *(paging.word for _ in self.key))
        beginning = ["", date.min, _BEGINNING, *("" for _ in self.key)]
        values = paging.decode(cursor, *types) or beginning
        return {f"after_{name}": value for name, value in zip(names, values, strict=True)}

    def _table(self, request: Request, found: Any, limit: int) -> Response:  # noqa: ANN401 - rows
        names = ("strategy", "session", "known_at", *self.key)
        rows, next_cursor = paging.page(found, limit, *map(self.columns.index, names))
        return table(request, self.columns, rows, next_cursor)

    def _none(self, asked: Asked) -> ProblemError:
        session = f" of {asked.session}" if asked.session else ""
        known = f" known at {asked.as_of.isoformat()}" if asked.as_of else ""
        return not_stored(
            f"{asked.strategy}: no {self.noun}{session}{known} are stored;"
            f" GET /v1/{self.noun} lists every strategy's newest"
        )
