"""A dump into an empty database."""

from sqlalchemy import Connection, text

from parakeet_dagster.errors import BackupError
from parakeet_dagster.storage import migrations
from parakeet_dagster.storage.dumps import TABLES, Dump, Manifest
from parakeet_dagster.storage.migrations import Migration, SchemaState

_EXISTS = text("SELECT to_regclass(:table) IS NOT NULL")


def restore(connection: Connection, dump: Dump, manifest: Manifest, where: str) -> None:
    """Make the schema that the dump was made of, load it, and bring both to this version.

    What a later file of ``sql/`` does to the rows that are there it does to those of the dump.

    Args:
        connection: in a transaction: all of it happens, or nothing.
        dump: which.
        manifest: its manifest.
        where: the database, as an error names it.

    Raises:
        BackupError: the database is not empty, or a file of the dump is damaged.
        SchemaVersionError: the dump is of a newer Parakeet.
    """
    known = migrations.all_migrations()
    of_dump = SchemaState(manifest.migrations, has_digest=False)
    later = migrations.pending(of_dump, known, f"the dump {dump.url}")
    migrations.lock_schema(connection)
    _require_empty(connection, where)
    state = migrations.schema_state(connection)
    if state.is_empty:
        _apply(connection, [one for one in known if one.name in manifest.migrations])
    elif state.applied != manifest.migrations:
        raise BackupError(
            f"{where} has another schema than the dump {dump.url}: restore it into a database that"
            " was never used"
        )
    dump.load(connection, manifest)
    _apply(connection, later)


def _apply(connection: Connection, files: list[Migration]) -> None:
    for migration in files:
        migrations.apply(connection, migration)


def _require_empty(connection: Connection, where: str) -> None:
    """Nobody writes to the tables from here on until the end of the transaction."""
    tables = [
        table
        for table in sorted({"market_data", *TABLES})
        if connection.scalar(_EXISTS, {"table": table})
    ]
    if tables:
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE"))
    for table in tables:
        if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):  # noqa: S608 - our own names
            raise BackupError(
                f"{where} is not empty, {table} has rows: restore a dump into an empty database"
            )
