"""Rules by date: twelve months to the day, the discount, the financial year."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.books import days
from strategy.errors import StrategyError
from strategy.portfolio.tax_rules import (
    DISCOUNT,
    OFFSET_FLOOR,
    discountable,
    due_days,
    first_days,
    first_discount_day,
    labelled_ends,
    notes,
    values,
    year_ends,
    year_labels,
)


@pytest.mark.parametrize(
    ("acquired", "first"),
    [
        pytest.param("2001-02-02", "2002-02-03", id="the example of the ATO's guide"),
        pytest.param("2020-01-02", "2021-01-03", id="a year and a day"),
        pytest.param("2019-02-27", "2020-02-28", id="before a leap day"),
        pytest.param("2019-02-28", "2020-03-01", id="366 days lie between"),
        pytest.param("2019-03-01", "2020-03-02", id="after a leap day"),
        pytest.param("2020-02-28", "2021-03-01", id="the months begin on 29 February"),
        pytest.param("2020-02-29", "2021-03-01", id="acquired on 29 February"),
        pytest.param("2020-12-31", "2022-01-01", id="the year's end"),
        pytest.param("2021-06-30", "2022-07-01", id="the financial year's end"),
    ],
)
def test_twelve_months(acquired, first):
    day = pd.Timestamp(first)
    assert first_discount_day(days([acquired])).tolist() == [day]
    around = days([day - pd.Timedelta(days=1), day])
    assert discountable(days([acquired] * 2), around).tolist() == [False, True]


@given(st.dates(pd.Timestamp("1990-01-01").date(), pd.Timestamp("2090-01-01").date()))
def test_a_clear_year_lies_between(acquired):
    """TD 2002/10: 365 days, or 366 where a 29 February is among them."""
    acquired = days([acquired])
    first = first_discount_day(acquired)
    between = pd.date_range(acquired[0], first[0], inclusive="neither")
    has_leap_day = ((between.month == 2) & (between.day == 29)).any()
    starts_on_it = (between[0].month, between[0].day) == (2, 29)
    assert len(between) == (366 if has_leap_day else 365)
    assert (between[-1] + pd.Timedelta(days=1)).day == (1 if starts_on_it else between[0].day)


def test_dates_keep_their_unit():
    assert first_discount_day(days(["2020-01-02"])).dtype == "datetime64[us]"
    assert due_days(pd.Index([2022])).dtype == "datetime64[us]"


def test_the_discount_by_day():
    dates = days(["1985-09-20", "1999-09-20", "1999-09-21", "2027-06-30", "2027-07-01"])
    assert values(DISCOUNT, dates).tolist() == [0, 0, 0.5, 0.5, 0.5]
    assert discountable(days(["1990-01-01"] * 5), dates)[1:].tolist() == [False, True, True, True]


def test_before_all_rules():
    with pytest.raises(StrategyError, match="no tax rule is known for 1985-09-19: start on or"):
        values(DISCOUNT, days(["2000-01-01", "1985-09-19"]))


def test_notes_of_the_rules_that_were_used():
    assert notes(DISCOUNT, days(["2005-01-01", "2027-06-30"])) == ()
    assert notes(DISCOUNT, days([])) == ()
    (late,) = notes(DISCOUNT, days(["2005-01-01", "2027-07-01", "2028-01-01"]))
    assert late.startswith("Capital gains from 1 July 2027")
    (early,) = notes(DISCOUNT, days(["1999-09-20"]))
    assert "indexation of the cost base is not modelled" in early
    assert len(notes(OFFSET_FLOOR, days(["2007-07-01", "2008-07-01"]))) == 1


def test_only_what_was_read_counts_as_verified():
    assert [rule.verified for rule in DISCOUNT] == [True, True, False]
    assert DISCOUNT[2].value == DISCOUNT[1].value
    assert all(rule.note for rule in (*DISCOUNT, *OFFSET_FLOOR) if not rule.verified)
    for table in (DISCOUNT, OFFSET_FLOOR):
        firsts = [rule.first for rule in table]
        assert firsts == sorted(set(firsts))


def test_financial_years():
    dates = days(["1999-12-31", "2021-06-30", "2021-07-01", "2022-06-30"])
    ends = year_ends(dates)
    assert ends.tolist() == [2000, 2021, 2022, 2022]
    labels = year_labels(ends)
    assert labels.tolist() == ["1999-00", "2020-21", "2021-22", "2021-22"]
    assert labelled_ends(labels).tolist() == ends.tolist()
    assert first_days(ends).tolist() == list(
        days(["1999-07-01", "2020-07-01", "2021-07-01", "2021-07-01"])
    )
    assert due_days(ends).tolist() == list(
        days(["2000-11-21", "2021-11-21", "2022-11-21", "2022-11-21"])
    )


def test_no_years():
    none = year_ends(days([]))
    assert len(year_labels(none)) == len(first_days(none)) == len(due_days(none)) == 0
    assert np.asarray(discountable(days([]), days([]))).tolist() == []
