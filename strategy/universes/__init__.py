"""Universes: named lists of tickers with their market, currency and asset class.

One row is one member, columns ``MEMBER_COLUMNS``, all str, sorted by ticker. Tickers are written
as Yahoo writes them (``BRK-B``, ``BHP.AX``). Markets are ``XNYS`` (every US listing) and ``XASX``.
Who is a member on which day comes from ``parakeet_dagster.universe_sources``.
"""

from collections.abc import Callable

import pandas as pd

from strategy.universes import core_etfs, sample
from strategy.universes.keys import CUSTOM, DESCRIPTIONS, KEYS, LIVE_ONLY
from strategy.universes.members import MEMBER_COLUMNS, validate_members

UNIVERSES: dict[str, Callable[[], pd.DataFrame]] = {
    "SAMPLE": sample.members,
    "CORE_ETFS": core_etfs.members,
}
"""The lists that are written here, made when they are called: an import makes no frame."""

__all__ = [
    "CUSTOM",
    "DESCRIPTIONS",
    "KEYS",
    "LIVE_ONLY",
    "MEMBER_COLUMNS",
    "UNIVERSES",
    "validate_members",
]
