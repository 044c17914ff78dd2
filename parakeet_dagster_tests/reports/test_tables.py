"""Frames as rows of text: by hand."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster.reports import tables
from parakeet_dagster.reports.formatting import DASH, MINUS
from parakeet_dagster_tests.reports.sheets import sheet
from strategy.portfolio.compose import FIGURES


@pytest.fixture(scope="module")
def made():
    return sheet(sessions=600)


def test_texts_of_figures():
    figures = pd.DataFrame(
        {
            "unit": ["percent", "ratio", "aud", "sessions"],
            "strategy": [0.0842, 0.613, 123_456.7, 210],
            "after_tax": [0.071, 0.5, np.nan, 1210],
            "benchmark": [-0.0033, np.nan, 99.5, np.nan],
        },
        index=["CAGR", "Sharpe ratio", "final value", "longest drawdown"],
    )
    told = tables.texts(figures)
    assert told.loc["CAGR"].tolist() == ["8.42%", "7.10%", f"{MINUS}0.33%"]
    assert told.loc["Sharpe ratio"].tolist() == ["0.61", "0.50", DASH]
    assert told.loc["final value"].tolist() == ["A$123,457", DASH, "A$100"]
    assert told.loc["longest drawdown"].tolist() == ["210", "1,210", DASH]
    assert tables.labels(figures["unit"])[-1] == "longest drawdown (sessions)"


def test_the_key_table(made):
    table = tables.key_table(made)
    assert table.columns.tolist() == ["figure", "strategy", "after tax", "benchmark"]
    assert len(table) == 14
    costs = table.set_index("figure").loc["costs a year"]
    assert costs.tolist() == ["0.91%", DASH, DASH]
    assert table.set_index("figure").loc["tax"].tolist() == [DASH, "A$23,456", DASH]
    final = table.set_index("figure").loc["final value"]
    assert final.tolist() == [f"A${value:,.0f}" for value in made.curves.iloc[-1]]
    assert "longest drawdown (sessions)" in table["figure"].tolist()


def test_the_sheet_of_these_tests_has_the_figures_that_are_computed(made):
    assert made.figures["unit"].to_dict() == FIGURES
    assert list(made.figures.index) == list(FIGURES)


def test_a_figure_that_is_missing_is_named(made):
    lacking = made.figures.drop(index="beta")
    with pytest.raises(KeyError, match="beta"):
        tables.key_table(type(made)(**(vars(made) | {"figures": lacking})))


def test_drawdowns_are_cut_and_one_may_last():
    days = pd.to_datetime(["2020-01-02", "2020-03-23", "2020-08-18"])
    table = pd.DataFrame(
        {
            "started": days[0],
            "lowest": days[1],
            "recovered": [pd.NaT] + [days[2]] * 14,
            "depth": np.linspace(-0.339, -0.01, 15),
            "sessions": 1260,
        }
    )
    rows = tables.drawdown_rows(table)
    assert len(rows) == 10
    assert rows[0] == (f"{MINUS}33.9%", "2020-01-02", "2020-03-23", "not yet", "1,260")
    assert rows[1][3] == "2020-08-18"
    assert tables.drawdown_rows(table.iloc[:0]) == []


def test_months():
    monthly = pd.DataFrame(np.nan, index=[2021], columns=[*range(1, 13), "year"])
    monthly.loc[2021, [1, 2, 3, 4, "year"]] = [0.02, -0.041, 0.0, 0.25, -0.0215]
    [(year, months, whole)] = tables.month_rows(monthly)
    assert (year, whole) == ("2021", f"{MINUS}2.1")
    assert months[:4] == [
        ("2.0", "gain", "0.25"),
        (f"{MINUS}4.1", "loss", "0.51"),
        ("0.0", "none", "0.00"),
        ("25.0", "gain", "1.00"),
    ]
    assert months[4] == ("", "none", "0")


def test_financial_years():
    row = [2.413, 654_321.4, 210, 300.6, 1200, 4000, 350, 90, 0, 1234.5, 2345]
    years = pd.DataFrame([row], index=["2021-22"], columns=list(tables.YEARS))
    expected = ["241.3%", "654,321", "210", "301", "1,200", "4,000", "350", "90", "0", "1,234"]
    assert tables.year_rows(years) == [("2021-22", [*expected, "2,345"])]
