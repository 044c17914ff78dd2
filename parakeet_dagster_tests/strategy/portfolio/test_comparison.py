"""Strategies side by side."""

import math

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.accounts import curve_of, daily_of
from parakeet_dagster_tests.strategy.portfolio.test_compose import noise, parts
from strategy.portfolio.comparison import UNITS as COLUMNS
from strategy.portfolio.comparison import comparison
from strategy.portfolio.compose import tear_sheet
from strategy.portfolio.sharpe import deflated_sharpe, track_record
from strategy.portfolio.tear_sheet import UNITS


def sheet(seed, **others):
    daily = daily_of(curve_of(noise(seed, 399), 100_000), traded=50.0, fees=3.0)
    return tear_sheet(**parts(daily=daily, **others))


def frames(one):
    return one.figures, one.chance


def test_by_hand():
    sheets = {name: sheet(seed) for name, seed in {"z": 5, "a": 6, "m": 7}.items()}
    table = comparison({name: frames(one) for name, one in sheets.items()})
    assert table.index.tolist() == ["z", "a", "m"]
    assert table.columns.tolist() == list(COLUMNS)
    assert set(COLUMNS.values()) <= set(UNITS)
    for name, one in sheets.items():
        figures = one.figures
        assert table.loc[name, "CAGR after tax"] == figures.loc["CAGR", "after_tax"]
        alike = [column for column in COLUMNS if column in figures.index]
        assert len(alike) == 8
        assert table.loc[name, alike].tolist() == figures.loc[alike, "strategy"].tolist()


def test_the_sharpe_ratios_are_deflated_against_those_compared():
    """The sheets were written when two, one and no other strategies were there."""
    sheets = {
        "first": sheet(5, trials=pd.Series({"a": 0.1, "b": -0.1})),
        "second": sheet(6, trials=pd.Series({"a": 0.1})),
        "third": sheet(7, trials=pd.Series(dtype="float64")),
    }
    records = {
        name: track_record(one.curves["strategy"], one.terms.cash_rate)
        for name, one in sheets.items()
    }
    trials = pd.Series({name: one.sharpe for name, one in records.items()})
    table = comparison({name: frames(one) for name, one in sheets.items()})
    expected = [deflated_sharpe(one, trials) for one in records.values()]
    assert table["deflated Sharpe ratio"].tolist() == expected
    assert len(set(expected)) == 3


def test_a_short_one_does_not_count_as_a_trial():
    long = {"a": frames(sheet(5)), "b": frames(sheet(6))}
    short = tear_sheet(**parts(30))
    table = comparison({**long, "short": frames(short)})
    pd.testing.assert_frame_equal(table.loc[["a", "b"]], comparison(long))
    assert math.isnan(table.loc["short", "deflated Sharpe ratio"])
    assert table.loc["short", "maximum drawdown"] == pytest.approx(
        short.figures.loc["maximum drawdown", "strategy"]
    )


def test_nothing_to_compare():
    table = comparison({})
    assert table.empty
    assert table.columns.tolist() == list(COLUMNS)
