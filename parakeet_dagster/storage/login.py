"""Logging in to the database with a URL that may be changed meanwhile.

A password is rotated while programs run. Each new connection therefore asks for the URL as it is
now, and where the server refuses it, once more. Open connections are not touched: PostgreSQL lets
them live on.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.event import listen

from parakeet_dagster.storage.database_url import DatabaseUrl

_REFUSAL = re.compile(
    r'authentication failed|is not permitted to log in|role "[^"]*" does not exist'
)
"""What servers say to a user or a password that was replaced. Words, because psycopg2 knows no
SQLSTATE before there is a session."""


class Login(Protocol):
    """Where the database is, and how to log in, at any moment."""

    def current(self) -> DatabaseUrl:
        """The URL to connect with now."""
        ...

    def after(self, refused: DatabaseUrl) -> DatabaseUrl:
        """The URL to try once where the server refused ``refused``; the same if none is newer."""
        ...


class FixedLogin(Login):
    """A URL that stays, as from an environment variable."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url

    def current(self) -> DatabaseUrl:  # noqa: D102 - see Login
        return self._url

    def after(self, refused: DatabaseUrl) -> DatabaseUrl:  # noqa: ARG002, D102 - see Login
        return self._url


def log_in_by(
    engine: Engine, login: Login, arguments: Callable[[Dialect, DatabaseUrl], dict[str, Any]]
) -> None:
    """Let every new connection of ``engine`` use what ``login`` says then.

    Args:
        engine: a synchronous engine, or the one inside of an asynchronous one.
        login: where the URL comes from.
        arguments: what the driver's ``connect`` takes for a URL.
    """

    def connect(dialect: Dialect, _record: object, _args: object, _options: object) -> Any:  # noqa: ANN401 - any driver's
        url = login.current()
        try:
            return dialect.connect(**arguments(dialect, url))
        except Exception as error:  # asyncpg's are not errors of the DBAPI
            newer = login.after(url) if is_refusal(error) else url
            if newer == url:
                raise
        return dialect.connect(**arguments(dialect, newer))

    listen(engine, "do_connect", connect)


def is_refusal(error: Exception) -> bool:
    """Whether the server knows neither this user nor this password, any more or yet."""
    return _REFUSAL.search(str(error)) is not None
