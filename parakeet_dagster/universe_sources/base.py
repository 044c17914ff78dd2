"""The interface of a source of members: keys and sessions in; members and their origin out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

LIST_COLUMNS = ["date", "universe", "source", "as_of", "point_in_time"]
WARNING_COLUMNS = ["universe", "message"]


@dataclass(frozen=True)
class Membership:
    """Who was a member of which universe on which session.

    members: columns date (datetime64[us]), universe, ticker, name, market, currency, asset_class
        (str), sorted by (date, universe, ticker), a row for each session, universe and member.
    lists: a row for each session and universe, sorted by both, columns ``LIST_COLUMNS``: ``source``
        is what the members are from, e.g. ``pitindex 0.2.1``, ``reviewed list`` or
        ``en.wikipedia.org``; ``as_of`` (datetime64[us]) is the day that it is a list of, or through
        which a history is known; ``point_in_time`` (bool) says whether the members are those of the
        session by a history of membership. Where they are not, a session before ``as_of`` is
        survivorship-biased.
    warnings: columns ``WARNING_COLUMNS``: a live list that was not believed, and what is used
        instead. Empty where all is well.
    """

    members: pd.DataFrame
    lists: pd.DataFrame
    warnings: pd.DataFrame


class UniverseSource(Protocol):
    """A source of members. ``name`` is ``bundled`` or ``live``."""

    name: str

    def membership(
        self, keys: Sequence[str], sessions: pd.DatetimeIndex, last_good: pd.DataFrame
    ) -> Membership:
        """The members of the universes ``keys`` on ``sessions``.

        Args:
            keys: of ``strategy.universes.KEYS``.
            sessions: any.
            last_good: the stored members of the last session, columns universe and
                ``MEMBER_COLUMNS``, and date where it is known; may be empty.

        Raises:
            UniverseError: a key is unknown, or there is no list of it; or two universes disagree
                about a ticker's market or currency.
        """
        ...

    def members(self, key: str) -> pd.DataFrame:
        """Today's members of one universe: columns ``MEMBER_COLUMNS``, sorted by ticker.

        Raises:
            UniverseError: as above.
        """
        ...
