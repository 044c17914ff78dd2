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
    SELECT a.strategy, a.session, a.ticker, a.weight, a.rebalance
    FROM allocation_strategies AS s
    CROSS JOIN LATERAL (
        SELECT v.session, v.known_at
        FROM allocations AS v
        WHERE v.strategy = s.strategy
          AND v.session BETWEEN coalesce(CAST(:session AS date), '-infinity')
                        AND coalesce(CAST(:session AS date), 'infinity')
        ORDER BY v.session DESC, v.known_at DESC
        LIMIT 1
    ) AS newest
    JOIN allocations AS a
    ON a.strategy = s.strategy AND a.session = newest.session AND a.known_at = newest.known_at
    WHERE CAST(:strategy AS text) IS NULL OR s.strategy = :strategy
    ORDER BY a.strategy, a.session, a.ticker COLLATE "C"
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
