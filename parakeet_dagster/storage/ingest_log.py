"""The tables market_data_quarantine and ingest_failures: what did not come through, and why."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.staging import stage

_STAGED_ROWS = {"ticker": "text", "date": "date", "row": "jsonb", "rule": "text"}
_QUARANTINE = text("""
    INSERT INTO market_data_quarantine (ticker, date, "row", rule)
    SELECT ticker, date, "row", rule
    FROM pg_temp.staged_quarantine
    ORDER BY ticker, date, rule
    ON CONFLICT (ticker, date, rule) WHERE resolved_at IS NULL DO NOTHING
""")
_OPEN_ROWS = text("""
    SELECT id, ticker, date
    FROM market_data_quarantine
    WHERE resolved_at IS NULL AND date BETWEEN :first AND :last
""")
_RESOLVE_ROWS = text("""
    UPDATE market_data_quarantine
    SET resolved_at = clock_timestamp(), resolution = 'good in a later fetch'
    WHERE resolved_at IS NULL AND id = ANY (CAST(:ids AS bigint[]))
""")
_LOCK_FAILURES = text("SELECT pg_advisory_xact_lock(hashtext('parakeet ingest_failures'), 0)")
_RECORD = text("""
    INSERT INTO ingest_failures AS f (ticker, session, error_class, message)
    SELECT DISTINCT ON (ticker, error_class) ticker, CAST(:session AS date), error_class, message
    FROM unnest(
        CAST(:tickers AS text[]), CAST(:error_classes AS text[]), CAST(:messages AS text[])
    ) AS failed (ticker, error_class, message)
    ORDER BY ticker, error_class
    ON CONFLICT (ticker, session, error_class) DO UPDATE SET
        message = excluded.message,
        attempts = f.attempts + 1,
        last_seen = excluded.last_seen,
        resolved_at = NULL
""")
_RESOLVE_FAILURES = text("""
    UPDATE ingest_failures
    SET resolved_at = clock_timestamp()
    WHERE resolved_at IS NULL
      AND session BETWEEN :first AND :last
      AND ticker = ANY (CAST(:tickers AS text[]))
""")
_OPEN_FAILURES = text("""
    SELECT ticker, session, error_class, message, attempts, first_seen, last_seen
    FROM ingest_failures
    WHERE resolved_at IS NULL
    ORDER BY session, ticker COLLATE "C", error_class
""")


class Failure(Protocol):
    """A ticker that could not be had, such as ``price_sources.base.TickerFailure``."""

    @property
    def ticker(self) -> str:
        """What was asked for."""

    @property
    def error_class(self) -> str:
        """Such as ``RATE_LIMIT``."""

    @property
    def message(self) -> str:
        """What the source said."""


def quarantine(connection: Connection, frame: pd.DataFrame) -> int:
    """See ``Database.quarantine``."""
    if frame.empty:
        return 0
    stage(connection, "staged_quarantine", _STAGED_ROWS, frame)
    return connection.execute(_QUARANTINE).rowcount


def resolve_quarantine(connection: Connection, good: pd.DataFrame) -> int:
    """See ``Database.resolve_quarantine``."""
    if good.empty:
        return 0
    span = {"first": good["date"].min(), "last": good["date"].max()}
    rows = pd.read_sql_query(_OPEN_ROWS, connection, params=span)
    rows = rows.astype({"date": good["date"].dtype}).merge(
        good[["ticker", "date"]].drop_duplicates()
    )
    if rows.empty:
        return 0
    return connection.execute(_RESOLVE_ROWS, {"ids": rows["id"].tolist()}).rowcount


def record_failures(
    connection: Connection,
    session_first: date,
    session_last: date,
    failures: Sequence[Failure],
    came_through: Collection[str],
) -> None:
    """See ``Database.record_failures``."""
    connection.execute(_LOCK_FAILURES)
    connection.execute(
        _RECORD,
        {
            "session": session_last,
            "tickers": [failure.ticker for failure in failures],
            "error_classes": [str(failure.error_class) for failure in failures],
            "messages": [failure.message for failure in failures],
        },
    )
    mended = sorted(set(came_through) - {failure.ticker for failure in failures})
    connection.execute(
        _RESOLVE_FAILURES, {"first": session_first, "last": session_last, "tickers": mended}
    )


def open_failures(connection: Connection) -> pd.DataFrame:
    """See ``Database.open_failures``."""
    frame = pd.read_sql_query(_OPEN_FAILURES, connection)
    moments = ["first_seen", "last_seen"]
    frame[moments] = frame[moments].apply(pd.to_datetime, utc=True)
    words = dict.fromkeys(("ticker", "error_class", "message"), "str")
    return frame.astype({**words, "session": "datetime64[us]", "attempts": "int64"})
