"""The asynchronous engine, on asyncpg. Imports no frames, to be there at once."""

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError

from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.login import Login, log_in_by

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def async_engine(
    login: Login,
    connections: int = 5,
    wait_seconds: float = 30.0,
    statement_seconds: float | None = None,
    trusted_seconds: float | None = None,
) -> "AsyncEngine":
    """A new engine for the event loop of the caller, to be disposed of there.

    It keeps its connections, and asks each whether it lives before it is used again. Against Neon's
    pooler no prepared statement outlives its transaction, since the next one may be at another
    server.

    Args:
        login: where the database is, and how to log in.
        connections: so many at most.
        wait_seconds: so long a caller waits for one of them, and for a server to let it in unless
            the URL says how long.
        statement_seconds: so long a statement may take before it is cancelled; None: as long as it
            takes. Where it is set a statement is waited for that long at most, too, by a server
            that does not answer any more.
        trusted_seconds: so long a connection that lay idle is believed to live, unless it is known
            to be closed: asking takes three round trips. None: each is asked each time.
    """
    from sqlalchemy.ext.asyncio import create_async_engine  # with all of its ORM

    engine = create_async_engine(
        login.current().async_,
        pool_pre_ping=trusted_seconds is None,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_seconds,
        hide_parameters=True,
    )

    def arguments(dialect: Dialect, url: DatabaseUrl) -> dict[str, Any]:
        """What ``asyncpg.connect`` takes, and SQLAlchemy beside it."""
        limits = {"timeout": wait_seconds}
        if statement_seconds is not None:
            limits["command_timeout"] = statement_seconds
        return {**limits, **url.asyncpg_arguments, **dialect.create_connect_args(url.async_)[1]}

    log_in_by(engine.sync_engine, login, arguments)
    if trusted_seconds is not None:
        _ask_the_idle(engine.sync_engine, trusted_seconds)
    return engine


def _ask_the_idle(engine: Engine, trusted_seconds: float) -> None:
    """Let the pool replace a connection that is closed, or does not answer after a long rest."""

    def left(_connection: object, record: Any) -> None:  # noqa: ANN401 - the pool's record
        record.info["left_at"] = time.monotonic()

    def taken(connection: Any, record: Any, _proxy: object) -> None:  # noqa: ANN401 - as above
        left_at = record.info.get("left_at")
        if left_at is None:
            return  # it is new
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server closed it")
        if time.monotonic() - left_at > trusted_seconds:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # whatever it is, this connection is of no use
                raise DisconnectionError("it does not answer") from error

    listen(engine, "checkin", left)
    listen(engine, "checkout", taken)
