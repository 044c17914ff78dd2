"""How the members of a session are known, wherever they are used."""

from collections.abc import Collection, Sequence

import pandas as pd

from parakeet_dagster.storage.database import Database
from strategy.strategy import ACTIVE, Strategy
from strategy.universes.membership import told

NOTE = "membership"
UNKNOWN = "from a list that is not on record: take it for survivorship-biased"


def membership_notes(
    neon: Database, keys: Sequence[str], universes: Collection[str] = ()
) -> dict[str, str]:
    """By session key, from which lists the members are; of ``universes``, or of all."""
    first, last = pd.Timestamp(keys[0]).date(), pd.Timestamp(keys[-1]).date()
    lists = neon.universe_lists(first, last).rename(columns={"session": "date"})
    if universes:
        lists = lists[lists["universe"].isin(universes)]
    words = told(lists)
    return dict(zip(pd.DatetimeIndex(words.index).strftime("%Y-%m-%d"), words, strict=True))


def strategy_membership(
    neon: Database, keys: Sequence[str], strategy: Strategy | None
) -> dict[str, str]:
    """As ``membership_notes``, of the universe that a strategy names; of all for ``active``."""
    if strategy is None or strategy.universe == ACTIVE:
        return membership_notes(neon, keys)
    return membership_notes(neon, keys, [strategy.universe])


def without_prices(members: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    """How many members a session has, and how many of them no price is known of.

    Those cannot be held: where a vendor has forgotten who failed, history is survivorship-biased
    even though membership is that of the day.

    Args:
        members: columns date, ticker.
        returns: columns date, ticker: ``daily_returns`` of the sessions.

    Returns:
        Columns members, without_prices; index date.
    """
    unique = members[["date", "ticker"]].drop_duplicates()
    found = unique.merge(returns[["date", "ticker"]], how="left", indicator="known")
    lacking = (found["known"] == "left_only").groupby(found["date"])
    return pd.DataFrame({"members": lacking.size(), "without_prices": lacking.sum()})
