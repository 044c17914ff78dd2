"""Momentum: the members that rose most."""

from typing import ClassVar

import numpy as np
from pydantic import PositiveInt

from strategy.signals.base import Decision, Signal, best, long
from strategy.window import Window


class Momentum(Signal):
    """The ``places`` members with the highest total return in AUD over the look-back.

    The ranking is relative only. A score need not be positive: in a falling market the members
    that fell least are held, since whether to be invested at all is for ``dual_momentum`` or an
    overlay to say. The paper also sells the losers, and holds a tenth of all stocks; ours is long
    only, and up to the last session, without a skipped week.

    A ticker without a return on every session of the look-back has no score and is not chosen.
    Equal scores are ranked by ticker. Fewer members than ``places`` share the whole portfolio.
    """

    source: ClassVar[str] = (
        "Jegadeesh and Titman (1993), Returns to Buying Winners and Selling Losers"
    )
    lookback: PositiveInt = 126
    places: PositiveInt = 5

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``; the score is the total return over the look-back."""
        score = np.prod(1 + window["return_aud"], axis=0) - 1
        return long(best(score, self.places), score)
