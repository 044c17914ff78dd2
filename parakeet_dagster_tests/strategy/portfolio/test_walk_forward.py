"""Walk-forward analysis: by hand, then that nothing later than training can choose."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.markets import MONDAY, days, market, targets
from strategy.allocation.equal_weight import EqualWeight
from strategy.errors import StrategyError
from strategy.grid import candidates, own_label
from strategy.portfolio.folds import Windows
from strategy.portfolio.terms import FREE, Terms
from strategy.portfolio.walk_forward import chosen_targets, walk_forward
from strategy.signals.momentum import Momentum
from strategy.strategy import Strategy

YEAR = 258**0.5
WINDOWS = Windows(train=4, test=3)

X = [10.0, 10.0, 11.0, 12.0, 12.0, 11.0, 11.0, 11.0, 12.0, 12.0]
Y = [10.0, 10.0, 10.0, 9.0, 10.0, 11.0, 12.0, 15.0, 15.0, 18.0]


def choosing(*places, own=0):
    """A strategy with that many candidates; ``own`` is the place of its own parameters."""
    return Strategy(
        description="",
        signal=Momentum(places=places[own]),
        allocation=EqualWeight(),
        grid={"signal.places": places},
    )


STRATEGY = choosing(1, 2)
ONE, TWO = candidates(STRATEGY)


def terms(**changed):
    return Terms(**{**FREE.model_dump(), "capital": 1000.0, **changed})


def walk(closes, plans, strategy=STRATEGY, windows=WINDOWS, terms=terms()):  # noqa: B008 - frozen
    """Candidates by their plans, in the grid's order."""
    of = market(closes)
    decided = {
        label: targets(of.sessions, plan)
        for label, plan in zip(candidates(strategy), plans, strict=True)
    }
    return walk_forward(strategy, of, decided, of.sessions, windows, terms)


def sharpe(*returns):
    return statistics.mean(returns) / statistics.stdev(returns) * YEAR


