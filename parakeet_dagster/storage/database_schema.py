"""The files of ``sql/``, applied once per content and database."""

import hashlib
import importlib.resources

from sqlalchemy import Connection, text

from parakeet_dagster.storage.driver import driver_cursor

_KNOWN = text("SELECT to_regclass('schema_digest') IS NOT NULL")
_CURRENT = text("SELECT digest FROM schema_digest ORDER BY applied_at DESC LIMIT 1")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('parakeet schema'), 0)")
_CREATE = text("""
    CREATE TABLE IF NOT EXISTS schema_digest (
        digest     text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
""")
_REMEMBER = text("INSERT INTO schema_digest (digest) VALUES (:digest)")


def apply_schema(connection: Connection) -> bool:
    """Apply the numbered files of ``sql/`` in order, unless this very content was applied last.

    Safe from several processes at once: who comes second waits for the first, then finds nothing
    to do. Belongs into a transaction, so that a file that fails leaves nothing behind.

    Returns:
        Whether the files were applied.
    """
    files = _files()
    digest = _digest(files)
    if _applied(connection) == digest:
        return False
    connection.execute(_LOCK)
    if _applied(connection) == digest:
        return False
    # The driver's cursor, because the files are not templates: a % or a : is just that.
    with driver_cursor(connection) as cursor:
        for content in files:
            cursor.execute(content)
    connection.execute(_CREATE)
    connection.execute(_REMEMBER, {"digest": digest})
    return True


def is_applied(connection: Connection) -> bool | None:
    """Whether these very files were applied last; None where none ever were."""
    digest = _applied(connection)
    return None if digest is None else digest == _digest(_files())


def _digest(files: list[str]) -> str:
    return hashlib.sha256("\0".join(files).encode()).hexdigest()


def _files() -> list[str]:
    folder = importlib.resources.files("sql")
    numbered = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [file.read_text(encoding="utf-8") for file in numbered]


def _applied(connection: Connection) -> str | None:
    if not connection.scalar(_KNOWN):
        return None
    digest: str | None = connection.scalar(_CURRENT)
    return digest
