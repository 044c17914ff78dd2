"""Risk parity: every asset contributes the same risk, with bounds that hold."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from strategy.allocation.base import BoundedAllocation, Floats, Sessions
from strategy.optimisation import SOLVER, solved

if TYPE_CHECKING:
    from cvxpy import Constraint, Variable

SHRINKAGE = 1e-6
"""Of the correlations: two assets that cancel each other have a risk, if a small one."""


class RiskParity(BoundedAllocation):
    """Equal risk contributions: ``w_i (C w)_i`` is the same for every asset.

    C is the sample covariance of the window's AUD returns, as in the paper: nothing bets on its
    smallest eigenvalues, so it needs no more shrinkage than what gives it an inverse (a millionth).
    The optimiser is skfolio's RiskBudgeting with equal budgets. Contributions are equal to within
    a thousandth of their size. Where a bound stops an asset they are not: the weights are then,
    of all within the bounds, those of the least volatility for their geometric mean (Richard and
    Roncalli, 2019, Constrained Risk Budgeting Portfolios), of which equal contributions are the
    case without bounds.

    The problem is solved for returns in units of each asset's own volatility, in which it is well
    conditioned; a weight is its solution over the volatility.
    """

    source: ClassVar[str] = (
        "Maillard, Roncalli and Teiletche (2010), The Properties of Equally Weighted Risk"
        " Contribution Portfolios"
    )
    lookback: Sessions = 252

    def shares(self, returns: pd.DataFrame, smallest: float, largest: float) -> Floats:
        """See ``BoundedAllocation.shares``."""
        from skfolio import RiskMeasure
        from skfolio.moments import ShrunkCovariance
        from skfolio.optimization import RiskBudgeting
        from skfolio.prior import EmpiricalPrior

        volatility = np.std(returns.to_numpy(), axis=0, ddof=1)
        calm = volatility.min() / volatility
        covariance = ShrunkCovariance(shrinkage=SHRINKAGE, nearest=False, store_precision=False)
        model = RiskBudgeting(
            risk_measure=RiskMeasure.STANDARD_DEVIATION,
            prior_estimator=EmpiricalPrior(covariance_estimator=covariance),
            add_constraints=lambda scaled: _bounds(scaled, calm, smallest, largest),
            solver_params=SOLVER,
        )
        held = solved(model, returns.to_numpy() / volatility) * calm
        return np.asarray(held / held.sum(), dtype=float)


def _bounds(
    scaled: "Variable", unit: Floats, smallest: float, largest: float
) -> list["Constraint"]:
    """The bounds on the weights, said of the weights in units of each asset's volatility."""
    from cvxpy import Variable
    from cvxpy.atoms.affine.binary_operators import multiply

    held, total = multiply(unit, scaled), Variable()
    least = [held >= smallest * total] if smallest > 0 else []
    most = [held <= largest * total] if largest < 1 else []
    return [total == unit @ scaled, *least, *most]
