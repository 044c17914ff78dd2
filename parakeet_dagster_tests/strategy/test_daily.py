"""A strategy over sessions, by hand: two months of a world without holidays."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from parakeet_dagster_tests.strategy.frames import members_on, returns_panel, weekdays
from strategy.allocation.equal_weight import EqualWeight
from strategy.daily import LIVE_WITHIN, daily_signals, daily_targets
from strategy.signals.always_on import AlwaysOn
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import Strategy

SESSIONS = weekdays("2022-01-31", 5)  # Monday the 31st, then February
FEBRUARY = SESSIONS[1:]
RETURNS = returns_panel(
    SESSIONS, {"A": [0.1, 0.1, -0.9, 0.0, 0.0], "B": [-0.1, -0.1, 0.9, 0.0, 0.0], "C": [0.0, 0.5]}
)
MOMENTUM = Strategy(
    description="",
    signal=DualMomentum(lookback=2, places=2, hurdle=0.0),
    allocation=EqualWeight(),
    rebalance="monthly",
)
BASELINE = Strategy(description="", signal=AlwaysOn(), allocation=EqualWeight())


def signals(strategy=MOMENTUM, sessions=SESSIONS, members=None):
    members = members_on(SESSIONS, "ABC") if members is None else members
    return daily_signals(strategy, RETURNS, members, SESSIONS, sessions)


def targets(strategy=MOMENTUM, sessions=SESSIONS, calendar=SESSIONS):
    return daily_targets(strategy, signals(strategy), RETURNS, SESSIONS, sessions, calendar)


def held(frame, session):
    of_day = frame[frame["date"] == session]
    return dict(zip(of_day["ticker"], of_day["weight"], strict=True))


def test_signals_have_a_row_per_covered_member_and_session():
    frame = signals()
    assert frame.columns.tolist() == ["date", "ticker", "signal", "strength", "score"]
    assert frame.dtypes.astype(str).tolist() == [
        "datetime64[us]", "str", "int8", "float64", "float64",
    ]  # fmt: skip
    assert frame.groupby("date")["ticker"].sum().tolist() == ["AB", "AB", "AB", "ABC", "ABC"]
    chosen = frame[frame["signal"] == 1].groupby("date")["ticker"].sum()
    assert chosen.to_dict() == {
        SESSIONS[1]: "A",
        SESSIONS[2]: "B",
        SESSIONS[3]: "B",
        SESSIONS[4]: "C",
    }


def test_the_first_sessions_are_warm_up():
    frame = signals(sessions=SESSIONS[:1])
    assert frame["signal"].tolist() == [0, 0]
    assert frame["score"].isna().all()


def test_a_signal_sees_only_the_members_of_its_day():
    members = members_on(SESSIONS, "ABC")
    left = members[~((members["ticker"] == "B") & (members["date"] == SESSIONS[2]))]
    frame = signals(members=left)
    assert frame.groupby("date")["ticker"].sum().tolist() == ["AB", "AB", "A", "ABC", "ABC"]


def test_a_member_of_two_universes_counts_once():
    members = members_on(SESSIONS, "AB")
    twice = pd.concat([members, members.assign(universe="OTHER")])
    assert len(signals(members=twice)) == 2 * len(SESSIONS)


def test_a_strategy_of_one_universe_sees_no_other():
    members = pd.concat([members_on(SESSIONS, "A"), members_on(SESSIONS, "B").assign(universe="X")])
    only = BASELINE.model_copy(update={"universe": "X"})
    assert signals(only, members=members)["ticker"].unique().tolist() == ["B"]


def test_a_session_without_members_has_no_signal_and_holds_cash():
    nobody = members_on(SESSIONS[:0], "A")
    frame = signals(members=nobody)
    assert frame.empty
    assert frame.dtypes.astype(str).to_dict()["signal"] == "int8"
    target = daily_targets(MOMENTUM, frame, RETURNS, SESSIONS, SESSIONS, SESSIONS)
    assert target["ticker"].tolist() == ["CASH"] * len(SESSIONS)


def test_a_target_is_decided_on_the_first_session_of_the_month_and_stays():
    frame = targets()
    assert frame.columns.tolist() == ["date", "ticker", "weight", "rebalance"]
    assert held(frame, SESSIONS[0]) == {"CASH": 1.0}  # warm-up
    for session in FEBRUARY:
        assert held(frame, session) == {"A": 0.5, "CASH": 0.5}
    decided = frame.groupby("date")["rebalance"].all()
    assert decided.tolist() == [True, True, False, False, False]


def test_a_rebalance_before_history_is_cash():
    """January's first session is in the calendar, but not in the lake."""
    calendar = weekdays("2022-01-03", 30)
    frame = targets(BASELINE, SESSIONS[:1], calendar)
    assert held(frame, SESSIONS[0]) == {"CASH": 1.0}
    assert not frame["rebalance"].any()


def test_a_daily_rule_decides_every_session():
    frame = targets(MOMENTUM.model_copy(update={"rebalance": "daily"}))
    assert [held(frame, session) for session in SESSIONS] == [
        {"CASH": 1.0},
        {"A": 0.5, "CASH": 0.5},
        {"B": 0.5, "CASH": 0.5},
        {"B": 0.5, "CASH": 0.5},
        {"C": 0.5, "CASH": 0.5},
    ]


def test_the_baseline_holds_everything_that_is_covered_at_the_rebalance():
    frame = targets(BASELINE, FEBRUARY)
    assert held(frame, SESSIONS[4]) == {"A": 0.5, "B": 0.5, "CASH": 0.0}


@pytest.mark.parametrize("session", SESSIONS)
def test_a_single_session_is_the_same_as_in_a_range(session):
    single = targets(sessions=pd.DatetimeIndex([session]))
    whole = targets()
    of_range = whole[whole["date"] == session].reset_index(drop=True)
    pd.testing.assert_frame_equal(single, of_range, check_exact=True)
    assert np.isclose(single["weight"].sum(), 1.0, rtol=0, atol=1e-12)


def test_a_member_that_has_not_traded_for_ten_sessions_gets_no_signal():
    sessions = weekdays("2022-01-31", 15)
    returns = returns_panel(sessions, {"A": [0.0] * 15, "B": [0.0] * 15})
    is_silent = (returns["ticker"] == "A") & (returns["date"] >= sessions[3])
    returns["traded"] = returns["traded"] & ~is_silent
    frame = daily_signals(BASELINE, returns, members_on(sessions, "AB"), sessions, sessions)
    held = frame.loc[frame["ticker"] == "A", "date"].tolist()
    assert held == sessions[: 3 + LIVE_WITHIN - 1].tolist()


def test_signals_are_computed_on_one_thread():
    """The number of cores must neither move a bit nor cost time; see ``BLAS_THREADS``."""
    seen = []

    class Watching(AlwaysOn):
        def compute(self, window):
            pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
            seen.extend(pool["num_threads"] for pool in pools)
            return super().compute(window)

    signals(BASELINE.model_copy(update={"signal": Watching()}))
    assert set(seen) == {1}
