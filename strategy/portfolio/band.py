"""The no-trade band: a holding is adjusted only when that is worth its cost.

For an investor with risk aversion g, holding the weight w instead of the target w* costs, by the
second-order expansion of mean-variance utility, ``g/2 · s² · (w - w*)²`` of the portfolio a year,
where s is the volatility of the holding. With a fixed fee a trade, the best thing to do is nothing
inside a band around the target, and the whole way to it outside (Liu, "Optimal Consumption and
Investment with Transaction Costs and Multiple Risky Assets", 2004; Leland, "Optimal Portfolio
Management with Transactions Costs and Capital Gains Taxes", 1999, has the same loss with
proportional costs; Masters, "Rebalancing", 2003, the same trade-off as a rule of thumb). The loss
is counted over a year: the time that a difference would otherwise last is not known, and fees are
judged by the year. What the decision leaves or enters altogether is traded in any case: those
weights are news, not drift.
"""

import numpy as np
import numpy.typing as npt

from strategy.rebalance import SESSIONS_A_YEAR

WINDOW = 63
"""Sessions over which a volatility is measured: a quarter."""

LEAST_RETURNS = 20
"""With fewer returns the volatility is not known, and the difference is traded."""

LEAST_EQUITY = 1e-9
"""AUD, so that an account that has lost everything divides by something."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def volatility(returns: Floats) -> Floats:
    """Annualised volatility of each column over the last ``WINDOW`` rows.

    Args:
        returns: AUD returns, sessions x tickers, up to the session of the decision; NaN where there
            is none.

    Returns:
        Per ticker; infinite where fewer than ``LEAST_RETURNS`` are known.
    """
    window = returns[-WINDOW:]
    known = ~np.isnan(window)
    count = known.sum(axis=0)
    values = np.where(known, window, 0.0)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(known, window - mean, 0.0) ** 2).sum(axis=0)
    yearly = np.sqrt(squares / np.maximum(count - 1, 1) * SESSIONS_A_YEAR)
    return np.where(count < LEAST_RETURNS, np.inf, yearly)


def is_worth_it(
    difference: Floats, equity: Floats, yearly: Floats, risk_aversion: Floats, cost: Floats
) -> Bools:
    """Whether the utility lost in a year by not trading exceeds what the trade costs.

    Args:
        difference: of value from its target, AUD; accounts x tickers.
        equity: AUD; accounts x 1.
        yearly: volatility, per ticker.
        risk_aversion: accounts x 1; infinite where every difference is to be traded.
        cost: of the trade, AUD; accounts x tickers.
    """
    with np.errstate(invalid="ignore"):  # infinite times nothing: NaN, which is no reason
        weight = np.where(np.isinf(risk_aversion), np.inf, risk_aversion / 2 * yearly**2)
        lost = weight * difference**2 / np.maximum(equity, LEAST_EQUITY)
    return np.asarray(lost > cost)
