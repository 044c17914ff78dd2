"""The reviewed CSV files beside ``strategy.universes``, which reads no files itself."""

from functools import cache
from importlib import resources

import pandas as pd

from strategy.universes.renames import RENAME_COLUMNS, validate_renames
from strategy.universes.reviewed import REVIEWED


@cache
def reviewed_members(key: str) -> pd.DataFrame:
    """The members of a reviewed list (a key of ``REVIEWED``), columns ``MEMBER_COLUMNS``."""
    return REVIEWED[key].members(_read(REVIEWED[key].file))


@cache
def renames() -> pd.DataFrame:
    """The reviewed table of renames, see ``strategy.universes.renames``."""
    table = _read("renames.csv")[RENAME_COLUMNS]
    return validate_renames(table.astype({"date": "datetime64[us]"}))


def _read(name: str) -> pd.DataFrame:
    """All str: pandas would take the ticker ``NA`` for a missing value and ``360`` for a number."""
    with (resources.files("strategy.universes") / name).open() as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False)
