"""The asynchronous engine, on asyncpg. Imports no frames, to be there at once."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Dialect

from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.login import Login, log_in_by

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def async_engine(
    login: Login,
    connections: int = 5,
    wait_seconds: float = 30.0,
    statement_seconds: float | None = None,
) -> "AsyncEngine":
    """A new engine for the event loop of the caller, to be disposed of there.

    It keeps its connections, and asks each whether it lives before it is used again. Against Neon's
    pooler no prepared statement outlives its transaction, since the next one may be at another
    server.

    Args:
        login: where the database is, and how to log in.
        connections: so many at most.
        wait_seconds: so long a caller waits for one of them.
        statement_seconds: so long a statement may take before it is cancelled; None: as long as it
            takes. Where it is set a statement is waited for that long at most, too, by a server
            that does not answer any more.
    """
    from sqlalchemy.ext.asyncio import create_async_engine  # with all of its ORM

    engine = create_async_engine(
        login.current().async_,
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_seconds,
        hide_parameters=True,
    )

    def arguments(dialect: Dialect, url: DatabaseUrl) -> dict[str, Any]:
        """What ``asyncpg.connect`` takes, and SQLAlchemy beside it."""
        limit = {"command_timeout": statement_seconds} if statement_seconds else {}
        return {**url.asyncpg_arguments, **limit, **dialect.create_connect_args(url.async_)[1]}

    log_in_by(engine.sync_engine, login, arguments)
    return engine
