"""Residual momentum: the part of a year's return that common factors do not explain."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from strategy.signals.base import Decision, Floats, Signal, best, long
from strategy.window import Window

MONTH = 21
"""Sessions. Months are counted back from the window's end, so that its shape is fixed."""

ROUNDING = 1e-9
"""A monthly return whose deviation is below this is the rounding of a regression, not a move."""


class ResidualMomentum(Signal):
    """Winners by what is their own: 12-1 momentum of the residuals of a factor regression.

    Each member's monthly AUD returns of the look-back (36 months) are regressed on a constant and
    ``factors`` common factors. The score is the sum of the residuals over the last ``formation``
    months, the last ``skip`` of them left out (12 and 1: eleven months), divided by their standard
    deviation over the same months. The constant is not part of it, as in the paper. The best
    ``places`` are held; the ranking is relative, and a score need not be positive.

    The paper's factors are Fama and French's three. Ours are as many, made of the members
    themselves: the equally weighted market, then the principal components, over time, of what the
    market leaves, every member scaled to the same deviation so that no wild one becomes a factor
    of its own. A component's sign, and the order of two, do not matter to a residual. Riskless
    interest is taken for constant over the look-back. The currency's move, common to all, is
    part of the market.

    A ticker without a return on every session of the look-back is no part of the factors, has no
    score and is not chosen; neither is one that the factors explain altogether, for its residuals
    have no deviation. Below ``factors + 2`` tickers with history nobody has a score: what is left
    would be one and the same movement. A factor that does not move explains nothing. Equal scores
    are ranked by ticker.

    ``lookback`` is in sessions, whole months of 21; ``formation`` and ``skip`` are in months.
    """

    source: ClassVar[str] = (
        "Blitz, Huij and Martens (2011), Residual Momentum;"
        " factors as Connor and Korajczyk (1988), Risk and Return in an Equilibrium APT"
    )
    lookback: int = Field(default=36 * MONTH, gt=0, multiple_of=MONTH)
    formation: PositiveInt = 12
    skip: NonNegativeInt = 1
    factors: PositiveInt = 3
    places: PositiveInt = 50

    @model_validator(mode="after")
    def _enough_months(self) -> Self:
        months = self.lookback // MONTH
        if self.formation > months:
            raise ValueError(f"formation must not exceed the look-back's {months} months")
        if self.formation - self.skip < 2:
            raise ValueError("formation must exceed skip by 2 months or more, to have a deviation")
        if self.factors + 2 > months:
            raise ValueError(f"factors must be 2 or more below the look-back's {months} months")
        return self

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``."""
        by_month = (1 + window["return_aud"]).reshape(self.lookback // MONTH, MONTH, -1)
        months = np.prod(by_month, axis=1) - 1
        known = np.flatnonzero(~np.isnan(months).any(axis=0))
        score = np.full(len(window.tickers), np.nan)
        if len(known) >= self.factors + 2:
            score[known] = self._score(residuals(months.take(known, axis=1), self.factors))
        return long(best(score, self.places), score)

    def _score(self, residual: Floats) -> Floats:
        recent = residual[len(residual) - self.formation : len(residual) - self.skip]
        deviation = recent.std(axis=0, ddof=1)
        score = np.full(deviation.shape, np.nan)
        np.divide(recent.sum(axis=0), deviation, out=score, where=deviation > ROUNDING)
        return score


def residuals(months: Floats, factors: int) -> Floats:
    """What a constant, the market and ``factors - 1`` components leave of monthly returns.

    Args:
        months: months x tickers, C-contiguous, without a gap.
        factors: the market included, at least 1.

    Returns:
        Of the same shape; every column is orthogonal to 1, to the market and to the components.
    """
    own = months - months.mean(axis=0)
    own = _without(own, _unit(own.mean(axis=1))[None])
    return _without(own, _components(own, factors - 1))


def _components(returns: Floats, count: int) -> Floats:
    """Unit vectors over time, count x months: those that explain most of the scaled returns."""
    deviation = returns.std(axis=0)
    scale = np.zeros(deviation.shape)
    scaled = returns * np.divide(1.0, deviation, out=scale, where=deviation > ROUNDING)
    ascending: Floats = np.linalg.eigh(scaled @ scaled.T).eigenvectors.T
    return ascending[::-1][:count]


def _unit(factor: Floats) -> Floats:
    """A factor's direction; zeros, which explain nothing, where it does not move."""
    length = np.sqrt((factor**2).sum())
    return factor / length if length > ROUNDING else np.zeros(factor.shape)


def _without(returns: Floats, directions: Floats) -> Floats:
    """The part of returns, months x tickers, that is orthogonal to each of some unit vectors."""
    return returns - directions.T @ (directions @ returns)
