"""Returns by month and year, and figures over the year before each session."""

import pandas as pd

from strategy.portfolio.curves import STILL, excess_returns, session_returns
from strategy.rebalance import SESSIONS_A_YEAR

YEAR = "year"
MONTHS = list(range(1, 13))


def period_returns(curves: pd.DataFrame, period: str) -> pd.DataFrame:
    """Returns compounded by calendar period.

    Args:
        curves: index date, AUD at each close.
        period: a pandas period: ``M`` a month, ``Y`` a year.

    Returns:
        Index period, the same columns. A period is there if a return falls in it: the session on
        which a curve begins has none. The first and the last may be parts of a period.
    """
    returns = session_returns(curves)
    months = pd.DatetimeIndex(returns.index).to_period(period)
    compounded: pd.DataFrame = (1 + returns).groupby(months).prod() - 1
    return compounded


def monthly_table(curve: pd.Series) -> pd.DataFrame:
    """The returns of one curve by year and month.

    Args:
        curve: index date, AUD at each close.

    Returns:
        Index year (int); columns 1 to 12 and ``year``: NaN where no return falls in the month.
    """
    months = period_returns(curve.to_frame("return"), "M")
    of = pd.PeriodIndex(months.index)
    table = (
        months.assign(year=of.year, month=of.month)
        .pivot_table(index="year", columns="month", values="return")
        .reindex(columns=MONTHS)
    )
    years = period_returns(curve.to_frame("return"), "Y")["return"]
    table[YEAR] = years.set_axis(pd.PeriodIndex(years.index).year)
    return table.rename_axis(columns=None)


def rolling_figures(curve: pd.Series, rate: float) -> pd.DataFrame:
    """Return, volatility and Sharpe ratio over the last ``SESSIONS_A_YEAR`` sessions.

    Args:
        curve: index date, AUD at each close.
        rate: what cash earns, a year.

    Returns:
        Index date, from the first session with a whole year behind it; columns return (compounded),
        volatility and sharpe (a year's; NaN where nothing moved), as in ``curve_figures``.
    """
    frame = curve.to_frame("return")
    deviation = session_returns(frame)["return"].rolling(SESSIONS_A_YEAR).std()
    excess = excess_returns(frame, rate)["return"].rolling(SESSIONS_A_YEAR)
    spread = excess.std()
    moves = (deviation > STILL) & (spread > STILL)
    return pd.DataFrame(
        {
            "return": curve / curve.shift(SESSIONS_A_YEAR) - 1,
            "volatility": deviation * SESSIONS_A_YEAR**0.5,
            "sharpe": excess.mean() / spread.where(moves) * SESSIONS_A_YEAR**0.5,
        }
    ).iloc[SESSIONS_A_YEAR:]
