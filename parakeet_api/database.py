"""Sessions of the database, asynchronous: one a request, ended before the answer is sent.

A slow client so holds no connection. What goes wrong between us and the server is a problem of
status 503, and the next request tries anew. What the server refuses in a statement is our mistake:
it stays the error that it is.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import stamina
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from parakeet_api.log import log
from parakeet_api.problems import ProblemError, unavailable
from parakeet_dagster.errors import SettingsError
from parakeet_dagster.storage.async_engine import async_engine
from parakeet_dagster.storage.login import Login, is_refusal

UNREACHABLE = "the database cannot be reached; ask again in a while"
BUSY = "too many ask at once; ask again in a while"

TRUSTED_SECONDS = 30.0
"""So long an idle connection is believed to live; a server that goes away says so, as a rule."""

_OLD_SCHEMA = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
)
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
_NOT_NOW = (
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalServerError,  # Neon's proxy, while it wakes the server up
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    ConnectionError,
    TimeoutError,
)
_MAY_PASS = (
    *_NOT_NOW,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it is being stopped, or has crashed
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,  # two that wrote at once
    asyncpg.PostgresSystemError,
    asyncpg.InvalidCachedStatementError,  # the schema changed under an open connection
    PoolTimeoutError,
    DisconnectionError,
)
_NOT_REACHED = (
    SQLAlchemyError,
    OSError,
    SettingsError,  # the secret that says where the database is
    *_DRIVER_ERRORS,
)
_DATABASE_ERRORS = (SQLAlchemyError, ConnectionError, TimeoutError, *_DRIVER_ERRORS)


class AsyncDatabase:
    """The database as the API uses it.

    Args:
        login: where it is.
        connections: so many at most; a Lambda answers one request at a time and needs one.
        connect_seconds: how long connecting is tried again: a suspended Neon takes seconds to wake
            up, and whoever asks is waiting.
        query_seconds: how long one statement may take.
        trusted_seconds: how long an idle connection is believed to live; None: not at all.
    """

    def __init__(
        self,
        login: Login,
        connections: int = 8,
        connect_seconds: float = 6.0,
        query_seconds: float = 20.0,
        trusted_seconds: float | None = TRUSTED_SECONDS,
    ) -> None:
        self._login = login
        self._connections = connections
        self._connect_seconds = connect_seconds
        self._query_seconds = query_seconds
        self._trusted_seconds = trusted_seconds
        self._engine: AsyncEngine | None = None
        self._turns = asyncio.Semaphore(connections)

    @property
    def engine(self) -> AsyncEngine:
        """Made at the first use: in the event loop that it belongs to."""
        if self._engine is None:
            self._engine = async_engine(
                self._login,
                self._connections,
                self._connect_seconds,
                self._query_seconds,
                self._trusted_seconds,
            )
        return self._engine

    @asynccontextmanager
    async def reading(self, doing: str) -> AsyncIterator[AsyncSession]:
        """A session that sees one moment and can write nothing, whatever it is asked.

        Args:
            doing: for the log.

        Raises:
            ProblemError: 503: the database cannot be reached, or took too long.
        """
        reader = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        async with self._session(doing, reader) as session:
            yield session

    @asynccontextmanager
    async def writing(self, doing: str) -> AsyncIterator[AsyncSession]:
        """A session in a transaction, committed at the end or not at all; see ``reading``."""
        async with self._session(doing, {}) as session:
            yield session

    async def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            await self._engine.dispose()

    @asynccontextmanager
    async def _session(self, doing: str, options: dict[str, Any]) -> AsyncIterator[AsyncSession]:
        with _reaching(doing):
            engine = self.engine.execution_options(**options)
        try:
            async with self._turn(doing), AsyncSession(engine) as session, session.begin():
                await self._connect(session, doing)
                try:
                    yield session
                except TimeoutError:
                    await session.invalidate()  # to roll back would be to wait for it again
                    raise
        except _DATABASE_ERRORS as error:
            problem = _problem(error, doing)
            if problem is None:
                raise
            raise problem from error

    @asynccontextmanager
    async def _turn(self, doing: str) -> AsyncIterator[None]:
        """Wait for a connection in the order of arrival.

        SQLAlchemy's pool gives one that comes free to whoever asks just then; under load somebody
        waited seconds and was passed by all the others.
        """
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._turns.acquire()
        except TimeoutError:
            log.warning("cannot %s: every connection is in use", doing)
            raise unavailable("database_unavailable", BUSY) from None
        try:
            yield
        finally:
            self._turns.release()

    async def _connect(self, session: AsyncSession, doing: str) -> None:
        """Take a connection."""
        with _reaching(doing):
            async for attempt in stamina.retry_context(
                on=_is_transient, attempts=None, timeout=self._connect_seconds, wait_initial=0.05
            ):
                with attempt:
                    await session.connection()


@contextmanager
def _reaching(doing: str) -> Iterator[None]:
    """Whatever is in the way of a connection is a problem."""
    try:
        yield
    except _NOT_REACHED as error:
        _log_cause(error, doing)
        raise unavailable("database_unavailable", UNREACHABLE) from error


def _problem(error: Exception, doing: str) -> ProblemError | None:
    """What a client is told of an error; None where asking again would not help."""
    cause = _cause(error)
    if isinstance(cause, asyncpg.QueryCanceledError | TimeoutError):
        problem = unavailable("took_too_long", "the answer took too long; ask for less at a time")
    elif isinstance(cause, _OLD_SCHEMA):
        problem = unavailable(
            "schema_outdated", "the database has another version's schema: parakeet db migrate"
        )
    elif isinstance(cause, _MAY_PASS) or getattr(error, "connection_invalidated", False):
        problem = unavailable("database_unavailable", UNREACHABLE)
    else:
        return None
    _log_cause(error, doing)
    return problem


def _log_cause(error: Exception, doing: str) -> None:
    cause = _cause(error)
    log.warning("cannot %s: %s: %s", doing, type(cause).__name__, cause)


def _cause(error: BaseException) -> BaseException:
    """What the driver raised, beneath what SQLAlchemy made of it."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return (
        error.__cause__
        if type(error).__module__.startswith("sqlalchemy") and error.__cause__
        else error
    )


def _is_transient(error: Exception) -> bool:
    """Whether connecting again may succeed; a password that is wrong stays wrong."""
    if isinstance(error, PoolTimeoutError) or is_refusal(error):
        return False
    return isinstance(_cause(error), _NOT_NOW)
