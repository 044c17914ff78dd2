"""What happened in each financial year, by hand."""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import days
from parakeet_dagster_tests.strategy.portfolio.accounts import daily_of, taxed
from strategy.errors import StrategyError
from strategy.portfolio.financial_years import COLUMNS, financial_year, financial_years

DATES = days("2021-06-29", "2021-06-30", "2021-07-01", "2022-06-30", "2022-07-01")
EQUITY = pd.Series([100.0, 200.0, 200.0, 400.0, 500.0], index=DATES)
DAILY = daily_of(
    EQUITY,
    traded=[0.0, 150.0, 90.0, 30.0, 0.0],
    fees=[0.0, 1.0, 2.0, 3.0, 0.0],
    slippage=[0.0, 0.1, 0.2, 0.3, 0.0],
    fx_costs=[0.0, 0.5, 0.0, 0.5, 0.25],
)


@pytest.mark.parametrize(
    ("day", "year"),
    [
        ("2021-06-30", "2020-21"),
        ("2021-07-01", "2021-22"),
        ("2021-12-31", "2021-22"),
        ("2022-01-01", "2021-22"),
        ("1999-07-01", "1999-00"),
        ("2008-08-08", "2008-09"),
        ("2009-08-08", "2009-10"),
    ],
)
def test_a_financial_year_begins_in_july(day, year):
    assert financial_year(days(day)).tolist() == [year]


def test_by_hand():
    tax = taxed(
        DAILY,
        dividends=[1.0, 2.0, 3.0],
        withheld=[0.1, 0.2, 0.3],
        interest=[4.0, 5.0, 6.0],
        net_capital_gain=[7.0, 0.0, 8.0],
        losses_carried=[0.0, 9.0, 0.0],
        tax=[10.0, -11.0, 12.0],
    )
    table = financial_years(DAILY, tax)
    assert table.index.tolist() == ["2020-21", "2021-22", "2022-23"]
    assert table.columns.tolist() == COLUMNS
    assert (table.dtypes == "float64").all()
    assert table["traded"].tolist() == [150, 120, 0]
    assert table["turnover"].tolist() == pytest.approx([150 / 2 / 150, 120 / 2 / 300, 0])
    assert table["fees"].tolist() == [1, 5, 0]
    assert table["slippage"].tolist() == pytest.approx([0.1, 0.5, 0])
    assert table["fx_costs"].tolist() == [0.5, 0.5, 0.25]
    pd.testing.assert_frame_equal(table[tax.columns], tax, check_names=False)


def test_the_tax_may_stand_in_any_order():
    tax = taxed(DAILY, tax=[1.0, 2.0, 3.0])
    pd.testing.assert_frame_equal(financial_years(DAILY, tax[::-1]), financial_years(DAILY, tax))


def test_the_tax_of_other_years_is_an_error():
    tax = taxed(DAILY)
    with pytest.raises(
        StrategyError, match=r"2020-21, 2021-22, 2022-23, its tax 2020-21, 2021-22:"
    ):
        financial_years(DAILY, tax.iloc[:2])
    with pytest.raises(StrategyError, match="its tax none:"):
        financial_years(DAILY, tax.iloc[:0])
