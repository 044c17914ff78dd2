"""Rows 3, 4 and 15: the lake in a directory, written, read, and queried by other programs.

The lake of rows 4 and 15 has twenty years of sessions: a window of one year costs what is read,
not what is stored.
"""

from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.clock import alone, side_by_side, timed
from benchmarks.result import Result
from benchmarks.signals import market, names
from parakeet_dagster import sessions as calendar
from parakeet_dagster.places import open_lake
from parakeet_dagster.storage.lake import HISTORY_OF, Lake
from parakeet_dagster.storage.schemas import SCHEMAS

ASSET = "daily_returns"
TICKERS = 741
WRITTEN, WINDOW, FIVE_YEARS, HISTORY = 1260, 274, 1260, 5650
FEW = ["date", "ticker", "return_aud", "traded"]
THREADS = 8
"""Of the bare way: on 2 cores from 4 to 32 cost the same."""

ROUNDS, QUERIES = 9, 15
QUERY = 0.1
"""Seconds that a query may take."""

TEXTS = [field.name for field in SCHEMAS[ASSET] if field.type == "string"]
TICKER = names(TICKERS)[100]


def results() -> list[Result]:
    """The rows, on a lake that is deleted at the end."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        stored = fill(open_lake(str(root / "lake")))
        return [written(root / "written"), *loaded(root / "lake", stored), *queried(root, stored)]


def days_of(keys: Sequence[str]) -> pd.DatetimeIndex:
    """The sessions as dates."""
    return pd.DatetimeIndex(list(keys)).as_unit("us")


def fill(lake: Lake) -> list[str]:
    """Twenty years of returns, and prices without a row: of them only the sessions count."""
    keys = [calendar.key(day) for day in calendar.calendar()[:HISTORY]]
    for start in range(0, HISTORY, WRITTEN):
        chunk = keys[start : start + WRITTEN]
        lake.write(ASSET, market(days_of(chunk), TICKERS), chunk)
    lake.write(HISTORY_OF, lake.read(HISTORY_OF, []), keys)
    return keys


def written(root: Path) -> Result:
    """Row 3; what both ways wrote is compared to the byte."""
    keys = [calendar.key(day) for day in calendar.calendar()[:WRITTEN]]
    frame, lake = market(days_of(keys), TICKERS), open_lake(str(root))

    def ours() -> None:
        lake.write(ASSET, frame, keys)

    def floor() -> None:
        plainly_written(root, frame, keys)

    def clear() -> None:
        rmtree(root, ignore_errors=True)

    digests = set()
    for write in (ours, floor):
        clear()
        write()
        digests.add(digest(root))
    if len(digests) > 1:
        raise RuntimeError("row 3: the bare way does not write the bytes of the lake")
    taken = side_by_side(ours, floor, before=clear)
    clear()
    return Result(
        "3",
        f"write {WRITTEN:,} sessions x {TICKERS} tickers to the lake, local",
        taken.ours,
        taken.floor,
        limit=1.3,
        note="the same bytes; ours beside each file first, then renamed",
    )


def plainly_written(root: Path, frame: pd.DataFrame, keys: Sequence[str]) -> None:
    """The same files by pyarrow alone; every session has the same number of rows, in order."""
    schema = SCHEMAS[ASSET]
    rows = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    table = rows.replace_schema_metadata(None)

    def write_one(place: int) -> None:
        folder = root / ASSET / f"session={keys[place]}"
        folder.mkdir(parents=True)
        pq.write_table(
            table.slice(place * TICKERS, TICKERS),
            folder / "part-0.parquet",
            compression="zstd",
            use_dictionary=TEXTS,
        )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write_one, range(len(keys))))


def digest(root: Path) -> str:
    """One number for the names and the bytes of all files."""
    whole = sha256()
    for path in sorted(root.rglob("*.parquet")):
        whole.update(path.relative_to(root).as_posix().encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def loaded(root: Path, stored: Sequence[str]) -> list[Result]:
    """Row 4, and the same for a strategy that needs few columns."""
    lake, last, window = open_lake(str(root)), stored[-1:], stored[-WINDOW:]

    def floor() -> pd.DataFrame:
        return plainly_read(root, window)

    what = f"load a {WINDOW}-session window x {TICKERS} tickers, local"
    whole = side_by_side(lambda: lake.read_window(ASSET, last, WINDOW - 1), floor, ROUNDS)
    few = side_by_side(lambda: lake.read_window(ASSET, last, WINDOW - 1, FEW), floor, ROUNDS)
    peak = alone(read_once, str(root), last, WINDOW - 1).memory
    return [
        Result("4", what, whole.ours, whole.floor, limit=1.3, memory=peak),
        Result(
            "4b",
            f"{what}: {len(FEW)} of {len(SCHEMAS[ASSET].names)} columns",
            few.ours,
            few.floor,
            note="the floor reads every column",
        ),
    ]


def plainly_read(root: Path, keys: Sequence[str]) -> pd.DataFrame:
    """The same rows by pyarrow alone: the least, without a look at what is stored."""

    def read_one(key: str) -> pa.Table:
        return pq.ParquetFile(root / ASSET / f"session={key}" / "part-0.parquet").read()

    with ThreadPoolExecutor(THREADS) as pool:
        frame: pd.DataFrame = pa.concat_tables(pool.map(read_one, keys)).to_pandas()
    return frame


def read_once(url: str, keys: Sequence[str], lookback: int) -> None:
    """A window in a process of its own."""
    open_lake(url).read_window(ASSET, keys, lookback)


def queried(root: Path, stored: Sequence[str]) -> list[Result]:
    """Row 15; the floor of five years is to have the bytes of their files in memory."""
    folder = root / "lake" / ASSET
    files = [str(folder / f"session={key}" / "part-0.parquet") for key in stored]
    five, last = files[-FIVE_YEARS:], files[-1]
    glob = str(folder / "session=*" / "part-0.parquet")
    year = str(folder / f"session={stored[-1][:4]}-*" / "part-0.parquet")
    copy = duckdb.connect(str(root / "copy.duckdb"))
    copy.execute("SET enable_progress_bar = false")
    copy.execute("CREATE TABLE returns AS SELECT * FROM read_parquet(?)", [glob])
    day, years = "one day of every ticker", "five years of one ticker"
    opened = f"{FIVE_YEARS:,} files are opened"
    queries: list[tuple[str, int, Callable[[], Sized], str]] = [
        (f"DuckDB: {day}", TICKERS, lambda: day_of_file(last), "the session's file"),
        (f"polars: {day}", TICKERS, lambda: polars.read_parquet(last), "the session's file"),
        (
            f"DuckDB: {day}",
            TICKERS,
            lambda: day_of_folders(year, stored[-1]),
            "Hive: among the folders of its year",
        ),
        (
            f"DuckDB: {day}",
            TICKERS,
            lambda: day_of_folders(glob, stored[-1]),
            f"Hive: among {HISTORY:,} folders",
        ),
        (f"DuckDB: {years}", FIVE_YEARS, lambda: years_of_files(five), opened),
        (f"polars: {years}", FIVE_YEARS, lambda: scan(five), opened),
        (
            f"DuckDB: {years}",
            FIVE_YEARS,
            lambda: years_of_copy(copy, stored[-FIVE_YEARS]),
            "a table copied from the lake",
        ),
    ]
    bare = median(timed(lambda: [Path(file).read_bytes() for file in five]) for _ in range(5))
    rows = []
    for letter, (what, count, query, note) in zip("abcdefg", queries, strict=True):
        if len(query()) != count:
            raise RuntimeError(f"row 15{letter}: not {count} rows")
        taken = median(timed(query) for _ in range(QUERIES))
        floor = bare if note == opened else None
        rows.append(Result(f"15{letter}", what, taken, floor, within=QUERY, note=note))
    copy.close()
    return rows


def day_of_file(file: str) -> list[Any]:
    """A session by DuckDB, from its path."""
    return duckdb.execute("SELECT * FROM read_parquet(?)", [file]).fetchall()


def day_of_folders(glob: str, session: str) -> list[Any]:
    """A session by DuckDB, which looks for it among the folders."""
    return duckdb.execute(
        "SELECT * FROM read_parquet(?, hive_partitioning = true) WHERE session = ?::DATE",
        [glob, session],
    ).fetchall()


def years_of_files(files: list[str]) -> list[Any]:
    """A ticker by DuckDB, from the files of its years."""
    return duckdb.execute(
        "SELECT date, return_aud FROM read_parquet(?) WHERE ticker = ?", [files, TICKER]
    ).fetchall()


def years_of_copy(copy: duckdb.DuckDBPyConnection, first: str) -> list[Any]:
    """A ticker by DuckDB, from a table of its own."""
    return copy.execute(
        "SELECT date, return_aud FROM returns WHERE ticker = ? AND date >= ?::DATE",
        [TICKER, first],
    ).fetchall()


def scan(files: list[str]) -> polars.DataFrame:
    """One ticker by polars."""
    of_ticker = polars.scan_parquet(files).filter(polars.col("ticker") == TICKER)
    return of_ticker.select("date", "return_aud").collect()
