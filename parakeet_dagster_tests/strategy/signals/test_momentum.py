"""Momentum: the table first, then properties, then real prices."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import members_on, returns_panel, window_of
from strategy.allocation.equal_weight import EqualWeight
from strategy.daily import daily_signals
from strategy.signals.base import Split
from strategy.signals.momentum import Momentum
from strategy.strategy import Strategy

PRICES = """
day    A       B      C     D      NEW
Mon    100     50     20    10
Tue    110     45     20    9
Wed    99      54     25    9.9    8
Thu    108.9   60.75  24.2  9.405  16
"""
RETURNS = """
day    A       B      C      D      NEW
Tue    0.10   -0.10   0.000 -0.10
Wed   -0.10    0.20   0.250  0.10
Thu    0.10    0.125 -0.032 -0.05   1.0
"""
TOTAL = {"A": 0.089, "B": 0.215, "C": 0.21, "D": -0.0595, "NEW": np.nan}  # last / first - 1
RANK = {"A": 3, "B": 1, "C": 2, "D": 4}

FELL, FELL_MORE, NEW = (-0.1, 0.0), (-0.2, 0.0), (np.nan, 0.9)


def table(text):
    return pd.read_fwf(StringIO(text.strip()), index_col="day")


def held(signal, by_ticker):
    signals = signal.at(window_of(by_ticker, signal.lookback))
    assert (signals["strength"] == signals["signal"]).all()
    return "".join(signals.loc[signals["signal"] == 1, "ticker"])


def test_the_table_s_returns_are_those_of_its_prices():
    prices = table(PRICES)
    expected = (prices / prices.shift() - 1).iloc[1:]
    pd.testing.assert_frame_equal(table(RETURNS), expected, check_exact=False)


@pytest.mark.parametrize("places", [1, 2, 3, 4, 5])
def test_from_prices_to_returns_to_ranks(places):
    subject = Momentum(lookback=3, places=places)
    signals = subject.at(window_of(dict(table(RETURNS).items())))
    signals = signals.set_index("ticker")
    assert signals["score"].to_dict() == pytest.approx(TOTAL, nan_ok=True)
    chosen = {ticker for ticker, rank in RANK.items() if rank <= places}
    assert set(signals.index[signals["signal"] == 1]) == chosen
    assert signals["strength"].to_dict() == {name: float(name in chosen) for name in TOTAL}


@pytest.mark.parametrize(
    ("by_ticker", "expected"),
    [
        pytest.param({"A": FELL, "B": FELL_MORE, "C": FELL_MORE}, "AB", id="those that fell least"),
        pytest.param({"A": FELL, "B": FELL, "C": FELL}, "AB", id="ties go by ticker"),
        pytest.param({"A": FELL}, "A", id="fewer members than places"),
        pytest.param({"A": FELL, "B": NEW, "C": FELL_MORE}, "AC", id="a newcomer has no history"),
        pytest.param({"B": NEW}, "", id="nobody has history"),
        pytest.param({}, "", id="no ticker at all"),
    ],
)
def test_who_is_held(by_ticker, expected):
    assert held(Momentum(lookback=2, places=2), by_ticker) == expected


def test_the_winners_share_the_whole_portfolio():
    subject = Momentum(lookback=2, places=2)
    signals = subject.at(window_of({"A": FELL, "B": FELL_MORE, "C": FELL}))
    assert subject.split(signals) == Split(("A", "C"), 1.0)


def test_nothing_is_held_while_history_is_too_short():
    assert held(Momentum(lookback=3), {"A": FELL}) == ""


@given(
    returns=arrays(float, (4, 6), elements=st.floats(-0.5, 0.5) | st.just(0.0)),
    places=st.integers(1, 8),
)
def test_no_one_left_out_rose_more_and_a_newcomer_moves_no_bit(returns, places):
    subject = Momentum(lookback=4, places=places)
    by_ticker = dict(zip("ABCDEF", returns.T, strict=True))
    signals = subject.at(window_of(by_ticker))
    chosen = signals["signal"] == 1
    assert chosen.sum() == min(places, 6)
    assert signals.loc[~chosen, "score"].max() <= signals.loc[chosen, "score"].min() or chosen.all()
    with_new = subject.at(window_of({"AA": [np.nan, 0.4, 0.4, 0.4]} | by_ticker))
    for column in ("score", "strength"):
        assert with_new[column][1:].to_numpy().tobytes() == signals[column].to_numpy().tobytes()


@pytest.fixture(scope="module")
def closes(market_data_folder):
    """Adjusted closes of 140 sessions to mid-2016, of tickers without a gap since their first."""
    stored = pd.read_parquet(
        market_data_folder / "us_members_ohlcv_2013_2018.parquet",
        columns=["date", "ticker", "close"],
    ).drop_duplicates(["date", "ticker"])
    wide = (
        stored.pivot(index="date", columns="ticker", values="close").loc[:"2016-06-30"].iloc[-140:]
    )
    wide = wide.astype(float)  # stored as float32
    wide.index = pd.DatetimeIndex(wide.index).as_unit("us")
    is_whole = wide.notna().eq(wide.notna().cummax()).all() & wide.iloc[-1].notna()
    return wide.loc[:, is_whole]


@pytest.mark.parametrize("lookback", [21, 63, 126])
def test_on_real_prices_it_is_the_ratio_of_two_closes(closes, lookback):
    ratio = (closes / closes.shift(lookback) - 1).iloc[-10:]
    assert ratio.shape[1] > 500
    assert ratio.isna().to_numpy().any()  # newcomers are among them
    panel = returns_panel(closes.index, closes.pct_change(fill_method=None))
    wanted = closes.index[-10:]
    subject = Strategy(description="", signal=Momentum(lookback=lookback), allocation=EqualWeight())
    everyone = members_on(wanted, closes.columns)
    signals = daily_signals(subject, panel, everyone, closes.index, wanted)
    score = signals.pivot(index="date", columns="ticker", values="score")
    np.testing.assert_allclose(score, ratio, rtol=1e-9, atol=1e-12)
    for session, of_day in signals.groupby("date"):
        winners = of_day.loc[of_day["signal"] == 1, "ticker"]
        assert set(winners) == set(ratio.loc[session].nlargest(5).index)


@pytest.mark.parametrize("wrong", [{"places": 0}, {"lookback": 0}, {"hurdle": 0.1}])
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Momentum(**wrong)
