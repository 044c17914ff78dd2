"""A frame into a temporary table, by COPY."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv
from sqlalchemy import Connection

from parakeet_dagster.storage.driver import driver_cursor

_ROWS_PER_COPY = 250_000


def stage(connection: Connection, table: str, columns: dict[str, str], frame: pd.DataFrame) -> None:
    """Create the temporary ``table`` with the ``columns`` (name to type) and fill it.

    The table is gone at the end of the transaction. A missing value, NaN among them, is NULL.
    Memory beyond the frame is bounded: it goes over in slices.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    definition = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in columns.items()
    )
    target = sql.Identifier("pg_temp", table)
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(target, names)
    with driver_cursor(connection) as cursor:
        cursor.execute(create.format(sql.Identifier(table), definition))
        for rows in slices_as_csv(frame, columns):
            cursor.copy_expert(copy, rows)
        cursor.execute(sql.SQL("ANALYZE {}").format(target))


def slices_as_csv(frame: pd.DataFrame, columns: dict[str, str]) -> Iterator[pa.BufferReader]:
    """The ``columns`` (name to SQL type) for COPY, without a header, some rows at a time."""
    for start in range(0, len(frame), _ROWS_PER_COPY):
        yield _csv(frame.iloc[start : start + _ROWS_PER_COPY][list(columns)], columns)


def _csv(rows: pd.DataFrame, columns: dict[str, str]) -> pa.BufferReader:
    """The rows without a header; a date column without its time."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    for position, (name, kind) in enumerate(columns.items()):
        if kind == "date":
            table = table.set_column(position, name, table.column(name).cast(pa.date32()))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False))
    return pa.BufferReader(sink.getvalue())
