"""Volatility-scaled momentum: a toy worked out by hand, then against a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import window_of
from strategy.allocation.equal_weight import EqualWeight
from strategy.signals.base import Split
from strategy.signals.vol_scaled_momentum import VolScaledMomentum
from strategy.strategy import Strategy

TOY = VolScaledMomentum(lookback=8, formation=4, skip=1, holding=2, target=0.12, places=1)

TWO = {
    #        formed 1 to 3, held 5 and 6
    #                    formed 3 to 5, held 7 and 8
    #                                formed 5 to 7, held from tomorrow on
    "A": [0.1, 0.0, 0.0, 0.00, 0.01, -0.01, 0.02, 0.00],  # leads at first: 10 %
    "B": [0.0, 0.0, 0.0, 0.05, 0.00, 0.00, 0.03, -0.03],  # then B: 5 % against 1 %
}
SCORES = {"A": 1.01 * 0.99 * 1.02 - 1, "B": 0.03}
REALISED = np.sqrt(258 * (0.01**2 + 0.01**2 + 0.03**2 + 0.03**2) / 4)  # 35.9 % a year


def at(subject, by_ticker):
    return subject.at(window_of(by_ticker, subject.lookback)).set_index("ticker")


def strengths(subject, by_ticker):
    signals = at(subject, by_ticker)
    assert (signals["signal"] == (signals["strength"] > 0)).all()
    held = signals[signals["signal"] == 1]
    return held["strength"].to_dict()


def test_the_score_is_the_total_return_of_the_formation_without_the_skip():
    assert at(TOY, TWO)["score"].to_dict() == pytest.approx(SCORES)


def test_the_exposure_is_the_target_by_the_volatility_of_momentum_as_it_was_formed():
    """A was held on two sessions, B on the next two, though B is the winner of today."""
    assert pytest.approx(0.359, abs=1e-3) == REALISED
    assert strengths(TOY, TWO) == pytest.approx({"B": 0.12 / REALISED})


def test_winners_are_held_in_equal_parts():
    """A tenth up and a tenth down cancel; what is left is half of the others' moves."""
    both = TOY.model_copy(update={"places": 2})
    daily = np.array([0.005, -0.005, 0.025, -0.015])
    exposure = 0.12 / np.sqrt(258 * np.mean(daily**2))
    still = {"C": [-0.2, *[0.0] * 7]}
    assert strengths(both, TWO | still) == pytest.approx({"A": exposure, "B": exposure})


def test_a_past_formation_sees_only_what_precedes_it():
    """A's gain of session 5 makes it the winner of the second formation, not of the first."""
    jump = {"A": [0.0, 0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0], "B": [0.01, *[0.0] * 7]}
    assert strengths(TOY, jump) == {"A": 1.0}


def test_a_past_formation_skips_its_last_session_too():
    """A's jump of session 4 does not make it the winner of sessions 1 to 3."""
    jump = {"A": [0.0, 0.0, 0.0, 0.9, 0.5, 0.5, 0.0, 0.0], "B": [0.01, *[0.0] * 7]}
    assert strengths(TOY, jump)["A"] == 1.0
    no_skip = TOY.model_copy(update={"skip": 0})
    assert strengths(no_skip, jump)["A"] == pytest.approx(0.12 / np.sqrt(258 * 0.5**2 / 2))


def test_the_last_holding_may_be_shorter():
    """Formed at 4, 6 and 8 of 9 sessions: the last was held for one."""
    subject = VolScaledMomentum(lookback=9, formation=4, skip=0, holding=2, target=0.1, places=1)
    moves = [0.0, 0.0, 0.0, 0.0, 0.01, 0.02, 0.03, 0.04, 0.05]
    expected = 0.1 / np.sqrt(258 * (1 + 4 + 9 + 16 + 25) * 1e-4 / 5)
    assert strengths(subject, {"A": moves}) == pytest.approx({"A": expected})


@pytest.mark.parametrize(
    ("target", "exposure"),
    [
        (REALISED / 4, 0.25),
        (REALISED * 0.999, 0.999),
        (REALISED * 1.001, 1.0),
        (9.0, 1.0),
    ],
)
def test_nothing_is_borrowed(target, exposure):
    subject = TOY.model_copy(update={"target": target})
    assert strengths(subject, TWO) == pytest.approx({"B": exposure})
    assert max(strengths(subject, TWO).values()) <= 1


