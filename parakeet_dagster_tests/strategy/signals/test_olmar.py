"""OLMAR: steps worked out by hand, then the weights of another implementation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import candidates_of, window_of
from strategy.allocation.signal_strength import SignalStrength
from strategy.signals.olmar import Olmar

NEW = np.nan
ROUNDING = 1e-12


def weights(signal, by_ticker):
    """The tickers with a weight above 0."""
    signals = signal.at(window_of(by_ticker, signal.lookback))
    held = signals[signals["signal"] == 1]
    assert (signals["signal"] == (signals["strength"] > 0)).all()
    return dict(zip(held["ticker"], held["strength"], strict=True))


def one_step(epsilon):
    """The mean of two prices over the last one: (1 / relative + 1) / 2."""
    return Olmar(lookback=1, average=2, epsilon=epsilon)


@pytest.mark.parametrize(
    ("relative", "predicted"), [(1.25, 0.9), (1.0, 1.0), (0.8, 1.125), (0.5, 1.5)]
)
def test_the_score_is_the_mean_price_over_the_last_price(relative, predicted):
    signals = one_step(10.0).at(window_of({"A": [relative - 1]}))
    assert signals["score"].tolist() == pytest.approx([predicted], abs=ROUNDING)


def test_the_average_is_of_prices():
    """Prices 1, 2, 4, 2, 1, of which the last four: (2 + 4 + 2 + 1) / 4 / 1."""
    signals = Olmar(lookback=4, average=4).at(window_of({"A": [1.0, 1.0, -0.5, -0.5]}))
    assert signals["score"].tolist() == pytest.approx([2.25], abs=ROUNDING)


@pytest.mark.parametrize(
    ("epsilon", "by_ticker", "expected"),
    [
        # predictions 0.9 and 1.125, equal weights expect 1.0125; 0.0225 are lacking, and a step of
        # 0.0225 / (2 x 0.1125²) x 0.1125 = 0.1 fetches them: 0.4 x 0.9 + 0.6 x 1.125 = 1.035
        pytest.param(1.035, {"A": [0.25], "B": [-0.2]}, {"A": 0.4, "B": 0.6}, id="just enough"),
        pytest.param(1.01, {"A": [0.25], "B": [-0.2]}, {"A": 0.5, "B": 0.5}, id="already enough"),
        pytest.param(1.125, {"A": [0.25], "B": [-0.2]}, {"B": 1.0}, id="all of one"),
        pytest.param(10.0, {"A": [0.25], "B": [-0.2]}, {"B": 1.0}, id="more than can be had"),
        # predictions 0.9, 1, 1.1; the step to 1.06 is 0.06 / 0.02 x (-0.1, 0, 0.1) = (-0.3, 0, 0.3)
        pytest.param(
            1.06,
            {"A": [0.25], "B": [0.0], "C": [-1 / 6]},
            {"A": 1 / 3 - 0.3, "B": 1 / 3, "C": 1 / 3 + 0.3},
            id="three",
        ),
        # the step to 1.08 would leave A with 1/3 - 0.4 = -1/15, which the others give half each
        pytest.param(
            1.08,
            {"A": [0.25], "B": [0.0], "C": [-1 / 6]},
            {"B": 1 / 3 - 1 / 30, "C": 1 / 3 + 0.4 - 1 / 30},
            id="no debt",
        ),
        pytest.param(10.0, {"A": [0.1]}, {"A": 1.0}, id="one ticker"),
        pytest.param(
            10.0, {"A": [0.1], "B": [0.1], "C": [0.1]}, dict.fromkeys("ABC", 1 / 3), id="="
        ),
        pytest.param(10.0, {"A": [0.25], "B": [-0.2], "C": [NEW]}, {"B": 1.0}, id="a newcomer"),
        pytest.param(10.0, {"A": [0.25], "B": [-0.2], "C": [-1.0]}, {"B": 1.0}, id="worth nothing"),
        pytest.param(10.0, {"A": [NEW], "B": [NEW]}, {}, id="newcomers only"),
        pytest.param(10.0, {}, {}, id="no ticker at all"),
    ],
)
def test_one_step_from_equal_weights(epsilon, by_ticker, expected):
    assert weights(one_step(epsilon), by_ticker) == pytest.approx(expected, abs=ROUNDING)


def test_the_next_step_starts_from_the_weights_of_the_last():
    """From 0.4 and 0.6 back: predictions 1.125 and 0.9, 0.99 expected, 0.045 lacking: 0.2."""
    subject = Olmar(lookback=2, average=2, epsilon=1.035)
    assert weights(subject, {"A": [0.25, -0.2], "B": [-0.2, 0.25]}) == pytest.approx(
        {"A": 0.6, "B": 0.4}, abs=ROUNDING
    )


@pytest.mark.parametrize(
    ("lookback", "average", "burn_in"), [(1, 2, 1), (4, 5, 1), (23, 5, 20), (60, 20, 42)]
)
def test_what_the_average_leaves_of_the_look_back_is_burn_in(lookback, average, burn_in):
    assert Olmar(lookback=lookback, average=average).burn_in == burn_in


def test_the_defaults_are_the_paper_s():
    assert Olmar().model_dump() == {"lookback": 23, "average": 5, "epsilon": 10.0}


@pytest.mark.parametrize(
    "wrong", [{"average": 1}, {"epsilon": 0.9}, {"lookback": 3}, {"lookback": 3, "average": 5}]
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Olmar(**wrong)


def test_nothing_is_held_while_history_is_too_short():
    assert weights(Olmar(), {"A": [0.1] * 22}) == {}


def random_returns(count, seed=0, sessions=23):
    returns = np.random.default_rng(seed).normal(0.0, 0.02, (count, sessions))
    return {f"T{place:03}": row for place, row in enumerate(returns)}


def decided(by_ticker):
    return Olmar().at(window_of(by_ticker, 23)).set_index("ticker")


@pytest.mark.parametrize("gap", [0, 11, 22])
def test_a_ticker_without_the_whole_window_changes_nothing_for_the_others(gap):
    by_ticker = random_returns(40)
    newcomer = np.where(np.arange(23) <= gap, NEW, 0.01)
    among = decided(dict(sorted({**by_ticker, "T0205": newcomer}.items())))
    pd.testing.assert_frame_equal(among.drop("T0205"), decided(by_ticker), check_exact=True)
    told = among.loc["T0205"].tolist()
    assert told[:2] == [0, 0.0]
    assert np.isnan(told[2])


@given(
    returns=arrays(
        float, st.tuples(st.just(23), st.integers(1, 8)), elements=st.floats(-0.875, 3, width=32)
    )
)
def test_the_weights_are_a_portfolio(returns):
    """Also where prices stood still, or all moved alike up to rounding."""
    told = decided({f"T{place}": column for place, column in enumerate(returns.T)})
    assert told["strength"].between(0, 1).all()
    assert told["strength"].sum() == pytest.approx(1, abs=ROUNDING)


@given(
    move=st.floats(-0.2, 0.2),
    count=st.integers(1, 9),
    currency=st.floats(0.9, 1.1, allow_nan=False),
)
def test_where_all_move_alike_nothing_is_traded(move, count, currency):
    move = (1 + move) * currency - 1
    told = decided({f"T{place}": [move] * 23 for place in range(count)})
    assert told["strength"].tolist() == [1 / count] * count


def test_signal_strength_holds_the_weights_as_they_are():
    by_ticker = random_returns(400, seed=3)
    held = decided(by_ticker).query("signal == 1")["strength"]
    assert len(held) > 1
    chosen = candidates_of({name: by_ticker[name] for name in held.index}, strength=held)
    assert SignalStrength().weigh(chosen).to_dict() == pytest.approx(held.to_dict(), abs=ROUNDING)


class TestAgainstAnotherImplementation:
    """The package universal-portfolios on the 36 NYSE stocks it ships, from 1962 on.

    Its row of a session holds the weights decided the session before; ours those decided on it.
    """

    SESSIONS = 400
    TOLERANCE = 1e-9

    @pytest.fixture(scope="class")
    def prices(self):
        from universal.tools import dataset

        prices = dataset("nyse_o").iloc[: self.SESSIONS + 1]
        return prices / prices.iloc[0]

    @pytest.fixture(scope="class")
    def returns(self, prices):
        return {name: column.to_numpy() for name, column in prices.pct_change().items()}

    def theirs(self, prices, **start):
        from universal.algos.olmar import OLMAR

        return OLMAR(window=5, eps=10).weights(prices, log_progress=False, **start).to_numpy()

    def ours(self, returns, sessions, lookback_of):
        decided = []
        for session in sessions:
            lookback = lookback_of(session)
            since = session + 1 - lookback
            window = window_of({name: row[since : session + 1] for name, row in returns.items()})
            decided.append(Olmar(lookback=lookback).compute(window).strength)
        return np.array(decided)

    def test_the_weights_agree_once_the_start_is_forgotten(self, prices, returns):
        """Though it starts otherwise: it trades on the last price until it has an average."""
        sessions = np.arange(23, self.SESSIONS)
        ours = self.ours(returns, sessions, lambda _: 23)
        np.testing.assert_allclose(
            ours, self.theirs(prices)[sessions + 1], rtol=0, atol=self.TOLERANCE
        )

    def test_they_agree_from_the_start_where_both_start_alike(self, prices, returns):
        """Equal weights until the first average; our burn-in reaches back to it."""
        sessions = np.array([*range(5, 30), *range(30, self.SESSIONS, 23)])
        ours = self.ours(returns, sessions, lambda session: session - 1)
        theirs = self.theirs(prices, min_history=5)[sessions + 1]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=self.TOLERANCE)


def test_on_real_prices_a_longer_burn_in_gives_the_same_weights(market_data_folder):
    """Restarting from equal weights is as good as never having started."""
    bars = pd.read_parquet(
        market_data_folder / "us_members_ohlcv_2013_2018.parquet",
        columns=["ticker", "date", "close"],
    ).drop_duplicates(["ticker", "date"])
    closes = bars.pivot(index="date", columns="ticker", values="close").dropna(thresh=400)
    returns = closes.astype(float).pct_change(fill_method=None)
    for end in range(61, len(returns), 30):
        listed = returns.iloc[end - 60 : end].dropna(axis=1)
        longer = Olmar(lookback=60).compute(window_of(dict(listed.items())))
        shorter = Olmar().compute(window_of(dict(listed.iloc[-23:].items())))
        np.testing.assert_allclose(shorter.strength, longer.strength, rtol=0, atol=1e-9)
        assert len(longer.strength) > 400
