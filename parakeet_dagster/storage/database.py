"""The database of Parakeet: Neon, any PostgreSQL, or the embedded one."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from threading import Lock

import pandas as pd
from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from parakeet_dagster.retries import retry_context
from parakeet_dagster.storage import allocations, ingest_log, market_data
from parakeet_dagster.storage.database_errors import CONNECTING, is_transient, one_line_errors
from parakeet_dagster.storage.database_schema import apply_schema
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.ingest_log import Failure
from parakeet_dagster.storage.market_data import MarketDataSummary, MergeCounts

_CONNECT_ATTEMPT_SECONDS = 10
_APPLICATION = "parakeet"


class Database:
    """Everything that is read from and written to PostgreSQL.

    Nothing is connected before the first use, which also applies the schema. Every method is one
    transaction: it happens whole or not at all. Frames come and go with ``date`` and ``session``
    as datetime64[us] at midnight.

    Args:
        url: where the database is.
        connect_seconds: how long connecting is tried again, with jittered back-off: a suspended
            Neon takes seconds to wake up. What no retry mends fails at once.

    Raises:
        DatabaseError: from every method, in one line without the password, when the server cannot
            be reached or refuses what it is asked.
    """

    def __init__(self, url: DatabaseUrl, connect_seconds: float = 20.0) -> None:
        self.url = url
        self._connect_seconds = connect_seconds
        self._schema_lock = Lock()
        self._has_schema = False

    @cached_property
    def engine(self) -> Engine:
        """The synchronous engine, on psycopg2."""
        options = dict(self.url.options)
        defaults = {"connect_timeout": _CONNECT_ATTEMPT_SECONDS, "application_name": _APPLICATION}
        return create_engine(
            self.url.sync,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: v for name, v in defaults.items() if name not in options},
        )

    def async_engine(self) -> AsyncEngine:
        """A new asynchronous engine, on asyncpg, for the event loop of the caller to dispose of.

        Against Neon's pooler it keeps neither connections nor prepared statements.
        """
        if self.url.is_pooler:
            return create_async_engine(
                self.url.async_, connect_args=self.url.asyncpg_arguments, poolclass=NullPool
            )
        return create_async_engine(
            self.url.async_, connect_args=self.url.asyncpg_arguments, pool_pre_ping=True
        )

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end of the block.

        Args:
            doing: what the block does, for the error message: "cannot <doing> (...)".
        """
        self.apply_schema()
        with self._transaction(doing) as connection:
            yield connection

    def apply_schema(self) -> None:
        """Bring the tables, views and functions of ``sql/`` to this version, once per process."""
        with self._schema_lock:
            if not self._has_schema:
                with self._transaction("apply the database schema") as connection:
                    apply_schema(connection)
                self._has_schema = True

    def close(self) -> None:
        """Close the connections of the synchronous engine. The next use opens new ones."""
        self.engine.dispose()

    def merge_market_data(
        self, frame: pd.DataFrame, sessions: Sequence[date], reason: str
    ) -> MergeCounts:
        """Make ``market_data`` and ``corporate_actions`` say of ``sessions`` what ``frame`` says.

        The same call again writes nothing. A bar that changes or is no longer there leaves its row
        before in ``market_data_revisions``, unless only the volume drifted. An action that changes
        or is no longer there is superseded. ``adjusted_close`` follows where it must.

        Args:
            frame: all rows of ``raw_prices`` of the sessions. A row whose close is NaN is no bar,
                but its dividend and split count.
            sessions: also those that have no row.
            reason: stored with the revisions.

        Raises:
            ValueError: a row is of another session.
            DatabaseError: a bar breaks a constraint, or a (ticker, date) is there twice.
        """
        with self.transaction("merge market data") as connection:
            return market_data.merge(connection, frame, sessions, reason)

    def market_data_checksums(self, first: date, last: date) -> pd.DataFrame:
        """Per date in [first, last] what ``lake_checksum`` computes: date, rows, checksum."""
        with self.transaction("compute checksums") as connection:
            return market_data.checksums(connection, first, last)

    def market_data_sessions(self) -> list[date]:
        """The dates that have a bar, ascending; fast however many bars there are."""
        with self.transaction("list sessions") as connection:
            return market_data.sessions(connection)

    def market_data_summary(self) -> MarketDataSummary:
        """The number of bars, the first and the last date."""
        with self.transaction("count market data") as connection:
            return market_data.summary(connection)

    def sources(self) -> set[str]:
        """The sources of the tickers' newest bars."""
        with self.transaction("list price sources") as connection:
            return market_data.sources(connection)

    def write_allocations(self, strategy: str, frame: pd.DataFrame) -> int:
        """Store target weights as a new version, where they differ from the newest one.

        Args:
            strategy: the name in the catalog.
            frame: columns date, ticker, weight, rebalance; whole sessions, one or many.

        Returns:
            The number of rows written: those of the sessions that differ.
        """
        with self.transaction("write allocations") as connection:
            return allocations.write(connection, strategy, frame)

    def read_allocations(
        self, strategy: str | None = None, session: date | None = None
    ) -> pd.DataFrame:
        """The newest version of the newest session, or of ``session``, of each strategy asked for.

        Returns:
            Columns strategy, session, ticker, weight, rebalance, sorted by the first three; empty
            where nothing is stored.
        """
        with self.transaction("read allocations") as connection:
            return allocations.read(connection, strategy, session)

    def allocation_sessions(self) -> dict[str, list[date]]:
        """The sessions that have an allocation, ascending, per strategy."""
        with self.transaction("list sessions") as connection:
            return allocations.sessions(connection)

    def quarantine(self, frame: pd.DataFrame) -> int:
        """Put rows that broke a rule aside, unless they are already.

        Args:
            frame: columns ticker, date, row (JSON text, NaN as null), rule.

        Returns:
            The number of rows that are new in quarantine.
        """
        with self.transaction("quarantine rows") as connection:
            return ingest_log.quarantine(connection, frame)

    def resolve_quarantine(self, good: pd.DataFrame) -> int:
        """Resolve the quarantined rows that came through every rule in a later fetch.

        Args:
            good: columns ticker, date: the rows that are good *in this fetch*.

        Returns:
            The number of rows resolved.
        """
        with self.transaction("resolve quarantined rows") as connection:
            return ingest_log.resolve_quarantine(connection, good)

    def record_failures(
        self,
        session_first: date,
        session_last: date,
        failures: Sequence[Failure],
        came_through: Collection[str],
    ) -> None:
        """Record the tickers that failed, and resolve those that did not.

        A range leaves one row per ticker and error class, under its last session. The same failure
        again counts as one more attempt.

        Args:
            session_first: first session asked for.
            session_last: last session asked for.
            failures: what could not be had.
            came_through: the tickers that were asked for and came. Their failures within the range
                are resolved; those of tickers that were not asked for stay as they are.
        """
        with self.transaction("record failures") as connection:
            ingest_log.record_failures(
                connection, session_first, session_last, failures, came_through
            )

    def open_failures(self) -> pd.DataFrame:
        """The failures not yet resolved, sorted by session and ticker.

        Returns:
            Columns ticker, session, error_class, message, attempts, first_seen, last_seen (UTC).
        """
        with self.transaction("list failures") as connection:
            return ingest_log.open_failures(connection)

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[Connection]:
        with self._connect() as connection, one_line_errors(self.url, doing), connection.begin():
            yield connection

    def _connect(self) -> Connection:
        with one_line_errors(self.url, CONNECTING):
            for attempt in retry_context(
                on=is_transient, attempts=None, timeout=self._connect_seconds
            ):
                with attempt:
                    return self.engine.connect()
        raise AssertionError("one attempt is always made")
