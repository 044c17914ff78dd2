"""Whose turn it is to write: runs that would undo each other's work wait for each other.

A run reads prices, computes, and writes for minutes. Two of them over the same sessions, on a
laptop and in a Lambda, would otherwise end with the table of one, the returns of the other, and
checks that passed in both. So a run holds advisory locks of the database for as long as it lasts:
alone on what it writes, together with others on what it only reads.

The locks belong to a transaction that does nothing else, because Neon's pooler keeps nothing
between transactions; it has no snapshot, so that it is not in the way of a vacuum. They go with
the connection: nothing is left of a run that was killed, and one whose connection was lost may
not go on, since another one may be writing by then.
"""

import platform
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from psycopg2.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database import Database

PATIENCE = 600.0
"""Seconds that a run waits. A chunk of a back-fill takes a minute or so; then others come in."""

EVERYTHING = "everything"
"""Written by what changes the members, prices, rates or returns that every strategy reads."""

LOOK = 1.0
"""Seconds after which it looks whether it is to stop, and takes its place in the queue again."""

WAITING = "waiting for another run that writes the same"

_SETTINGS = text("""
    SELECT
        set_config('application_name', :who, true),
        set_config('lock_timeout', :wait, true),
        set_config('statement_timeout', '0', true),
        set_config('idle_in_transaction_session_timeout', '0', true),
        -- A machine that is gone gives back its locks after two minutes.
        set_config('tcp_keepalives_idle', '60', true),
        set_config('tcp_keepalives_interval', '15', true),
        set_config('tcp_keepalives_count', '4', true)
""")
_TAKE = text("""
    SELECT
        CASE
            WHEN is_written THEN pg_advisory_xact_lock(hashtext('parakeet writes'), hashtext(name))
            ELSE pg_advisory_xact_lock_shared(hashtext('parakeet writes'), hashtext(name))
        END
    FROM (
        -- One order for all, so that no two wait for each other.
        SELECT name, is_written
        FROM unnest(CAST(:names AS text[]), CAST(:written AS boolean[])) AS t (name, is_written)
        ORDER BY name COLLATE "C"
        OFFSET 0
    ) AS wanted
""")
_HOLDERS = text("""
    SELECT DISTINCT
        a.application_name || to_char(a.xact_start AT TIME ZONE 'UTC', '", since "HH24:MI" UTC"')
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory'
      AND l.classid = hashtext('parakeet writes')::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.granted
    ORDER BY 1
""")
_STILL_THERE = text("SELECT 1")


def named(what: str) -> str:
    """What those who wait are shown: what it is, and on which machine."""
    return f"{what} on {platform.node()}"[:63]  # PostgreSQL takes no more


class Turn:
    """What a run has while nobody else may write the same."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Make sure that it still is.

        Raises:
            DatabaseError: the connection was lost, and the locks with it.
        """
        try:
            self._connection.execute(_STILL_THERE)
        except SQLAlchemyError:
            raise DatabaseError(
                "the connection to the database was lost that kept other runs from writing the"
                " same: run it again, it goes on where it stopped"
            ) from None


@contextmanager
def turn(
    database: Database,
    writes: Collection[str],
    reads: Collection[str],
    who: str,
    on_wait: Callable[[str], None],
    patience: float = PATIENCE,
) -> Iterator[Turn]:
    """Wait for what others write or read, and keep it until the end of the block.

    Args:
        database: what is written belongs to it.
        writes: names of what the run writes.
        reads: names of what it reads and nobody may write meanwhile.
        who: shown to those who wait.
        on_wait: told, once, who is being waited for.
        patience: seconds to wait.

    Raises:
        DatabaseError: it was not given in time, or the database cannot be reached.
    """
    begun, has_told = time.monotonic(), False
    while True:
        with database.transaction("take a turn at writing") as connection:
            if _is_taken(connection, writes, reads, who, min(patience, LOOK)):
                yield Turn(connection)
                return
        others = _holders(database)
        if time.monotonic() - begun >= patience:
            raise DatabaseError(
                f"waited {patience:.0f} s for another run that writes the same ({others}): run it"
                " again when that one is over"
            )
        if not has_told:
            on_wait(f"{WAITING}: {others}")
            has_told = True


def _is_taken(
    connection: Connection,
    writes: Collection[str],
    reads: Collection[str],
    who: str,
    seconds: float,
) -> bool:
    """Whether all locks were given in time; else none is, and the transaction is over.

    Not in one long wait: libpq would not be interrupted by Ctrl-C.
    """
    names = {**dict.fromkeys(reads, False), **dict.fromkeys(writes, True)}
    wait = f"{max(round(seconds * 1000), 1)}ms"  # 0 would be for ever
    connection.execute(_SETTINGS, {"who": who, "wait": wait})
    try:
        connection.execute(_TAKE, {"names": list(names), "written": list(names.values())})
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            return False
        raise
    return True


def _holders(database: Database) -> str:
    with database.transaction("ask who is writing") as connection:
        return "; ".join(connection.scalars(_HOLDERS)) or "it has just ended"
