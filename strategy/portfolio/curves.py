"""What a capital became, session by session, and the returns in it."""

import pandas as pd

STRATEGY = "strategy"
AFTER_TAX = "after_tax"
BENCHMARK = "benchmark"

SHORTEST = 60
"""A quarter of sessions. Of fewer, no figure is given that is made a year's or estimated from how
the returns spread. The standards of the profession (GIPS 2020) make no figure of less than a year
a year's; here it is done from a quarter on, and the tear sheet notes it."""

STILL = 1e-9
"""A standard deviation of a session's returns not above this is the rounding of sums, not risk: a
ten-thousandth of a dollar of 100 000."""

DAYS_OF_INTEREST = 365
"""Interest is credited for actual days of a year of 365."""


def session_returns(curves: pd.DataFrame) -> pd.DataFrame:
    """Simple returns from session to session.

    Args:
        curves: index date, AUD at each close.

    Returns:
        The same columns, index without the first session. NaN where nothing was left before.
    """
    before = curves.shift()
    return (curves / before.where(before > 0) - 1).iloc[1:]


def excess_returns(curves: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Session returns above what cash earned in the calendar days since the session before.

    Args:
        curves: index date, AUD at each close.
        rate: what cash earns, a year.

    Returns:
        As ``session_returns``.
    """
    days = curves.index.to_series().diff().dt.days.iloc[1:]
    return session_returns(curves).sub(days * (rate / DAYS_OF_INTEREST), axis=0)


def deviation(returns: pd.DataFrame) -> pd.Series:
    """The sample standard deviation of each column, NaN where it is ``STILL``: to divide by."""
    spread = returns.std()
    return spread.where(spread > STILL)
