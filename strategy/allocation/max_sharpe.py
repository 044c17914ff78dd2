"""The portfolio of the greatest Sharpe ratio, with bounds that hold."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.optimisation import in_typical_units, mean_risk, solved
from strategy.rebalance import SESSIONS_A_YEAR
from strategy.threads import one_thread

LEAST_EXCESS = 1e-4
"""In daily volatilities: a Sharpe ratio of 0.002 a year, which no estimate can tell from none."""

RIDGE = 1e-10
"""Of the typical variance: what makes a covariance invertible that nothing was shrunk in."""


class MaxSharpe(BoundedAllocation):
    """The long-only tangency portfolio within the bounds: most expected excess return per risk.

    The expected return is the mean of the window's AUD returns, shrunk towards the mean of the
    portfolio of least variance (Jorion, 1986, Bayes-Stein Estimation for Portfolio Analysis): a
    sample mean alone would mostly pick luck. The covariance is shrunk after Ledoit and Wolf. The
    optimiser is skfolio's MeanRisk.

    Where no portfolio within the bounds is expected to earn more than ``risk_free``, there is no
    tangency portfolio: the portfolio of least variance takes its place. That a strategy should
    then hold cash is for its signal or overlay to say.
    """

    source: ClassVar[str] = "Sharpe (1966), Mutual Fund Performance; Jorion (1986), Bayes-Stein"
    lookback: Sessions = 252
    risk_free: float = Field(default=0.04, ge=0, lt=1, description="risk-free return a year")

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        from skfolio import RiskMeasure
        from skfolio.optimization import ObjectiveFunction

        daily = (1 + self.risk_free) ** (1 / SESSIONS_A_YEAR) - 1
        excess = in_typical_units(returns.to_numpy() - daily)
        expected = _shrunk_means(excess)
        if _attainable(expected, smallest, largest) < LEAST_EXCESS:
            return solved(mean_risk(smallest, largest), excess)
        model = mean_risk(
            smallest,
            largest,
            objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
            risk_measure=RiskMeasure.STANDARD_DEVIATION,
            overwrite_expected_return=lambda weights: expected @ weights,
        )
        return solved(model, excess)


def _shrunk_means(returns: Floats) -> Floats:
    """Jorion's shrunk means, of returns in typical units.

    ``(1 - b) m + b g`` with the sample means m, the mean g of the portfolio of least variance, and
    ``b = (n + 2) / (n + 2 + t (m - g)' C^-1 (m - g))`` for n assets and t sessions. C is the
    Ledoit-Wolf covariance, in the place of his correction of the sample covariance.
    """
    from skfolio.moments import LedoitWolf

    sessions, count = returns.shape
    means, one_each = returns.mean(axis=0), np.ones(count)
    with one_thread():
        covariance = LedoitWolf(nearest=False, store_precision=False).fit(returns).covariance_
        covariance = covariance + RIDGE * np.eye(count)
        least_variance = np.linalg.solve(covariance, one_each)
        target = least_variance @ means / least_variance.sum()
        apart = means - target
        distance = apart @ np.linalg.solve(covariance, apart)
    trust = sessions * distance / (count + 2 + sessions * distance)
    return np.asarray(target + trust * apart, dtype=float)


def _attainable(expected: Floats, smallest: float, largest: float) -> float:
    """The greatest expected return within the bounds: the best assets get all they may."""
    room, count = largest - smallest, len(expected)
    spare = 1 - count * smallest
    extra = np.clip(spare - room * np.arange(count), 0, room)
    return float(np.sort(expected)[::-1] @ (smallest + extra))
