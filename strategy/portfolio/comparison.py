"""Several strategies side by side, in the figures one compares."""

from collections.abc import Mapping

import pandas as pd

from strategy.portfolio.compose import FIGURES
from strategy.portfolio.curves import AFTER_TAX, STRATEGY
from strategy.portfolio.sharpe import CHANCE, deflated_sharpe, record_of

COMPARED = {
    "CAGR": ("CAGR", STRATEGY),
    "CAGR after tax": ("CAGR", AFTER_TAX),
    "volatility": ("volatility", STRATEGY),
    "Sharpe ratio": ("Sharpe ratio", STRATEGY),
    "Sortino ratio": ("Sortino ratio", STRATEGY),
    "maximum drawdown": ("maximum drawdown", STRATEGY),
    "Calmar ratio": ("Calmar ratio", STRATEGY),
    "turnover a year": ("turnover a year", STRATEGY),
    "costs a year": ("costs a year", STRATEGY),
}
"""Column of ``comparison``: the figure and the curve it is of."""

DEFLATED = "deflated Sharpe ratio"

UNITS = {
    **{name: FIGURES[figure] for name, (figure, _) in COMPARED.items()},
    DEFLATED: CHANCE[DEFLATED],
}
"""The columns of ``comparison`` in order, and their units."""


def comparison(sheets: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """One row per strategy.

    The deflated Sharpe ratios are computed anew, each against all strategies given: a sheet knows
    only those that were there when it was written, so those of the sheets cannot be compared.

    Args:
        sheets: by strategy, ``figures`` and ``chance`` of its ``TearSheet``.

    Returns:
        Index strategy, in the order given; columns ``UNITS``, float64.
    """
    records = {name: record_of(luck) for name, (_, luck) in sheets.items()}
    trials = pd.Series({name: one.sharpe for name, one in records.items()}, dtype="float64")
    rows = {
        name: [figures.loc[figure, column] for figure, column in COMPARED.values()]
        + [deflated_sharpe(records[name], trials)]
        for name, (figures, _) in sheets.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(UNITS), dtype="float64")
    return table.rename_axis("strategy")
