"""What a portfolio's capital became after the tax it owes."""

import numpy as np
import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.tax_rules import due_days, labelled_ends

BANKRUPT = 1e-6
"""What is left of a portfolio that cannot pay its tax."""


def tax_payments(tax: pd.Series, sessions: pd.DatetimeIndex) -> pd.Series:
    """What is paid when: each year's tax on the first session on or after it is due.

    It is due on 21 November after the year, see ``due_days``; instalments (PAYG) are ignored. What
    is not due by the last session is paid on the last session: the tax of the year that ended, and
    of the running year as far as it has come. So the last value owes nothing, save on gains not
    yet made.

    Args:
        tax: AUD, index financial year ("2021-22"), as ``TaxResult.years["tax"]``.
        sessions: ascending, at least one.

    Returns:
        AUD by session, ascending, only sessions with a payment above 0.

    Raises:
        StrategyError: a tax was due before the first session.
    """
    owed = tax[tax > 0]
    due = due_days(labelled_ends(owed.index))
    if (due < sessions[0]).any():
        raise StrategyError(
            f"the tax of {owed.index[0]} was due before the first session, "
            f"{sessions[0]:%Y-%m-%d}: leave it out or begin earlier"
        )
    place = np.minimum(sessions.searchsorted(due), len(sessions) - 1)
    return owed.groupby(sessions[place]).sum()


def after_tax(equity: pd.Series, tax: pd.Series) -> pd.Series:
    """The equity curve of a portfolio that pays its tax by selling in proportion.

    ``after(t) = equity(t) x product over payments p <= t of (1 - tax(p) / equity(p))``. The tax is
    that of the untaxed book. A book of which a part was paid out has that much less of every
    holding, gain and tax, so scaling is exact, up to fees that do not scale, whole shares, the
    A$1,000 of ``tax_years``, and the gains of the sales that raise the payment, which are ignored.

    For the value after everything is sold, hand in the tax of ``liquidated`` and take the last one.

    Args:
        equity: AUD at the close, index date, ascending.
        tax: AUD, index financial year; see ``tax_payments``.

    Returns:
        AUD, index of ``equity``; equal to it before the first payment. At the last session every
        tax is paid, due or not.

    A portfolio that has lost more than its tax since is left with ``BANKRUPT`` of itself: nothing,
    but with a logarithm.

    Raises:
        StrategyError: a tax was due before the first session; or the equity of a session with a
            payment is below 0 or not a number.
    """
    sessions = pd.DatetimeIndex(equity.index)
    paid = tax_payments(tax, sessions)
    worth = equity.loc[paid.index]
    is_amount = np.isfinite(worth) & (worth >= 0)
    if not is_amount.all():
        day = worth.index[~is_amount][0]
        raise StrategyError(
            f"the equity of {day:%Y-%m-%d} is {worth[day]:g}: no tax can be paid from it; mend the"
            " curve first"
        )
    left = (1 - paid / worth).clip(lower=BANKRUPT)
    kept = left.reindex(equity.index, fill_value=1.0).cumprod()
    return (equity * kept).rename("after_tax")
