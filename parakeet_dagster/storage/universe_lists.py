"""The table universe_lists: from which list the members of a universe were taken, per session."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {
    "session": "date",
    "universe": "text",
    "source": "text",
    "as_of": "date",
    "point_in_time": "boolean",
    "members": "integer",
}
_RECORD = text("SELECT record_staged_lists(CAST(:sessions AS date[]), CAST(:fetched AS text[]))")
_READ = text("""
    SELECT session, universe, source, as_of, point_in_time, members
    FROM universe_lists
    WHERE session BETWEEN :first AND :last
    ORDER BY session, universe COLLATE "C"
""")
_TYPES = {
    "session": DAY,
    "universe": "str",
    "source": "str",
    "as_of": DAY,
    "point_in_time": "bool",
    "members": "int64",
}


def record(
    connection: Connection, lists: pd.DataFrame, sessions: Sequence[date], fetched: Sequence[str]
) -> None:
    """See ``Database.record_universe_lists``."""
    stage(connection, "staged_lists", _STAGED, lists)
    connection.execute(_RECORD, {"sessions": list(sessions), "fetched": list(fetched)})


def read(connection: Connection, first: date, last: date) -> pd.DataFrame:
    """See ``Database.universe_lists``."""
    return read_frame(connection, _READ, _TYPES, {"first": first, "last": last})
