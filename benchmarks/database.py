"""The database: merges against a bare COPY, and queries of a table of four million bars.

The server is the embedded one, in a directory of its own. The data is made up, and the same on
every run: shares of two markets with a dividend a quarter and a split now and then.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
import pandas as pd
from psycopg2 import sql
from sqlalchemy import text

from benchmarks.clock import Timed, side_by_side, timed
from benchmarks.result import Result
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.driver import driver_cursor
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster.storage.staging import slices_as_csv

TICKERS, SESSIONS, MILLION, CHUNK = 741, 5650, 1350, 130
"""Tickers; sessions of twenty years, of a million rows, and of a chunk of a back-fill."""

ROUNDS, ROUNDS_OF_A_QUERY = 3, 15
WITHIN = 0.1
REASON = "a benchmark"
LAST = pd.Timestamp("2024-12-31")

COLUMNS = {
    "ticker": "text",
    "date": "date",
    **dict.fromkeys(("open", "high", "low", "close"), "double precision"),
    "volume": "bigint",
    "adjusted_close": "double precision",
    "source": "text",
    "data_quality": "text",
    "metadata": "jsonb",
}
ACTIONS = {
    "ticker": "text",
    "ex_date": "date",
    "kind": "text",
    "value": "double precision",
    "source": "text",
}
TABLES = "market_data, corporate_actions, market_data_revisions, stale_adjusted_closes"

QUERIES = {
    "one ticker's five years": """
        SELECT date, open, high, low, close, volume, adjusted_close FROM market_data
        WHERE ticker = 'T0123' AND date > DATE '2024-12-31' - 1826 ORDER BY date""",
    "the same adjusted": """
        SELECT * FROM market_data_adjusted
        WHERE ticker = 'T0123' AND date > DATE '2024-12-31' - 1826 ORDER BY date""",
    "one day's cross-section": """
        SELECT ticker, close, volume FROM market_data WHERE date = '2016-03-15' ORDER BY ticker""",
    "get_latest_close": "SELECT get_latest_close('T0123')",
    "get_ticker_date_range": "SELECT * FROM get_ticker_date_range('T0123')",
    "market_data_latest": "SELECT * FROM market_data_latest",
    "market_data_sessions": "SELECT * FROM market_data_sessions",
    "the last 252 bars of one ticker": """
        SELECT date, adjusted_close FROM market_data
        WHERE ticker = 'T0123' ORDER BY date DESC LIMIT 252""",
    "the last 252 bars of 20 tickers": """
        SELECT last.* FROM (SELECT ticker FROM market_data_tickers LIMIT 20) AS t
        CROSS JOIN LATERAL (
            SELECT m.ticker, m.date, m.adjusted_close FROM market_data AS m
            WHERE m.ticker = t.ticker ORDER BY m.date DESC LIMIT 252
        ) AS last""",
    "a moving average of one ticker's twenty years": """
        SELECT date, avg(adjusted_close) OVER (ORDER BY date ROWS 199 PRECEDING) FROM market_data
        WHERE ticker = 'T0123' ORDER BY date""",
    "market_data_quality_summary": "SELECT * FROM market_data_quality_summary",
}
"""Queries that a person or a report asks of the table."""

COUNTS_ALL = {"market_data_quality_summary"}
"""Those that count every row: they have no target."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """Bars as matrices, a row a session and a column a ticker."""

    sessions: pd.DatetimeIndex
    prices: dict[str, Floats]
    volume: npt.NDArray[np.int64]
    dividend: Floats
    split_ratio: Floats

    def rows(self, first: int, last: int) -> pd.DataFrame:
        """``raw_prices`` of the sessions from place ``first`` up to, not with, ``last``."""
        sessions = self.sessions[first:last]
        count = self.volume.shape[1]
        matrices = self.prices | {
            "volume": self.volume,
            "dividend": self.dividend,
            "split_ratio": self.split_ratio,
        }
        is_us = np.arange(count) % 3 > 0
        frame = pd.DataFrame(
            {
                "date": sessions.repeat(count),
                "ticker": np.tile([f"T{place:04}" for place in range(count)], len(sessions)),
                "market": np.tile(np.where(is_us, "XNYS", "XASX"), len(sessions)),
                "currency": np.tile(np.where(is_us, "USD", "AUD"), len(sessions)),
                **{name: matrix[first:last].ravel() for name, matrix in matrices.items()},
                "source": "yahoo",
                "data_quality": "good",
            }
        )
        texts = ("ticker", "market", "currency", "source", "data_quality")
        return frame.astype(dict.fromkeys(texts, "str"))

    def days(self, first: int, last: int) -> list[date]:
        """The dates of these sessions."""
        return [day.date() for day in self.sessions[first:last]]


def market(sessions: int, tickers: int) -> Market:
    """Prices with four decimals that walk; a dividend a quarter, a split in ten years."""
    random = np.random.default_rng(0)
    shape = (sessions, tickers)
    closes = 50 * np.exp(np.cumsum(random.normal(0.0, 0.015, shape), axis=0))
    opens = closes * (1 + random.normal(0.0, 0.005, shape))
    up, down = np.abs(random.normal(0.0, 0.005, (2, *shape)))
    prices = {
        "open": opens,
        "high": np.maximum(opens, closes) * (1 + up),
        "low": np.minimum(opens, closes) * (1 - down),
        "close": closes,
    }
    pays = np.arange(sessions)[:, None] % 63 == random.integers(0, 63, tickers)
    return Market(
        sessions=pd.bdate_range(end=LAST, periods=sessions).as_unit("us"),
        prices={name: np.maximum(matrix.round(4), 0.0001) for name, matrix in prices.items()},
        volume=random.integers(10_000, 50_000_000, shape),
        dividend=np.where(pays, np.maximum((closes * 0.005).round(4), 0.0001), 0.0),
        split_ratio=np.where(random.random(shape) < 1 / 2520, 2.0, 1.0),
    )


@contextmanager
def database() -> Iterator[Database]:
    """An empty one, with the schema, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="parakeet-bench-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        opened = Database(DatabaseUrl.parse(server.start()))
        try:
            opened.apply_schema()
            yield opened
        finally:
            opened.close()
            server.stop()


