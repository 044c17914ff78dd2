"""Files of an asset without partitions: a page and tables beside each other in the lake."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from parakeet_dagster.storage.lake import Lake

PAGE = "report.html"


def write_report(lake: Lake, asset: str, page: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Store tables as ``<asset>/<name>.parquet``, then the page, which is there only with them.

    Args:
        lake: where.
        asset: its path, ``performance/dual_momentum``.
        page: HTML.
        tables: by name; the index is a column of the file, dates are date32.

    Returns:
        Where the page is.
    """
    folder = write_tables(lake, asset, tables)
    lake.store.write(f"{asset}/{PAGE}", page.encode())
    return f"{folder}/{PAGE}"


def write_tables(lake: Lake, asset: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Store tables as ``<asset>/<name>.parquet``, see ``write_report``; returns the folder."""
    files = {f"{asset}/{name}.parquet": _parquet(table) for name, table in tables.items()}
    for path, content in files.items():
        lake.store.write(path, content)
    return f"{lake.store.url}/{asset}"


def remove_report(lake: Lake, asset: str) -> None:
    """Remove what ``write_report`` stored, the page first; nothing where there is none."""
    for path in sorted(lake.store.paths(asset), key=lambda path: not path.endswith(f"/{PAGE}")):
        lake.store.remove(path)


def read_page(lake: Lake, asset: str) -> str | None:
    """The page of an asset; None where there is none."""
    content = lake.store.read(f"{asset}/{PAGE}")
    return None if content is None else content.decode()


def read_table(lake: Lake, asset: str, name: str, index: str) -> pd.DataFrame | None:
    """A table of an asset, by the column ``index``; None where there is none."""
    content = lake.store.read(f"{asset}/{name}.parquet")
    if content is None:
        return None
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    return frame.set_index(index)


def _parquet(table: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(_arrow(table), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _arrow(table: pd.DataFrame) -> pa.Table:
    plain = table.reset_index() if table.index.name else table
    arrow = pa.Table.from_pandas(plain.rename(columns=str), preserve_index=False)
    for place, field in enumerate(arrow.schema):
        if pa.types.is_timestamp(field.type):
            arrow = arrow.set_column(place, field.name, arrow.column(place).cast(pa.date32()))
    return arrow.replace_schema_metadata(None)
