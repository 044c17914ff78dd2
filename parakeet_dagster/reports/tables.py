"""The frames of a tear sheet as rows of text."""

import math
from typing import NamedTuple

import pandas as pd

from parakeet_dagster.reports.formatting import aligned, date, fixed, formatted
from strategy.portfolio.tear_sheet import TearSheet

COLUMNS = {"strategy": "strategy", "after_tax": "after tax", "benchmark": "benchmark"}
"""The curves that a figure is told of, and what they are called."""

KEY = (
    *("final value", "CAGR", "volatility", "Sharpe ratio", "Sortino ratio", "Calmar ratio"),
    *("maximum drawdown", "longest drawdown", "worst month", "beta", "information ratio"),
    *("turnover a year", "costs a year", "tax"),
)
"""The figures that are worth a place beside a chart."""

DEEPEST = 10
"""Drawdowns that are listed, at most."""

FULL_COLOUR = 0.08
"""A month that won or lost so much has the full colour, in every sheet: they compare."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

YEARS = {
    "turnover": ("Turnover", "percent"),
    "traded": ("Traded", "aud"),
    "fees": ("Fees", "aud"),
    "slippage": ("Slippage", "aud"),
    "fx_costs": ("Currency", "aud"),
    "dividends": ("Dividends", "aud"),
    "withheld": ("Withheld", "aud"),
    "interest": ("Interest", "aud"),
    "net_capital_gain": ("Net gain", "aud"),
    "losses_carried": ("Losses carried", "aud"),
    "tax": ("Tax", "aud"),
}
"""Columns of ``TearSheet.years``: what they are called, and their unit."""


class Month(NamedTuple):
    """A month's return: in percent as text, ``gain``, ``loss`` or nothing, and 0 to 1 of colour."""

    text: str
    kind: str
    heat: str


def texts(figures: pd.DataFrame) -> pd.DataFrame:
    """Figures as text, with as many decimals in every column of a row.

    Args:
        figures: as in ``TearSheet``.

    Returns:
        The same index, columns ``COLUMNS``.
    """
    values = figures[list(COLUMNS)].to_numpy(dtype="float64")
    rows = [aligned(row, unit) for row, unit in zip(values, figures["unit"], strict=True)]
    return pd.DataFrame(rows, index=figures.index, columns=list(COLUMNS), dtype="str")


def labels(units: pd.Series) -> list[str]:
    """The names of figures as they are written: a count of sessions says so.

    Args:
        units: index figure.
    """
    return [
        f"{name} (sessions)" if unit == "sessions" and name != unit else str(name)
        for name, unit in units.items()
    ]


def key_table(sheet: TearSheet) -> pd.DataFrame:
    """The most important figures as text, to stand beside a chart.

    Returns:
        Columns figure, strategy, after tax, benchmark; ``DASH`` where a figure has no meaning.

    Raises:
        KeyError: the sheet lacks one of them.
    """
    figures = sheet.figures.loc[list(KEY)]
    told = texts(figures).set_axis(labels(figures["unit"])).rename(columns=COLUMNS)
    return told.rename_axis("figure").reset_index()


def figure_rows(sheet: TearSheet) -> list[tuple[str, list[str]]]:
    """Of each figure: its name, and its text for each of ``COLUMNS``."""
    names = labels(sheet.figures["unit"])
    rows = texts(sheet.figures).to_numpy().tolist()
    return list(zip(names, rows, strict=True))


def chance_rows(chance: pd.DataFrame) -> list[tuple[str, str]]:
    """Figure and text of each row."""
    return [
        (name, formatted(value, unit))
        for name, unit, value in zip(
            labels(chance["unit"]), chance["unit"], chance["value"], strict=True
        )
    ]


def drawdown_rows(drawdowns: pd.DataFrame) -> list[tuple[str, ...]]:
    """Of the deepest: depth, first day, lowest day, day of recovery, sessions."""
    deepest = drawdowns.head(DEEPEST)
    columns = [
        aligned(deepest["depth"], "percent"),
        [date(day) for day in deepest["started"]],
        [date(day) for day in deepest["lowest"]],
        [date(day, otherwise="not yet") for day in deepest["recovered"]],
        aligned(deepest["sessions"], "sessions"),
    ]
    return list(zip(*columns, strict=True))


def month_rows(monthly: pd.DataFrame) -> list[tuple[str, list[Month], str]]:
    """Of each year: its name, its months, and its own return in percent."""
    return [
        (str(year), [_month(row[month]) for month in range(1, 13)], fixed(row["year"] * 100, 1))
        for year, row in monthly.iterrows()
    ]


def _month(value: float) -> Month:
    if math.isnan(value):
        return Month("", "none", "0")
    text = fixed(value * 100, 1)
    heat = min(abs(value) / FULL_COLOUR, 1.0)
    return Month(text, "gain" if value > 0 else "loss" if value < 0 else "none", f"{heat:.2f}")


def year_rows(years: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Of each financial year: its name and its figures; money without its unit."""
    return [
        (str(year), [_cell(row[name], unit) for name, (_, unit) in YEARS.items()])
        for year, row in years.iterrows()
    ]


def _cell(value: float, unit: str) -> str:
    return formatted(value, unit) if unit == "percent" else fixed(value, 0)
