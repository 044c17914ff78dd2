"""Our figures beside those of quantstats 0.0.86: the same where it is right, else why not."""

import math

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as quantstats

from parakeet_dagster_tests.strategy.portfolio.accounts import curve_of, side_by_side
from strategy.portfolio.calendar_returns import monthly_table
from strategy.portfolio.curves import session_returns
from strategy.portfolio.drawdowns import drawdown_table, drawdowns
from strategy.portfolio.figures import curve_figures
from strategy.portfolio.sharpe import probabilistic_sharpe, track_record
from strategy.rebalance import SESSIONS_A_YEAR

RNG = np.random.default_rng(11)
MARKET = RNG.standard_t(4, 1000) * 0.008 + 0.0004
STRATEGY = curve_of(0.7 * MARKET + RNG.standard_t(4, 1000) * 0.005)
BENCHMARK = curve_of(MARKET)
RETURNS = session_returns(STRATEGY.to_frame("a"))["a"]
OTHER = session_returns(BENCHMARK.to_frame("a"))["a"]
FIGURES = curve_figures(side_by_side(STRATEGY, STRATEGY, BENCHMARK), rate=0.0)["strategy"]

SWING = [0.02, -0.01] * 30
"""60 returns that can be worked out by hand, see ``test_figures``."""


def of_swing():
    one = curve_of(SWING)
    figures = curve_figures(side_by_side(one, one, one), rate=0.0)["strategy"]
    return figures, session_returns(one.to_frame("a"))["a"]


@pytest.mark.parametrize(
    ("figure", "theirs"),
    [
        ("total return", quantstats.comp(RETURNS)),
        ("volatility", quantstats.volatility(RETURNS, periods=SESSIONS_A_YEAR)),
        ("Sharpe ratio", quantstats.sharpe(RETURNS, periods=SESSIONS_A_YEAR)),
        ("Sortino ratio", quantstats.sortino(RETURNS, periods=SESSIONS_A_YEAR)),
        ("maximum drawdown", quantstats.max_drawdown(RETURNS)),
        ("mean drawdown", quantstats.to_drawdown_series(RETURNS).mean()),
        ("best month", quantstats.best(RETURNS, aggregate="ME")),
        ("worst month", quantstats.worst(RETURNS, aggregate="ME")),
        ("months above 0", quantstats.win_rate(RETURNS, aggregate="ME")),
        ("sessions above 0", quantstats.win_rate(RETURNS)),
        ("beta", quantstats.greeks(RETURNS, OTHER)["beta"]),
        ("correlation", math.sqrt(quantstats.r_squared(RETURNS, OTHER))),
    ],
)
def test_the_same(figure, theirs):
    assert FIGURES[figure] == pytest.approx(theirs, rel=1e-9)


def test_the_probabilistic_sharpe_ratio_but_for_the_moments():
    """It adds 3 to pandas' excess kurtosis, as it must, and so agrees.

    Not to the last digits: pandas corrects the bias of skewness and kurtosis, the paper does not.
    """
    ours, theirs = (
        probabilistic_sharpe(track_record(STRATEGY, 0.0)),
        quantstats.probabilistic_sharpe_ratio(RETURNS),
    )
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_cagr_counts_sessions_there_and_days_here():
    """By hand: 60 sessions of 258 are 0.233 years, but 84 days were 0.230.

    A year of the joint calendar has 256 to 261 sessions, and growth is by the calendar.
    """
    figures, returns = of_swing()
    growth = (1.02 * 0.99) ** 30
    theirs = quantstats.cagr(returns, periods=SESSIONS_A_YEAR)
    assert theirs == pytest.approx(growth ** (258 / 60) - 1)
    assert figures["CAGR"] == pytest.approx(growth ** (365.25 / 84) - 1)
    assert quantstats.calmar(returns, periods=SESSIONS_A_YEAR) == pytest.approx(theirs / 0.01)
    assert figures["Calmar ratio"] == pytest.approx(figures["CAGR"] / 0.01)


def test_the_ulcer_index_is_a_mean_not_a_sample_s_variance():
    """By hand: 30 of 60 sessions 1 % down, a mean square of 0.01^2 / 2.

    Martin and McCann divide by the number of periods; quantstats by one less.
    """
    figures, returns = of_swing()
    assert figures["ulcer index"] == pytest.approx(0.01 * math.sqrt(30 / 60))
    assert quantstats.ulcer_index(returns) == pytest.approx(0.01 * math.sqrt(30 / 59))


def test_the_information_ratio_is_a_year_s_as_the_tracking_error_is():
    """Quantstats' is of a session. By hand: against cash at rest it is mean by deviation."""
    theirs = quantstats.information_ratio(RETURNS, OTHER)
    assert FIGURES["information ratio"] == pytest.approx(theirs * SESSIONS_A_YEAR**0.5)
    _, returns = of_swing()
    theirs = quantstats.information_ratio(returns, returns * 0)
    assert theirs == pytest.approx(0.005 / (0.015 * math.sqrt(60 / 59)))


