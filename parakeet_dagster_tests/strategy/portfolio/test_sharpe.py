"""The papers' own examples, skfolio's formulas, then what must always hold."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import skfolio.measures as skfolio
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.accounts import curve_of, long_returns
from strategy.portfolio.curves import excess_returns
from strategy.portfolio.sharpe import (
    CHANCE,
    TrackRecord,
    chance,
    deflated_sharpe,
    luckiest_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    record_of,
    sharpe_ratios,
    track_record,
)
from strategy.portfolio.tear_sheet import UNITS

NO_TRIAL = pd.Series(dtype="float64")


def trials_with(count: int, deviation: float) -> pd.Series:
    """Sharpe ratios of exactly that sample standard deviation."""
    values = np.linspace(-1, 1, count)
    return pd.Series(values / values.std(ddof=1) * deviation)


# --- 2012: a hedge fund of two years, and how long a record must be


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "probability"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)]
)
def test_a_hedge_fund_of_24_months(skewness, kurtosis, probability):
    """A Sharpe ratio of 0.458 a month: the fat left tail takes the confidence of 95 % away."""
    record = TrackRecord(0.458, 24, skewness, kurtosis)
    assert probabilistic_sharpe(record) == pytest.approx(probability, abs=5e-4)


@pytest.mark.parametrize(
    ("a_year", "skewness", "kurtosis", "years"),
    [
        (252, 0, 3, 2.73),
        (52, 0, 3, 2.83),
        (12, 0, 3, 3.24),
        (12, -0.72, 5.78, 4.99),
    ],
)
def test_the_record_that_tells_a_sharpe_ratio_of_2_from_1(a_year, skewness, kurtosis, years):
    record = TrackRecord(2 / math.sqrt(a_year), 1, skewness, kurtosis)
    length = minimum_track_record(record, benchmark=1 / math.sqrt(a_year))
    assert length / a_year == pytest.approx(years, abs=5e-3)


# --- 2014: the best of 100 strategies with a Sharpe ratio of 2.5 a year, five years of 250 days

BEST = TrackRecord(2.5 / math.sqrt(250), 1250, -3, 10)


@pytest.mark.parametrize(
    ("record", "count", "luckiest", "deflated"),
    [
        pytest.param(BEST, 100, 0.1132, 0.9004, id="of a hundred"),
        pytest.param(BEST, 46, 0.1004, 0.9505, id="of 46, the most that leave 95 %"),
        pytest.param(
            replace(BEST, skewness=0, kurtosis=3), 88, 0.1111, 0.9505, id="were it normal"
        ),
    ],
)
def test_the_best_of_many(record, count, luckiest, deflated):
    trials = trials_with(count, math.sqrt(0.5 / 250))
    assert luckiest_sharpe(trials) == pytest.approx(luckiest, abs=5e-5)
    assert deflated_sharpe(record, trials) == pytest.approx(deflated, abs=5e-5)


def test_the_best_of_a_hundred_from_its_returns():
    """A skewness of -3 and a kurtosis of 10 leave one distribution: two values, 105 of 1250 low."""
    values = np.where(np.arange(1250) % 12 == 11, -1.0, 0.0)
    values[: 105 - int((values < 0).sum())] = -1.0
    scaled = (values - values.mean()) / values.std(ddof=1)
    record = track_record(curve_of(0.01 * (scaled + BEST.sharpe)), rate=0.0)
    assert (record.skewness, record.kurtosis) == pytest.approx((-3, 10), abs=0.02)
    assert record.sharpe == pytest.approx(BEST.sharpe)
    deflated = deflated_sharpe(record, trials_with(100, math.sqrt(0.5 / 250)))
    assert deflated == pytest.approx(0.9004, abs=5e-4)


# --- by hand


def test_a_sharpe_ratio_by_hand():
    """Mean 0.5 %, sample standard deviation 1.5 % sqrt(4 / 3)."""
    one = curve_of([0.02, -0.01] * 2).to_frame("a")
    assert sharpe_ratios(one, 0.0)["a"] == pytest.approx(0.005 / (0.015 * math.sqrt(4 / 3)))


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_neither_rest_nor_cash_has_a_sharpe_ratio(rate):
    """A curve at rest falls behind cash by one day or by three, which is no risk of its own."""
    rest = curve_of([0.0] * 100)
    gone = rest.index.to_series().diff().dt.days.fillna(0).to_numpy()
    cash = rest * np.cumprod(1 + rate * gone / 365)
    assert sharpe_ratios(pd.DataFrame({"rest": rest, "cash": cash}), rate).isna().all()
    assert math.isnan(track_record(rest, rate).sharpe)


def test_two_trials_by_hand():
    """Z^-1(1/2) is 0; Z^-1(1 - 1/(2e)) is 0.90046; sd of 0 and 0.2 is 0.1414."""
    expected = 0.2 / math.sqrt(2) * 0.5772157 * 0.90046
    assert luckiest_sharpe(pd.Series([0.0, 0.2])) == pytest.approx(expected, abs=1e-5)


def test_a_trial_without_a_sharpe_ratio_does_not_count():
    trials = pd.Series([0.0, 0.2, math.nan])
    assert luckiest_sharpe(trials) == luckiest_sharpe(trials.dropna())


def test_of_one_trial_nothing_is_taken_off():
    assert luckiest_sharpe(pd.Series([0.3])) == 0
    assert deflated_sharpe(BEST, pd.Series([0.3])) == probabilistic_sharpe(BEST)


def test_what_is_not_known_is_nan_and_no_error():
    nothing = TrackRecord(math.nan, 0, math.nan, math.nan)
    assert math.isnan(probabilistic_sharpe(nothing))
    assert math.isnan(minimum_track_record(nothing))
    assert math.isnan(luckiest_sharpe(NO_TRIAL))
    assert math.isnan(deflated_sharpe(BEST, NO_TRIAL))


def test_no_record_shows_a_sharpe_ratio_above_itself():
    assert math.isnan(minimum_track_record(BEST, benchmark=BEST.sharpe))
    assert math.isnan(minimum_track_record(replace(BEST, sharpe=-0.1)))


def test_a_short_record_has_no_sharpe_ratio():
    assert math.isnan(track_record(curve_of([0.02, -0.01] * 29 + [0.0]), 0.0).sharpe)
    assert not math.isnan(track_record(curve_of([0.02, -0.01] * 30), 0.0).sharpe)


# --- beside skfolio


@given(returns=long_returns(), seed=st.integers(0, 1000))
def test_skfolio_says_the_same(returns, seed):
    trials = pd.Series(np.random.default_rng(seed).normal(0, 0.1, 7))
    one = curve_of(returns)
    excess = excess_returns(one.to_frame("a"), 0.03)["a"].to_numpy()
    record = track_record(one, 0.03)
    if math.isnan(record.sharpe):
        return
    theirs = skfolio.probabilistic_sharpe_ratio(excess, benchmark_sharpe_ratio=0.02)
    assert probabilistic_sharpe(record, 0.02) == pytest.approx(theirs, nan_ok=True)
    theirs = skfolio.deflated_sharpe_ratio(excess, trials)
    assert deflated_sharpe(record, trials) == pytest.approx(theirs, nan_ok=True)


# --- always


@st.composite
def records(draw, low=-1.0):
    """Moments that a sample can have: a kurtosis of at least 1 + skewness^2."""
    skewness = draw(st.floats(-4, 4))
    above = draw(st.floats(0.1, 30))
    return TrackRecord(
        draw(st.floats(low, 1)), draw(st.integers(3, 5000)), skewness, 1 + skewness**2 + above
    )


@given(record=records(), count=st.integers(1, 50), spread=st.floats(0, 1))
def test_doubt_only_grows_with_trials(record, count, spread):
    trials = trials_with(count, spread) if count > 1 else pd.Series([spread])
    trusting, doubting = probabilistic_sharpe(record), deflated_sharpe(record, trials)
    assert 0 <= doubting <= trusting <= 1


@given(record=records(0.001), more=st.integers(1, 5000))
def test_time_makes_sure(record, more):
    longer = replace(record, sessions=record.sessions + more)
    assert probabilistic_sharpe(longer) >= probabilistic_sharpe(record) >= 0.5


@given(record=records(0.01), confidence=st.floats(0.6, 0.99))
def test_the_minimum_track_record_is_just_enough(record, confidence):
    length = minimum_track_record(record, confidence=confidence)
    assert probabilistic_sharpe(replace(record, sessions=math.ceil(length))) >= confidence - 1e-12
    if length > 2:
        before = replace(record, sessions=math.ceil(length) - 1)
        assert probabilistic_sharpe(before) < confidence + 1e-12


# --- the table


def test_the_table_reads_what_was_computed():
    trials = trials_with(100, math.sqrt(0.5 / 250))
    table = chance(BEST, trials)
    assert table.index.tolist() == list(CHANCE)
    assert set(table["unit"]) <= set(UNITS)
    values = table["value"]
    assert values["strategies tried"] == 100
    assert values["sessions"] == 1250
    assert values["deflated Sharpe ratio"] == pytest.approx(0.9004, abs=5e-5)
    assert values["probabilistic Sharpe ratio"] == probabilistic_sharpe(BEST)
    assert values["minimum track record"] == minimum_track_record(BEST)
    assert values["Sharpe ratio of the luckiest"] == pytest.approx(0.11317 * 258**0.5, abs=1e-4)
    assert record_of(table) == BEST


def test_a_ruined_strategy_does_not_make_the_others_look_lucky():
    """OLMAR, trading daily at 75 basis points, made every other of twelve a matter of luck."""
    usual = pd.Series([0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09])
    ruined = pd.concat([usual, pd.Series([-1.0])], ignore_index=True)
    # the median is 0.055, the distances from it 0.005, 0.005, 0.015, 0.015, 0.025, ...: median 0.02
    spread = 0.02 / 0.6744897501960817
    expected = luckiest_sharpe(pd.Series([0.0, 2**0.5]) * spread)  # two trials of that deviation
    two, eight = (
        (1 - GAMMA) * NORMAL.inv_cdf(1 - 1 / n) + GAMMA * NORMAL.inv_cdf(1 - 1 / (n * math.e))
        for n in (2, 8)
    )
    assert luckiest_sharpe(ruined) == pytest.approx(expected * eight / two)
    assert luckiest_sharpe(usual) == pytest.approx(
        usual.std() * luckiest_sharpe(usual * 10) / (usual.std() * 10)
    )


GAMMA = 0.5772156649015329
NORMAL = NormalDist()
