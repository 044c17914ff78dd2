"""Dumps of what only the database holds: a folder each, of compressed CSV and a manifest.

``<backups>/20221228T013000Z/allocations-000.csv.zst`` and so on, ``manifest.json`` last: a folder
without one is no dump. What follows from the lake is left out, see ``rebuild``.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import pyarrow as pa
from psycopg2 import sql
from sqlalchemy import Connection, text

from parakeet_dagster.errors import BackupError
from parakeet_dagster.storage.driver import driver_cursor
from parakeet_dagster.storage.migrations import schema_state
from parakeet_dagster.storage.stores import Store

TABLES = {
    "allocations": "strategy, session, known_at, ticker",
    "api_keys": "id",
    "bars_known_since": "date, known_since",
    "corporate_actions": "ticker, ex_date, kind, known_at",
    "entry_audit": "id",
    "healing_requests": "id",
    "holdings": "as_of, parcel",
    "ingest_failures": "ticker, session, error_class",
    "market_data_quarantine": "id",
    "market_data_revisions": "ticker, date, revised_at",
    "order_versions": "strategy, session, known_at",
    "orders": "strategy, session, known_at, ticker, side",
    "price_corrections": "id",
    "session_acceptances": "id",
    "trades": "id",
    "universe_lists": "session, universe",
}
"""The tables of a dump, and the order of their rows."""

LEFT_OUT = {"market_data", "schema_migrations", "stale_adjusted_closes"}
"""Bars are the lake's, and their adjusted_close follows; the manifest has the files of ``sql/``."""

MANIFEST = "manifest.json"
FORMAT = 1
PART_BYTES = 32 << 20
"""Of a part before it is compressed, roughly: what is in memory at a time."""

ABANDONED_AFTER = timedelta(days=1)
"""So old, a folder without a manifest is what a killed dump left."""

_NAME = re.compile(r"\d{8}T\d{6}Z")
_NAME_FORMAT = "%Y%m%dT%H%M%SZ"
_LEVEL = 9

# The moments at which bars became known: those of the bars that are stored, session by session, and
# those that still wait for their bars since a restore.
_KNOWN_SINCE = """
    SELECT m.date, m.created_at AS known_since, array_agg(m.ticker ORDER BY m.ticker) AS tickers,
           c.checksum
    FROM market_data AS m
    JOIN market_data_checksum('-infinity', 'infinity') AS c USING (date)
    GROUP BY m.date, m.created_at, c.checksum
    UNION ALL
    SELECT date, known_since, tickers, checksum FROM bars_known_since
"""
_COLUMNS = text("""
    SELECT attname FROM pg_attribute
    WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
""")
_MOMENT = text("SELECT transaction_timestamp()")
_SERIALS = text("""
    SELECT pg_get_serial_sequence(attrelid::regclass::text, attname), attname
    FROM pg_attribute
    WHERE attrelid = CAST(:table AS regclass) AND attidentity <> ''
""")
# Whatever the server's settings, the same text for the same row, and no digit lost.
_PLAIN_TEXT = text(
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1"
)


@dataclass(frozen=True)
class Part:
    """A file of a dump: a CSV with a header, by zstd. Its ``size`` is in bytes."""

    path: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Table:
    """A table of a dump."""

    columns: list[str]
    parts: list[Part]

    @property
    def rows(self) -> int:
        """Of all its parts."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Of all its files, in bytes."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True)
class Manifest:
    """What a dump is.

    Attributes:
        made_at: the moment of its snapshot.
        migrations: the files of ``sql/`` that had been applied, and their checksums.
        tables: what is in it.
    """

    made_at: datetime
    migrations: dict[str, str]
    tables: dict[str, Table]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(table.size for table in self.tables.values())

    def to_json(self) -> bytes:
        """As it is stored."""
        plain = {"format": FORMAT, **asdict(self), "made_at": self.made_at.isoformat()}
        return (json.dumps(plain, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, where: str) -> Self:
        """From what is stored.

        Raises:
            BackupError: it is none, or of a later format.
        """
        try:
            plain = json.loads(content)
            if plain["format"] != FORMAT:
                raise BackupError(f"{where} is of a format that a newer Parakeet reads: update it")
            tables = {
                name: Table(table["columns"], [Part(**part) for part in table["parts"]])
                for name, table in plain["tables"].items()
            }
            made_at = datetime.fromisoformat(plain["made_at"])
            return cls(made_at, dict(plain["migrations"]), tables)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BackupError(f"{where} is not the manifest of a dump: choose another") from None


class Dump:
    """One folder of ``Dumps``."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self.url = f"{store.url}/{name}" if name else store.url

    def manifest(self) -> Manifest | None:
        """What it is, None where it is not complete."""
        content = self.store.read(self._path(MANIFEST))
        return None if content is None else Manifest.from_json(content, f"{self.url}/{MANIFEST}")

    def write(self, connection: Connection) -> Manifest:
        """Write the tables as ``connection``, a snapshot, sees them."""
        connection.execute(_PLAIN_TEXT)
        made_at = connection.execute(_MOMENT).scalar_one()
        migrations = dict(schema_state(connection).applied)
        tables = {name: self._write_table(connection, name) for name in TABLES}
        manifest = Manifest(made_at, migrations, tables)
        self.store.write(self._path(MANIFEST), manifest.to_json())
        return manifest

    def _write_table(self, connection: Connection, name: str) -> Table:
        columns = list(connection.scalars(_COLUMNS, {"table": name}))
        rows = _KNOWN_SINCE if name == "bars_known_since" else f"SELECT * FROM {name}"  # noqa: S608 - ours
        selected = sql.SQL(
            "COPY (SELECT {} FROM ({}) AS t ORDER BY {}) TO STDOUT (FORMAT csv, HEADER)"
        )
        parts = _Parts(lambda number, content: self._put(name, number, content))
        with driver_cursor(connection) as cursor:
            cursor.copy_expert(
                selected.format(_names(columns), sql.SQL(rows), sql.SQL(TABLES[name])), parts
            )
        parts.end()
        return Table(columns, parts.written)

    def _put(self, table: str, number: int, content: bytes) -> tuple[str, bytes]:
        file = f"{table}-{number:03}.csv.zst"
        packed = pa.Codec("zstd", compression_level=_LEVEL).compress(content, asbytes=True)
        self.store.write(self._path(file), packed)
        return file, packed

    def load(self, connection: Connection, manifest: Manifest) -> None:
        """Put the rows into the tables, which are empty.

        Raises:
            BackupError: a file is missing, or is not the one that was written.
        """
        connection.execute(_PLAIN_TEXT)
        for name, table in manifest.tables.items():
            target = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER MATCH)").format(
                sql.Identifier(name), _names(table.columns)
            )
            with driver_cursor(connection) as cursor:
                for part in table.parts:
                    cursor.copy_expert(target, io.BytesIO(self._content(part)))
            self._go_on_counting(connection, name)

    def _content(self, part: Part) -> bytes:
        packed = self.store.read(self._path(part.path))
        if packed is None:
            raise BackupError(f"{self.url}/{part.path} is missing: restore another dump")
        if hashlib.sha256(packed).hexdigest() != part.sha256:
            raise BackupError(
                f"{self.url}/{part.path} is not what was written: restore another dump"
            )
        content: bytes = pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read()
        return content

    def _go_on_counting(self, connection: Connection, table: str) -> None:
        """Let the next id be the one after the last."""
        with driver_cursor(connection) as cursor:
            for sequence, column in connection.execute(_SERIALS, {"table": table}):
                highest = sql.SQL("SELECT setval(%s, max({})) FROM {}").format(
                    sql.Identifier(column), sql.Identifier(table)
                )
                cursor.execute(highest, [sequence])

    def _path(self, file: str) -> str:
        return f"{self.name}/{file}" if self.name else file


