"""A whole tear sheet: what is where, and what cannot be put together."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.accounts import curve_of, daily_of, taxed
from strategy.errors import StrategyError
from strategy.portfolio.calendar_returns import monthly_table, rolling_figures
from strategy.portfolio.compose import FIGURES, SHORT, tear_sheet
from strategy.portfolio.drawdowns import drawdown_table
from strategy.portfolio.figures import OF_CURVES, curve_figures
from strategy.portfolio.sharpe import chance, sharpe_ratios, track_record
from strategy.portfolio.tear_sheet import UNITS
from strategy.portfolio.terms import Terms
from strategy.portfolio.trading import OF_TRADING, trading_figures

TERMS = Terms(cash_rate=0.03)


def noise(seed, count):
    return np.random.default_rng(seed).normal(0.0005, 0.01, count)


def parts(count=400, **others):
    """The frames of a back-test of so many sessions."""
    equity = curve_of(noise(1, count - 1), 100_000)
    daily = daily_of(equity, traded=50.0, fees=3.0, dividends=7.0)
    positions = pd.concat(
        [
            pd.DataFrame(
                {"date": equity.index, "ticker": ticker, "value_aud": equity.to_numpy() * part}
            )
            for ticker, part in {"CASH": 0.1, "SPY": 0.9}.items()
        ]
    )
    years = taxed(daily)
    return {
        "strategy": "momentum",
        "description": "The strongest",
        "terms": TERMS,
        "daily": daily,
        "positions": positions,
        "fills": pd.DataFrame({"reason": ["order"] * 10}),
        "after_tax": equity * 0.9,
        "tax_years": years.assign(tax=np.arange(len(years)) + 100.0),
        "benchmark": ("SPY (total return in AUD)", curve_of(noise(2, count - 1), 100_000)),
        "trials": pd.Series({"equal_weight": 0.01, "other": 0.03}),
        "notes": ["Tax is an estimate."],
    } | others


def test_every_part_is_in_its_place():
    given = parts()
    sheet = tear_sheet(**given)
    equity = given["daily"].set_index("date")["equity"]
    assert (sheet.strategy, sheet.description) == ("momentum", "The strongest")
    assert (sheet.first, sheet.last) == (equity.index[0], equity.index[-1])
    assert sheet.terms == TERMS
    assert sheet.benchmark == "SPY (total return in AUD)"
    assert sheet.notes == ("Tax is an estimate.",)
    assert sheet.curves.columns.tolist() == ["strategy", "after_tax", "benchmark"]
    assert sheet.curves["strategy"].tolist() == equity.tolist()
    assert sheet.curves["after_tax"].tolist() == given["after_tax"].tolist()
    assert sheet.curves["benchmark"].tolist() == given["benchmark"][1].tolist()
    pd.testing.assert_frame_equal(sheet.drawdowns, drawdown_table(equity))
    pd.testing.assert_frame_equal(sheet.monthly, monthly_table(equity))
    pd.testing.assert_frame_equal(sheet.rolling, rolling_figures(equity, 0.03), check_names=False)
    assert sheet.weights.columns.tolist() == ["SPY", "CASH"]
    assert sheet.years.index.tolist() == ["2020-21", "2021-22", "2022-23"]


def test_the_figures_stand_side_by_side():
    given = parts()
    sheet = tear_sheet(**given)
    figures = sheet.figures
    assert figures.columns.tolist() == ["unit", "strategy", "after_tax", "benchmark"]
    assert figures.index.tolist() == list(FIGURES)
    assert figures.index.is_unique
    assert set(figures["unit"]) <= set(UNITS)
    curves = ["strategy", "after_tax", "benchmark"]
    assert (figures[curves].dtypes == "float64").all()
    pd.testing.assert_frame_equal(
        figures.loc[list(OF_CURVES), curves], curve_figures(sheet.curves, 0.03)
    )
    traded = figures.loc[list(OF_TRADING)]
    expected = trading_figures(given["daily"], given["fills"])
    assert traded["strategy"].tolist() == expected.tolist()
    assert traded[["after_tax", "benchmark"]].isna().all(axis=None)
    assert figures.loc["tax", "after_tax"] == 100 + 101 + 102
    assert figures.loc["tax", ["strategy", "benchmark"]].isna().all()


def test_chance_counts_the_strategy_among_the_trials_once():
    given = parts()
    equity = given["daily"].set_index("date")["equity"]
    own = sharpe_ratios(equity.to_frame("a"), 0.03)["a"]
    every = pd.Series({**given["trials"].to_dict(), "momentum": own})
    expected = chance(track_record(equity, 0.03), every)
    assert expected.loc["strategies tried", "value"] == 3
    pd.testing.assert_frame_equal(tear_sheet(**given).chance, expected)
    pd.testing.assert_frame_equal(tear_sheet(**parts(trials=every)).chance, expected)
    stale = every.replace({own: 5.0})
    pd.testing.assert_frame_equal(tear_sheet(**parts(trials=stale)).chance, expected)


def test_the_only_strategy_is_not_deflated():
    table = tear_sheet(**parts(trials=pd.Series(dtype="float64"))).chance["value"]
    assert table["strategies tried"] == 1
    assert table["deflated Sharpe ratio"] == table["probabilistic Sharpe ratio"]


@pytest.mark.parametrize(("count", "notes"), [(258, (SHORT,)), (259, ())])
def test_less_than_a_year_is_noted(count, notes):
    assert tear_sheet(**parts(count, notes=())).notes == notes


def test_one_session_is_a_tear_sheet():
    sheet = tear_sheet(**parts(1))
    assert sheet.first == sheet.last
    assert sheet.figures.loc["final value", "strategy"] == 100_000
    assert sheet.drawdowns.empty
    assert sheet.monthly.empty
    assert sheet.rolling.empty


@pytest.mark.parametrize("name", ["after_tax", "benchmark"])
def test_a_curve_with_a_gap_is_an_error(name):
    given = parts()
    gap = (given["after_tax"] if name == "after_tax" else given["benchmark"][1]).drop(
        given["after_tax"].index[5]
    )
    with pytest.raises(StrategyError, match=f"no value of {name} on 2021-03-08"):
        tear_sheet(**given | {name: gap if name == "after_tax" else ("SPY", gap)})
