"""The keys of the universes."""

from strategy.universes import core_etfs, sample

SPX500 = "SPX500"
NASDAQ100 = "NASDAQ100"
RUSSELL2000 = "RUSSELL2000"
US_ETFS = "US_ETFS"
ASX200 = "ASX200"
ASX_ETFS = "ASX_ETFS"
CORE_ETFS = "CORE_ETFS"
SCREENER = "SCREENER"
SAMPLE = "SAMPLE"
CUSTOM = "CUSTOM"

DESCRIPTIONS = {
    SPX500: "S&P 500, with its membership history since 2005",
    NASDAQ100: "Nasdaq-100, a list of today",
    RUSSELL2000: "Russell 2000, as the fund IWM holds it; only with PARAKEET_UNIVERSE_SOURCE=live",
    US_ETFS: "150 liquid US funds: shares, sectors, countries, bonds, commodities, currencies",
    ASX200: "S&P/ASX 200, a list of today",
    ASX_ETFS: "100 liquid ASX funds: shares, sectors, regions, bonds, property, gold, cash",
    CORE_ETFS: core_etfs.DESCRIPTION,
    SCREENER: "SPX500, US_ETFS and ASX200 together",
    SAMPLE: sample.DESCRIPTION,
    CUSTOM: "your own list, PARAKEET_UNIVERSE_FILE",
}

KEYS = tuple(DESCRIPTIONS)

LIVE_ONLY = (RUSSELL2000,)
"""Of these no honest list can be had without asking somebody."""

PARTS = {SCREENER: (SPX500, US_ETFS, ASX200)}
"""Universes that are the union of others."""


def parts_of(key: str) -> tuple[str, ...]:
    """The universes whose union ``key`` is; itself, where it is none."""
    return PARTS.get(key, (key,))
