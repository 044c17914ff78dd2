"""The table price_corrections: what a vendor now says of a stored session, and it is another."""

from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {"ticker": "text", "date": "date", "row": "jsonb", "reason": "text"}
_RECORD = text("""
    INSERT INTO price_corrections (ticker, date, value, reason)
    SELECT DISTINCT ON (ticker, date, "row") ticker, date, "row", reason
    FROM pg_temp.staged_corrections
    ORDER BY ticker, date, "row", reason
    ON CONFLICT (ticker, date, value) DO NOTHING
""")
_OPEN = text("""
    SELECT id, ticker, date, reason, seen_at
    FROM price_corrections
    WHERE applied_at IS NULL
    ORDER BY date, ticker COLLATE "C", id
""")
_BETWEEN = text("""
    SELECT ticker, date, reason, seen_at, applied_at
    FROM price_corrections
    WHERE date BETWEEN :first AND :last
    ORDER BY date, ticker COLLATE "C", id
""")
_TYPES = {"ticker": "str", "date": DAY, "reason": "str", "seen_at": MOMENT}


def record(connection: Connection, frame: pd.DataFrame) -> int:
    """See ``Database.record_corrections``."""
    if frame.empty:
        return 0
    stage(connection, "staged_corrections", _STAGED, frame)
    return connection.execute(_RECORD).rowcount


def read_open(connection: Connection) -> pd.DataFrame:
    """See ``Database.open_corrections``."""
    return read_frame(connection, _OPEN, {"id": "int64", **_TYPES})


def read_between(connection: Connection, first: date, last: date) -> pd.DataFrame:
    """See ``Database.corrections``."""
    types = {**_TYPES, "applied_at": MOMENT}
    return read_frame(connection, _BETWEEN, types, {"first": first, "last": last})