class TestTwoCandidatesByHand:
    """The first holds X, which rises in the first training window; the second Y, in the second."""

    @pytest.fixture(scope="class")
    def result(self):
        return walk({"X.AX": X, "Y.AX": Y}, [{0: {"X.AX": 1.0}}, {0: {"Y.AX": 1.0}}])

    def test_each_window_uses_the_best_of_the_one_before(self, result):
        sessions = days(10)
        assert result.folds["chosen"].tolist() == [ONE, TWO]
        assert result.folds["train_first"].tolist() == [sessions[0], sessions[3]]
        assert result.folds["train_last"].tolist() == [sessions[3], sessions[6]]
        assert result.folds["test_first"].tolist() == [sessions[4], sessions[7]]
        assert result.folds["test_last"].tolist() == [sessions[6], sessions[9]]

    def test_the_scores_are_sharpe_ratios_of_the_training_windows(self, result):
        """Bought at the second close; the second window's first return is from the close before."""
        assert result.scores.columns.tolist() == [ONE, TWO]
        assert result.scores.loc[0].tolist() == pytest.approx(
            [sharpe(0, 1 / 10, 1 / 11), sharpe(0, 0, -1 / 10)]
        )
        assert result.scores.loc[1].tolist() == pytest.approx(
            [sharpe(1 / 11, 0, -1 / 12, 0), sharpe(-1 / 10, 1 / 9, 1 / 10, 1 / 11)]
        )
        assert result.folds["in_sample"].tolist() == [
            result.scores.loc[0, ONE],
            result.scores.loc[1, TWO],
        ]

    def test_the_account_that_follows_the_choices(self, result):
        """Cash until X is bought at 12 on the fifth session; sold at 11 for Y at 15."""
        curve = result.out_of_sample
        assert curve.columns.tolist() == ["date", "equity"]
        assert curve["date"].tolist() == days(10)[3:].tolist()
        left = 1000 * 11 / 12
        assert curve["equity"].tolist() == pytest.approx(
            [1000, 1000, left, left, left, left, left * 18 / 15]
        )

    def test_figures_of_the_test_windows(self, result):
        assert result.folds["out_of_sample"].tolist() == pytest.approx(
            [sharpe(0, -1 / 12, 0), sharpe(0, 0, 18 / 15 - 1)]
        )
        # Thursday to Tuesday, and Tuesday to Friday
        assert result.folds["out_of_sample_return"].tolist() == pytest.approx(
            [(11 / 12) ** (365.25 / 5) - 1, (18 / 15) ** (365.25 / 3) - 1]
        )
        # Monday to Thursday; Wednesday to Tuesday, from the close before the window
        assert result.folds["in_sample_return"].tolist() == pytest.approx(
            [1.2 ** (365.25 / 3) - 1, 1.2 ** (365.25 / 6) - 1]
        )

    def test_beside_it_the_own_parameters_and_the_best_with_hindsight(self, result):
        assert (result.own, result.best) == (ONE, TWO)
        part = 1000 / 12
        assert result.fixed["equity"].tolist() == pytest.approx(
            [1000, 1000, 11 * part, 11 * part, 11 * part, 1000, 1000]
        )
        assert result.in_sample["equity"].tolist() == pytest.approx(
            [1000, 1000, 1100, 1200, 1500, 1500, 1800]
        )
        assert result.fixed["date"].tolist() == result.out_of_sample["date"].tolist()

    def test_the_figures_stand_side_by_side(self, result):
        figures = result.figures
        assert figures.columns.tolist() == ["out_of_sample", "in_sample", "fixed"]
        assert figures.index.tolist() == ["Sharpe ratio", "CAGR", "volatility", "maximum drawdown"]
        best = [0, 1 / 10, 1 / 11, 1 / 4, 0, 1 / 5]
        assert figures["in_sample"].tolist() == pytest.approx(
            [sharpe(*best), 1.8 ** (365.25 / 8) - 1, statistics.stdev(best) * YEAR, 0.0]
        )
        assert figures.loc["maximum drawdown"].tolist() == pytest.approx([-1 / 12, 0, -1 / 12])

    def test_the_notes_say_what_happened(self, result):
        whole = " ".join(result.notes)
        assert "Each of 2 test windows uses the one of 2 candidates" in whole
        assert "1 of 1 times the choice was another than before" in whole
        mean = result.folds["in_sample"].mean()
        assert f"a mean Sharpe ratio of {mean:.2f} in training" in whole
        assert f"In sample is {TWO}" in whole
        assert f"Fixed is {ONE}" in whole


def test_a_change_of_parameters_costs_what_it_costs():
    """One per cent to enter; one to leave X, one to buy Y."""
    result = walk(
        {"X.AX": [10, 10, 11, 12, *[12] * 6], "Y.AX": [10, 10, 10, 9, 10, 11, 12, 12, 12, 12]},
        [{0: {"X.AX": 1.0}}, {0: {"Y.AX": 1.0}}],
        terms=terms(slippage_bp=100.0),
    )
    assert result.folds["chosen"].tolist() == [ONE, TWO]
    entered, switched = 1000 / 1.01, 1000 / 1.01 * 0.99 / 1.01
    assert result.out_of_sample["equity"].tolist() == pytest.approx(
        [1000, entered, entered, entered, switched, switched, switched]
    )


def test_the_same_choice_again_trades_nothing():
    """X and Y are half each, and drift apart: a new decision would bring them back."""
    result = walk(
        {"X.AX": [10, 10, 11, 12, 14, 16, 18, 20, 24, 28], "Y.AX": [10.0] * 10},
        [{0: {"X.AX": 0.5, "Y.AX": 0.5}}, {0: {"Y.AX": 1.0}}],
    )
    assert result.folds["chosen"].tolist() == [ONE, ONE]
    assert result.best == ONE
    pd.testing.assert_frame_equal(result.out_of_sample, result.fixed, check_exact=True)
    # at 14 half of 1000, at 12 each 500: 41.67 X cost 583, so that cash for 41.67 Y is left
    part = 500 / 12
    assert result.out_of_sample["equity"].iloc[-1] > 1000 + part * (28 - 14) * 0.9


