"""Figures as text: by hand."""

import math

import pandas as pd
import pytest

from parakeet_dagster.reports.formatting import (
    DASH,
    MINUS,
    aligned,
    date,
    fixed,
    formatted,
    money,
    money_mark,
)


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (1234567.891, 2, "1,234,567.89"),
        (-1234.5, 1, f"{MINUS}1,234.5"),
        (-0.04, 1, "0.0"),
        (-0.06, 1, f"{MINUS}0.1"),
        (0.0, 0, "0"),
        (math.nan, 2, DASH),
        (math.inf, 2, "∞"),
        (-math.inf, 2, f"{MINUS}∞"),
    ],
)
def test_numbers(value, decimals, expected):
    assert fixed(value, decimals) == expected


def test_money():
    assert money(1234567.5) == "A$1,234,568"
    assert money(-3, 2) == f"{MINUS}A$3.00"
    assert money(math.nan) == DASH


def test_money_beside_an_axis():
    told = [money_mark(value) for value in (-50, 999_999, 1e6, 12_500_000, -2e6)]
    assert told == [f"{MINUS}A$50", "A$999,999", "A$1m", "A$12.5m", f"{MINUS}A$2m"]
    assert money_mark(99.98, 2) == "A$99.98"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.1234, "percent", "12.3%"),
        (0.0912, "percent", "9.12%"),
        (-0.2189, "percent", f"{MINUS}21.9%"),
        (1.2345, "ratio", "1.23"),
        (0.0512, "ratio", "0.051"),
        (-1234.4, "aud", f"{MINUS}A$1,234"),
        (1873.2, "sessions", "1,873"),
        (24.0, "number", "24"),
        (-0.412, "number", f"{MINUS}0.41"),
        (74.62, "number", "74.6"),
        (1234.56, "number", "1,235"),
        (math.nan, "percent", DASH),
        (math.nan, "number", DASH),
    ],
)
def test_by_unit(value, unit, expected):
    assert formatted(value, unit) == expected


def test_a_row_has_the_decimals_of_its_largest():
    assert aligned([0.123, 0.045, math.nan], "percent") == ["12.3%", "4.5%", DASH]
    assert aligned([0.5, 0.012], "ratio") == ["0.50", "0.01"]
    assert aligned([12.0, 0.25], "number") == ["12.0", "0.2"]
    assert aligned([3.0, 2.5], "number") == ["3.00", "2.50"]


def test_a_unit_that_is_none():
    with pytest.raises(ValueError, match="no unit 'furlong'"):
        formatted(1.0, "furlong")


def test_dates():
    assert date(pd.Timestamp("2022-12-28")) == "2022-12-28"
    assert date(pd.NaT) == DASH
    assert date(pd.NaT, "not yet") == "not yet"
