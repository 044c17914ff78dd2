"""OLMAR: the bet that every price comes back to its own moving average."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from strategy.signals.base import Decision, Floats, Signal, long
from strategy.window import Array, Window

NO_SPREAD = 1e-20
"""Predictions whose squared differences sum to less differ by rounding only."""


class Olmar(Signal):
    """On-line moving average reversion, variant OLMAR-1: a simple moving average.

    Each session predicts every price relative as the mean of the last ``average`` prices over the
    last price, and moves the portfolio b just as far as makes the predicted return b · x reach
    ``epsilon``, then back to the nearest portfolio without debt or shorts:

        b' = projection onto the simplex of b + max(0, epsilon - b · x) (x - mean x) / |x - mean x|²

    Prices are in AUD. The recursion restarts from equal weights ``burn_in`` sessions before the
    window ends, so that a window is all it depends on. With the paper's ``epsilon`` of 10, which no
    portfolio reaches, a step is long and the start soon forgotten: among the members of the S&P 500
    of 2013 to 2018 portfolios as different as can be were the same after 8 sessions at most, among
    2,000 stocks put together from them after 15; the default burn-in is 20. An ``epsilon`` near 1
    forgets slowly and wants a longer ``lookback``. Such long steps also mean a handful of tickers
    at most, often a single one: the published strategy is bold.

    ``strength`` is the weight b, to be held as it is (see the allocation ``signal_strength``); over
    the tickers it sums to 1. The score is the predicted price relative x. A ticker without a price
    relative on every session of the window is out.
    """

    source: ClassVar[str] = (
        "Li and Hoi (2012), On-Line Portfolio Selection with Moving Average Reversion: OLMAR-1"
    )
    lookback: PositiveInt = 23
    average: int = Field(default=5, ge=2, description="sessions in the moving average")
    epsilon: float = Field(default=10.0, ge=1, le=1e6, description="the predicted return to reach")

    @property
    def burn_in(self) -> int:
        """The sessions that move the portfolio: those of the look-back that have an average.

        The average of n prices takes n - 1 returns.
        """
        return self.lookback - self.average + 2

    @model_validator(mode="after")
    def _reaches_back(self) -> Self:
        if self.burn_in < 1:
            raise ValueError("lookback must hold at least average - 1 returns")
        return self

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``."""
        relatives = 1 + window["return_aud"]
        known = np.flatnonzero((relatives > 0).all(axis=0))
        strength = np.zeros(len(window.tickers))
        score = np.full(len(window.tickers), np.nan)
        if len(known):
            predicted = self._predictions(relatives[:, known])
            strength[known], score[known] = self._portfolio(predicted), predicted[-1]
        return long(strength, score)

    def _predictions(self, relatives: Array) -> Array:
        """The price relatives predicted by each session of the burn-in, sessions x tickers."""
        prices = np.vstack([np.ones(relatives.shape[1]), np.cumprod(relatives, axis=0)])
        sums = sum(prices[place : place + self.burn_in] for place in range(self.average))
        return np.asarray(sums / (self.average * prices[self.average - 1 :]))

    def _portfolio(self, predicted: Array) -> Floats:
        """The weights after the last session.

        Adding a constant to all weights does not move their projection, so the step is taken
        relative to the best prediction instead of the mean: the long step then costs no digits.
        """
        ahead = predicted - predicted.max(axis=1, keepdims=True)
        spreads = np.square(predicted - predicted.mean(axis=1, keepdims=True)).sum(axis=1)
        weights = np.full(predicted.shape[1], 1 / predicted.shape[1])
        for prediction, direction, spread in zip(predicted, ahead, spreads, strict=True):
            lacking = self.epsilon - (weights * prediction).sum()
            if lacking > 0 and spread > NO_SPREAD:
                weights = _nearest_portfolio(weights + lacking / spread * direction)
        return weights


def _nearest_portfolio(point: Floats) -> Floats:
    """The weights, none negative and summing to 1, with the least squared distance to ``point``.

    Source: Duchi et al. (2008), Efficient Projections onto the l1-Ball. A coordinate that is a
    whole portfolio behind the greatest gets nothing, so only the others are sorted.
    """
    falling = np.sort(point[point > point.max() - 1])[::-1]
    surplus = np.cumsum(falling) - 1
    held = np.count_nonzero(falling * np.arange(1, len(falling) + 1) > surplus)
    weights = np.maximum(point - surplus[held - 1] / held, 0)
    return np.asarray(weights / weights.sum())
