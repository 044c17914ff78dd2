"""Lakes of tickers that never changed their symbol."""

from pathlib import Path

import pandas as pd

from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.stores import Store

NO_RENAMES = pd.DataFrame({"old": [], "new": [], "date": []}).astype(
    {"old": "str", "new": "str", "date": "datetime64[us]"}
)


def plain_lake(store: Store) -> Lake:
    """A lake whose rows are read as they were stored."""
    return Lake(store, NO_RENAMES)


def stored_paths(root: Path) -> list[str]:
    """The paths of all files of a lake in a directory, relative to it, sorted."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
