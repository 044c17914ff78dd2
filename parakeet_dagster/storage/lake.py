"""The lake: one Parquet file per asset and session, the same bytes for the same input.

``<lake>/<asset>/session=YYYY-MM-DD/part-0.parquet``: Hive-style, so DuckDB, polars, pandas and
Athena read it as one table. Whole objects are read over threads: on S3 that is thirteen times
faster than a dataset reader, which makes several dependent requests a file.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parakeet_dagster import sessions as calendar
from parakeet_dagster.closures import FIRST_DAY, LAST_DAY
from parakeet_dagster.errors import HoleError, LakeError, SchemaError
from parakeet_dagster.storage.memory import Memory
from parakeet_dagster.storage.schemas import SCHEMAS
from parakeet_dagster.storage.stores import S3Store, Store
from strategy.universes.renames import renamed, symbols_ever

FILE = "part-0.parquet"
READ_BACK_BATCH = 20
DECADES = [str(decade) for decade in range(int(FIRST_DAY[:3]), int(LAST_DAY[:3]) + 1)]
CONNECTIONS = S3Store.threads + len(DECADES)
"""As many as the reads and the listing of a window have at once."""

HISTORY_OF = "raw_prices"
STARTED_LATER = ("signals/", "allocations/")

T = TypeVar("T")
R = TypeVar("R")


class Lake:
    """Frames by asset and session. ``asset`` is the asset's path: ``signals/dual_momentum``.

    Args:
        store: where the files are.
        renames: symbols that changed, see ``strategy.universes.renames``. What is read has the
            newest symbols, also where it was stored before a change.
        memory: of what has been read, where it is to be read once; see ``remembering``.
        before_writing: called before each write; raises where nothing may be written any more.
    """

    def __init__(
        self,
        store: Store,
        renames: pd.DataFrame,
        memory: Memory | None = None,
        before_writing: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.renames = renames
        self._memory = memory
        self._before_writing = before_writing

    def remembering(self, before_writing: Callable[[], None] = lambda: None) -> "Lake":
        """The same lake for the time of one run: ``recall`` and ``read_window`` read a file once.

        Nor is listed twice what is stored. What another process writes meanwhile is not seen: see
        ``parakeet_dagster.storage.turns``.
        """
        return Lake(self.store, self.renames, Memory(), before_writing)

    def forget(self) -> None:
        """Give back what is remembered; from then on it is read and listed again."""
        if self._memory:
            self._memory = Memory()

    def write(self, asset: str, frame: pd.DataFrame, sessions: Sequence[str]) -> None:
        """Store ``frame`` as one file per session of ``sessions``, rows or not.

        Raises:
            SchemaError: columns, types or keys are not as the asset promises, or a row belongs to
                none of ``sessions``.
            DatabaseError: the run lost its turn at writing.
        """
        table = _conform(asset, frame)
        spans = _spans(table)
        strangers = sorted(set(spans) - set(sessions))
        if strangers:
            raise SchemaError(f"{asset}: a row is dated {strangers[0]}, which is not being written")

        def write_one(session: str) -> None:
            start, count = spans.get(session, (0, 0))
            self.store.write(_path(asset, session), _parquet(table.slice(start, count)))

        self._before_writing()
        if self._memory:
            self._memory.forget(asset)
        self._over_threads(write_one, sessions)
        if self._memory:
            self._memory.wrote(asset, sessions)

    def read(
        self, asset: str, sessions: Sequence[str], columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The rows of ``sessions``, all of which must be stored; ``date`` is datetime64[us].

        Args:
            asset: the asset's path.
            sessions: keys.
            columns: the columns wanted, in that order; every column by default. What is not wanted
                is not decoded.

        Raises:
            HoleError: a session is not stored.
            SchemaError: the asset has no such column.
        """
        needed = _needed(asset, columns)
        tables = self._over_threads(lambda session: self._table(asset, session, needed), sessions)
        return self._frame(asset, sessions, tables, columns)

    def read_tickers(
        self, asset: str, sessions: Sequence[str], tickers: Collection[str]
    ) -> pd.DataFrame:
        """As ``read``, of some tickers only: the rows of all others never become a frame.

        Args:
            asset: one that has a column ticker.
            sessions: keys.
            tickers: newest symbols.

        Raises:
            HoleError: a session is not stored.
        """
        symbols = pa.array(sorted(symbols_ever(tickers, self.renames)), pa.string())

        def of_tickers(session: str) -> pa.Table | None:
            table = self._table(asset, session, None)
            return table and table.filter(pc.is_in(table["ticker"], value_set=symbols))

        tables = self._over_threads(of_tickers, sessions)
        rows = self._frame(asset, sessions, tables, None)
        return rows[rows["ticker"].isin(tickers)].reset_index(drop=True)

    def recall(self, asset: str, sessions: Sequence[str]) -> pd.DataFrame:
        """As ``read``, of ascending ``sessions``; what is remembered is not read again.

        For what a run asks for more than once: it stays in memory, see ``Memory``.
        """
        if self._memory is None or not sessions:
            return self.read(asset, sessions)
        lacking = self._memory.lacking(asset, sessions)
        self._memory.keep(asset, lacking, self.read(asset, lacking))
        return self._memory.rows(asset, sessions)

    def read_window(
        self,
        asset: str,
        keys: Sequence[str],
        lookback: int = 0,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """The rows of the sessions ``keys`` and of the ``lookback`` sessions before them.

        Sessions before history are warm-up and left out: history starts where the lake's prices
        start, for a strategy where it was switched on. Anything missing after that, in the window
        or before it, is a hole. What is stored is listed while the window is read.

        Raises:
            HoleError: a session inside the stored history is missing, or none is stored.
            SchemaError: the asset has no such column.
        """
        needed = None if self._memory else _needed(asset, columns)
        memory = self._memory or Memory()
        with ThreadPoolExecutor(self.store.threads) as pool:
            listed = pool.submit(self.sessions, asset)
            first, prices = pool.map(self.first_session, (asset, HISTORY_OF))
            if first is None or first > keys[-1]:
                raise HoleError(_missing(asset, keys[-1:]))
            start = min(keys[0], prices or keys[0])
            if asset.startswith(STARTED_LATER):
                start = max(start, first)
            window = [key for key in calendar.window(keys, lookback) if key >= start]
            lacking = memory.lacking(asset, window)
            tables = pool.map(lambda session: self._table(asset, session, needed), lacking)
            stored = set(listed.result())
            holes = [key for key in calendar.between(start, keys[-1]) if key not in stored]
            if holes:
                pool.shutdown(wait=False, cancel_futures=True)
                raise HoleError(_missing(asset, holes))
            memory.keep(asset, lacking, self._frame(asset, lacking, list(tables), needed))
        rows = memory.rows(asset, window)
        return rows if columns is None else rows[list(columns)]

    def _table(self, asset: str, session: str, columns: list[str] | None) -> pa.Table | None:
        path = _path(asset, session)
        content = self.store.read(path)
        if content is None:
            return None
        try:
            # The sessions are what is spread over threads; a file of 30 kB is not worth more.
            return pq.ParquetFile(pa.BufferReader(content)).read(columns, use_threads=False)
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            raise LakeError(
                f"{self.store.url}/{path} is not a readable Parquet file:"
                " delete it and materialise the session again"
            ) from None

    def _frame(
        self,
        asset: str,
        sessions: Sequence[str],
        tables: Sequence[pa.Table | None],
        columns: Sequence[str] | None,
    ) -> pd.DataFrame:
        missing = [
            session for session, table in zip(sessions, tables, strict=True) if table is None
        ]
        if missing:
            raise HoleError(_missing(asset, missing))
        stored = [table for table in tables if table is not None]
        empty = schema_of(asset).empty_table()
        empty = empty if columns is None else empty.select(_needed(asset, columns))
        frame: pd.DataFrame = pa.concat_tables([empty, *stored]).to_pandas(date_as_object=False)
        frame = frame.assign(date=frame["date"].astype("datetime64[us]"))
        frame = renamed(frame, self.renames) if "ticker" in frame else frame
        return frame if columns is None else frame[list(columns)]

    def sessions(self, asset: str) -> list[str]:
        """The stored session keys, ascending; of S3, each decade is asked for at the same time."""

        def listed() -> list[str]:
            prefixes = [f"{asset}/session={decade}" for decade in DECADES]
            return [_session(folder) for folder in self.store.folders(prefixes, FILE)]

        return self._memory.stored(asset, listed) if self._memory else listed()

    def strategies(self, asset: str) -> list[str]:
        """The names below ``allocations``, ``orders`` and the like, ascending."""
        return [path.split("/")[1] for path in self.store.folders([f"{asset}/"], "")]

    def first_session(self, asset: str) -> str | None:
        """The first stored session key, None where there is none."""
        if self._memory:
            return next(iter(self.sessions(asset)), None)
        folders = self.store.folders([f"{asset}/session="], FILE)
        return next((_session(folder) for folder in folders), None)

    def require_history(self, asset: str, session: str) -> None:
        """Make sure that no gap is left between what is stored and ``session``.

        Raises:
            HoleError: prices of earlier sessions are stored, but not the session before.
        """
        before = self._before(session)
        if before and not any(self.store.folders([f"{asset}/session={before}"], FILE)):
            raise HoleError(_missing(asset, [before]))

    def read_session_before(self, asset: str, session: str) -> pd.DataFrame:
        """The partition of the session before ``session``; empty where history starts here.

        Raises:
            HoleError: prices of earlier sessions are stored, but not that partition.
        """
        before = self._before(session)
        return self.read(asset, [before] if before else [])

    def _before(self, session: str) -> str | None:
        """The session before, None where history starts with ``session`` or after it."""
        before = calendar.offset(session, -1)
        start = self.first_session(HISTORY_OF)
        return before if before and start and start <= before else None

    def read_back(
        self, asset: str, before: str, enough: Callable[[pd.DataFrame], bool]
    ) -> pd.DataFrame:
        """Partitions backwards from the session before ``before`` until ``enough`` says so."""
        stored = [session for session in self.sessions(asset) if session < before]
        frame = self.read(asset, [])
        while stored and not enough(frame):
            stored, batch = stored[:-READ_BACK_BATCH], stored[-READ_BACK_BATCH:]
            frame = pd.concat([self.read(asset, batch), frame], ignore_index=True)
        return frame

    def _over_threads(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        with ThreadPoolExecutor(self.store.threads) as pool:
            return list(pool.map(work, items))


def schema_of(asset: str) -> pa.Schema:
    """The schema of an asset, found by the first part of its path."""
    return SCHEMAS[asset.split("/")[0]]


def _needed(asset: str, columns: Sequence[str] | None) -> list[str] | None:
    """The columns to read for ``columns``: with those by which a symbol is renamed."""
    if columns is None:
        return None
    names = schema_of(asset).names
    unknown = [name for name in columns if name not in names]
    if unknown:
        raise SchemaError(f"{asset}: no column {unknown[0]}; there are {', '.join(names)}")
    return [name for name in names if name in {"date", "universe", "ticker", *columns}]


def _parquet(table: pa.Table) -> bytes:
    """A file's bytes. Prices hardly repeat: a dictionary of them makes it larger and slower."""
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=texts)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _spans(table: pa.Table) -> dict[str, tuple[int, int]]:
    """The place of the first row and the number of rows of each session; rows are sorted by it."""
    days, starts, counts = np.unique(
        table["date"].to_numpy(), return_index=True, return_counts=True
    )
    spans = zip(starts.tolist(), counts.tolist(), strict=True)
    return dict(zip(np.datetime_as_string(days, unit="D").tolist(), spans, strict=True))


def _conform(asset: str, frame: pd.DataFrame) -> pa.Table:
    schema = schema_of(asset)
    if sorted(frame.columns) != sorted(schema.names):
        raise SchemaError(
            f"{asset}: columns are {', '.join(sorted(frame.columns))};"
            f" they must be {', '.join(sorted(schema.names))}"
        )
    keys = [name for name in ("date", "universe", "ticker", "currency") if name in schema.names]
    keys = keys if "ticker" not in keys else [name for name in keys if name != "currency"]
    ordered = frame[schema.names].sort_values(keys, kind="stable", ignore_index=True)
    repeated = ordered.duplicated(keys)
    if repeated.any():
        row = ordered.loc[repeated.idxmax(), keys]
        raise SchemaError(f"{asset}: two rows for {', '.join(map(str, row))}")
    if ordered[keys].isna().to_numpy().any():
        raise SchemaError(f"{asset}: a row without {' or '.join(keys)}")
    if (ordered["date"] != ordered["date"].dt.normalize()).any():
        raise SchemaError(f"{asset}: a date has a time of day")
    try:
        table = pa.Table.from_pandas(ordered, preserve_index=False)
        return table.cast(schema).replace_schema_metadata(None).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise SchemaError(f"{asset}: {str(error).splitlines()[0]}") from None


def _path(asset: str, session: str) -> str:
    return f"{asset}/session={session}/{FILE}"


def _session(folder: str) -> str:
    return folder.split("session=")[1][:10]


def _missing(asset: str, sessions: Sequence[str]) -> str:
    shown = ", ".join(sessions[:3]) + (
        f" and {len(sessions) - 3} more" if len(sessions) > 3 else ""
    )
    return (
        f"{asset}: session {shown} is not in the lake;"
        f" bring it in first: parakeet backfill {sessions[0]} {sessions[-1]}"
    )
