"""What every allocation is: typed parameters, a look-back, and one function of its candidates."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.window import Window

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """The tickers that a signal chose at a rebalance session.

    window: complete, of these tickers only (at least one), ending at the rebalance session.
    strength: float64 in (0, 1], how much the signal wants each of them, in the window's order.
    budget: the part of the portfolio, in (0, 1], that they share.
    """

    window: Window
    strength: Floats
    budget: float


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
    def weigh(self, candidates: Candidates) -> pd.Series:
        """Share the budget among the candidates.

        Returns:
            float64, index ticker, every weight >= 0, summing to the budget unless upper bounds
            forbid it. A ticker that cannot be weighed, for want of history, is left out.
        """


class BoundedAllocation(Allocation):
    """An allocation that needs every return of its window, and whose bounds hold.

    ``smallest`` and ``largest`` bound each weight as a part of the whole portfolio. Where they
    cannot be met: with too many assets for ``smallest``, everyone gets the same; with too few for
    ``largest``, everyone gets ``largest`` and the rest of the budget stays unspent. One asset gets
    the budget, as far as ``largest`` allows; an asset without a return on every session of the
    window is left out.
    """

    smallest: float = Field(default=0.0, ge=0, le=1)
    largest: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("smallest must not exceed largest")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """See ``Allocation.bounds``."""
        return (self.smallest, self.largest)

    def weigh(self, candidates: Candidates) -> pd.Series:
        """See ``Allocation.weigh``."""
        window, budget = candidates.window, candidates.budget
        known = ~np.isnan(window["return_aud"]).any(axis=0)
        tickers, returns = window.tickers[np.flatnonzero(known)], window["return_aud"][:, known]
        count = len(tickers)
        if count * self.largest <= budget:
            return pd.Series(np.full(count, self.largest), index=tickers)
        if count == 1 or count * self.smallest >= budget:
            return pd.Series(np.full(count, budget / count), index=tickers)
        ordered = pd.DataFrame(returns, columns=tickers).sort_index(axis=1)
        shares = self.shares(ordered, self.smallest / budget, min(self.largest / budget, 1.0))
        return pd.Series(shares, index=ordered.columns).reindex(tickers) * budget

    @abstractmethod
    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """Weights that sum to 1, every one between ``smallest`` and ``largest``.

        Args:
            returns: AUD returns without a gap, the window's sessions x at least two tickers, the
                columns sorted by ticker: permuting them would move some methods' weights.
            smallest: at most 1 / tickers.
            largest: at least 1 / tickers.

        Returns:
            In the order of the columns.
        """
