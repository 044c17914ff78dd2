"""The table market_data_quarantine: rows that broke a rule, and what was decided about them."""

from typing import Literal

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.errors import ParakeetError
from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

Decision = Literal["released", "rejected"]

RELEASABLE = frozenset({"move", "rebased", "x100"})
"""The rules that a true bar can break. What breaks another one is mechanically impossible."""

_READ = text("""
    SELECT id, ticker, date, rule, "row"::text AS "row", detected_at, resolved_at, resolution
    FROM market_data_quarantine
    WHERE (CAST(:id AS bigint) IS NULL OR id = :id)
      AND (resolved_at IS NULL OR NOT :open)
    ORDER BY id
""")
_LOCK = text("SELECT id FROM market_data_quarantine WHERE id = :id FOR UPDATE")
_TYPES = {
    "id": "int64",
    "ticker": "str",
    "date": DAY,
    "rule": "str",
    "row": "str",
    "detected_at": MOMENT,
    "resolved_at": MOMENT,
    "resolution": "str",
}
_STAGED = {"ticker": "text", "date": "date", "row": "jsonb", "rule": "text"}
_ADD = text("SELECT quarantine_staged_rows()")
_OPEN_BETWEEN = text("""
    SELECT id, ticker, date
    FROM market_data_quarantine
    WHERE resolved_at IS NULL AND date BETWEEN :first AND :last
""")
_RESOLVE = text("""
    UPDATE market_data_quarantine AS q
    SET resolved_at = clock_timestamp(), resolution = good.resolution
    FROM unnest(CAST(:ids AS bigint[]), CAST(:resolutions AS text[])) AS good (id, resolution)
    WHERE q.id = good.id AND q.resolved_at IS NULL
""")
_DECIDE = text("""
    UPDATE market_data_quarantine
    SET resolved_at = clock_timestamp(), resolution = :resolution
    WHERE id = :id
""")
_CORRECT = text("""
    INSERT INTO price_corrections (ticker, date, value, reason)
    SELECT ticker, date, jsonb_build_object('quarantine', id) || "row", :reason
    FROM market_data_quarantine
    WHERE id = :id
""")
_DECISIONS = text("""
    SELECT ticker, date, rule, close, decision
    FROM quarantine_decisions
    ORDER BY ticker COLLATE "C", date, rule, close
""")
_DECISION_TYPES = {
    "ticker": "str",
    "date": DAY,
    "rule": "str",
    "close": "float64",
    "decision": "str",
}
_LATER = "good in a later fetch"


def add(connection: Connection, frame: pd.DataFrame) -> int:
    """See ``Database.quarantine``."""
    if frame.empty:
        return 0
    stage(connection, "staged_quarantine", _STAGED, frame)
    return int(connection.execute(_ADD).scalar_one())


def resolve(connection: Connection, good: pd.DataFrame) -> int:
    """See ``Database.resolve_quarantine``."""
    if good.empty:
        return 0
    span = {"first": good["date"].min(), "last": good["date"].max()}
    rows = pd.read_sql_query(_OPEN_BETWEEN, connection, params=span)
    explained = good if "resolution" in good else good.assign(resolution=_LATER)
    rows = rows.astype({"date": good["date"].dtype}).merge(
        explained[["ticker", "date", "resolution"]].drop_duplicates(["ticker", "date"])
    )
    if rows.empty:
        return 0
    resolved = {"ids": rows["id"].tolist(), "resolutions": rows["resolution"].tolist()}
    return connection.execute(_RESOLVE, resolved).rowcount


def read_open(connection: Connection) -> pd.DataFrame:
    """See ``Database.open_quarantine``."""
    return read_frame(connection, _READ, _TYPES, {"id": None, "open": True})


def read_whole(connection: Connection) -> pd.DataFrame:
    """See ``Database.whole_quarantine``."""
    return read_frame(connection, _READ, _TYPES, {"id": None, "open": False})


def decide(connection: Connection, row_id: int, decision: Decision, reason: str) -> pd.Series:
    """See ``Database.decide_quarantine``."""
    if not reason.strip():
        raise ParakeetError(f"quarantine {row_id} is {decision} without a reason: give one")
    connection.execute(_LOCK, {"id": row_id})
    _require_decidable(_rows_with(connection, row_id), row_id, decision)
    connection.execute(_DECIDE, {"id": row_id, "resolution": f"{decision}: {reason}"})
    if decision == "released":
        connection.execute(_CORRECT, {"id": row_id, "reason": f"released by hand: {reason}"})
    return _rows_with(connection, row_id).iloc[0]


def _rows_with(connection: Connection, row_id: int) -> pd.DataFrame:
    return read_frame(connection, _READ, _TYPES, {"id": row_id, "open": False})


def _require_decidable(rows: pd.DataFrame, row_id: int, decision: Decision) -> None:
    if rows.empty:
        raise ParakeetError(f"there is no row {row_id} in quarantine: list the rows for their ids")
    row = rows.iloc[0]
    name = f"row {row_id} of the quarantine ({row['ticker']} {row['date']:%Y-%m-%d}, {row['rule']})"
    if not pd.isna(row["resolved_at"]):
        raise ParakeetError(f"{name} is resolved already: {row['resolution']}")
    if decision == "released" and row["rule"] not in RELEASABLE:
        raise ParakeetError(
            f"{name} cannot be released, no true bar breaks this rule: reject it, or wait for"
            " another bar from the vendor"
        )


def decisions(connection: Connection) -> pd.DataFrame:
    """See ``Database.quarantine_decisions``."""
    return read_frame(connection, _DECISIONS, _DECISION_TYPES)
