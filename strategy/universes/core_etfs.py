"""CORE_ETFS: one liquid fund for each asset class that an Australian investor combines.

Gold is held once (GLD): the same exposure under several tickers would make a ranking by momentum
hold it several times over.
"""

import pandas as pd

from strategy.universes.members import listing, validate_members

DESCRIPTION = "17 US and ASX ETFs: shares, property, gold, silver, commodities, bonds"

US = [
    ("SPY", "SPDR S&P 500"),
    ("QQQ", "Invesco QQQ (Nasdaq 100)"),
    ("IWM", "iShares Russell 2000"),
    ("EFA", "iShares MSCI EAFE"),
    ("EEM", "iShares MSCI Emerging Markets"),
    ("VNQ", "Vanguard Real Estate"),
    ("GLD", "SPDR Gold Shares"),
    ("SLV", "iShares Silver Trust"),
    ("DBC", "Invesco DB Commodity Index"),
    ("TLT", "iShares 20+ Year Treasury Bond"),
    ("IEF", "iShares 7-10 Year Treasury Bond"),
    ("BND", "Vanguard Total Bond Market"),
]
ASX = [
    ("VAS.AX", "Vanguard Australian Shares"),
    ("VGS.AX", "Vanguard MSCI International Shares"),
    ("VAP.AX", "Vanguard Australian Property Securities"),
    ("NDQ.AX", "BetaShares NASDAQ 100"),
    ("VAF.AX", "Vanguard Australian Fixed Interest"),
]

DEFENSIVE = ("TLT", "IEF", "BND", "VAF.AX")


def members() -> pd.DataFrame:
    """The members, see ``strategy.universes``."""
    whole = pd.concat([listing(US, "XNYS", "etf"), listing(ASX, "XASX", "etf")])
    return validate_members(whole.reset_index(drop=True))
