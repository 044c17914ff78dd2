"""The numbered files of ``sql/``: each is applied to a database once, in order, and on record.

Forwards only. A file that was applied is never changed: what comes after it is a new file.
"""

import hashlib
import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, text

from parakeet_dagster.errors import SchemaVersionError
from parakeet_dagster.storage.driver import driver_cursor

LOCK_SECONDS = 60
"""How long a file waits for what others hold; a waiting change of a table holds up its readers."""

_IS_RECORDED = text("SELECT to_regclass('schema_migrations') IS NOT NULL")
_HAS_DIGEST = text("SELECT to_regclass('schema_digest') IS NOT NULL")
_APPLIED = text("SELECT name, checksum FROM schema_migrations ORDER BY name")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet schema'), 0)")
_WAIT = text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
_CREATE = text("""
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name       text        PRIMARY KEY,
        checksum   text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
""")
_RECORD = text("INSERT INTO schema_migrations (name, checksum) VALUES (:name, :checksum)")


@dataclass(frozen=True)
class Migration:
    """A file of ``sql/``."""

    name: str
    content: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class SchemaState:
    """What was applied to a database.

    applied: checksum by name, in order. has_digest: it was made before migrations were on record,
    by files that can be applied over what they made.
    """

    applied: Mapping[str, str]
    has_digest: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever applied."""
        return not self.applied and not self.has_digest

    @property
    def newest(self) -> str | None:
        """The file applied last, None where none is on record."""
        return max(self.applied, default=None)


@cache
def all_migrations() -> tuple[Migration, ...]:
    """The files of this Parakeet, in order."""
    folder = importlib.resources.files("sql")
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    found = [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]
    return tuple(sorted(found, key=lambda one: one.name))


def schema_state(connection: Connection) -> SchemaState:
    """What was applied to the database."""
    if connection.scalar(_IS_RECORDED):
        applied = connection.execute(_APPLIED).tuples()
        return SchemaState(dict(applied.all()), has_digest=False)
    return SchemaState({}, has_digest=bool(connection.scalar(_HAS_DIGEST)))


def pending(state: SchemaState, known: Sequence[Migration], where: str) -> list[Migration]:
    """The files that are to be applied, in order.

    Args:
        state: what was applied.
        known: the files of this Parakeet.
        where: the database, as an error names it.

    Raises:
        SchemaVersionError: the database has a file that is not known; a file was changed after it
            was applied; or one is numbered before one that was applied.
    """
    strangers = sorted(state.applied.keys() - {one.name for one in known})
    if strangers:
        raise SchemaVersionError(
            f"{where} has the schema of a newer Parakeet ({strangers[-1]}): update Parakeet; a"
            " schema does not go back"
        )
    for one in known:
        if state.applied.get(one.name, one.checksum) != one.checksum:
            raise SchemaVersionError(
                f"sql/{one.name} is not what was applied to {where}: take the change back, and"
                " write a new numbered file"
            )
    todo = [one for one in known if one.name not in state.applied]
    if todo and state.newest and todo[0].name < state.newest:
        raise SchemaVersionError(
            f"sql/{todo[0].name} comes before {state.newest}, which {where} has: give it the next"
            " number"
        )
    return todo


def lock_schema(connection: Connection) -> None:
    """Let one process at a time change the schema, until the end of its transaction.

    A lock of the transaction, not of the session: it works through a pooler, too.
    """
    connection.execute(_LOCK)
    connection.execute(_WAIT)
    connection.execute(_CREATE)


def apply(connection: Connection, migration: Migration) -> None:
    """Apply a file and put it on record, under ``lock_schema``."""
    # The driver's cursor, because the files are not templates: a % or a : is just that.
    with driver_cursor(connection) as cursor:
        cursor.execute(migration.content)
    connection.execute(_RECORD, {"name": migration.name, "checksum": migration.checksum})
