"""What one list or one history says of one universe, and how several make a membership."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources.base import LIST_COLUMNS, WARNING_COLUMNS, Membership
from strategy.universes.intervals import members_on
from strategy.universes.members import MEMBER_COLUMNS

ONE_DAY = pd.Timedelta(days=1)
_OPEN = np.datetime64("NaT", "us")
LONG_AGO, FAR_AHEAD = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Roster:
    """Members of one universe, by one source.

    intervals: columns ``MEMBER_COLUMNS``, start and end, see ``strategy.universes.intervals``.
    source, as_of: see ``Membership.lists``.
    known_from: the first day of a history; a list has none.
    first, last: the days it is used for, both included.
    """

    intervals: pd.DataFrame
    source: str
    as_of: pd.Timestamp
    known_from: pd.Timestamp = FAR_AHEAD
    first: pd.Timestamp = LONG_AGO
    last: pd.Timestamp = FAR_AHEAD

    @classmethod
    def of_list(cls, members: pd.DataFrame, source: str, as_of: pd.Timestamp) -> Self:
        """The roster of a list without a history: the same members on every day."""
        always = members.assign(start=_OPEN, end=_OPEN)
        return cls(_typed(always), source, as_of.as_unit("us"))

    def before(self, day: pd.Timestamp) -> Self:
        """The same, used for the days before ``day`` only."""
        return replace(self, last=day - ONE_DAY)

    def since(self, day: pd.Timestamp) -> Self:
        """The same, used for ``day`` and later only."""
        return replace(self, first=day)

    def newest(self) -> pd.DataFrame:
        """The last members it knows: columns ``MEMBER_COLUMNS``, sorted by ticker."""
        current = self.intervals[self.intervals["end"].isna()]
        return current[MEMBER_COLUMNS].sort_values("ticker", ignore_index=True)

    def used_for(self, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Those of ``sessions`` that it is used for."""
        return sessions[(sessions >= self.first) & (sessions <= self.last)]

    def in_use(self) -> pd.DataFrame:
        """``intervals``, as far as it is used."""
        behind = self.last + ONE_DAY
        start = self.intervals["start"].fillna(self.first)
        end = self.intervals["end"].fillna(behind)
        return _typed(
            self.intervals.assign(
                start=start.mask(start < self.first, self.first), end=end.mask(end > behind, behind)
            )
        )

    def told(self, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        """Columns date, source, as_of, point_in_time: a row for each session it is used for."""
        days = self.used_for(sessions)
        return pd.DataFrame(
            {
                "date": days,
                "source": pd.array([self.source] * len(days), dtype="str"),
                "as_of": pd.DatetimeIndex([self.as_of] * len(days)).as_unit("us"),
                "point_in_time": (days >= self.known_from) & (days <= self.as_of),
            }
        )


def membership(
    rosters: Mapping[str, Sequence[Roster]],
    sessions: pd.DatetimeIndex,
    warnings: Iterable[tuple[str, str]] = (),
) -> Membership:
    """The membership of several universes.

    Args:
        rosters: per universe, what it is put together from: each roster adds its members on the
            days that it is used for.
        sessions: in any order.
        warnings: universe and message.

    Raises:
        UniverseError: two universes disagree about a ticker's market or currency.
    """
    days = sessions.as_unit("us").unique().sort_values()
    parts = [
        roster.in_use().assign(universe=pd.array([key] * len(roster.intervals), dtype="str"))
        for key, several in rosters.items()
        for roster in several
    ]
    intervals = pd.concat(parts, ignore_index=True)
    _require_one_listing(intervals, rosters)
    lists = pd.concat([_told(key, several, days) for key, several in rosters.items()])
    return Membership(
        members_on(intervals, days),
        lists.sort_values(["date", "universe"], ignore_index=True),
        pd.DataFrame(list(dict.fromkeys(warnings)), columns=WARNING_COLUMNS).astype("str"),
    )


def _told(key: str, rosters: Sequence[Roster], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """``Membership.lists`` of one universe.

    Of a union, ``as_of`` is the latest of those that are no history: a session before it is biased
    by one of them.
    """
    told = pd.concat([roster.told(sessions) for roster in rosters], ignore_index=True)
    of_lists = told["as_of"].where(~told["point_in_time"])
    by_day = told.assign(of_lists=of_lists).groupby("date")
    whole = pd.DataFrame(
        {
            "source": by_day["source"].agg(lambda sources: ", ".join(dict.fromkeys(sources))),
            "as_of": by_day["of_lists"].max().fillna(by_day["as_of"].min()),
            "point_in_time": by_day["point_in_time"].all(),
        }
    )
    named = whole.reset_index().assign(universe=pd.array([key] * len(whole), dtype="str"))
    return named[LIST_COLUMNS].astype({"as_of": "datetime64[us]", "source": "str"})


def _require_one_listing(intervals: pd.DataFrame, keys: Iterable[str]) -> None:
    listings = intervals[["ticker", "market", "currency"]].drop_duplicates()
    torn = listings[listings.duplicated("ticker")]
    if not torn.empty:
        raise UniverseError(
            f"PARAKEET_UNIVERSES={','.join(keys)}: {torn['ticker'].iloc[0]} is listed in two"
            " markets or currencies; correct PARAKEET_UNIVERSE_FILE"
        )


def _typed(intervals: pd.DataFrame) -> pd.DataFrame:
    return intervals[[*MEMBER_COLUMNS, "start", "end"]].astype(
        dict.fromkeys(("start", "end"), "datetime64[us]")
    )
