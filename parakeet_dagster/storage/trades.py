"""The table trades: what a person bought and sold, each trade once. The API can correct one."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {
    "id": "text",
    "date": "date",
    "ticker": "text",
    "side": "text",
    "quantity": "double precision",
    "price": "double precision",
    "currency": "text",
    "fee": "double precision",
    "aud_per_unit": "double precision",
}
_RECORD = text("SELECT trade_id, differs FROM record_staged_trades()")
_READ = text("""
    SELECT id, date, ticker, side, quantity, price, currency, fee, aud_per_unit, imported_at
    FROM trades
    WHERE (CAST(:after AS date) IS NULL OR date > :after)
      AND (CAST(:until AS date) IS NULL OR date <= :until)
    ORDER BY date, ticker, id COLLATE "C"
""")
_TYPES = {
    "id": "str",
    "date": DAY,
    "ticker": "str",
    "side": "str",
    "quantity": "float64",
    "price": "float64",
    "currency": "str",
    "fee": "float64",
    "aud_per_unit": "float64",
    "imported_at": MOMENT,
}


@dataclass(frozen=True)
class TradeCounts:
    """What recording trades did.

    new: so many were recorded. known: so many were recorded before. refused: by id, what differs
    from the trade that has the id: those were left as they are.
    """

    new: int
    known: int
    refused: dict[str, str]


def record(connection: Connection, frame: pd.DataFrame) -> TradeCounts:
    """See ``Database.record_trades``."""
    stage(connection, "staged_trades", _STAGED, frame)
    differs = {row.trade_id: row.differs for row in connection.execute(_RECORD)}
    return TradeCounts(
        new=sum(what is None for what in differs.values()),
        known=sum(what == "" for what in differs.values()),
        refused={trade: what for trade, what in differs.items() if what},
    )


def read(connection: Connection, after: date | None, until: date | None) -> pd.DataFrame:
    """See ``Database.trades``."""
    return read_frame(connection, _READ, _TYPES, {"after": after, "until": until})
