"""The universes that are fetched."""

from dataclasses import dataclass

import pandas as pd

from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources.base import Membership, UniverseSource


@dataclass(frozen=True)
class ActiveUniverse:
    """Some universes and where their members come from.

    keys: of the universes, as ``PARAKEET_UNIVERSES`` names them.
    source: of their members.
    """

    keys: tuple[str, ...]
    source: UniverseSource

    def membership(self, sessions: pd.DatetimeIndex, last_good: pd.DataFrame) -> Membership:
        """Who is a member on which session; see ``UniverseSource.membership``."""
        return self.source.membership(self.keys, sessions, last_good)

    def current(self, last_good: pd.DataFrame) -> frozenset[str]:
        """The tickers that are members today; those of ``last_good`` where that cannot be had.

        Args:
            last_good: column ticker: the newest members that are stored.
        """
        try:
            return frozenset().union(*(self.source.members(key)["ticker"] for key in self.keys))
        except UniverseError:
            return frozenset(last_good["ticker"])
