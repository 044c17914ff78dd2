"""Residual momentum on months whose residuals are known, then against a plain regression."""

import numpy as np
import pytest
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import members_on, returns_panel, weekdays, window_of
from strategy.allocation.equal_weight import EqualWeight
from strategy.daily import daily_signals
from strategy.signals.momentum import Momentum
from strategy.signals.residual_momentum import MONTH, ResidualMomentum, residuals
from strategy.strategy import Strategy

SIX_MONTHS = ResidualMomentum(lookback=6 * MONTH, formation=4, skip=1, factors=1, places=1)

MARKET = 0.02 * np.array([1, -1, 1, -1, 1, -1])
OWN = {  # each sums to 0, is orthogonal to the market, and together they are 0 in every month
    "A": 0.01 * np.array([1, 1, -1, -1, 0, 0]),
    "B": 0.01 * np.array([0, 0, 1, 1, -1, -1]),
    "C": 0.01 * np.array([-1, -1, 0, 0, 1, 1]),
}
THREE = {  # the constants are 5 %, 0 and -2 % a month, the betas 0.5, 1 and 1.5
    "A": 0.05 + 0.5 * MARKET + OWN["A"],
    "B": 0.00 + 1.0 * MARKET + OWN["B"],
    "C": -0.02 + 1.5 * MARKET + OWN["C"],
}
SCORES = {  # of the residuals of months 3 to 5, in per cent
    "A": -2 / np.sqrt(1 / 3),  # -1, -1, 0
    "B": 1 / np.sqrt(4 / 3),  # 1, 1, -1
    "C": 1 / np.sqrt(1 / 3),  # 0, 0, 1
}


def daily(months):
    """Sessions whose months return what is given: all of it on the month's 11th session."""
    sessions = np.zeros((len(months), MONTH))
    sessions[:, 10] = months
    return sessions.ravel()


def at(subject, by_ticker):
    """Signals by ticker, from monthly returns."""
    window = window_of({name: daily(months) for name, months in by_ticker.items()})
    with np.errstate(all="raise"):
        return subject.at(window).set_index("ticker")


def held(subject, by_ticker):
    signals = at(subject, by_ticker)["signal"]
    return "".join(signals.index[signals == 1])


def sectors(count, months=36, seed=0):
    """Monthly returns of members of three groups, each with a beta and a deviation of its own."""
    random = np.random.default_rng(seed)
    market = random.normal(0.008, 0.04, months)
    groups = random.normal(0, 0.03, (3, months))
    return {
        f"T{place:02}": random.uniform(0.5, 1.5) * market
        + groups[place % 3]
        + random.normal(0, random.uniform(0.02, 0.08), months)
        for place in range(count)
    }


def test_the_score_is_the_residual_s_sum_by_its_deviation():
    assert at(SIX_MONTHS, THREE)["score"].to_dict() == pytest.approx(SCORES)


def test_it_ranks_otherwise_than_momentum_does():
    """A rose most, by its constant and the market; its own last months were the worst."""
    raw = Momentum(lookback=6 * MONTH, places=1)
    assert held(raw, THREE) == "A"
    assert held(SIX_MONTHS, THREE) == "C"


@pytest.mark.parametrize(("places", "expected"), [(1, "C"), (2, "BC"), (3, "ABC"), (50, "ABC")])
def test_the_best_are_held_at_full_strength(places, expected):
    subject = SIX_MONTHS.model_copy(update={"places": places})
    assert held(subject, THREE) == expected
    assert at(subject, THREE)["strength"].isin([0.0, 1.0]).all()


def test_the_skipped_month_and_those_before_the_formation_count_for_the_regression_only():
    residual = residuals(np.column_stack(list(THREE.values())), factors=1)
    np.testing.assert_allclose(residual, np.column_stack(list(OWN.values())), atol=1e-15)
    whole = SIX_MONTHS.model_copy(update={"formation": 6, "skip": 0})
    assert at(whole, THREE)["score"].to_numpy() == pytest.approx(0, abs=1e-12)


def test_a_month_s_return_is_compounded():
    """1 % on each of 21 sessions is 23.2 %, whatever the order of sessions in the month."""
    months = {name: list(values) for name, values in THREE.items()}
    months["A"][3] = 1.01**MONTH - 1
    spread = {name: daily(values) for name, values in months.items()}
    spread["A"][3 * MONTH : 4 * MONTH] = 0.01
    expected = at(SIX_MONTHS, months)["score"]
    score = SIX_MONTHS.at(window_of(spread))["score"]
    assert score.to_numpy() == pytest.approx(expected.to_numpy())


def test_a_member_that_is_the_market_has_no_residual_and_no_score():
    signals = at(SIX_MONTHS.model_copy(update={"places": 9}), THREE | {"D": 0.01 + MARKET})
    assert signals["score"].to_dict() == pytest.approx(SCORES | {"D": np.nan}, nan_ok=True)
    assert signals["signal"].to_dict() == {"A": 1, "B": 1, "C": 1, "D": 0}


@pytest.mark.parametrize("scale", [1, 1 / 7, 0.3])
def test_a_market_that_does_not_move_explains_nothing(scale):
    """The members' moves cancel out, exactly or but for rounding: that is no factor."""
    signals = at(SIX_MONTHS, {name: scale * own for name, own in OWN.items()})
    assert signals["score"].to_dict() == pytest.approx(SCORES)


