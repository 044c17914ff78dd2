"""The table ingest_failures: tickers that could not be had, per session, until they come."""

from collections.abc import Collection
from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {"ticker": "text", "session": "date", "error_class": "text", "message": "text"}
_RECORD = text(
    "SELECT record_staged_failures(:first, :last, CAST(:came_through AS text[]), :fetch)"
)
_RESOLVE = text("SELECT resolve_failures_of(:fetch)")
_OPEN = text("""
    SELECT ticker, session, error_class, message, attempts, first_seen, last_seen
    FROM ingest_failures
    WHERE resolved_at IS NULL
    ORDER BY session, ticker COLLATE "C", error_class
""")
_OPEN_TYPES = {
    "ticker": "str",
    "session": DAY,
    "error_class": "str",
    "message": "str",
    "attempts": "int64",
    "first_seen": MOMENT,
    "last_seen": MOMENT,
}
_DELISTED = text("SELECT ticker FROM believed_delisted")


def record(
    connection: Connection,
    failures: pd.DataFrame,
    first: date,
    last: date,
    came_through: Collection[str],
    fetch: str,
) -> None:
    """See ``Database.record_failures``."""
    stage(connection, "staged_failures", _STAGED, failures.astype({"error_class": "str"}))
    came = sorted(set(came_through))
    parameters = {"first": first, "last": last, "came_through": came, "fetch": fetch}
    connection.execute(_RECORD, parameters)


def resolve(connection: Connection, fetch: str) -> None:
    """See ``Database.resolve_failures``."""
    connection.execute(_RESOLVE, {"fetch": fetch})


def read_open(connection: Connection) -> pd.DataFrame:
    """See ``Database.open_failures``."""
    return read_frame(connection, _OPEN, _OPEN_TYPES)


def believed_delisted(connection: Connection) -> set[str]:
    """See ``Database.believed_delisted``."""
    return set(connection.scalars(_DELISTED))
