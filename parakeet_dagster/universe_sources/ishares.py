"""The holdings of an iShares fund, which are those of its index and some more."""

import csv
import io

import pandas as pd

from parakeet_dagster.universe_sources.web import UnusableListError
from strategy.universes.members import CASH, listing

COLUMNS = ("Ticker", "Name", "Asset Class")

CLASS_SHARES = {
    "AGMA": "AGM-A",
    "BFA": "BF-A",
    "BFB": "BF-B",
    "BHA": "BH-A",
    "BRKB": "BRK-B",
    "CRDA": "CRD-A",
    "CRDB": "CRD-B",
    "CWENA": "CWEN-A",
    "GEFB": "GEF-B",
    "GTNA": "GTN-A",
    "HEIA": "HEI-A",
    "HVTA": "HVT-A",
    "LENB": "LEN-B",
    "MKCV": "MKC-V",
    "MOGA": "MOG-A",
    "MOGB": "MOG-B",
    "UHALB": "UHAL-B",
    "WLYB": "WLY-B",
}
"""Class shares of the NYSE, which iShares writes without their dot. No rule finds them: CENTA and
META are whole symbols."""

NOT_SHARES = r"\b(?:ESCROW|CVR|CONTRA|RIGHTS?|WARRANTS?|WTS)\b"
"""Names of what a takeover or a bankruptcy leaves in the fund: it is not traded."""

SYMBOL_FORM = r"[A-Z]{1,5}(?:-[A-Z])?"


def fund_members(text: str) -> pd.DataFrame:
    """The shares that a fund holds, columns ``MEMBER_COLUMNS``, in the file's order.

    Cash, futures and what is not traded is left out, as is a share under a number for a symbol, and
    the one (Pathward Financial) whose symbol is that of cash.

    Raises:
        UnusableListError: the text is no list of holdings.
    """
    table = _holdings(text)
    names = table["Name"].str.strip()
    symbols = table["Ticker"].str.strip().str.replace(r"[./ ]", "-", regex=True)
    symbols = symbols.replace(CLASS_SHARES)
    is_share = (
        (table["Asset Class"].str.strip() == "Equity")
        & symbols.str.fullmatch(SYMBOL_FORM)
        & (symbols != CASH)
        & ~names.str.upper().str.contains(NOT_SHARES, regex=True)
    )
    rows = list(zip(symbols[is_share], names[is_share], strict=True))
    return listing(rows, "XNYS", "equity").astype("str").drop_duplicates("ticker")


def _holdings(text: str) -> pd.DataFrame:
    """The table below the preamble, all str."""
    rows = list(csv.reader(io.StringIO(text)))
    heads = [place for place, row in enumerate(rows) if set(COLUMNS) <= set(map(str.strip, row))]
    if not heads:
        raise UnusableListError(f"the file has no table with the columns {', '.join(COLUMNS)}")
    header = [name.strip() for name in rows[heads[0]]]
    body = [row for row in rows[heads[0] + 1 :] if len(row) == len(header)]
    return pd.DataFrame(body, columns=header, dtype="str")