@pytest.mark.parametrize(
    ("own", "plans", "chosen"),
    [
        (0, ["X.AX", "X.AX", "X.AX"], 0),
        (1, ["X.AX", "X.AX", "X.AX"], 1),
        (2, ["X.AX", "X.AX", "X.AX"], 2),
        (0, ["Y.AX", "X.AX", "X.AX"], 1),
        (1, ["X.AX", "Y.AX", "X.AX"], 0),
    ],
)
def test_of_equals_the_own_parameters_win_then_the_first(own, plans, chosen):
    strategy = choosing(5, 3, 4, own=own)
    result = walk(
        {"X.AX": X[:7], "Y.AX": Y[:7]}, [{0: {ticker: 1.0}} for ticker in plans], strategy
    )
    assert result.own == list(candidates(strategy))[own]
    assert result.folds["chosen"].tolist() == [list(candidates(strategy))[chosen]]


def test_a_candidate_of_cash_is_worth_nothing_and_beats_a_loser():
    """Though interest that never fails has no deviation, but for weekends."""
    result = walk(
        {"X.AX": [10, 10, 9, 8, 8, 8, 7]},
        [{0: {"X.AX": 1.0}}, {0: {}}],
        terms=terms(cash_rate=0.05),
    )
    assert result.scores.loc[0, ONE] < 0
    assert result.scores.loc[0, TWO] == 0
    assert result.folds["chosen"].tolist() == [TWO]
    assert result.folds["out_of_sample"].tolist() == [0.0]
    assert result.figures.loc["Sharpe ratio", "out_of_sample"] == 0
    assert result.out_of_sample["equity"].iloc[-1] == pytest.approx(1000.0, abs=1.0)
    assert result.out_of_sample["equity"].iloc[-1] > 1000


def test_a_sharpe_ratio_is_of_what_is_above_cash():
    result = walk({"X.AX": X}, [{0: {"X.AX": 1.0}}, {0: {}}], terms=terms(cash_rate=0.365))
    # a day's interest is 0.001; of 1001, 1000 are invested on the second session
    equity = [1000, 1001, 1100 + 1.001, 1200 + 1.002001]
    excess = [after / before - 1 - 0.001 for before, after in pairwise(equity)]
    assert result.scores.loc[0, ONE] == pytest.approx(sharpe(*excess))


class TestChosenTargets:
    SESSIONS = days(13)
    PLAN = pd.DataFrame(
        {
            "train_last": SESSIONS[[3, 6, 9]],
            "test_last": SESSIONS[[6, 9, 12]],
        }
    )

    def decided(self, chosen, rows_a=(0, 2, 5, 6, 8, 11), rows_b=(0, 3, 4, 9, 12)):
        """What is followed, by place: a weight of X tells who decided it, and when."""
        plans = {
            "A": {row: {"X": 0.01 * row} for row in rows_a},
            "B": {row: {"X": 0.5 + 0.01 * row} for row in rows_b},
        }
        of = {name: targets(self.SESSIONS, plan) for name, plan in plans.items()}
        frame = chosen_targets(of, self.PLAN.assign(chosen=list(chosen)))
        assert frame.columns.tolist() == ["date", "ticker", "weight"]
        sums = frame.groupby("date")["weight"].sum()
        assert sums.to_numpy() == pytest.approx(1.0)
        held = frame[frame["ticker"] == "X"]
        rows = self.SESSIONS.get_indexer(pd.Index(held["date"]))
        return [
            (int(row), round(weight, 9)) for row, weight in zip(rows, held["weight"], strict=True)
        ]

    def test_one_choice_throughout(self):
        assert self.decided("AAA") == [(3, 0.02), (5, 0.05), (6, 0.06), (8, 0.08), (11, 0.11)]

    def test_a_decision_on_the_day_of_the_choice_is_the_new_one_s(self):
        assert self.decided("BBB") == [(3, 0.53), (4, 0.54), (9, 0.59)]
        assert self.decided("BAB") == [(3, 0.53), (4, 0.54), (6, 0.06), (8, 0.08), (9, 0.59)]

    def test_a_standing_target_is_taken_over(self):
        assert self.decided("ABA") == [
            (3, 0.02), (5, 0.05), (6, 0.54), (9, 0.08), (11, 0.11),
        ]  # fmt: skip