def copy_into(one: Database, table: str, columns: dict[str, str], rows: pd.DataFrame) -> None:
    """The rows as text into a table itself, its indexes and constraints in place."""
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with one.transaction("copy") as connection, driver_cursor(connection) as cursor:
        for some in slices_as_csv(rows, columns):
            cursor.copy_expert(command, some)


def copy(one: Database, rows: pd.DataFrame) -> None:
    """The floor: bars by COPY, as they come."""
    described = '{"market": "' + rows["market"] + '", "currency": "' + rows["currency"] + '"}'
    bars = rows.assign(adjusted_close=rows["close"], metadata=described)
    copy_into(one, "market_data", COLUMNS, bars)


def copy_actions(one: Database, rows: pd.DataFrame) -> None:
    """The dividends and splits of the rows."""
    kinds = {"dividend": rows["dividend"] > 0, "split_ratio": rows["split_ratio"] != 1}
    actions = pd.concat(
        rows.loc[there, ["ticker", "date", "source"]].assign(
            kind=name.removesuffix("_ratio"), value=rows.loc[there, name]
        )
        for name, there in kinds.items()
    )
    copy_into(one, "corporate_actions", ACTIONS, actions.rename(columns={"date": "ex_date"}))


def emptied(one: Database) -> None:
    """No bar, no action, and nothing left to write to disk."""
    with one.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"TRUNCATE {TABLES}"))
        connection.execute(text("CHECKPOINT"))


def rows_written(one: Database) -> int:
    """How often a row of the table was inserted, updated or deleted so far."""
    query = """SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
        WHERE relname = 'market_data'"""
    with one.transaction("count") as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with one.transaction("count") as connection:
        return int(connection.scalar(text(query)) or 0)


