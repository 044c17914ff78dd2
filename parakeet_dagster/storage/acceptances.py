"""The table session_acceptances: sessions whose missing data somebody has taken upon himself."""

from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet session_acceptances'), 0)")
_WITHDRAW = text("""
    UPDATE session_acceptances
    SET withdrawn_at = greatest(clock_timestamp(), accepted_at)
    WHERE withdrawn_at IS NULL
      AND session = :session
      AND market = :market
      AND reason IS DISTINCT FROM :reason_that_stays
""")
_ACCEPT = text("""
    INSERT INTO session_acceptances (session, market, reason)
    VALUES (:session, :market, :reason)
    ON CONFLICT (session, market) WHERE withdrawn_at IS NULL DO NOTHING
""")
_STANDING = text("""
    SELECT session, market, reason, accepted_at
    FROM session_acceptances
    WHERE withdrawn_at IS NULL
    ORDER BY session, market
""")
_TYPES = {"session": DAY, "market": "str", "reason": "str", "accepted_at": MOMENT}


def accept(connection: Connection, session: date, market: str, reason: str) -> bool:
    """See ``Database.accept_session``."""
    connection.execute(_LOCK)
    of = {"session": session, "market": market}
    connection.execute(_WITHDRAW, {**of, "reason_that_stays": reason})
    return connection.execute(_ACCEPT, {**of, "reason": reason}).rowcount == 1


def withdraw(connection: Connection, session: date, market: str) -> bool:
    """See ``Database.withdraw_acceptance``."""
    connection.execute(_LOCK)
    of = {"session": session, "market": market, "reason_that_stays": None}
    return connection.execute(_WITHDRAW, of).rowcount == 1


def standing(connection: Connection) -> pd.DataFrame:
    """See ``Database.acceptances``."""
    return read_frame(connection, _STANDING, _TYPES)
