"""What a strategy is compared with, by hand."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import members_on, weekdays
from strategy.portfolio.benchmark import choose, mean_return, member_returns

NAN = float("nan")
SESSIONS = weekdays("2021-03-01", 4)


def returns(**by_ticker):
    """Returns by ticker; ``_`` is a dot."""
    frame = pd.DataFrame(by_ticker, index=SESSIONS, dtype="float64")
    return frame.rename(columns=lambda name: name.replace("_", "."))


def all_members(frame):
    return members_on(SESSIONS, frame.columns)


def chosen(frame, members=None, capital=100.0):
    held = member_returns(frame, all_members(frame) if members is None else members).iloc[1:]
    mean = mean_return(held).reindex(frame.index)
    return choose(frame, mean, int(held.notna().any().sum()), capital)


def test_world_shares_before_all_others():
    frame = returns(
        SPY=[0, 0.5, 0.5, 0.5],
        VAS_AX=[0, 0.4, 0.4, 0.4],
        VGS_AX=[0.9, 0.1, 0.0, -0.1],
        AAPL=[0, 1, 1, 1],
    )
    name, curve = chosen(frame, capital=1000)
    assert name == "VGS.AX (total return in AUD)"
    assert curve.tolist() == pytest.approx([1000, 1100, 1100, 990])
    assert curve.index.equals(SESSIONS)
    assert curve.name == "benchmark"


def test_the_first_bar_may_be_on_the_first_session():
    name, curve = chosen(returns(VGS_AX=[NAN, 0.1, 0, 0], SPY=[0, 0, 0, 0]))
    assert name.startswith("VGS.AX")
    assert curve.tolist() == pytest.approx([100, 110, 110, 110])


@pytest.mark.parametrize(
    ("late", "fund"),
    [(["VGS_AX"], "VAS.AX"), (["VGS_AX", "VAS_AX"], "SPY")],
)
def test_a_fund_that_was_not_there_all_the_time_gives_way(late, fund):
    frame = {"VGS_AX": [0.0] * 4, "VAS_AX": [0.0] * 4, "SPY": [0.0] * 4}
    frame |= {name: [0.0, NAN, 0.0, 0.0] for name in late}
    assert chosen(returns(**frame))[0] == f"{fund} (total return in AUD)"


def test_a_fund_that_ended_gives_way():
    frame = returns(SPY=[0, 0.1, 0.1, NAN], BHP_AX=[0, 0.3, 0.1, 0.2])
    name, curve = chosen(frame)
    assert name == "equal weight of all 2 tickers, rebalanced every session, before costs"
    assert curve.tolist() == pytest.approx([100, 120, 132, 158.4])


def test_a_mean_of_those_that_are_there():
    """A joins with its first return on the third session; B ends before the last."""
    frame = returns(A=[NAN, NAN, 0.2, 0.1], B=[0, 0.1, 0.0, NAN])
    _, curve = chosen(frame)
    assert curve.tolist() == pytest.approx([100, 110, 121, 133.1])


def test_who_joins_tomorrow_is_not_known_today():
    """N joins on the third session, after it had doubled; B leaves on it and counts until then."""
    frame = returns(A=[0, 0, 0, 0.0], B=[0, 0.2, 0.2, 5.0], N=[0, 1, 1, 0.2])
    members = pd.concat(
        [
            members_on(SESSIONS, ["A"]),
            members_on(SESSIONS[:2], ["B"]),
            members_on(SESSIONS[2:], "N"),
        ]
    )
    name, curve = chosen(frame, members)
    assert name.startswith("equal weight of all 3 tickers")
    assert curve.tolist() == pytest.approx([100, 110, 121, 133.1])


def test_a_member_of_two_universes_counts_once():
    frame = returns(A=[0, 0.1, 0, 0], B=[0, 0.3, 0, 0])
    twice = pd.concat([all_members(frame), members_on(SESSIONS, ["A"])])
    assert chosen(frame, twice)[1].iloc[1] == pytest.approx(120)


def test_members_without_prices_and_days_outside_do_not_count():
    frame = returns(A=[0, 0.1, 0, 0])
    members = pd.concat([all_members(frame), members_on(weekdays("2021-02-01", 60), ["UNKNOWN"])])
    name, curve = chosen(frame, members)
    assert name.startswith("equal weight of all 1 tickers")
    assert curve.iloc[1] == pytest.approx(110)


def test_where_nobody_is_nothing_is_earned():
    frame = returns(A=[NAN, NAN, NAN, 0.1])
    assert chosen(frame)[1].tolist() == pytest.approx([100, 100, 100, 110])


def test_one_session():
    frame = returns(SPY=[0.1, 0, 0, 0]).iloc[:1]
    assert chosen(frame, members_on(SESSIONS[:1], ["SPY"]), 5.0)[1].tolist() == [5.0]


def test_noise_is_the_mean_of_each_session():
    sessions = weekdays("2004-01-05", 300)
    values = np.random.default_rng(3).normal(0, 0.02, (300, 40))
    frame = pd.DataFrame(values, index=sessions, columns=[f"T{place}" for place in range(40)])
    _, curve = chosen(frame, members_on(sessions, frame.columns), 1.0)
    expected = np.cumprod(1 + values[1:].mean(axis=1))
    assert curve.iloc[1:].tolist() == pytest.approx(expected.tolist())


def test_the_first_session_counts_with_the_members_of_the_one_before():
    frame = returns(A=[0.1, 0.2, 0.3, 0.4], B=[0.5, 0.6, 0.7, 0.8])
    held = member_returns(frame.iloc[1:], members_on(SESSIONS[:1], ["B"]))
    assert held["B"].tolist() == pytest.approx([0.6, NAN, NAN], nan_ok=True)
    assert held["A"].isna().all()


def test_the_mean_of_a_session_is_the_same_bits_beside_others():
    values = np.random.default_rng(4).normal(0, 0.02, (3, 400))
    frame = pd.DataFrame(values, index=SESSIONS[:3]).where(values > -0.03)
    wider = frame.reindex(columns=np.arange(-50, 450, 0.5))
    assert mean_return(frame).tolist() == mean_return(wider).tolist()
    alone = [mean_return(frame.iloc[[place]]).item() for place in range(3)]
    assert mean_return(frame).tolist() == alone
    assert mean_return(frame).tolist() == pytest.approx(frame.mean(axis=1).tolist())


def test_the_mean_of_nothing_is_not_known():
    frame = returns(A=[NAN, 1, 2, NAN], B=[NAN, 3, NAN, NAN])
    assert mean_return(frame).tolist() == pytest.approx([NAN, 2, 2, NAN], nan_ok=True)