def test_prices_that_do_not_move_have_no_volatility_and_are_held_whole():
    with np.errstate(all="raise"):
        assert strengths(TOY, {"A": [0.0] * 8, "B": [0.0] * 8}) == {"A": 1.0}


def test_ties_go_by_ticker_then_and_now():
    """B's wild days do not count: A was the winner whenever both had done the same."""
    wild = {"A": [0.0] * 8, "B": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9]}
    assert strengths(TOY, wild) == {"A": 1.0}


def test_a_newcomer_is_no_winner_today_or_in_the_past_and_moves_no_bit():
    newcomer = [np.nan, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    expected, signals = at(TOY, TWO), at(TOY, {"AA": newcomer} | TWO)
    assert np.isnan(signals.loc["AA", "score"])
    assert signals.loc["AA", "signal"] == 0
    for column in ("score", "strength"):
        assert (
            signals[column].iloc[1:].to_numpy().tobytes() == expected[column].to_numpy().tobytes()
        )


@pytest.mark.parametrize("by_ticker", [{}, {"A": [np.nan, *[0.1] * 7]}])
def test_without_history_nobody_is_held(by_ticker):
    with np.errstate(all="raise"):
        assert strengths(TOY, by_ticker) == {}
    assert TOY.split(TOY.at(window_of(by_ticker, 8))) == Split((), 0.0)


def test_nothing_is_held_while_history_is_too_short():
    assert strengths(TOY, {"A": [0.1] * 7}) == {}


def test_fewer_members_than_places_share_the_exposure():
    subject = TOY.model_copy(update={"places": 9})
    held = strengths(subject, TWO)
    assert list(held) == ["A", "B"]
    assert len(set(held.values())) == 1


def test_the_winners_share_the_exposure_and_the_rest_is_cash():
    both = TOY.model_copy(update={"places": 2, "target": REALISED / 4})
    signals = both.at(window_of(TWO))
    exposure = signals["strength"][0]
    assert both.split(signals) == Split(("A", "B"), exposure)
    subject = Strategy(description="", signal=both, allocation=EqualWeight(lookback=8))
    weights = subject.target(signals, lambda _: window_of(TWO))
    assert dict(weights) == pytest.approx(
        {"A": exposure / 2, "B": exposure / 2, "CASH": 1 - exposure}
    )


def plain(returns, subject):
    """The exposure, a session at a time."""
    squares = []
    for session in range(subject.formation, subject.lookback):
        formed = session - (session - subject.formation) % subject.holding
        past = returns[formed - subject.formation : formed - subject.skip]
        total = [np.expm1(np.log1p(column).sum()) for column in past.T]
        winners = sorted(range(len(total)), key=lambda place: -total[place])[: subject.places]
        squares.append(np.mean([returns[session, place] for place in winners]) ** 2)
    return min(1.0, subject.target / np.sqrt(258 * np.mean(squares)))


@given(seed=st.integers(0, 10_000), places=st.integers(1, 6), holding=st.integers(1, 9))
def test_it_is_what_a_plain_loop_gives(seed, places, holding):
    random = np.random.default_rng(seed)
    returns = random.normal(0, random.uniform(0.002, 0.02), (20, 5))
    subject = VolScaledMomentum(lookback=20, formation=8, skip=2, holding=holding, places=places)
    held = strengths(subject, dict(zip("ABCDE", returns.T, strict=True)))
    assert len(held) == min(places, 5)
    assert list(held.values()) == pytest.approx([plain(returns, subject)] * len(held))


def test_the_defaults_are_the_paper_s():
    """12-1 momentum re-formed every month, 6 months of daily returns, 12 % a year."""
    returns = np.random.default_rng(0).normal(0, 0.02, (378, 60))
    held = strengths(VolScaledMomentum(places=10), {f"T{n:02}": returns[:, n] for n in range(60)})
    written = VolScaledMomentum(
        lookback=378, formation=252, skip=21, holding=21, target=0.12, places=10
    )
    assert len(held) == 10
    assert list(held.values()) == pytest.approx([plain(returns, written)] * 10)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lookback": 252}, "lookback must exceed formation"),
        ({"skip": 252}, "skip must be less than formation"),
        ({"target": 0.0}, "greater than 0"),
        ({"holding": 0}, "greater than 0"),
        ({"leverage": 2}, "Extra inputs"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        VolScaledMomentum(**wrong)
