"""Dual momentum: the strongest assets, as long as they also beat cash."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from strategy.signals.base import Signal, Split, signal_frame
from strategy.window import Window

SESSIONS_A_YEAR = 252


class DualMomentum(Signal):
    """Relative momentum picks, absolute momentum decides whether to be invested at all.

    The score is the total return in AUD over the look-back. Risky assets (all but ``defensive``)
    are ranked by it; the best ``places`` are kept if their score also exceeds the hurdle over the
    same time. Each place is worth ``1 / places`` of the portfolio; places nobody earned go to the
    defensive asset with the best score, whatever it is, or to cash where there is none.

    A ticker without a return on every session of the look-back has no score and is not chosen.
    Equal scores are ranked by ticker.

    ``strength`` is the share of the portfolio's places: ``1 / places`` for each kept asset, the
    rest for the refuge.
    """

    source: ClassVar[str] = "Antonacci (2014), Dual Momentum Investing; ranking among many assets"
    lookback: PositiveInt = SESSIONS_A_YEAR
    places: PositiveInt = 8
    hurdle: float = Field(default=0.04, ge=0, lt=1, description="risk-free return a year")
    defensive: tuple[str, ...] = ()

    @property
    def exempt(self) -> tuple[str, ...]:
        """The refuge takes what is left, however much."""
        return self.defensive

    def compute(self, window: Window) -> pd.DataFrame:
        """See ``Signal.compute``."""
        score = np.prod(1 + window["return_aud"], axis=0) - 1
        is_defensive = window.tickers.isin(list(self.defensive))
        hurdle = (1 + self.hurdle) ** (self.lookback / SESSIONS_A_YEAR) - 1
        eligible = np.where(~is_defensive & (score > hurdle), score, -np.inf)
        best = _descending(eligible)[: self.places]
        kept = best[eligible[best] > -np.inf]
        strength = np.zeros(len(score))
        strength[kept] = 1 / self.places
        shelter = np.where(is_defensive & ~np.isnan(score), score, -np.inf)
        if len(kept) < self.places and (shelter > -np.inf).any():
            strength[_descending(shelter)[0]] = (self.places - len(kept)) / self.places
        return signal_frame(window, strength, score)

    def split(self, signals: pd.DataFrame) -> Split:
        """The kept assets share their places; the refuge takes the others."""
        long = signals[signals["signal"] == 1]
        is_refuge = long["ticker"].isin(self.defensive)
        core = tuple(long.loc[~is_refuge, "ticker"])
        refuge = next(iter(long.loc[is_refuge, "ticker"]), None)
        return Split(core, len(core) / self.places, refuge)


def _descending(values: np.ndarray) -> np.ndarray:
    """Positions from the greatest value to the least; ties in their order (tickers are sorted)."""
    return np.argsort(-values, kind="stable")
