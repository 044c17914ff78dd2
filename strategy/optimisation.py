"""How skfolio's models are set up and solved here: the same window gives the same bits.

skfolio takes seconds to import: only the functions that need it do.
"""

import warnings
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from strategy.errors import StrategyError
from strategy.threads import one_thread

Floats = npt.NDArray[np.float64]

SOLVER = {
    "tol_gap_abs": 1e-9,
    "tol_gap_rel": 1e-9,
    "direct_solve_method": "qdldl",
    "max_threads": 1,
}
"""Clarabel with skfolio's tolerances, on one thread whatever the machine has."""


class Optimiser(Protocol):
    """What skfolio's models have in common."""

    weights_: Floats

    def fit(self, returns: Floats, /) -> "Optimiser":
        """Find the weights for returns, sessions x assets."""


def in_typical_units(returns: Floats) -> Floats:
    """Returns in units of their typical volatility, for which the solver's tolerances are made.

    Scaling moves no optimum, but the variance of a daily return is about 1e-4 and the solver stops
    at 1e-9: unscaled, weights are off by some 1e-4.
    """
    return np.asarray(returns / np.sqrt(returns.var(axis=0).mean()), dtype=float)


def mean_risk(smallest: float = 0.0, largest: float = 1.0, **options: object) -> Optimiser:
    """MeanRisk, which looks for the least variance unless told otherwise, on a shrunk covariance.

    Ledoit and Wolf (2004, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices)
    shrink towards a multiple of the identity, so it has an inverse with more assets than sessions
    too. ``nearest`` is off: it repairs what the optimiser can take as it is, and warns of it.

    Args:
        smallest: the least weight.
        largest: the greatest weight.
        options: further ones of MeanRisk's.
    """
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk
    from skfolio.prior import EmpiricalPrior

    covariance = LedoitWolf(nearest=False, store_precision=False)
    model = MeanRisk(
        prior_estimator=EmpiricalPrior(covariance_estimator=covariance),
        min_weights=smallest,
        max_weights=largest,
        solver_params=SOLVER,
        **options,
    )
    return cast("Optimiser", model)


def solved(model: Optimiser, returns: Floats) -> Floats:
    """The weights of a model of skfolio's, fitted to ``returns``.

    Raises:
        StrategyError: the model cannot be solved, or only inaccurately.
    """
    from skfolio.exceptions import SkfolioError

    try:
        with one_thread(), warnings.catch_warnings():
            warnings.filterwarnings("error", "Solution may be inaccurate", UserWarning)
            return np.asarray(model.fit(returns).weights_, dtype=float)
    except (SkfolioError, ValueError, UserWarning) as error:
        raise StrategyError(f"{type(model).__name__} has no solution: {error}") from error
