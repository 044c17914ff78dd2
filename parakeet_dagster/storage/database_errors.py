"""What psycopg2 and SQLAlchemy raise, as one line that names host and database."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg2
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database_url import VARIABLE, DatabaseUrl

# psycopg2 gives no SQLSTATE for what goes wrong before a session exists, so libpq's and the
# server's words have to do. What is not listed is tried again.
_NO_RETRY_MENDS = {
    "authentication failed": "check the user and the password in NEON_DATABASE_URL",
    "no password supplied": "NEON_DATABASE_URL needs a password",
    "no pg_hba.conf entry": "the server does not let this user in from here, or not without TLS",
    "is not permitted to log in": "check the user in NEON_DATABASE_URL",
    "permission denied": "grant the user of NEON_DATABASE_URL this right",
    "does not exist": "check the names of the database and the user in NEON_DATABASE_URL",
    "No such file or directory": "no server listens on this socket",
    "Name or service not known": "check the host in NEON_DATABASE_URL",
    "nodename nor servname": "check the host in NEON_DATABASE_URL",
    "No address associated": "check the host in NEON_DATABASE_URL",
    "No such host": "check the host in NEON_DATABASE_URL",
    "does not support SSL": "add sslmode=disable to NEON_DATABASE_URL if that is intended",
    "certificate": "check sslmode and sslrootcert in NEON_DATABASE_URL",
    "invalid sslmode": "check the options of NEON_DATABASE_URL",
    "invalid channel_binding": "check the options of NEON_DATABASE_URL",
    "invalid integer value": "check the options of NEON_DATABASE_URL",
    "invalid port number": "check the port in NEON_DATABASE_URL",
}
CONNECTING = "connect to the database"
_INTEGRITY_CLASS = "23"


def is_transient(error: Exception) -> bool:
    """Whether connecting again may succeed: a suspended or starting server, a lost line."""
    return isinstance(error, DBAPIError) and _advice(_message(error)) is None


@contextmanager
def one_line_errors(url: DatabaseUrl, doing: str) -> Iterator[None]:
    """Turn every database error of the block into a DatabaseError.

    Raises:
        DatabaseError: "cannot <doing> (<host>, database <name>): <the server's first line>".
    """
    try:
        yield
    except (SQLAlchemyError, psycopg2.Error) as error:
        message = _without_password(_message(error), url.password)
        advice = _advice(message)
        advice = advice and advice.replace(VARIABLE, url.source)
        ending = f"; {advice}" if advice and doing == CONNECTING else ""
        raise DatabaseError(f"cannot {doing} ({url.display}): {message}{ending}") from None


def _message(error: Exception) -> str:
    """The server's first line; with the row that broke a constraint."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if not isinstance(origin, psycopg2.Error) or not origin.pgcode:
        return next((line.strip() for line in str(origin).splitlines() if line.strip()), "no word")
    primary = origin.diag.message_primary or str(origin)
    shows_row = origin.pgcode.startswith(_INTEGRITY_CLASS) and origin.diag.message_detail
    detail = f": {origin.diag.message_detail}" if shows_row else ""
    return " ".join(f"{primary}{detail}".split())


def _advice(message: str) -> str | None:
    return next((advice for words, advice in _NO_RETRY_MENDS.items() if words in message), None)


def _without_password(message: str, password: str | None) -> str:
    for form in (password, quote(password, safe="")) if password else ():
        message = message.replace(form, "***")
    return message
