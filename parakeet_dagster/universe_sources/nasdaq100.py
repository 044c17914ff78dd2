"""NASDAQ100, from the package pytickersymbols: a list of one day, without a history."""

from datetime import date
from functools import cache
from importlib import metadata

import pandas as pd

from strategy.universes.members import listing, validate_members

PACKAGE = "pytickersymbols"
INDEX = "NASDAQ 100"

AS_OF = date(2026, 4, 17)
"""The last session whose members the list can be: it has Walmart, which joined on 2026-01-20, and
Atlassian, which left on 2026-04-20. The package does not say."""


@cache
def nasdaq100_members() -> pd.DataFrame:
    """The members, columns ``MEMBER_COLUMNS``.

    A stock's own symbol is taken: among the package's Yahoo symbols are stale ones and those of
    other exchanges.
    """
    from pytickersymbols import PyTickerSymbols

    stocks = PyTickerSymbols().get_stocks_by_index(INDEX)
    rows = [(stock["symbol"].replace(".", "-"), stock["name"]) for stock in stocks]
    return validate_members(listing(rows, "XNYS", "equity").astype("str"))


def nasdaq100_source() -> str:
    """The package and its version."""
    return f"{PACKAGE} {metadata.version(PACKAGE)}"
