"""The same weight for everything."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from strategy.allocation.base import Allocation, Candidates


class EqualWeight(Allocation):
    """1/N: hard to beat out of sample, hence the baseline of every comparison."""

    source: ClassVar[str] = "DeMiguel, Garlappi and Uppal (2009)"
    fields: ClassVar[tuple[str, ...]] = ()
    lookback: PositiveInt = 1

    def weigh(self, candidates: Candidates) -> pd.Series:
        """See ``Allocation.weigh``."""
        tickers = candidates.window.tickers
        return pd.Series(np.full(len(tickers), candidates.budget / len(tickers)), index=tickers)