def test_without_candidates_there_is_nothing_to_choose():
    of = market({"X.AX": X})
    alone = Strategy(description="", signal=Momentum(), allocation=EqualWeight())
    with pytest.raises(StrategyError, match="nothing to choose from: give the strategy a grid"):
        walk_forward(alone, of, {}, of.sessions, WINDOWS, FREE)


def test_candidates_that_begin_apart_are_refused():
    with pytest.raises(StrategyError, match="different sessions, 2024-01-01 to 2024-01-02"):
        walk({"X.AX": X}, [{0: {"X.AX": 1.0}}, {1: {"X.AX": 1.0}}])


def test_too_few_sessions_are_counted_from_the_first_decision():
    plans = [{4: {"X.AX": 1.0}}, {4: {"X.AX": 1.0}}]
    with pytest.raises(StrategyError, match="has 6 sessions from the first decision on, and needs"):
        walk({"X.AX": X}, plans)


def test_a_session_that_the_market_has_not_is_named():
    of = market({"X.AX": X})
    decided = {label: targets(of.sessions, {0: {}}) for label in (ONE, TWO)}
    with pytest.raises(StrategyError, match="the market has no session 2024-01-15"):
        walk_forward(STRATEGY, of, decided, days(11), WINDOWS, FREE)


def test_sessions_before_the_first_decision_do_not_count():
    """Nor those of the market after the last session."""
    closes = {"X.AX": [9.0, 9.0, *X, 99.0], "Y.AX": [9.0, 9.0, *Y, 1.0]}
    of = market(closes)
    plans = {ONE: {2: {"X.AX": 1.0}}, TWO: {2: {"Y.AX": 1.0}}}
    decided = {label: targets(of.sessions, plan) for label, plan in plans.items()}
    result = walk_forward(STRATEGY, of, decided, of.sessions[:-1], WINDOWS, terms())
    left = 1000 * 11 / 12
    assert result.folds["chosen"].tolist() == [ONE, TWO]
    assert result.folds["train_first"].iloc[0] == of.sessions[2]
    assert result.out_of_sample["equity"].tolist() == pytest.approx(
        [1000, 1000, left, left, left, left, left * 18 / 15]
    )


COUNT, TICKERS = 38, ("A.AX", "B", "C.AX")
LONG = Windows(train=10, test=7)
MANY = choosing(1, 2, 3, 4, own=2)


SEEDS = st.integers(0, 2**32 - 1)


def world(seed):
    """Random prices, and random targets of four candidates, decided on the same sessions."""
    random = np.random.default_rng(seed)
    moves = np.exp(random.normal(0, 0.03, (COUNT, len(TICKERS))))
    closes = dict(zip(TICKERS, (20 * np.cumprod(moves, axis=0)).T, strict=True))
    rows = [0, *sorted(random.choice(np.arange(1, COUNT), 12, replace=False).tolist())]
    return closes, [shares(random, rows) for _ in candidates(MANY)]


def shares(random, rows):
    parts = random.dirichlet(np.ones(len(TICKERS) + 1), len(rows))
    return {
        row: dict(zip(TICKERS, part, strict=False)) for row, part in zip(rows, parts, strict=True)
    }


def run(closes, plans):
    return walk(closes, plans, MANY, LONG, Terms(risk_aversion=math.inf))


