"""Today's constituents from public tables on the web, believed only where they look right.

Wikipedia has the S&P 500, the Nasdaq-100 and the S&P/ASX 200; the holdings of the fund IWM are the
Russell 2000. Everything else is as bundled.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources import ishares, wikipedia
from parakeet_dagster.universe_sources.base import Membership
from parakeet_dagster.universe_sources.belief import (
    LIKE_THE_BUNDLED,
    LIKE_THE_LAST,
    believe,
    require_overlap,
)
from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.files import renames
from parakeet_dagster.universe_sources.rosters import ONE_DAY, Roster, membership
from parakeet_dagster.universe_sources.web import Patience, UnusableListError, fetch
from strategy.universes.keys import (
    ASX200,
    LIVE_ONLY,
    NASDAQ100,
    RUSSELL2000,
    SCREENER,
    SPX500,
    parts_of,
)
from strategy.universes.members import MEMBER_COLUMNS
from strategy.universes.renames import renamed

WIKIPEDIA = "https://en.wikipedia.org/wiki/"
IWM_HOLDINGS = (
    "https://www.ishares.com/us/products/239710/ishares-russell-2000-etf/1467271812596.ajax"
    "?fileType=csv&fileName=IWM_holdings&dataType=fund"
)
LAST_GOOD = "last good list"
RECENT = pd.Timedelta(days=45)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublicTable:
    """Where the constituents of an index are published, how to read them, how many there can be."""

    url: str
    read: Callable[[str], pd.DataFrame]
    size: tuple[int, int]

    @property
    def host(self) -> str:
        """Who publishes it."""
        return urlsplit(self.url).netloc


TABLES = {
    SPX500: PublicTable(
        WIKIPEDIA + "List_of_S%26P_500_companies", wikipedia.us_members, (495, 510)
    ),
    NASDAQ100: PublicTable(WIKIPEDIA + "Nasdaq-100", wikipedia.us_members, (98, 106)),
    ASX200: PublicTable(WIKIPEDIA + "S%26P/ASX_200", wikipedia.asx_members, (190, 206)),
    RUSSELL2000: PublicTable(IWM_HOLDINGS, ishares.fund_members, (1_850, 2_100)),
}


class LiveUniverses:
    """See ``UniverseSource``.

    A list is asked for once a day and key, whatever became of it, since a back-fill asks chunk by
    chunk. It must have the right size and form, and most of its members in common with the last
    good list, or with the bundled one. Where it cannot be had or believed, the last good list is
    used, else the bundled one, with a warning; where there is neither, it is an error.

    A live list is of the day on which it is asked for, in New York, where the last market of a
    session closes. So is the last good one, since of what day it was cannot be told from it. Lists
    are used for the sessions that no history covers.

    Args:
        bundled: the source of everything else.
        now: the current time, with a zone.
        patience: how long to wait for what.
    """

    name = "live"

    def __init__(
        self,
        bundled: BundledUniverses,
        now: Callable[[], datetime] = clock.now,
        patience: Patience | None = None,
    ) -> None:
        self._bundled = bundled
        self._now = now
        self._patience = patience or Patience()
        self._answers: dict[tuple[str, pd.Timestamp], pd.DataFrame | UnusableListError] = {}

    def membership(
        self, keys: Sequence[str], sessions: pd.DatetimeIndex, last_good: pd.DataFrame
    ) -> Membership:
        """See ``UniverseSource.membership``."""
        warnings: list[tuple[str, str]] = []
        rosters: dict[str, list[Roster]] = {key: [] for key in keys}
        for key in keys:
            for part in parts_of(key):
                found, warning = self._rosters(part, sessions, last_good)
                rosters[key] += found
                warnings += [(key, warning)] if warning else []
        return membership(rosters, sessions, warnings)

    def members(self, key: str) -> pd.DataFrame:
        """See ``UniverseSource.members``. A list that was not believed is a warning in the log."""
        nothing = pd.DataFrame(columns=["universe", *MEMBER_COLUMNS], dtype="str")
        today = pd.DatetimeIndex([self._today()])
        found = self.membership([key], today, nothing)
        return found.members[MEMBER_COLUMNS].reset_index(drop=True)

    def _rosters(
        self, key: str, sessions: pd.DatetimeIndex, last_good: pd.DataFrame
    ) -> tuple[list[Roster], str | None]:
        """What a universe is put together from, and a warning."""
        if key not in TABLES:
            return [self._bundled.roster(key)], None
        if key != SPX500:
            roster, warning = self._list(key, last_good)
            return [roster], warning
        history = self._bundled.roster(key)
        following = history.as_of + ONE_DAY
        if (sessions < following).all():
            return [history], None
        roster, warning = self._list(key, _after(history.as_of, last_good))
        return [history.before(following), roster.since(following)], warning

    def _list(self, key: str, last_good: pd.DataFrame) -> tuple[Roster, str | None]:
        """The list to use: the live one, the last good one or the bundled one."""
        stored = _stored(key, last_good)
        try:
            live = self._live(key, stored)
            return Roster.of_list(live, TABLES[key].host, self._today()), None
        except UnusableListError as error:
            why = f"{key}: the list of {TABLES[key].host} cannot be used: {error}"
        if not stored.empty:
            roster = Roster.of_list(stored[MEMBER_COLUMNS], LAST_GOOD, self._today())
            instead = LAST_GOOD
        elif key in LIVE_ONLY:
            raise UniverseError(
                f"PARAKEET_UNIVERSES={why}; no good list of it is stored and none ships with"
                " Parakeet; try again later, or leave it out"
            )
        else:
            roster = self._bundled.roster(key)
            instead = f"bundled list ({roster.source}, {roster.as_of:%Y-%m-%d})"
        warning = f"{why}; the {instead} is used instead"
        _log.warning("%s", warning)
        return roster, warning

    def _live(self, key: str, stored: pd.DataFrame) -> pd.DataFrame:
        """The live list, compared with what is known.

        Raises:
            UnusableListError: it cannot be had or believed.
        """
        live = self._answer(key)
        known = None if key in LIVE_ONLY else self._bundled.roster(key).newest()
        is_bundled = known is not None and set(stored["ticker"]) == set(known["ticker"])
        if not stored.empty and not is_bundled:
            require_overlap(live, stored, self._least_overlap(key, stored), LAST_GOOD)
        elif known is not None:
            require_overlap(live, known, LIKE_THE_BUNDLED, "bundled list")
        return live

    def _least_overlap(self, key: str, stored: pd.DataFrame) -> float:
        """Less where the last good list is old, and of an index that is made anew once a year."""
        is_old = "date" in stored and self._today() - stored["date"].max() > RECENT
        return LIKE_THE_BUNDLED if is_old or key in LIVE_ONLY else LIKE_THE_LAST

    def _answer(self, key: str) -> pd.DataFrame:
        """What the web says today, asked for once.

        Raises:
            UnusableListError: nothing, or nothing that can be a list of the index.
        """
        question = (key, self._today())
        if question not in self._answers:
            self._answers[question] = self._ask(TABLES[key])
        answer = self._answers[question]
        if isinstance(answer, UnusableListError):
            raise answer
        return answer

    def _ask(self, table: PublicTable) -> pd.DataFrame | UnusableListError:
        try:
            return believe(table.read(fetch(table.url, self._patience)), table.size)
        except UnusableListError as error:
            return error

    def _today(self) -> pd.Timestamp:
        moment = self._now().astimezone(clock.LAST_MARKET_TO_CLOSE)
        return pd.Timestamp(moment.date()).as_unit("us")


def _after(day: pd.Timestamp, last_good: pd.DataFrame) -> pd.DataFrame:
    """The last good members, unless they are of a session that the history covers.

    It knows better who came after: what is stored may be a back-fill of twenty years ago.
    """
    return last_good[last_good["date"] > day] if "date" in last_good else last_good


def _stored(key: str, last_good: pd.DataFrame) -> pd.DataFrame:
    """The stored members of an index, under today's symbols.

    The SCREENER's are told apart by what they are: its funds are in neither of its two indices.
    """
    own = last_good[last_good["universe"] == key]
    if own.empty and key in parts_of(SCREENER):
        market = "XASX" if key == ASX200 else "XNYS"
        is_part = (last_good["market"] == market) & (last_good["asset_class"] == "equity")
        own = last_good[(last_good["universe"] == SCREENER) & is_part]
    return renamed(own, renames()) if "date" in own else own
