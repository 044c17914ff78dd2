"""Lakes of tickers that never changed their symbol."""

import pandas as pd

from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.stores import Store

NO_RENAMES = pd.DataFrame({"old": [], "new": [], "date": []}).astype(
    {"old": "str", "new": "str", "date": "datetime64[us]"}
)


def plain_lake(store: Store) -> Lake:
    """A lake whose rows are read as they were stored."""
    return Lake(store, NO_RENAMES)
