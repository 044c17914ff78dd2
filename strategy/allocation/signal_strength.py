"""As much of everything as the signal wants."""

from typing import ClassVar

import pandas as pd
from pydantic import PositiveInt

from strategy.allocation.base import Allocation, Candidates


class SignalStrength(Allocation):
    """The budget in proportion to the signal's strengths: for signals that are weights already."""

    source: ClassVar[str] = "none needed: the weights are the signal's own"
    fields: ClassVar[tuple[str, ...]] = ()
    lookback: PositiveInt = 1

    def weigh(self, candidates: Candidates) -> pd.Series:
        """See ``Allocation.weigh``."""
        shares = candidates.strength / candidates.strength.sum()
        return pd.Series(shares * candidates.budget, index=candidates.window.tickers)
