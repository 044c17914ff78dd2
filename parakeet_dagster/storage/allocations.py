"""The table allocations: target weights, every version kept."""

from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.staging import stage

_STAGED = {
    "session": "date",
    "ticker": "text",
    "weight": "double precision",
    "rebalance": "boolean",
}
_WRITE = text("SELECT write_staged_allocations(:strategy)")
_READ = text("""
    SELECT l.strategy, l.session, l.ticker, l.weight, l.rebalance
    FROM (
        SELECT strategy, max(session) AS session
        FROM allocation_sessions
        WHERE (CAST(:strategy AS text) IS NULL OR strategy = :strategy)
          AND (CAST(:session AS date) IS NULL OR session = :session)
        GROUP BY strategy
    ) AS wanted
    CROSS JOIN LATERAL (
        SELECT a.*
        FROM allocations_latest AS a
        WHERE a.strategy = wanted.strategy AND a.session = wanted.session
    ) AS l
    ORDER BY l.strategy, l.session, l.ticker COLLATE "C"
""")
_SESSIONS = text("SELECT strategy, session FROM allocation_sessions ORDER BY strategy, session")


def write(connection: Connection, strategy: str, frame: pd.DataFrame) -> int:
    """See ``Database.write_allocations``."""
    stage(connection, "staged_allocations", _STAGED, frame.rename(columns={"date": "session"}))
    return int(connection.execute(_WRITE, {"strategy": strategy}).scalar_one())


def read(connection: Connection, strategy: str | None, session: date | None) -> pd.DataFrame:
    """See ``Database.read_allocations``."""
    frame = pd.read_sql_query(_READ, connection, params={"strategy": strategy, "session": session})
    return frame.astype(
        {
            "strategy": "str",
            "session": "datetime64[us]",
            "ticker": "str",
            "weight": "float64",
            "rebalance": "bool",
        }
    )


def sessions(connection: Connection) -> dict[str, list[date]]:
    """See ``Database.allocation_sessions``."""
    found: dict[str, list[date]] = {}
    for strategy, session in connection.execute(_SESSIONS):
        found.setdefault(strategy, []).append(session)
    return found
