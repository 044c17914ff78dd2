"""The table healing_requests: which sessions were asked for again, when and why."""

from datetime import date, datetime

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame

_RECORD = text("""
    INSERT INTO healing_requests (first_session, last_session, causes, requested_at)
    VALUES (:first, :last, :causes, :requested_at)
""")
_READ = text("""
    SELECT first_session, last_session, causes, requested_at
    FROM healing_requests
    ORDER BY requested_at, id
""")
_TYPES = {"first_session": DAY, "last_session": DAY, "causes": "str", "requested_at": MOMENT}


def record(
    connection: Connection, first: date, last: date, causes: str, requested_at: datetime
) -> None:
    """See ``Database.record_healing``."""
    connection.execute(
        _RECORD, {"first": first, "last": last, "causes": causes, "requested_at": requested_at}
    )


def read(connection: Connection) -> pd.DataFrame:
    """See ``Database.healing_requests``."""
    return read_frame(connection, _READ, _TYPES)
