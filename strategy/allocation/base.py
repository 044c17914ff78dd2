"""What every allocation is: typed parameters, a look-back, and one function of its candidates."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from strategy.errors import StrategyError
from strategy.proportions import settled
from strategy.still import moving
from strategy.window import Window

Floats = npt.NDArray[np.float64]

Sessions = Annotated[int, Field(ge=2)]
"""A look-back that has a variance."""

ROOM = 1e-6
"""Bounds that leave less than this part of the budget to decide on leave nothing."""


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

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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
    window is left out. Assets that all moved alike get the same; one that never moved counts as the
    safest, see ``strategy.still``. A share below a millionth of the budget is none.
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
        """See ``Allocation.weigh``.

        Raises:
            StrategyError: the method found no weights, or none within the bounds; the message names
                the allocation, the number of tickers and the session.
        """
        window, budget = candidates.window, candidates.budget
        known = ~np.isnan(window["return_aud"]).any(axis=0)
        tickers, returns = window.tickers[np.flatnonzero(known)], window["return_aud"][:, known]
        count = len(tickers)
        if count * self.largest <= budget:
            return pd.Series(np.full(count, self.largest), index=tickers)
        ordered = moving(pd.DataFrame(returns, columns=tickers).sort_index(axis=1))
        spare = min(budget - count * self.smallest, count * self.largest - budget)
        if spare <= ROOM * budget or _are_alike(ordered):
            return pd.Series(np.full(count, budget / count), index=tickers)
        least, most = self.smallest / budget, min(self.largest / budget, 1.0)
        try:
            shares = settled(self.shares(ordered, least, most), least, most)
        except StrategyError as error:
            kind = type(self).__module__.rpartition(".")[2]
            day = window.sessions[-1]
            raise StrategyError(f"{kind} of {count} tickers on {day:%Y-%m-%d}: {error}") from error
        return pd.Series(shares, index=ordered.columns).reindex(tickers) * budget

    @abstractmethod
    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """Weights that sum to 1, every one between ``smallest`` and ``largest``.

        They may miss by a solver's tolerance, which ``settled`` repairs.

        Args:
            returns: AUD returns without a gap, the window's sessions x at least two tickers, each
                with a variance above 0; the columns sorted by ticker: permuting them would move
                some methods' weights.
            smallest: at most 1 / tickers.
            largest: at least 1 / tickers.

        Returns:
            In the order of the columns.
        """


def _are_alike(returns: pd.DataFrame) -> bool:
    """Whether every asset has the same returns; one asset is like itself."""
    values = returns.to_numpy()
    return bool((values == values[:, :1]).all())
