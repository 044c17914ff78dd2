"""A schema of its own for the tables of the Dagster instance, in our database."""

from sqlalchemy import Connection, text

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet dagster schema'), 0)")


def make_schema(connection: Connection, name: str) -> None:
    """Make an empty schema, unless it exists; safe from several processes at once.

    By itself PostgreSQL fails one of two that make it at the same time, ``IF NOT EXISTS`` or not.
    """
    connection.execute(_LOCK)
    quoted = connection.dialect.identifier_preparer.quote(name)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quoted}"))
