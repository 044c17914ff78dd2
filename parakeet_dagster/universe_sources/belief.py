"""Whether a list from the web can be the index that it is taken for."""

import re

import pandas as pd

from parakeet_dagster.universe_sources.web import UnusableListError
from strategy.errors import StrategyError
from strategy.universes.members import validate_members

SYMBOL_FORMS = {"XNYS": r"[A-Z]{1,5}(?:-[A-Z])?", "XASX": r"[A-Z0-9]{3,4}\.AX"}
"""Tighter than what a user may write: an index has no indices, rights or currencies in it."""

LIKE_THE_LAST = 0.9
"""Share of members in common with the last session: an index changes a few a quarter."""

LIKE_THE_BUNDLED = 0.75
"""The same with a bundled list, which may be a year old. The Nasdaq-100 changes a sixth of its
members in such a time, while it has less than half in common with any other index."""


def believe(members: pd.DataFrame, size: tuple[int, int]) -> pd.DataFrame:
    """The members, as ``validate_members`` returns them, where their number and form are right.

    Args:
        members: columns ``MEMBER_COLUMNS``.
        size: the fewest and the most that the index can have.

    Raises:
        UnusableListError: they are not.
    """
    fewest, most = size
    if not fewest <= len(members) <= most:
        raise UnusableListError(f"it has {len(members)} members; {fewest} to {most} are expected")
    repeated = members["ticker"].duplicated()
    if repeated.any():
        raise UnusableListError(f"it has {members['ticker'][repeated].iloc[0]} twice")
    odd = [
        ticker
        for ticker, market in zip(members["ticker"], members["market"], strict=True)
        if not re.fullmatch(SYMBOL_FORMS[market], ticker)
    ]
    if odd:
        raise UnusableListError(
            f"{len(odd)} of its {len(members)} symbols are not of the right form, e.g. {odd[0]!r}"
        )
    try:
        return validate_members(members)
    except StrategyError as error:
        raise UnusableListError(str(error)) from None


def require_overlap(members: pd.DataFrame, known: pd.DataFrame, least: float, what: str) -> None:
    """Refuse members that are too unlike the ones known.

    The overlap is the number in common over that of the longer list.

    Raises:
        UnusableListError: it is below ``least``; ``what`` names the known list.
    """
    common = members["ticker"].isin(known["ticker"]).sum()
    overlap = common / max(len(members), len(known))
    if overlap < least:
        raise UnusableListError(
            f"it has {overlap:.0%} of its members in common with the {what}; at least {least:.0%}"
            " are expected"
        )