def test_the_share_of_sessions_above_0_is_of_all_sessions():
    """By hand: 30 up, 10 down, 20 at rest: a half. Quantstats leaves out what rests: 3 of 4."""
    one = curve_of([0.01] * 30 + [-0.01] * 10 + [0.0] * 20)
    figures = curve_figures(side_by_side(one, one, one), rate=0.0)["strategy"]
    assert figures["sessions above 0"] == 0.5
    assert quantstats.win_rate(session_returns(one.to_frame("a"))["a"]) == 0.75


def test_skewness_and_kurtosis_are_those_the_sharpe_ratios_are_judged_by():
    """Pandas' G1 and G2 correct a bias, here by hand with g1 = skewness, n = 1000."""
    count = len(RETURNS)
    corrected = FIGURES["skewness"] * math.sqrt(count * (count - 1)) / (count - 2)
    assert quantstats.skew(RETURNS) == pytest.approx(corrected)
    corrected = ((count + 1) * FIGURES["excess kurtosis"] + 6) * (count - 1)
    corrected /= (count - 2) * (count - 3)
    assert quantstats.kurtosis(RETURNS) == pytest.approx(corrected)


def test_expected_shortfall_is_of_the_sample_and_of_exactly_its_tail():
    """By hand, of 70 returns three and a half: (4 + 3 + 2 + 1/2) / 3.5 % = 2.71 %.

    Quantstats' default is that of a normal distribution; its ``historical`` takes whole returns at
    or below an interpolated quantile: all four of them, 2.5 %.
    """
    one = curve_of([-0.01, -0.04, -0.02, -0.03] + [0.01] * 66)
    figures = curve_figures(side_by_side(one, one, one), rate=0.0)["strategy"]
    returns = session_returns(one.to_frame("a"))["a"]
    ours = figures["expected shortfall of a session (95 %)"]
    assert ours == pytest.approx(-0.095 / 3.5)
    assert quantstats.cvar(returns, method="historical") == pytest.approx(-0.025)
    assert quantstats.cvar(returns) == pytest.approx(-0.0098, abs=1e-4)


def test_drawdowns_are_the_same_and_last_from_peak_to_recovery():
    """Quantstats dates them from the first to the last session below, and counts days.

    By hand: 100, 100, 90, 95, 100 is down on two sessions, and three after its peak it is back.
    Without the first 100 quantstats finds none: it looks for a session at the peak to begin from.
    """
    ours = drawdowns(STRATEGY.to_frame("a"))["a"].iloc[1:]
    theirs = quantstats.to_drawdown_series(RETURNS)
    assert ours.tolist() == pytest.approx(theirs.tolist(), abs=1e-9)
    details = quantstats.drawdown_details(theirs).sort_values("max drawdown", kind="stable")
    table = drawdown_table(STRATEGY)
    assert (table["depth"] * 100).tolist() == pytest.approx(details["max drawdown"].tolist())
    assert table["lowest"].dt.strftime("%Y-%m-%d").tolist() == details["valley"].tolist()

    fall = [-0.1, 95 / 90 - 1, 100 / 95 - 1]
    for returns, days in [([0.0, *fall], [2]), (fall, [])]:
        one = curve_of(returns)
        series = quantstats.to_drawdown_series(session_returns(one.to_frame("a"))["a"])
        assert quantstats.drawdown_details(series)["days"].tolist() == days
        assert drawdown_table(one)["sessions"].tolist() == [3]


def test_the_monthly_table_is_the_same_where_there_are_months():
    """Quantstats writes 0 for a month without a session."""
    ours, theirs = monthly_table(STRATEGY), quantstats.monthly_returns(RETURNS)
    assert ours.index.astype(str).tolist() == theirs.index.tolist()
    there = ours.notna().to_numpy()
    assert ours.to_numpy()[there].tolist() == pytest.approx(theirs.to_numpy()[there].tolist())
    assert not there.all()
    assert (theirs.to_numpy()[~there] == 0).all()


def test_at_rest():
    """By hand: 0 by 0. Quantstats tells a beta and a ratio of 0, as of a good hedge."""
    rest = pd.Series(0.0, index=RETURNS.index)
    assert quantstats.information_ratio(rest, rest) == 0
    assert quantstats.greeks(rest, rest).tolist() == [0, 0]
    one = curve_of([0.0] * 100)
    figures = curve_figures(side_by_side(one, one, one), rate=0.0)["strategy"]
    assert figures[["information ratio", "beta"]].isna().all()
