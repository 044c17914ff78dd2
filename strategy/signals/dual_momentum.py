"""Dual momentum: the strongest assets, as long as they also beat cash."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from strategy.rebalance import SESSIONS_A_YEAR
from strategy.signals.base import Decision, Signal, Split, best, long
from strategy.window import Window


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
    lookback: PositiveInt = 252
    places: PositiveInt = 8
    hurdle: float = Field(default=0.04, ge=0, lt=1, description="risk-free return a year")
    defensive: tuple[str, ...] = ()

    @property
    def exempt(self) -> tuple[str, ...]:
        """The refuge takes what is left, however much."""
        return self.defensive

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``."""
        score = np.prod(1 + window["return_aud"], axis=0) - 1
        is_defensive = window.tickers.isin(list(self.defensive))
        hurdle = (1 + self.hurdle) ** (self.lookback / SESSIONS_A_YEAR) - 1
        kept = best(score, self.places, ~is_defensive & (score > hurdle))
        left = self.places - int(kept.sum())
        refuge = best(score, 1, is_defensive)
        return long((kept + left * refuge) / self.places, score)

    def split(self, signals: pd.DataFrame) -> Split:
        """The kept assets share their places; the refuge takes the others."""
        long = signals[signals["signal"] == 1]
        is_refuge = long["ticker"].isin(self.defensive)
        core = tuple(long.loc[~is_refuge, "ticker"])
        refuge = next(iter(long.loc[is_refuge, "ticker"]), None)
        return Split(core, len(core) / self.places, refuge)
