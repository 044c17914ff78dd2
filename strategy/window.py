"""Windows: what a signal may see of the past, and nothing else.

A ``Panel`` holds many sessions as dense arrays; a ``Window`` is a copy of the sessions up to one
day, of fixed shape. A strategy is handed windows only, so it cannot look ahead, and a range of
sessions gives the same bits as single sessions, since both compute the same function on the same
arrays.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Window:
    """The sessions up to one day.

    sessions: datetime64[us], shape (n,), ascending; the last is the day itself. n is the
        strategy's look-back, or less where history is shorter (``is_complete`` is then False).
    tickers: str, shape (m,), sorted: the members that have a row on the last session.
    fields: by name, shape (n, m), C-contiguous: columns of ``daily_returns``. Sessions before a
        ticker's first bar are NaN (False in ``traded``).
    lookback: the number of sessions asked for.
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    fields: dict[str, Array]
    lookback: int

    def __getitem__(self, field: str) -> Array:
        """One field, sessions x tickers."""
        return self.fields[field]

    @property
    def is_complete(self) -> bool:
        """Whether history reaches back far enough."""
        return len(self.sessions) == self.lookback

    def only(self, tickers: Iterable[str]) -> "Window":
        """The same window of some of its tickers."""
        columns = np.flatnonzero(self.tickers.isin(list(tickers)))
        fields = {
            name: np.ascontiguousarray(values[:, columns]) for name, values in self.fields.items()
        }
        return Window(self.sessions, self.tickers[columns], fields, self.lookback)


class Panel:
    """``daily_returns`` of many sessions, from which windows are cut.

    Args:
        returns: the lake's columns of ``daily_returns``, any order.
        sessions: every stored session of the range, ascending; also those without a row.
        fields: the columns that windows will be asked for.

    Raises:
        KeyError: on the first window, if a row's date is none of the sessions. It would have no
            place, and a later day's row must not find one.
    """

    def __init__(
        self, returns: pd.DataFrame, sessions: pd.DatetimeIndex, fields: Iterable[str]
    ) -> None:
        self.sessions = sessions
        self.tickers = pd.Index(sorted(returns["ticker"].unique()), dtype="str")
        self._returns = returns
        self._fields = tuple(fields)

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        rows = self.sessions.get_indexer(pd.Index(self._returns["date"]))
        if (rows < 0).any():
            stray = self._returns["date"].iloc[int(np.argmin(rows))]
            raise KeyError(f"a row is of {stray:%Y-%m-%d}, which is not a session of this panel")
        return rows, self.tickers.get_indexer(pd.Index(self._returns["ticker"]))

    @cached_property
    def _row_of(self) -> dict[pd.Timestamp, int]:
        return {session: row for row, session in enumerate(self.sessions)}

    @cached_property
    def _dense(self) -> dict[str, Array]:
        return {field: self._spread(self._returns[field]) for field in self._fields}

    @cached_property
    def _covered(self) -> Array:
        return self._spread(pd.Series(data=True, index=self._returns.index))

    def _spread(self, column: pd.Series) -> Array:
        values = column.to_numpy()
        empty = False if values.dtype == bool else np.nan
        dense = np.full((len(self.sessions), len(self.tickers)), empty)
        dense[self._places] = values
        return dense

    def window(
        self, end: pd.Timestamp, lookback: int, members: Iterable[str] | None = None
    ) -> Window:
        """The ``lookback`` sessions up to ``end``, of the members covered on ``end``."""
        last = self._place(end)
        present = self._covered[last]
        if members is not None:
            present = present & self.tickers.isin(list(members))
        return self._cut(last, lookback, present)

    def live_windows(
        self, members: pd.DataFrame, within: int, lookback: int
    ) -> Callable[[pd.Timestamp], Window]:
        """The window of a session, of its own members that traded lately.

        Args:
            members: columns date, ticker; any order, repeats allowed.
            within: a ticker must have traded on one of so many sessions up to the window's end.
            lookback: of the windows.
        """
        belongs = np.zeros(self._covered.shape, dtype=bool)
        rows = self.sessions.get_indexer(pd.Index(members["date"]))
        columns = self.tickers.get_indexer(pd.Index(members["ticker"]))
        known = (rows >= 0) & (columns >= 0)
        belongs[rows[known], columns[known]] = True
        traded = self._spread(self._returns["traded"])

        def window_at(end: pd.Timestamp) -> Window:
            last = self._place(end)
            lately = traded[max(last + 1 - within, 0) : last + 1].any(axis=0)
            return self._cut(last, lookback, self._covered[last] & belongs[last] & lately)

        return window_at

    def _place(self, session: pd.Timestamp) -> int:
        if session not in self._row_of:
            raise KeyError(f"{session:%Y-%m-%d} is not a session of this panel")
        return self._row_of[session]

    def _cut(self, last: int, lookback: int, present: Array) -> Window:
        """Whole copies: what is done to a window changes neither the panel nor another window."""
        rows = slice(max(last + 1 - lookback, 0), last + 1)
        columns = np.flatnonzero(present)
        is_whole = len(columns) == len(present)
        fields = {
            name: dense[rows].copy() if is_whole else dense[rows].take(columns, axis=1)
            for name, dense in self._dense.items()
        }
        return Window(self.sessions[rows], self.tickers[columns], fields, lookback)