class Dumps:
    """The dumps at one place, named by the moment at which they were begun."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.url = store.url

    def new(self, moment: datetime) -> Dump:
        """The dump that is begun at a moment."""
        return Dump(self.store, moment.astimezone(UTC).strftime(_NAME_FORMAT))

    def complete(self) -> list[Dump]:
        """The complete ones, the oldest first."""
        return [dump for dump in self._every() if self._has_manifest(dump)]

    def find(self) -> tuple[Dump, Manifest]:
        """The dump that the place is, or the newest one in it.

        Raises:
            BackupError: there is none.
        """
        itself = Dump(self.store, "")
        for dump in (itself, *reversed(self._every())):
            manifest = dump.manifest()
            if manifest is not None:
                return dump, manifest
        raise BackupError(f"there is no complete dump at {self.url}: name a place that has one")

    def prune(self, keep: int, moment: datetime) -> list[str]:
        """Remove all complete dumps but the newest ones, and what killed ones left long ago.

        Args:
            keep: so many stay.
            moment: now.

        Returns:
            The names of those that are gone.
        """
        complete = [dump.name for dump in self.complete()]
        abandoned = [
            dump.name
            for dump in self._every()
            if dump.name not in complete and moment - _begun(dump.name) > ABANDONED_AFTER
        ]
        gone = sorted([*complete[: max(len(complete) - keep, 0)], *abandoned])
        for name in gone:
            # First what makes it a dump: one that is half gone is none.
            self.store.remove(f"{name}/{MANIFEST}")
            self.store.remove_folder(name)
        return gone

    def _every(self) -> list[Dump]:
        """Incomplete ones too, as far as the store tells of folders without a manifest."""
        names = {path.partition("/")[0] for path in self.store.folders([""], "")}
        return [Dump(self.store, name) for name in sorted(names) if _NAME.fullmatch(name)]

    def _has_manifest(self, dump: Dump) -> bool:
        return self.store.read(f"{dump.name}/{MANIFEST}") is not None


class _Parts:
    """What COPY writes, row by row, in parts of some size that each have the header."""

    def __init__(self, put: Callable[[int, bytes], tuple[str, bytes]]) -> None:
        self.written: list[Part] = []
        self._put = put
        self._header = b""
        self._rows: list[bytes] = []
        self._size = 0

    def write(self, row: bytes) -> None:
        """Take a row; the first one is the header."""
        if not self._header:
            self._header = bytes(row)
            return
        self._rows.append(bytes(row))
        self._size += len(row)
        if self._size >= PART_BYTES:
            self._flush()

    def end(self) -> None:
        """Write the rest; a table without rows is a file without rows."""
        if self._rows or not self.written:
            self._flush()

    def _flush(self) -> None:
        content = b"".join([self._header, *self._rows])
        path, packed = self._put(len(self.written), content)
        digest = hashlib.sha256(packed).hexdigest()
        self.written.append(Part(path, len(self._rows), len(packed), digest))
        self._rows, self._size = [], 0


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _begun(name: str) -> datetime:
    return datetime.strptime(name, _NAME_FORMAT).replace(tzinfo=UTC)
