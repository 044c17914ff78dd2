"""The figures of curves: by hand, then what must always hold."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from parakeet_dagster_tests.strategy.portfolio.accounts import curve, curve_of, side_by_side
from parakeet_dagster_tests.strategy.portfolio.accounts import long_returns as returns_of_a_curve
from strategy.portfolio.figures import OF_CURVES, curve_figures

SWING = [0.02, -0.01] * 30
"""Mean 0.5 %; 1.5 % off the mean every time; half of the squares below 0; each fall from a peak."""

ROOT = 258**0.5
SPREAD = 0.015 * math.sqrt(60 / 59)

ALONE = ["beta", "correlation", "tracking error", "information ratio"]
"""Of what is compared with the benchmark."""

RATIOS = ["Sharpe ratio", "Sortino ratio", "Calmar ratio", "information ratio"]

FROM_A_QUARTER = [
    "CAGR",
    "volatility",
    "Sharpe ratio",
    "Sortino ratio",
    "Calmar ratio",
    "expected shortfall of a session (95 %)",
    "skewness",
    "excess kurtosis",
    *ALONE,
]


def figures_of(returns, rate=0.0):
    """Of one curve, which is its own benchmark."""
    one = curve_of(returns)
    return curve_figures(side_by_side(one, one, one), rate)["strategy"]


def test_every_figure_by_hand():
    """60 sessions from a Monday are 12 weeks, 84 days."""
    half, mirrored = np.array(SWING) / 2, -np.array(SWING) / 2
    curves = side_by_side(curve_of(SWING), curve_of(mirrored), curve_of(half))
    table = curve_figures(curves, 0.0)
    growth = (1.02 * 0.99) ** 30
    cagr = growth ** (365.25 / 84) - 1
    assert table["strategy"].to_dict() == pytest.approx(
        {
            "final value": 100 * growth,
            "total return": growth - 1,
            "CAGR": cagr,
            "volatility": SPREAD * ROOT,
            "Sharpe ratio": 0.005 / SPREAD * ROOT,
            "Sortino ratio": 0.005 / (0.01 / math.sqrt(2)) * ROOT,
            "Calmar ratio": cagr / 0.01,
            "maximum drawdown": -0.01,
            "longest drawdown": 2,
            "mean drawdown": -0.005,
            "ulcer index": 0.01 / math.sqrt(2),
            "months above 0": 1,
            "sessions above 0": 0.5,
            "expected shortfall of a session (95 %)": -0.01,
            "skewness": 0,
            "excess kurtosis": -2,
            "beta": 2,
            "correlation": 1,
            "tracking error": SPREAD / 2 * ROOT,
            "information ratio": 0.005 / SPREAD * ROOT,
        }
        | months_of(SWING),
        abs=1e-9,
    )
    assert table.loc["beta", "after_tax"] == pytest.approx(-1)
    assert table.loc["correlation", "after_tax"] == pytest.approx(-1)
    assert table.loc["tracking error", "after_tax"] == pytest.approx(SPREAD * ROOT)
    assert table.loc["information ratio", "after_tax"] == pytest.approx(-0.005 / SPREAD * ROOT)
    assert table["benchmark"][ALONE].isna().all()
    assert table["benchmark"].drop(ALONE).notna().all()


def months_of(returns):
    """Best and worst month of returns from 2 March 2021: 22, 22 and 16 of them."""
    growth = np.array(
        [math.prod(1 + np.array(part)) for part in np.split(np.array(returns), [22, 44])]
    )
    return {"best month": growth.max() - 1, "worst month": growth.min() - 1}


def test_the_cash_rate_is_taken_off_what_is_paid_for_risk():
    """3.65 % a year is a basis point a day, 84 of them over 60 sessions: 1.4 a session."""
    plain, dear = figures_of(SWING), figures_of(SWING, rate=0.0365)
    days = np.array([1, 1, 1, 1, 3] * 12) / 10_000  # the first return is Tuesday's
    excess = np.array(SWING) - days
    assert excess.mean() == pytest.approx(0.005 - 0.00014)
    assert dear["Sharpe ratio"] == pytest.approx(excess.mean() / excess.std(ddof=1) * ROOT)
    below = math.sqrt((np.minimum(excess, 0) ** 2).mean())
    assert dear["Sortino ratio"] == pytest.approx(excess.mean() / below * ROOT)
    others = [name for name in OF_CURVES if name not in ("Sharpe ratio", "Sortino ratio")]
    pd.testing.assert_series_equal(plain[others], dear[others])


def test_the_return_at_the_edge_of_the_tail_counts_in_part():
    """5 % of 70 returns are three and a half: -4, -3, -2 % and half of -1 %."""
    shortfall = figures_of([-0.01, -0.04, -0.02, -0.03] + [0.01] * 66)[
        "expected shortfall of a session (95 %)"
    ]
    assert shortfall == pytest.approx(-(0.04 + 0.03 + 0.02 + 0.01 / 2) / 3.5)


def test_skewness_and_kurtosis_by_hand():
    """One in 64 at 63, the others at -1: of two values, p = 1/64."""
    figures = figures_of(np.array([63.0] + [-1.0] * 63) / 1000)
    part = 1 / 64
    skewness = (1 - 2 * part) / math.sqrt(part * (1 - part))
    assert figures["skewness"] == pytest.approx(skewness)
    assert figures["excess kurtosis"] == pytest.approx(skewness**2 + 1 - 3)


def test_shares_of_months_and_sessions_above_0():
    """At rest is not above: 22 of 60 sessions, one of three months."""
    figures = figures_of([0.01] * 22 + [0.0] * 22 + [-0.01] * 16)
    assert figures["months above 0"] == pytest.approx(1 / 3)
    assert figures["sessions above 0"] == pytest.approx(22 / 60)


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_a_curve_that_never_moves(rate):
    figures = figures_of([0.0] * 100, rate)
    assert figures[["total return", "CAGR", "volatility", "maximum drawdown"]].eq(0).all()
    assert figures[["mean drawdown", "ulcer index", "longest drawdown"]].eq(0).all()
    assert figures[[*RATIOS, "skewness", "excess kurtosis", "beta", "correlation"]].isna().all()


def test_a_curve_that_never_falls():
    """It has no Calmar ratio, and no Sortino ratio: no downside to divide by."""
    figures = figures_of([0.01, 0.02] * 30)
    assert figures["Sharpe ratio"] == pytest.approx(0.015 / (0.005 * math.sqrt(60 / 59)) * ROOT)
    assert figures[["Sortino ratio", "Calmar ratio"]].isna().all()


def test_a_benchmark_that_never_moves():
    rest = curve_of([0.0] * 60)
    table = curve_figures(side_by_side(curve_of(SWING), rest, rest), 0.0)
    assert table["strategy"][["beta", "correlation"]].isna().all()
    assert table.loc["information ratio", "strategy"] == pytest.approx(0.005 / SPREAD * ROOT)


def test_everything_lost():
    one = curve(*np.linspace(100, 10, 60), 0, 0, 0)
    figures = curve_figures(side_by_side(one, one, one), 0.0)["strategy"]
    assert figures[["total return", "CAGR", "maximum drawdown"]].eq(-1).all()
    assert np.isfinite(figures[["volatility", "Sharpe ratio", "Sortino ratio"]]).all()


@pytest.mark.parametrize("count", [0, 1, 2, 59])
def test_less_than_a_quarter(count):
    figures = figures_of((SWING * 2)[:count])
    assert figures[FROM_A_QUARTER].isna().all()
    assert figures[["final value", "total return", "maximum drawdown"]].notna().all()
    assert figures["best month":"sessions above 0"].notna().all() == (count > 0)


def test_from_a_quarter_on():
    other = curve_of(np.array(SWING) / 2)
    table = curve_figures(side_by_side(curve_of(SWING), other, other), 0.0)
    assert table["strategy"].notna().all()


def test_the_order_of_reading():
    table = curve_figures(side_by_side(curve(1), curve(1), curve(1)), 0.0)
    assert table.index.tolist() == list(OF_CURVES)
    assert table.columns.tolist() == ["strategy", "after_tax", "benchmark"]
    assert (table.dtypes == "float64").all()


@settings(max_examples=20)
@given(returns=returns_of_a_curve())
def test_twice_the_capital_has_the_same_figures(returns):
    other = curve_of(returns[::-1])
    curves = side_by_side(curve_of(returns), other, other)
    once, twice = curve_figures(curves, 0.02), curve_figures(2 * curves, 0.02)
    pd.testing.assert_frame_equal(once.drop("final value"), twice.drop("final value"), rtol=1e-12)
    assert (twice.loc["final value"] == 2 * once.loc["final value"]).all()


@settings(max_examples=50)
@given(returns=returns_of_a_curve(1))
def test_within_their_bounds(returns):
    other = curve_of(returns[::-1])
    table = curve_figures(side_by_side(curve_of(returns), other, other), 0.02)
    assert not np.isinf(table.to_numpy()).any()
    figures = table["strategy"]
    shares = figures[["months above 0", "sessions above 0"]]
    assert shares.between(0, 1).all()
    assert -1 <= figures["maximum drawdown"] <= figures["mean drawdown"] <= 0
    assert -figures["mean drawdown"] <= figures["ulcer index"] + 1e-12
    assert figures["worst month"] <= figures["best month"]
    assert not abs(figures["correlation"]) > 1 + 1e-9
    assert not figures["expected shortfall of a session (95 %)"] > returns.mean() + 1e-12
    assert 0 <= figures["longest drawdown"] <= len(returns)
