"""SAMPLE: the 25 US tickers whose real adjusted closes ship with skfolio.

Twenty large stocks that were members of the S&P 500 at the end of 2022 (so: survivorship-biased)
and five factor ETFs.
"""

import pandas as pd

from strategy.universes.members import listing, validate_members

DESCRIPTION = "20 US stocks and 5 factor ETFs with bundled sample prices (to 2022-12-28)"

STOCKS = [
    ("AAPL", "Apple"),
    ("AMD", "Advanced Micro Devices"),
    ("BAC", "Bank of America"),
    ("BBY", "Best Buy"),
    ("CVX", "Chevron"),
    ("GE", "General Electric"),
    ("HD", "Home Depot"),
    ("JNJ", "Johnson & Johnson"),
    ("JPM", "JPMorgan Chase"),
    ("KO", "Coca-Cola"),
    ("LLY", "Eli Lilly"),
    ("MRK", "Merck"),
    ("MSFT", "Microsoft"),
    ("PEP", "PepsiCo"),
    ("PFE", "Pfizer"),
    ("PG", "Procter & Gamble"),
    ("RRC", "Range Resources"),
    ("UNH", "UnitedHealth"),
    ("WMT", "Walmart"),
    ("XOM", "Exxon Mobil"),
]
ETFS = [
    ("MTUM", "iShares MSCI USA Momentum Factor"),
    ("QUAL", "iShares MSCI USA Quality Factor"),
    ("SIZE", "iShares MSCI USA Size Factor"),
    ("USMV", "iShares MSCI USA Min Vol Factor"),
    ("VLUE", "iShares MSCI USA Value Factor"),
]


def members() -> pd.DataFrame:
    """The members, see ``strategy.universes``."""
    whole = pd.concat([listing(STOCKS, "XNYS", "equity"), listing(ETFS, "XNYS", "etf")])
    return validate_members(whole.reset_index(drop=True))
