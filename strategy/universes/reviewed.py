"""Lists of members that were written by hand: what they are, when, and what to doubt.

The members themselves are in CSV files beside this module (columns ticker, name). Nothing here
reads them: ``ReviewedList.members`` takes their rows.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from strategy.universes.keys import ASX200, ASX_ETFS, CORE_ETFS, SAMPLE, US_ETFS
from strategy.universes.members import listing, validate_members

REVIEWED_ON = date(2026, 11, 25)


@dataclass(frozen=True)
class ReviewedList:
    """One market's list.

    file: its CSV; market, asset_class: of every member; reviewed: when it was last gone through,
    which is the day it is a list of; about: where it is from, and what to doubt.
    """

    file: str
    market: str
    asset_class: str
    reviewed: date
    about: str

    def members(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The members, columns ``MEMBER_COLUMNS``, from the file's rows (ticker, name, all str).

        Raises:
            StrategyError: a row is not what a member must look like.
        """
        pairs = list(rows[["ticker", "name"]].itertuples(index=False, name=None))
        return validate_members(listing(pairs, self.market, self.asset_class))


REVIEWED = {
    ASX200: ReviewedList(
        "asx200.csv",
        "XASX",
        "equity",
        REVIEWED_ON,
        "Written from public knowledge of the index: its published rebalances to December 2025,"
        " less what has been taken over since. Later rebalances are not in it. Changes between two"
        " rebalances are known in part only: AOV, BOE, CTD, CYL, DGT, DTL, DYL, HLI, IEL, ING, IRE,"
        " NEU, QUB and REG are the doubtful ones.",
    ),
    US_ETFS: ReviewedList(
        "us_etfs.csv",
        "XNYS",
        "etf",
        REVIEWED_ON,
        "Written from public knowledge: large and liquid funds of every asset class, none of them"
        " leveraged or inverse. Some hold nearly the same (SPY, VOO, IVV), so a ranking may choose"
        " one exposure several times; CORE_ETFS has each once. Funds that were closed before the"
        " review are not in it.",
    ),
    ASX_ETFS: ReviewedList(
        "asx_etfs.csv",
        "XASX",
        "etf",
        REVIEWED_ON,
        "Written from public knowledge: large and liquid funds of every asset class, none of them"
        " geared or bearish. Funds that were closed before the review are not in it.",
    ),
}

LISTS_IN_CODE = {CORE_ETFS: REVIEWED_ON, SAMPLE: date(2022, 12, 28)}
"""Lists that are modules of their own, and the days they are lists of."""