@pytest.mark.parametrize("factors", [1, 2, 3])
@pytest.mark.parametrize("move", [np.zeros(6), np.full(6, 0.01), MARKET])
def test_nobody_has_a_score_where_all_move_alike(factors, move):
    subject = SIX_MONTHS.model_copy(update={"factors": factors})
    signals = at(subject, dict.fromkeys("ABCDEF", move))
    assert signals["score"].isna().all()
    assert not signals["signal"].any()


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_below_two_more_members_than_factors_nobody_has_a_score(factors):
    subject = ResidualMomentum(factors=factors, places=1)
    assert at(subject, sectors(factors + 1))["score"].isna().all()
    assert held(subject, sectors(factors + 1)) == ""
    assert at(subject, sectors(factors + 2))["score"].notna().all()


def test_without_a_ticker_nothing_is_held():
    assert ResidualMomentum().at(window_of({}, lookback=756)).empty


def test_nothing_is_held_while_history_is_too_short():
    signals = ResidualMomentum().at(window_of({"A": [0.1] * 755, "B": [0.0] * 755}, lookback=756))
    assert signals["score"].isna().all()
    assert not signals["signal"].any()


def plain(by_ticker, factors):
    """The paper's steps, a regression a ticker, the components by singular values."""
    months = np.column_stack(list(by_ticker.values()))
    regressors = np.column_stack([np.ones(len(months)), months.mean(axis=1)])
    beyond = np.column_stack([left_by(regressors, column) for column in months.T])
    components = np.linalg.svd(beyond / beyond.std(axis=0))[0][:, : factors - 1]
    regressors = np.column_stack([regressors, -components])  # a sign does not matter
    recent = [left_by(regressors, column)[-12:-1] for column in months.T]
    return [residual.sum() / residual.std(ddof=1) for residual in recent]


def left_by(regressors, column):
    return column - regressors @ np.linalg.lstsq(regressors, column)[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("factors", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [8, 60])
def test_it_is_a_regression_on_the_market_and_its_components(count, factors, seed):
    by_ticker = sectors(count, seed=seed)
    score = at(ResidualMomentum(factors=factors), by_ticker)["score"]
    assert score.to_numpy() == pytest.approx(plain(by_ticker, factors), rel=1e-8)


@pytest.mark.parametrize("factors", [1, 3])
def test_residuals_are_orthogonal_to_a_constant_and_to_the_market(factors):
    months = np.column_stack(list(sectors(20).values()))
    residual = residuals(months, factors)
    assert np.abs(residual.mean(axis=0)).max() < 1e-15
    assert np.abs(months.mean(axis=1) @ residual).max() < 1e-15
    assert np.linalg.matrix_rank(residual) == 20 - factors


def test_a_common_movement_beyond_the_market_is_no_residual():
    """Two groups apart: after three factors the deviation is that of the members' own moves."""
    months = np.column_stack(list(sectors(60).values()))
    assert residuals(months, 3).std() < 0.9 * residuals(months, 1).std()


@pytest.mark.parametrize("missing", [1, 400, 755])
def test_a_newcomer_is_no_factor_has_no_score_and_moves_no_bit(missing):
    known = {name: daily(months) for name, months in sectors(12).items()}
    newcomer = np.where(np.arange(756) < missing, np.nan, 0.05)
    subject = ResidualMomentum(places=4)
    expected = subject.at(window_of(known))
    signals = subject.at(window_of({"NEW": newcomer} | known))
    assert np.isnan(signals["score"][0])
    assert signals["signal"][0] == 0
    for column in ("score", "strength"):
        assert signals[column][1:].to_numpy().tobytes() == expected[column].to_numpy().tobytes()


def test_the_order_of_columns_changes_no_ranking():
    """A window's tickers come sorted, so that bits do not depend on the order of rows either."""
    by_ticker = sectors(12)
    expected = at(ResidualMomentum(places=4), by_ticker)
    backwards = at(ResidualMomentum(places=4), dict(reversed(by_ticker.items())))
    assert backwards["score"].to_dict() == pytest.approx(expected["score"].to_dict(), rel=1e-9)
    assert backwards["signal"].to_dict() == expected["signal"].to_dict()


def test_over_sessions_it_is_the_same_bits_in_any_order_and_alone():
    sessions = weekdays("2020-01-01", 760)
    random = np.random.default_rng(3)
    returns = returns_panel(sessions, {name: random.normal(0, 0.01, 760) for name in "ABCDEFG"})
    subject = Strategy(description="", signal=ResidualMomentum(), allocation=EqualWeight())
    everyone = members_on(sessions[-5:], "ABCDEFG")

    def scores(returns, wanted):
        history = sessions[sessions <= wanted[-1]]
        seen = returns[returns["date"].isin(history)]
        return daily_signals(subject, seen, everyone, history, wanted)["score"].to_numpy()

    expected = scores(returns, sessions[-5:])
    assert np.isfinite(expected).all()
    shuffled = returns.sample(frac=1, random_state=1)
    assert scores(shuffled, sessions[-5:]).tobytes() == expected.tobytes()
    alone = [scores(returns, sessions[[place]]) for place in range(-5, 0)]
    assert np.concatenate(alone).tobytes() == expected.tobytes()


def test_the_most_that_36_months_allow_is_accepted():
    ResidualMomentum(formation=36, skip=34, factors=34)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lookback": 755}, "multiple of 21"),
        ({"lookback": 0}, "greater than 0"),
        ({"formation": 37}, "formation must not exceed the look-back's 36 months"),
        ({"formation": 2, "skip": 1}, "formation must exceed skip by 2 months or more"),
        ({"formation": 36, "skip": 35}, "formation must exceed skip by 2 months or more"),
        ({"factors": 35}, "factors must be 2 or more below the look-back's 36 months"),
        ({"factors": 0}, "greater than 0"),
        ({"places": 0}, "greater than 0"),
        ({"months": 36}, "Extra inputs"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        ResidualMomentum(**wrong)
