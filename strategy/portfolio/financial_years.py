"""The Australian financial years of a book: what was traded, earned and taxed in each."""

import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.trading import COSTS

OF_TAX = ["dividends", "withheld", "interest", "net_capital_gain", "losses_carried", "tax"]
"""What the tax of a year is told with; see ``financial_years``."""

COLUMNS = ["turnover", "traded", *COSTS, *OF_TAX]


def financial_year(dates: pd.DatetimeIndex) -> pd.Index:
    """The financial year of each date, 1 July to 30 June: "2021-22". Sorts as the years do."""
    ends = dates.year + (dates.month >= 7)
    return (ends - 1).astype(str) + "-" + (ends % 100).astype(str).str.zfill(2)


def financial_years(daily: pd.DataFrame, tax_years: pd.DataFrame) -> pd.DataFrame:
    """A row a financial year; the first and the last may be parts of one.

    Args:
        daily: ``DAILY_COLUMNS``.
        tax_years: index financial year, columns ``OF_TAX``.

    Returns:
        Index financial year, columns ``COLUMNS``, float64. Turnover is one-way: half of the value
        bought and sold in the year, by the year's mean equity.

    Raises:
        StrategyError: ``tax_years`` has other years than ``daily``.
    """
    years = financial_year(pd.DatetimeIndex(daily["date"])).rename("financial year")
    if set(years) != set(tax_years.index):
        raise StrategyError(
            f"the book has the financial years {', '.join(years.unique())}, its tax"
            f" {', '.join(tax_years.index) or 'none'}: assess the tax of the same sessions"
        )
    by_year = daily[["traded", *COSTS, "equity"]].groupby(years.to_numpy())
    table = by_year[["traded", *COSTS]].sum()
    table["turnover"] = table["traded"] / 2 / by_year["equity"].mean()
    table[OF_TAX] = tax_years.reindex(table.index)[OF_TAX]
    return table[COLUMNS].astype("float64").rename_axis("financial year")
