"""The tables orders and order_versions: what to trade, every version kept, empty ones too."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {
    "session": "date",
    "ticker": "text",
    "side": "text",
    "quantity": "double precision",
    "price_estimate_aud": "double precision",
    "cost_estimate_aud": "double precision",
    "reason": "text",
}
_WRITE = text("SELECT write_staged_orders(:strategy, CAST(:sessions AS date[]))")
_READ = text("""
    SELECT
        l.strategy, l.session, l.ticker, l.side, l.quantity, l.price_estimate_aud,
        l.cost_estimate_aud, l.reason
    FROM (
        SELECT strategy, max(session) AS session
        FROM order_versions
        WHERE (CAST(:strategy AS text) IS NULL OR strategy = :strategy)
          AND (CAST(:session AS date) IS NULL OR session = :session)
        GROUP BY strategy
    ) AS wanted
    JOIN orders_latest AS l USING (strategy, session)
    ORDER BY l.strategy, l.session, l.ticker COLLATE "C", l.side
""")
_TYPES = {
    "strategy": "str",
    "session": DAY,
    "ticker": "str",
    "side": "str",
    "quantity": "float64",
    "price_estimate_aud": "float64",
    "cost_estimate_aud": "float64",
    "reason": "str",
}
_SESSIONS = text("SELECT DISTINCT strategy, session FROM order_versions ORDER BY strategy, session")


def write(
    connection: Connection, strategy: str, frame: pd.DataFrame, sessions: Sequence[date]
) -> int:
    """See ``Database.write_orders``."""
    strangers = frame.loc[~frame["date"].isin(pd.to_datetime(list(sessions))), "date"]
    if not strangers.empty:
        raise ValueError(f"an order of {strangers.iloc[0]:%Y-%m-%d}, which is not being written")
    stage(connection, "staged_orders", _STAGED, frame.rename(columns={"date": "session"}))
    of = {"strategy": strategy, "sessions": list(sessions)}
    return int(connection.execute(_WRITE, of).scalar_one())


def read(connection: Connection, strategy: str | None, session: date | None) -> pd.DataFrame:
    """See ``Database.read_orders``."""
    return read_frame(connection, _READ, _TYPES, {"strategy": strategy, "session": session})


def sessions(connection: Connection) -> dict[str, list[date]]:
    """See ``Database.order_sessions``."""
    found: dict[str, list[date]] = {}
    for strategy, session in connection.execute(_SESSIONS):
        found.setdefault(strategy, []).append(session)
    return found
