"""The figures of a curve: what it returned, at what risk, and how it went with its benchmark."""

import pandas as pd

from strategy.portfolio.calendar_returns import period_returns
from strategy.portfolio.curves import (
    BENCHMARK,
    SHORTEST,
    STILL,
    deviation,
    excess_returns,
    session_returns,
)
from strategy.portfolio.drawdowns import drawdowns, longest
from strategy.portfolio.sharpe import sharpe_ratios
from strategy.rebalance import SESSIONS_A_YEAR

DAYS_A_YEAR = 365.25
TAIL = 0.05

OF_CURVES = {
    "final value": "aud",
    "total return": "percent",
    "CAGR": "percent",
    "volatility": "percent",
    "Sharpe ratio": "ratio",
    "Sortino ratio": "ratio",
    "Calmar ratio": "ratio",
    "maximum drawdown": "percent",
    "longest drawdown": "sessions",
    "mean drawdown": "percent",
    "ulcer index": "percent",
    "best month": "percent",
    "worst month": "percent",
    "months above 0": "percent",
    "sessions above 0": "percent",
    "expected shortfall of a session (95 %)": "percent",
    "skewness": "number",
    "excess kurtosis": "number",
    "beta": "ratio",
    "correlation": "ratio",
    "tracking error": "percent",
    "information ratio": "ratio",
}
"""The figures of ``curve_figures`` in the order of reading, and their units."""

Measures = dict[str, pd.Series]


def curve_figures(curves: pd.DataFrame, rate: float) -> pd.DataFrame:
    """The figures that can be told from curves.

    final value, total return: of the last session; since the first.
    CAGR: compound growth a year, by calendar days of a year of 365.25.
    volatility: sample standard deviation of session returns, a year's (``SESSIONS_A_YEAR``).
    Sharpe ratio: see ``sharpe_ratios``, a year's.
    Sortino ratio: mean excess return by its downside deviation, a year's: the root of the mean
        square of what is below 0, over all returns (Sortino and Price, Journal of Investing 3,
        1994). It is ``semi_deviation(biased=True)`` of skfolio; by default skfolio divides by
        n - 1, as if a mean had been estimated, and measures from the mean.
    Calmar ratio: CAGR by the greatest drawdown, over the whole time (Young, 1991, took 36 months).
    maximum, longest, mean drawdown: see ``drawdown_table``; the mean is over all sessions.
    ulcer index: root of the mean square drawdown (Martin and McCann, 1989).
    best and worst month, months above 0: see ``period_returns``.
    expected shortfall: mean of the worst 5 % of returns, negative; the return at the edge counts
        by the part of it inside (Rockafellar and Uryasev, Journal of Risk 2, 2000): skfolio's
        ``cvar``, with its sign turned.
    skewness, excess kurtosis: of the sample, without a correction of bias.
    beta, correlation: with the benchmark's returns. Cash is not taken off: it hardly varies.
    tracking error, information ratio: standard deviation of the return above the benchmark's, and
        its mean by that, a year's (Grinold and Kahn, 2000).

    Args:
        curves: index date, AUD at each close, above 0 on the first; ``benchmark`` among the
            columns.
        rate: what cash earns, a year.

    Returns:
        Index figure, the same columns, float64. A figure without a meaning is NaN: all that are a
        year's or estimated from the spread of returns below ``SHORTEST`` returns, ratios of a
        curve that does not move, of the benchmark those against itself.
    """
    measures = _course(curves)
    if len(curves) > SHORTEST:
        measures |= _growth(curves, measures) | _spread(curves, rate) | _beside_benchmark(curves)
    table = pd.DataFrame(measures, index=curves.columns).T
    return table.reindex(list(OF_CURVES)).rename_axis("figure")


def _course(curves: pd.DataFrame) -> Measures:
    """What needs no more than a session."""
    months = period_returns(curves, "M")
    depth = drawdowns(curves)
    return {
        "final value": curves.iloc[-1],
        "total return": curves.iloc[-1] / curves.iloc[0] - 1,
        "maximum drawdown": depth.min(),
        "longest drawdown": longest(curves),
        "mean drawdown": depth.iloc[1:].mean(),
        "ulcer index": (depth.iloc[1:] ** 2).mean() ** 0.5,
        "best month": months.max(),
        "worst month": months.min(),
        "months above 0": (months > 0).mean(),
        "sessions above 0": (session_returns(curves) > 0).mean(),
    }


def _growth(curves: pd.DataFrame, course: Measures) -> Measures:
    days = (curves.index[-1] - curves.index[0]).days
    cagr = (1 + course["total return"]) ** (DAYS_A_YEAR / days) - 1
    deepest = -course["maximum drawdown"]
    return {"CAGR": cagr, "Calmar ratio": cagr / deepest.where(deepest > 0)}


def _spread(curves: pd.DataFrame, rate: float) -> Measures:
    """What is estimated from how the returns spread."""
    from skfolio.measures import cvar, kurtosis, semi_deviation, skew

    returns, excess = session_returns(curves), excess_returns(curves, rate)
    a_year = SESSIONS_A_YEAR**0.5
    moves = deviation(returns).notna()

    def of(values: object) -> pd.Series:
        return pd.Series(values, index=curves.columns, dtype="float64")

    downside = of(semi_deviation(excess.to_numpy(), min_acceptable_return=0.0, biased=True))
    return {
        "volatility": returns.std() * a_year,
        "Sharpe ratio": sharpe_ratios(curves, rate) * a_year,
        "Sortino ratio": (excess.mean() / downside.where(moves & (downside > STILL))) * a_year,
        "expected shortfall of a session (95 %)": -of(cvar(returns.to_numpy(), beta=1 - TAIL)),
        "skewness": of(skew(returns.to_numpy())).where(moves),
        "excess kurtosis": of(kurtosis(returns.to_numpy())).where(moves) - 3,
    }


def _beside_benchmark(curves: pd.DataFrame) -> Measures:
    returns = session_returns(curves)
    risk = deviation(returns)
    together = returns.cov()[BENCHMARK]
    active = returns.sub(returns[BENCHMARK], axis=0)
    measures = {
        "beta": together / risk[BENCHMARK] ** 2,
        "correlation": together / (risk * risk[BENCHMARK]),
        "tracking error": active.std() * SESSIONS_A_YEAR**0.5,
        "information ratio": active.mean() / deviation(active) * SESSIONS_A_YEAR**0.5,
    }
    return {name: values.drop(BENCHMARK) for name, values in measures.items()}
