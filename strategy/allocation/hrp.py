"""Hierarchical risk parity with bounds that hold."""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, PositiveInt, model_validator

from strategy.allocation.base import Allocation
from strategy.window import Window

SMALLEST_VARIANCE = 1e-14
"""Ten times what skfolio refuses to take for a variance (1e-15)."""

Floats = npt.NDArray[np.float64]


class HierarchicalRiskParity(Allocation):
    """Weights by recursive bisection of a tree of similar assets, each side by its inverse risk.

    The variant is skfolio's: Ward linkage on the correlation distance (López de Prado's paper uses
    single linkage on the distance of distances), leaves in optimal order, risk is variance, the
    sample covariance of the window's AUD returns. Bounds are held inside the recursion; clipping
    afterwards and renormalising would break them again. Columns are sorted first: permuting them
    would move weights.

    ``smallest`` and ``largest`` bound each weight as a part of the whole portfolio. Where they
    cannot be met: with too many assets for ``smallest``, everyone gets the same; with too few for
    ``largest``, everyone gets ``largest`` and the rest of the budget stays unspent. An asset whose
    price never moved has no inverse risk: it is given the least variance that can be told from 0.
    """

    source: ClassVar[str] = "López de Prado (2016), Building Diversified Portfolios; skfolio's HRP"
    lookback: PositiveInt = 126
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

    def weigh(self, window: Window, budget: float) -> pd.Series:
        """See ``Allocation.weigh``; a ticker needs a return on every session of the window."""
        known = ~np.isnan(window["return_aud"]).any(axis=0)
        tickers, returns = window.tickers[np.flatnonzero(known)], window["return_aud"][:, known]
        count = len(tickers)
        if count * self.largest <= budget:
            return pd.Series(np.full(count, self.largest), index=tickers)
        if count == 1 or count * self.smallest >= budget:
            return pd.Series(np.full(count, budget / count), index=tickers)
        shares = _bisect(
            pd.DataFrame(_moving(returns), columns=tickers),
            self.smallest / budget,
            min(self.largest / budget, 1.0),
        )
        return shares * budget


def _moving(returns: Floats) -> Floats:
    """The same returns, with the least possible movement where there was none."""
    still = returns.var(axis=0) < SMALLEST_VARIANCE
    ripple = np.where(np.arange(len(returns)) % 2, 1.0, -1.0) * np.sqrt(2 * SMALLEST_VARIANCE)
    return returns + np.where(still, ripple[:, None], 0.0)


def _bisect(returns: pd.DataFrame, smallest: float, largest: float) -> pd.Series:
    from skfolio.optimization import HierarchicalRiskParity as Hrp  # 2 to 6 s to import

    ordered = returns.sort_index(axis=1)
    model = Hrp(min_weights=smallest, max_weights=largest).fit(ordered)
    return pd.Series(model.weights_, index=ordered.columns).reindex(returns.columns)
