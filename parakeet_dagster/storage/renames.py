"""Tickers that changed their symbol, in every table of the database."""

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.staging import stage

_STAGED = {"old_ticker": "text", "new_ticker": "text", "first_session": "date"}
_RENAME = text("SELECT rename_staged_tickers()")


def apply(connection: Connection, renames: pd.DataFrame) -> int:
    """See ``Database.rename_tickers``."""
    staged = renames.set_axis(list(_STAGED), axis=1)
    stage(connection, "staged_renames", _STAGED, staged)
    return int(connection.execute(_RENAME).scalar_one())