def against_copy(one: Database, rows: pd.DataFrame, days: list[date]) -> tuple[Timed, Timed]:
    """A merge of new rows, and one of the same rows again, each against a COPY; in turn."""
    new: list[float] = []
    again: list[float] = []
    bare: list[float] = []

    def ours() -> None:
        emptied(one)
        new.append(timed(lambda: one.merge_market_data(rows, days, REASON)))
        before = rows_written(one)
        again.append(timed(lambda: one.merge_market_data(rows, days, REASON)))
        if rows_written(one) != before:
            raise RuntimeError("the same rows again were written")

    def floor() -> None:
        emptied(one)
        bare.append(timed(lambda: copy(one, rows)))

    for turn in range(ROUNDS):
        for run in (ours, floor) if turn % 2 == 0 else (floor, ours):
            run()
    return Timed(median(new), median(bare)), Timed(median(again), median(bare))


def by_chunks(one: Database, of: Market) -> Timed:
    """A million rows as a back-fill merges them, and the same chunks by COPY."""
    begins = range(0, MILLION, CHUNK)
    chunks = [(of.rows(b, e), of.days(b, e)) for b in begins for e in [min(b + CHUNK, MILLION)]]

    def ours() -> None:
        for rows, days in chunks[:-1]:
            one.merge_chunk(rows, days, REASON)
        one.merge_market_data(*chunks[-1], REASON)

    def floor() -> None:
        for rows, _ in chunks:
            copy(one, rows)

    return side_by_side(ours, floor, rounds=1, before=lambda: emptied(one))


def filled(one: Database, of: Market) -> None:
    """All sessions, chunk by chunk as a back-fill writes them, and vacuumed."""
    emptied(one)
    for begin in range(0, SESSIONS - 1, CHUNK):
        rows = of.rows(begin, min(begin + CHUNK, SESSIONS - 1))
        copy(one, rows.sort_values(["ticker", "date"]))
        copy_actions(one, rows)
    with one.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) market_data, corporate_actions"))


def one_session(one: Database, of: Market) -> Timed:
    """The newest session merged into twenty years, and copied."""
    rows, days = of.rows(SESSIONS - 1, SESSIONS), of.days(SESSIONS - 1, SESSIONS)

    def taken_out() -> None:
        with one.transaction("take a session out") as connection:
            connection.execute(text("DELETE FROM market_data WHERE date = :day"), {"day": days[0]})

    return side_by_side(
        lambda: one.merge_market_data(rows, days, REASON),
        lambda: copy(one, rows),
        before=taken_out,
    )


def seconds_of(one: Database, query: str) -> float:
    """Seconds of a query with its rows fetched, the median of some."""
    with one.transaction("query") as connection:
        return median(
            timed(lambda: connection.execute(text(query)).all()) for _ in range(ROUNDS_OF_A_QUERY)
        )


def results() -> list[Result]:
    """The rows of merges and of queries."""
    of = market(SESSIONS, TICKERS)
    with database() as one:
        rows, days = of.rows(0, MILLION), of.days(0, MILLION)
        new, again = against_copy(one, rows, days)
        chunked = by_chunks(one, of)
        del rows
        filled(one, of)
        session = one_session(one, of)
        queries = {name: seconds_of(one, query) for name, query in QUERIES.items()}
    copied = "the floor copies the frame in its own order"
    found = [
        Result("1", "merge 1,000,000 new rows", new.ours, new.floor, limit=1.4, note=copied),
        Result("1a", f"the same in chunks of {CHUNK} sessions", chunked.ours, chunked.floor),
        Result("1b", "one session merged into 4.2 million rows", session.ours, session.floor),
        Result("2", "the same 1,000,000 rows again, unchanged", again.ours, again.floor, limit=1.0,
               note="no row written"),
    ]  # fmt: skip
    return found + [
        Result(f"14{letter}", f"4.2 million rows: {name}", queries[name],
               within=None if name in COUNTS_ALL else WITHIN)
        for letter, name in zip(ascii_lowercase, QUERIES, strict=False)
    ]  # fmt: skip
