"""Volatility-scaled momentum: winners, held less while holding winners is risky."""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from strategy.rebalance import SESSIONS_A_YEAR
from strategy.signals.base import Decision, Floats, Signal, Split, best, long
from strategy.window import Window


class VolScaledMomentum(Signal):
    """A momentum portfolio, scaled to a constant volatility by its own of the last half-year.

    Winners are the ``places`` members with the highest total return in AUD over the last
    ``formation`` sessions less the last ``skip`` (252 and 21: 12-1 momentum), which is the score.
    They are worth ``min(1, target / realised)`` of the portfolio; the rest is cash.

    ``realised`` is the volatility of the momentum portfolio as it was formed in the past: over
    the last ``lookback - formation`` (126) sessions, winners chosen anew every ``holding``
    sessions, each time from what came before, and held in equal parts. It is the paper's: the
    root of the mean squared return, no mean taken off, times the root of 258. Prices that do not
    move have no volatility, and the exposure is then 1.

    The paper buys winners, sells losers and may use leverage; ours is long only and never
    borrows. The past portfolio is of today's members only, since a window holds no others.

    A ticker without a return on every session of the look-back has no score and is not chosen,
    today or in the past. Equal scores are ranked by ticker. ``strength`` is the exposure, the same
    for every winner.
    """

    source: ClassVar[str] = "Barroso and Santa-Clara (2015), Momentum Has Its Moments; long only"
    lookback: PositiveInt = 378
    formation: PositiveInt = 252
    skip: NonNegativeInt = 21
    holding: PositiveInt = 21
    target: float = Field(default=0.12, gt=0, description="volatility a year")
    places: PositiveInt = 50

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.formation >= self.lookback:
            raise ValueError("lookback must exceed formation, to leave sessions for the volatility")
        if self.skip >= self.formation:
            raise ValueError("skip must be less than formation")
        return self

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``."""
        returns = window["return_aud"]
        known = np.asarray(~np.isnan(returns).any(axis=0))
        growth = 1 + returns
        score = np.where(known, self._momentum(growth, self.lookback), np.nan)
        winners = best(score, self.places)
        return long(winners * self._exposure(returns, growth, known), score)

    def _momentum(self, growth: Floats, end: int) -> Floats:
        """The total return over the formation that ends before row ``end``, the skip left out."""
        total: Floats = np.prod(growth[end - self.formation : end - self.skip], axis=0)
        return total - 1

    def _exposure(self, returns: Floats, growth: Floats, known: npt.NDArray[np.bool_]) -> float:
        """The part of the portfolio that momentum's own volatility allows for."""
        if not known.any():
            return 0.0
        daily = []
        for end in range(self.formation, self.lookback, self.holding):
            winners = np.flatnonzero(best(self._momentum(growth, end), self.places, known))
            held = returns[end : end + self.holding].take(winners, axis=1)
            daily.append(held.mean(axis=1))
        realised = float(np.sqrt(SESSIONS_A_YEAR * np.mean(np.concatenate(daily) ** 2)))
        return 1.0 if realised <= self.target else self.target / realised

    def split(self, signals: pd.DataFrame) -> Split:
        """The winners share the exposure; the rest is cash."""
        winners = signals[signals["signal"] == 1]
        return Split(tuple(winners["ticker"]), next(iter(winners["strength"]), 0.0))
