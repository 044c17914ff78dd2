"""The table holdings: what a person holds, one snapshot a date."""

from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {
    "parcel": "integer",
    "ticker": "text",
    "quantity": "double precision",
    "acquired": "date",
    "price": "double precision",
    "currency": "text",
}
_REPLACE = text("SELECT replace_staged_holdings(:as_of)")
_READ = text("""
    SELECT as_of, ticker, quantity, acquired, price, currency, imported_at
    FROM holdings
    WHERE as_of = (
        SELECT max(as_of) FROM holdings WHERE CAST(:as_of AS date) IS NULL OR as_of <= :as_of
    )
    ORDER BY parcel
""")
_READ_ALL = text("""
    SELECT as_of, ticker, quantity, acquired, price, currency, imported_at
    FROM holdings
    WHERE as_of <= :until
    ORDER BY as_of, parcel
""")
_TYPES = {
    "as_of": DAY,
    "ticker": "str",
    "quantity": "float64",
    "acquired": DAY,
    "price": "float64",
    "currency": "str",
    "imported_at": MOMENT,
}


def replace(connection: Connection, as_of: date, frame: pd.DataFrame) -> int:
    """See ``Database.replace_holdings``."""
    numbered = frame.assign(parcel=np.arange(1, len(frame) + 1))
    stage(connection, "staged_holdings", _STAGED, numbered)
    return int(connection.execute(_REPLACE, {"as_of": as_of}).scalar_one())


def read(connection: Connection, as_of: date | None) -> pd.DataFrame:
    """See ``Database.holdings``."""
    return read_frame(connection, _READ, _TYPES, {"as_of": as_of})


def read_all(connection: Connection, until: date) -> pd.DataFrame:
    """See ``Database.all_holdings``."""
    return read_frame(connection, _READ_ALL, _TYPES, {"until": until})
