"""psycopg2 itself, below SQLAlchemy: for COPY, and for SQL that is not a template."""

from typing import cast

from psycopg2.extensions import connection as DriverConnection  # noqa: N812 - a class in lower case
from psycopg2.extensions import cursor as DriverCursor  # noqa: N812
from sqlalchemy import Connection


def driver_cursor(connection: Connection) -> DriverCursor:
    """A psycopg2 cursor in the transaction of ``connection``."""
    return cast("DriverConnection", connection.connection.dbapi_connection).cursor()
