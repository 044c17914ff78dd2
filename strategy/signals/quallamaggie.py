"""Momentum leaders that break out of a quiet base on volume, held until the trend bends."""

from itertools import pairwise
from math import ceil
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from strategy.signals.base import Decision, Signal, Split, best, long
from strategy.window import Array, Window

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

MARGIN = 1e-9
"""Prices nearer to each other than this part of them are the same but for rounding."""


class Quallamaggie(Signal):
    """Kristjan Kullamägi's breakout, reduced to rules for the close of a day.

    A ticker is bought on a session on which it

    * leads: its return over one of ``momentum`` (a month, a quarter, half a year) is among the
      best ``leaders`` part of the members;
    * comes out of a base: over the ``base`` sessions before, the highest high exceeded the lowest
      low by at most ``contraction`` times as much as over the ``trend`` sessions before, and it
      traded on half of them at least (a halt is no base);
    * stands near its highs: at most ``near`` below the highest high of those ``trend`` sessions,
      and above their average close;
    * breaks out: it closes above the base's highest high, and the value traded is more than
      ``surge`` times the average of the sessions among those ``trend`` on which it traded.

    It is sold on the first close under the average of the last ``trailing`` closes. A session on
    which it did not trade is neither: there its last close stands, and no value.

    Only the last ``burn_in`` sessions are searched: a ticker is held if its last entry there came
    after its last exit, so no longer than that after its last breakout. The default is two months:
    among the members of the S&P 500 of 2013 to 2018, half a year would have changed fewer than 1 in
    100 positions. The best ``places`` by score are held, each worth ``1 / places`` of the
    portfolio; the rest is cash.

    Prices are the running product of local returns: a chart is in the listing's own currency. The
    score is the return over the longest of ``momentum``, ``strength`` is 1. A ticker without a
    return on every session of the window is out, and not counted among the members.
    """

    source: ClassVar[str] = "Kullamägi, My 3 Timeless Setups (qullamaggie.com): the breakout"
    fields: ClassVar[tuple[str, ...]] = (
        "return_local",
        "high_ratio",
        "low_ratio",
        "value_traded_aud",
        "traded",
    )
    lookback: PositiveInt = 168
    momentum: tuple[PositiveInt, ...] = Field(default=(21, 63, 126), min_length=1)
    leaders: float = Field(default=0.05, gt=0, le=1)
    base: PositiveInt = 10
    trend: PositiveInt = 50
    contraction: float = Field(default=0.5, gt=0)
    near: float = Field(default=0.05, ge=0, lt=1)
    surge: float = Field(default=1.5, gt=0)
    trailing: PositiveInt = 20
    places: PositiveInt = 10

    @property
    def burn_in(self) -> int:
        """The last sessions of the look-back, which have all the history that the rules need."""
        return self.lookback - max(*self.momentum, self.trend, self.trailing - 1)

    @model_validator(mode="after")
    def _reaches_back(self) -> Self:
        if self.burn_in < 1:
            raise ValueError("lookback must exceed every momentum, trend and trailing - 1")
        if self.base >= self.trend:
            raise ValueError("base must be shorter than trend")
        return self

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``."""
        path = _growth(window["return_local"])
        entries = (
            self._breaks_out(window, path) & self._surges(window) & self._is_kept(window, path)
        )
        session, ticker = np.divmod(np.flatnonzero(entries), len(window.tickers))
        session += self.lookback - self.burn_in
        for rule in (self._is_based, self._leads):
            passes = rule(window, path, session, ticker)
            session, ticker = session[passes], ticker[passes]
        held = np.zeros(len(window.tickers), dtype=bool)
        held[ticker] = True
        score = path[-1] / path[-1 - max(self.momentum)] - 1
        return long(best(score, self.places, held), score)

    def split(self, signals: pd.DataFrame) -> Split:
        """Each position gets its place, however few there are."""
        core = tuple(signals.loc[signals["signal"] == 1, "ticker"])
        return Split(core, len(core) / self.places)

    def _breaks_out(self, window: Window, path: Array) -> Flags:
        """Whether the close exceeds the base's highest high; burn-in x tickers."""
        base = slice(-self.burn_in - self.base, -1)
        top = _over(np.maximum, path[base] * window["high_ratio"][base], self.base)
        return np.asarray(path[-self.burn_in :] > top * (1 + MARGIN))

    def _surges(self, window: Window) -> Flags:
        """Whether the value traded exceeds what was usual before; burn-in x tickers.

        Where a ticker did not trade the value is 0, which exceeds nothing.
        """
        before = slice(-self.burn_in - self.trend, -1)
        value = window["value_traded_aud"]
        usual = _over(np.add, value[before], self.trend)
        days = _over(np.add, window["traded"][before].astype(np.uint16), self.trend)
        return np.asarray(value[-self.burn_in :] * days > self.surge * usual)

    def _is_kept(self, window: Window, path: Array) -> Flags:
        """Whether no exit comes later or on the same session; burn-in x tickers."""
        reach = -self.burn_in - self.trailing + 1
        floor = _over(np.add, path[reach:], self.trailing) * ((1 - MARGIN) / self.trailing)
        exits = window["traded"][-self.burn_in :] & (path[-self.burn_in :] < floor)
        row = np.arange(self.burn_in)[:, None]
        return np.asarray(row > np.where(exits, row, -1).max(axis=0))

    def _is_based(self, window: Window, path: Array, session: Places, ticker: Places) -> Flags:
        """Whether what comes before those sessions of those tickers is a quiet base near a high."""
        rows = session[:, None] - np.arange(self.trend, 0, -1)
        before = rows * len(window.tickers) + ticker[:, None]
        close = path.take(before)
        high = close * window["high_ratio"].take(before)
        low = close * window["low_ratio"].take(before)
        top, bottom = high.max(axis=1), low.min(axis=1)
        base = slice(-self.base, None)
        range_of_base = high[:, base].max(axis=1) / low[:, base].min(axis=1) - 1
        traded = window["traded"].take(before[:, base])
        today = path[session, ticker]
        return np.asarray(
            (range_of_base <= self.contraction * (top / bottom - 1) + MARGIN)
            & (today >= top * (1 - self.near - MARGIN))
            & (today > close.mean(axis=1))
            & (traded.mean(axis=1) >= 0.5)
        )

    def _leads(self, _: Window, path: Array, session: Places, ticker: Places) -> Flags:
        """Whether fewer members than the best part did better, over one of the look-backs."""
        places = ceil(self.leaders * np.count_nonzero(~np.isnan(path[-1])) - MARGIN)
        leads = np.zeros(len(session), dtype=bool)
        today, own = path[session], path[session, ticker]
        for lookback in self.momentum:
            growth = own / path[session - lookback, ticker] * (1 + MARGIN)
            better = today > growth[:, None] * path[session - lookback]
            leads |= np.count_nonzero(better, axis=1) < places
        return leads


def _growth(returns: Array) -> Array:
    """The running product of 1 + return down the rows.

    A row at a time, which gives the bits of ``cumprod`` in a third of its time: that goes down one
    column after the other.
    """
    path = 1 + returns
    for before, row in pairwise(path):
        row *= before
    return path


def _over(combine: np.ufunc, values: Array, length: int) -> Array:
    """``combine`` (addition, maximum) over every ``length`` rows in a row.

    By doubling: ten rows are eight and two, eight are twice four. Unlike the differences of a
    running sum, a result depends on its own rows only.
    """
    rows = len(values) - length + 1
    doubled, done = values, 0
    result: Array | None = None
    for power in range(length.bit_length()):
        size = 1 << power
        if power:
            doubled = combine(doubled[: -size // 2], doubled[size // 2 :])
        if length & size:
            part = doubled[done : done + rows]
            result = part if result is None else combine(result, part)
            done += size
    return np.asarray(result)
