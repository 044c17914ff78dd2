"""Hold less while the market is turbulent."""

import warnings
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from strategy.overlays.base import Overlay
from strategy.still import SMALLEST_VARIANCE
from strategy.threads import one_thread
from strategy.window import Window

Floats = npt.NDArray[np.float64]

ENOUGH = 126
"""Sessions of half a year: fewer cannot tell two regimes apart."""

CALM_STAYS, TURBULENCE_ENDS, CALM_PART = 0.98, 0.05, 0.75
"""Where the fit begins: calm of some months, storms of some weeks, a quarter of all sessions."""


class Regime(Overlay):
    """Exposure by the probability that the market is calm, in a two-state Markov switching model.

    The market is the equally weighted mean AUD return of the members over the window. Its returns
    are normal with a mean and a variance of the state they are in; the state is hidden and follows
    a Markov chain. The state with the greater variance is the turbulent one. The model is fitted
    to the window, which ends at the rebalance session, and the probability is the *filtered* one
    of that session, given the returns up to it: smoothed probabilities use what came later.

        exposure = P(calm) + P(turbulent) * turbulent_exposure

    A member counts on the sessions on which it has a return. A session on which nobody has one, or
    nothing moved, says nothing and is left out; while its market is closed, a foreign member still
    moves with its currency.

    Everything is held, exposure 1, where there is no regime to speak of: fewer than ``ENOUGH``
    sessions, a market that never moved, a fit that fails or does not converge, or one that
    Schwarz's criterion likes less than a single normal distribution.

    The model is statsmodels' MarkovRegression; hmmlearn is in limited maintenance, and tells
    smoothed probabilities only. Nothing in the fit is random.
    """

    source: ClassVar[str] = (
        "Hamilton (1989), A New Approach to the Economic Analysis of Nonstationary Time Series;"
        " Kritzman, Page and Turkington (2012), Regime Shifts: Implications for Dynamic Strategies"
    )
    lookback: int = Field(default=504, ge=ENOUGH)
    turbulent_exposure: float = Field(default=0.0, ge=0, le=1)

    def exposure(self, window: Window) -> float:
        """See ``Overlay.exposure``."""
        turbulent = _turbulence(_market(window["return_aud"]))
        return 1 - turbulent * (1 - self.turbulent_exposure)


def _market(returns: Floats) -> Floats:
    """The mean return of each session on which somebody moved.

    The returns of a session are sorted and added one after the other, so that neither the order of
    the columns nor an empty one moves a bit of the sum.
    """
    known = ~np.isnan(returns)
    has_moved = (known & (returns != 0)).any(axis=1)
    sums = np.nancumsum(np.sort(returns[has_moved], axis=1), axis=1)[:, -1:].sum(axis=1)
    return np.asarray(sums / known[has_moved].sum(axis=1), dtype=float)


def _turbulence(market: Floats) -> float:
    """The filtered probability of the turbulent state on the last session; 0 without regimes."""
    if len(market) < ENOUGH or market.var() < SMALLEST_VARIANCE:
        return 0.0
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression  # 3 s to import

    scaled = market / market.std()
    model = MarkovRegression(scaled, k_regimes=2, switching_variance=True)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is read from the result below
        try:
            fit = model.fit(_start(scaled), em_iter=25, cov_type="none", disp=False)
        except (ValueError, ArithmeticError):  # a singular matrix is a ValueError
            return 0.0
    if not fit.mle_retvals["converged"] or not fit.bic < _schwarz_of_one_normal(scaled):
        return 0.0
    turbulent = int(np.argmax(fit.params[model.parameters["variance"]]))
    return float(np.clip(fit.filtered_marginal_probabilities[-1, turbulent], 0, 1))


def _start(market: Floats) -> Floats:
    """In the model's order: two transitions into state 0, two means, two variances."""
    squares = np.sort((market - market.mean()) ** 2)
    calm, turbulent = np.split(squares, [int(CALM_PART * len(squares))])
    mean = market.mean()
    return np.array([CALM_STAYS, TURBULENCE_ENDS, mean, mean, calm.mean(), turbulent.mean()])


def _schwarz_of_one_normal(market: Floats) -> float:
    """Schwarz's criterion of a single normal distribution: two parameters."""
    count = len(market)
    return float(count * (np.log(2 * np.pi * market.var()) + 1) + 2 * np.log(count))
