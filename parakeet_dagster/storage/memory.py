"""What a run has read of the lake, so that it reads each session once, not once per strategy."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import pandas as pd

MOST_ROWS = 10_000_000
"""Rows kept of all assets together, up to a gigabyte or so: more than a year of sixteen strategies
on 741 tickers needs. Checks of twenty years of them would keep several gigabytes."""


@dataclass(frozen=True)
class _Kept:
    """Sessions of an asset, ascending, and their rows in one frame, in that order."""

    sessions: list[str]
    frame: pd.DataFrame

    def rows_of(self, sessions: Sequence[str]) -> pd.DataFrame:
        """A view where the sessions follow each other, else a copy; with a new index."""
        first = bisect_left(self.sessions, sessions[0])
        days = pd.DatetimeIndex([sessions[0], sessions[-1]]).as_unit("us")
        start = self.frame["date"].searchsorted(days[0], side="left")
        stop = self.frame["date"].searchsorted(days[1], side="right")
        rows = self.frame.iloc[start:stop]
        if self.sessions[first : first + len(sessions)] != list(sessions):
            rows = rows[rows["date"].isin(pd.DatetimeIndex(list(sessions)))]
        return rows.reset_index(drop=True)


class Memory:
    """Frames by asset, as large as the sessions that were asked for, the last used ones last.

    Where they are more than ``MOST_ROWS`` together, those not used for longest are forgotten.
    It lives as long as a run. What another process writes meanwhile is not seen: a run has its
    turn, in which nobody else writes, see ``parakeet_dagster.storage.turns``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._stored: dict[str, list[str]] = {}
        self._listing: defaultdict[str, Lock] = defaultdict(Lock)

    def lacking(self, asset: str, sessions: Sequence[str]) -> list[str]:
        """Those of ``sessions`` whose rows are not kept."""
        kept = self._kept.get(asset)
        known = set(kept.sessions) if kept else set()
        return [session for session in sessions if session not in known]

    def keep(self, asset: str, sessions: Sequence[str], frame: pd.DataFrame) -> None:
        """Keep the rows of ``sessions``, which are ascending and were not kept."""
        if not sessions:
            return
        self._kept[asset] = _with(self._kept.pop(asset, None), list(sessions), frame)
        while len(self._kept) > 1 and self._rows() > MOST_ROWS:
            self.forget(next(iter(self._kept)))

    def rows(self, asset: str, sessions: Sequence[str]) -> pd.DataFrame:
        """The rows of ``sessions``, at least one, ascending, all of which are kept."""
        kept = self._kept[asset] = self._kept.pop(asset)
        return kept.rows_of(sessions)

    def stored(self, asset: str, listed: Callable[[], list[str]]) -> list[str]:
        """The stored session keys, ascending; ``listed`` is asked for them once."""
        with self._listing[asset]:  # a window is listed while others ask where it starts
            if asset not in self._stored:
                self._stored[asset] = listed()
            return list(self._stored[asset])

    def forget(self, asset: str) -> None:
        """Forget the rows of an asset, as one that is about to be written."""
        self._kept.pop(asset, None)

    def wrote(self, asset: str, sessions: Sequence[str]) -> None:
        """``sessions`` of the asset are stored now."""
        if asset in self._stored:
            self._stored[asset] = sorted({*self._stored[asset], *sessions})

    def _rows(self) -> int:
        return sum(len(kept.frame) for kept in self._kept.values())


def _with(kept: _Kept | None, sessions: list[str], frame: pd.DataFrame) -> _Kept:
    if kept is None:
        return _Kept(sessions, frame)
    both = pd.concat([kept.frame, frame], ignore_index=True)
    if sessions[0] < kept.sessions[-1]:
        order = np.argsort(both["date"].to_numpy(), kind="stable")
        both = both.take(order).reset_index(drop=True)
    return _Kept(sorted([*kept.sessions, *sessions]), both)
