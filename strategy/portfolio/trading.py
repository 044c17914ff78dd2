"""What a book was turned over, what that cost, and what its shares paid."""

import pandas as pd

from strategy.portfolio.curves import SHORTEST
from strategy.rebalance import SESSIONS_A_YEAR

OF_TRADING = {
    "turnover a year": "percent",
    "trades a year": "number",
    "costs a year": "percent",
    "dividend yield": "percent",
}
"""The figures of ``trading_figures`` in the order of reading, and their units."""

COSTS = ["fees", "slippage", "fx_costs"]


def trading_figures(daily: pd.DataFrame, fills: pd.DataFrame) -> pd.Series:
    """Turnover, trades, costs and dividends a year.

    Args:
        daily: ``DAILY_COLUMNS``.
        fills: column reason; what was not ordered (a delisting) is no trade.

    Returns:
        Index figure (``OF_TRADING``), float64: turnover one-way (half of the value bought and sold:
        buying a whole portfolio with cash is a half, replacing it by another one is 1), costs
        (fees, slippage and currency exchange) and gross dividends as parts of the mean equity. NaN
        below ``SHORTEST`` returns.
    """
    if len(daily) <= SHORTEST:
        return pd.Series(float("nan"), index=list(OF_TRADING))
    years = (len(daily) - 1) / SESSIONS_A_YEAR
    sums = pd.Series(
        {
            "turnover a year": daily["traded"].sum() / 2,
            "costs a year": daily[COSTS].to_numpy().sum(),
            "dividend yield": daily["dividends"].sum(),
        }
    )
    figures = sums / daily["equity"].mean() / years
    figures["trades a year"] = (fills["reason"] == "order").sum() / years
    return figures.reindex(list(OF_TRADING))