def until(frame, folds):
    return frame.iloc[:folds]


@settings(max_examples=10)
@given(seed=SEEDS, fold=st.integers(0, 3))
def test_nothing_after_a_training_window_changes_its_choice(seed, fold):
    """Neither prices nor targets of later sessions; and results of earlier folds stay."""
    (known, plans), (strange, others) = world(seed), world([seed, 1])
    whole = run(known, plans)
    assert len(whole.folds) == 4
    last = days(COUNT).get_loc(whole.folds["train_last"].iloc[fold])
    closes = {
        ticker: np.append(known[ticker][: last + 1], strange[ticker][last + 1 :])
        for ticker in TICKERS
    }
    mixed = [
        {row: part for row, part in own.items() if row <= last}
        | {row: part for row, part in other.items() if row > last}
        for own, other in zip(plans, others, strict=True)
    ]
    changed = run(closes, mixed)
    pd.testing.assert_frame_equal(
        until(changed.scores, fold + 1), until(whole.scores, fold + 1), check_exact=True
    )
    assert until(changed.folds["chosen"], fold + 1).tolist() == (
        until(whole.folds["chosen"], fold + 1).tolist()
    )
    pd.testing.assert_frame_equal(
        until(changed.folds, fold), until(whole.folds, fold), check_exact=True
    )


@settings(max_examples=10)
@given(seed=SEEDS, fold=st.integers(0, 2))
def test_without_the_later_sessions_the_earlier_folds_are_the_same(seed, fold):
    closes, plans = world(seed)
    whole = run(closes, plans)
    kept = days(COUNT).get_loc(whole.folds["test_last"].iloc[fold]) + 1
    early = run(
        {ticker: values[:kept] for ticker, values in closes.items()},
        [{row: part for row, part in plan.items() if row < kept} for plan in plans],
    )
    assert len(early.folds) == fold + 1
    pd.testing.assert_frame_equal(early.folds, until(whole.folds, fold + 1), check_exact=True)
    pd.testing.assert_frame_equal(early.scores, until(whole.scores, fold + 1), check_exact=True)
    pd.testing.assert_frame_equal(
        early.out_of_sample, until(whole.out_of_sample, len(early.out_of_sample)), check_exact=True
    )


@settings(max_examples=10)
@given(seed=SEEDS)
def test_what_stands_in_a_test_window_is_the_chosen_candidate_s(seed):
    closes, plans = world(seed)
    result = run(closes, plans)
    sessions = days(COUNT)
    labels = list(candidates(MANY))
    decided = {label: targets(sessions, plan) for label, plan in zip(labels, plans, strict=True)}

    def standing(frame):
        """Weights, sessions x tickers, of the target that stands on each session."""
        wide = frame.pivot(index="date", columns="ticker", values="weight")
        return wide.reindex(sessions).ffill()

    followed = standing(chosen_targets(decided, result.folds))
    for fold in result.folds.itertuples():
        in_force = (sessions >= fold.train_last) & (sessions < fold.test_last)
        pd.testing.assert_frame_equal(
            followed[in_force], standing(decided[fold.chosen])[in_force], check_exact=True
        )
    assert followed[sessions < result.folds["train_last"].iloc[0]].isna().all().all()


@settings(max_examples=10)
@given(seed=SEEDS)
def test_the_chosen_and_the_best_have_the_highest_scores(seed):
    result = run(*world(seed))
    assert result.folds["in_sample"].tolist() == result.scores.max(axis=1).tolist()
    assert result.own == own_label(MANY)
    assert (
        result.figures.loc["Sharpe ratio", "in_sample"]
        >= (result.figures.loc["Sharpe ratio", "fixed"])
    )
    assert {len(result.out_of_sample), len(result.in_sample), len(result.fixed)} == {COUNT - 9}
    assert days(COUNT, MONDAY)[9] == result.fixed["date"].iloc[0]
