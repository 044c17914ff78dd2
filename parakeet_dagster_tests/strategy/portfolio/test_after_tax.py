"""The curve after tax, by hand."""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.books import days
from strategy.errors import StrategyError
from strategy.portfolio.after_tax import after_tax, tax_payments

SESSIONS = days(
    ["2022-06-30", "2022-11-18", "2022-11-21", "2022-11-22", "2023-11-21", "2024-02-01"]
)
EQUITY = pd.Series([1000.0, 1100.0, 1200.0, 1300.0, 2000.0, 2100.0], index=SESSIONS)


def test_tax_is_paid_in_november_and_what_is_not_due_on_the_last_session() -> None:
    tax = pd.Series({"2021-22": 100.0, "2022-23": 0.0, "2023-24": 70.0})
    paid = tax_payments(tax, SESSIONS)
    assert paid.to_dict() == {SESSIONS[2]: 100.0, SESSIONS[5]: 70.0}


def test_a_due_day_without_a_session_is_the_next_one() -> None:
    sessions = SESSIONS.delete(2)
    assert tax_payments(pd.Series({"2021-22": 5.0}), sessions).to_dict() == {SESSIONS[3]: 5.0}


def test_a_payment_takes_its_part_of_all_that_follows() -> None:
    tax = pd.Series({"2021-22": 120.0, "2022-23": 500.0, "2023-24": 210.0})
    found = after_tax(EQUITY, tax)
    # a tenth, then a quarter, then a tenth
    expected = [1000, 1100, 1200 * 0.9, 1300 * 0.9, 2000 * 0.675, 2100 * 0.6075]
    assert found.tolist() == pytest.approx(expected)
    assert found.index.equals(EQUITY.index)


def test_without_tax_it_is_the_same_curve() -> None:
    found = after_tax(EQUITY, pd.Series({"2021-22": 0.0}))
    assert found.tolist() == EQUITY.tolist()


@pytest.mark.parametrize("owed", [1200.0, 5000.0])
def test_who_cannot_pay_is_left_with_nothing(owed: float) -> None:
    """One ruined strategy must not cost the others their reports."""
    found = after_tax(EQUITY, pd.Series({"2021-22": owed}))
    assert found.tolist()[:2] == [1000, 1100]
    assert found.tolist()[2:] == pytest.approx([0.0012, 0.0013, 0.002, 0.0021])


def test_a_tax_of_before_the_sample_is_an_error() -> None:
    with pytest.raises(StrategyError, match=r"the tax of 2020-21 was due before the first session"):
        after_tax(EQUITY, pd.Series({"2020-21": 1.0}))


@pytest.mark.parametrize("worth", [float("nan"), float("inf"), -1.0])
def test_a_tax_cannot_be_paid_from_what_is_no_amount(worth: float) -> None:
    """Of NaN it was skipped without a word, and of a debt it was received instead of paid."""
    wrong = EQUITY.mask(EQUITY.index == "2022-11-21", worth)
    with pytest.raises(StrategyError, match=rf"the equity of 2022-11-21 is {worth:g}: no tax can"):
        after_tax(wrong, pd.Series({"2021-22": 100.0}))
    untaxed = after_tax(wrong, pd.Series({"2021-22": 0.0}))
    pd.testing.assert_series_equal(untaxed, wrong, check_names=False)
