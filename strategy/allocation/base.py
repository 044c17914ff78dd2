"""What every allocation is: typed parameters, a look-back, and one function of a window."""

from abc import ABC, abstractmethod
from typing import ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

from strategy.window import Window


class Allocation(BaseModel, ABC):
    """Base of all allocations. ``lookback`` is the number of sessions in its window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ("return_aud",)
    lookback: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest weight of a held ticker, as parts of the portfolio."""
        return (0.0, 1.0)

    @abstractmethod
    def weigh(self, window: Window, budget: float) -> pd.Series:
        """Share ``budget`` (a part of the portfolio, in (0, 1]) among the window's tickers.

        Args:
            window: complete, of at least one ticker, ending at the rebalance session.
            budget: what the weights sum to, unless upper bounds forbid it.

        Returns:
            float64, index ticker, every weight >= 0. A ticker that cannot be weighed, for want of
            history, is left out.
        """
