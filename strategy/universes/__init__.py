"""Universes: named lists of tickers with their market, currency and asset class.

One row is one member, columns ``MEMBER_COLUMNS``, all str, sorted by ticker. Tickers are written
as Yahoo writes them (``BRK-B``, ``BHP.AX``). Markets are ``XNYS`` (every US listing) and ``XASX``.
Who is a member on which day comes from ``parakeet_dagster.universe_sources``.
"""

import pandas as pd

from strategy.errors import StrategyError
from strategy.universes import core_etfs, sample
from strategy.universes.keys import CUSTOM, DESCRIPTIONS, KEYS, LIVE_ONLY
from strategy.universes.members import MEMBER_COLUMNS, validate_members

UNIVERSES: dict[str, tuple[str, pd.DataFrame]] = {
    "SAMPLE": (sample.DESCRIPTION, sample.members()),
    "CORE_ETFS": (core_etfs.DESCRIPTION, core_etfs.members()),
}


def members_of(keys: tuple[str, ...], custom: pd.DataFrame | None = None) -> pd.DataFrame:
    """The members of several universes: column ``universe``, then ``MEMBER_COLUMNS``.

    A ticker may be a member of several universes; it must be the same listing in all of them.

    Raises:
        StrategyError: a key is unknown or its list is not part of the code, ``CUSTOM`` is asked for
            without a list, or two universes disagree about a ticker.
    """
    frames = [_members(key, custom).assign(universe=key) for key in keys]
    whole = pd.concat(frames, ignore_index=True)[["universe", *MEMBER_COLUMNS]]
    listings = whole[["ticker", "market", "currency"]].drop_duplicates()
    torn = listings[listings.duplicated("ticker")]
    if not torn.empty:
        raise StrategyError(
            f"universes {', '.join(keys)} list {torn['ticker'].iloc[0]} in two markets or"
            " currencies: correct the universe file"
        )
    return whole.sort_values(["universe", "ticker"], ignore_index=True)


def _members(key: str, custom: pd.DataFrame | None) -> pd.DataFrame:
    if key == CUSTOM:
        if custom is None:
            raise StrategyError("CUSTOM: no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV")
        return custom
    if key not in KEYS:
        raise StrategyError(f"{key}: unknown universe; accepted are {', '.join(KEYS)}")
    if key not in UNIVERSES:
        raise StrategyError(f"{key}: its list is not part of the code; ask a universe source")
    return UNIVERSES[key][1]


__all__ = [
    "CUSTOM",
    "DESCRIPTIONS",
    "KEYS",
    "LIVE_ONLY",
    "MEMBER_COLUMNS",
    "UNIVERSES",
    "members_of",
    "validate_members",
]
