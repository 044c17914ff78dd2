"""From membership intervals to the members of each session."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.universes.members import MEMBER_COLUMNS

INTERVAL_COLUMNS = ["universe", *MEMBER_COLUMNS, "start", "end"]
MEMBERSHIP_COLUMNS = ["date", "universe", *MEMBER_COLUMNS]


def members_on(intervals: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """The members of each session.

    Args:
        intervals: columns ``INTERVAL_COLUMNS``, in any order: who was a member from ``start`` up
            to, not including, ``end`` (datetime64[us]; NaT is open). Where a ticker has several
            intervals on one day, the one that starts last counts.
        sessions: in any order.

    Returns:
        Columns ``MEMBERSHIP_COLUMNS``, sorted by (date, universe, ticker), a row for each session,
        universe and member.
    """
    days = sessions.as_unit("us").unique().sort_values()
    rows = intervals.sort_values(
        ["universe", "ticker", "start"], kind="stable", na_position="first", ignore_index=True
    )
    first = np.where(rows["start"].isna(), 0, _places(days, rows["start"]))
    last = np.where(rows["end"].isna(), len(days), _places(days, rows["end"]))
    lengths = np.maximum(last - first, 0)
    place = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(place)) - np.repeat(lengths.cumsum() - lengths, lengths)
    session = np.repeat(first, lengths) + within
    order = np.argsort(session, kind="stable")
    place, session = place[order], session[order]
    named = rows[["universe", "ticker"]]
    ticker = (named != named.shift()).any(axis="columns").cumsum().to_numpy()[place]
    is_last = np.append((session[1:] != session[:-1]) | (ticker[1:] != ticker[:-1]), True)
    kept = is_last[: len(place)]
    members = rows[["universe", *MEMBER_COLUMNS]].take(place[kept]).reset_index(drop=True)
    members.insert(0, "date", days[session[kept]])
    return members


def _places(days: pd.DatetimeIndex, dates: "pd.Series[pd.Timestamp]") -> npt.NDArray[np.intp]:
    """The place of the first of ``days`` on or after each date."""
    return np.asarray(days.searchsorted(pd.DatetimeIndex(dates)))
