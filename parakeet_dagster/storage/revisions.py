"""The table market_data_revisions: what bars said before they were corrected or withdrawn."""

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame

_BETWEEN = text("""
    SELECT ticker, date, revised_at, reason
    FROM market_data_revisions
    WHERE revised_at >= :since
      AND revised_at < coalesce(CAST(:until AS timestamptz), 'infinity')
    ORDER BY date, ticker COLLATE "C", revised_at
""")
_TYPES = {"ticker": "str", "date": DAY, "revised_at": MOMENT, "reason": "str"}


def read_between(connection: Connection, since: datetime, until: datetime | None) -> pd.DataFrame:
    """See ``Database.revisions``."""
    return read_frame(connection, _BETWEEN, _TYPES, {"since": since, "until": until})
