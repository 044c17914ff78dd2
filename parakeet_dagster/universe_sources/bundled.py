"""The lists and histories that come with Parakeet and its dependencies. Needs no network."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources.base import Membership
from parakeet_dagster.universe_sources.files import reviewed_members
from parakeet_dagster.universe_sources.nasdaq100 import (
    AS_OF,
    nasdaq100_members,
    nasdaq100_source,
)
from parakeet_dagster.universe_sources.rosters import Roster, membership
from parakeet_dagster.universe_sources.sp500_history import sp500_history
from strategy.universes import UNIVERSES
from strategy.universes.keys import CUSTOM, KEYS, LIVE_ONLY, NASDAQ100, SPX500, parts_of
from strategy.universes.members import MEMBER_COLUMNS
from strategy.universes.reviewed import LISTS_IN_CODE, REVIEWED

REVIEWED_LIST = "reviewed list"
OWN_LIST = "own list"


class BundledUniverses:
    """See ``UniverseSource``. The same members on every machine, for the same versions.

    SPX500 has its history; on sessions after its end the last members stay. The others are lists
    of one day, used for every session.

    Args:
        custom: the members of ``CUSTOM``, as ``validate_members`` returns them.
        custom_as_of: the day that they are a list of; today, where it is not given.
    """

    name = "bundled"

    def __init__(
        self, custom: pd.DataFrame | None = None, custom_as_of: date | None = None
    ) -> None:
        self._custom = custom
        self._custom_as_of = custom_as_of or clock.now().date()

    def membership(
        self,
        keys: Sequence[str],
        sessions: pd.DatetimeIndex,
        last_good: pd.DataFrame,  # noqa: ARG002 - nothing here can be had one day and not the next
    ) -> Membership:
        """See ``UniverseSource.membership``."""
        return membership(
            {key: [self.roster(part) for part in parts_of(key)] for key in keys}, sessions
        )

    def members(self, key: str) -> pd.DataFrame:
        """See ``UniverseSource.members``."""
        whole = pd.concat([self.roster(part).newest() for part in parts_of(key)])
        unique = whole.drop_duplicates("ticker")
        return unique[MEMBER_COLUMNS].sort_values("ticker", ignore_index=True)

    def roster(self, key: str) -> Roster:
        """What is known of a universe that is no union of others.

        Raises:
            UniverseError: the key is unknown, or there is no list of it.
        """
        if key == SPX500:
            return sp500_history()
        if key == NASDAQ100:
            return _list(nasdaq100_members(), nasdaq100_source(), AS_OF)
        if key in REVIEWED:
            return _list(reviewed_members(key), REVIEWED_LIST, REVIEWED[key].reviewed)
        if key in LISTS_IN_CODE:
            return _list(UNIVERSES[key](), REVIEWED_LIST, LISTS_IN_CODE[key])
        if key == CUSTOM and self._custom is not None:
            return _list(self._custom, OWN_LIST, self._custom_as_of)
        raise UniverseError(f"PARAKEET_UNIVERSES={key}: {_why_not(key)}")


def _list(members: pd.DataFrame, source: str, as_of: date) -> Roster:
    return Roster.of_list(members, source, pd.Timestamp(as_of))


def _why_not(key: str) -> str:
    if key == CUSTOM:
        return "no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV"
    if key in LIVE_ONLY:
        return "no list of it ships with Parakeet; set PARAKEET_UNIVERSE_SOURCE=live"
    return f"unknown universe; accepted are {', '.join(KEYS)}"
