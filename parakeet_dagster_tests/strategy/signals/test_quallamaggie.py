"""The breakout: a chart drawn by hand, one rule broken at a time, then many charts at random."""

from math import ceil

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import weekdays
from strategy.signals.base import Split
from strategy.signals.quallamaggie import Quallamaggie, _growth
from strategy.window import Window

SMALL = Quallamaggie(
    lookback=20,
    momentum=(4, 8),
    leaders=0.25,
    base=3,
    trend=6,
    contraction=0.5,
    near=0.05,
    surge=1.5,
    trailing=3,
    places=2,
)
"""Of four tickers one leads. The burn-in is 12 sessions."""

BEFORE = [100.0] * 16 + [102.0, 104.0, 106.0, 108.0, 110.0, 112.0, 114.0, 116.0, 118.0, 120.0]
BASE = [119.5, 119.0, 119.5]
BREAKOUT = len(BEFORE + BASE)
LEADER = [*BEFORE, *BASE, 124.0, 127.0, 130.0, 133.0, 128.0, 126.0, 124.0]
LENGTH = len(LEADER)
HELD = list(range(BREAKOUT, BREAKOUT + 4))
"""Until 128 closes under (130 + 133 + 128) / 3 = 130.3."""


def closes_with(replaced):
    """The leader's closes but for some, by their distance from the breakout."""
    closes = list(LEADER)
    for distance, close in replaced.items():
        closes[BREAKOUT + distance] = close
    return closes


def chart(closes, *changes):
    """A ticker's fields: high and low 0.2 % off the close, and twice the volume on the breakout.

    ``changes`` are (field, distance from the breakout, value).
    """
    fields = {
        "return_local": np.array([np.nan, *(np.array(closes[1:]) / closes[:-1] - 1)]),
        "high_ratio": np.full(len(closes), 1.002),
        "low_ratio": np.full(len(closes), 0.998),
        "value_traded_aud": np.where(np.arange(len(closes)) == BREAKOUT, 2e6, 1e6),
        "traded": np.full(len(closes), fill_value=True),
    }
    for field, distance, value in changes:
        fields[field][BREAKOUT + distance] = value
    return fields


def halt(*distances):
    """Sessions without trade; the close must be that of the session before."""
    empty = {"traded": False, "value_traded_aud": 0.0, "high_ratio": 1.0, "low_ratio": 1.0}
    return [(field, distance, value) for distance in distances for field, value in empty.items()]


def listed_after(distance, fields):
    """The same ticker, with no return up to a session."""
    known = np.arange(len(fields["return_local"])) > BREAKOUT + distance
    return {**fields, "return_local": np.where(known, fields["return_local"], np.nan)}


STILL = {name: chart([100.0] * LENGTH) for name in "XYZ"}


def signals_at(charts, session, signal=SMALL):
    rows = slice(session + 1 - signal.lookback, session + 1)
    fields = {
        field: np.column_stack([one[field][rows] for one in charts.values()])
        for field in Quallamaggie.fields
    }
    sessions, tickers = weekdays("2022-01-03", session + 1)[rows], pd.Index(list(charts))
    return signal.at(Window(sessions, tickers, fields, signal.lookback)).set_index("ticker")


def sessions_held(charts, signal=SMALL):
    """The sessions on which A is held, of those that have a whole window."""
    sessions = range(signal.lookback, len(charts["A"]["traded"]))
    return [day for day in sessions if signals_at(charts, day, signal).loc["A", "signal"] == 1]


def test_a_leader_is_held_from_its_breakout_until_it_closes_under_its_average():
    """The base's highest high is 119.5 x 1.002 = 119.74, and 124 closes above it."""
    assert sessions_held({"A": chart(LEADER), **STILL}) == HELD


def test_the_score_is_the_return_over_the_longest_look_back():
    signals = signals_at({"A": chart(LEADER), **STILL}, BREAKOUT)
    assert signals.loc["A"].tolist() == [1, 1.0, pytest.approx(124 / 112 - 1)]
    assert signals.loc["X"].tolist() == [0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("replaced", "changes"),
    [
        pytest.param({}, [("value_traded_aud", 0, 1.5e6)], id="1.5 x the usual volume"),
        pytest.param(
            {-6: 114.0, -5: 114.0},
            [*halt(-6, -5), ("value_traded_aud", 0, 1.45e6)],
            id="halts do not make the usual volume less",
        ),
        pytest.param({0: 119.7}, [], id="not above the base's high"),
        pytest.param({}, [("high_ratio", -1, 1.04)], id="not above the high of a session"),
        # 119.74 / 116.27 - 1 = 3.0 %; the trend's 120.24 / 115.77 - 1 = 3.9 %
        pytest.param({-2: 116.5}, [], id="a wide base"),
        pytest.param({}, [("low_ratio", -2, 0.975)], id="a base as wide within a session"),
        pytest.param({-2: 119.5}, halt(-2, -1), id="a halt is no base"),
        pytest.param({}, [("high_ratio", -5, 1.12)], id="124 is 6 % below 118 x 1.12"),
        # (125.5 + 125 + 124.5 + 119.5 + 119 + 119.5) / 6 = 122.2
        pytest.param({-6: 125.5, -5: 125.0, -4: 124.5, 0: 121.7}, [], id="under the trend's mean"),
        pytest.param({0: 119.5}, halt(0), id="no trade on the session"),
    ],
)
def test_what_is_no_breakout(replaced, changes):
    assert sessions_held({"A": chart(closes_with(replaced), *changes), **STILL}) == []


@pytest.mark.parametrize(
    ("replaced", "changes"),
    [
        pytest.param({}, [("value_traded_aud", 0, 1.51e6)], id="just more than 1.5 x the volume"),
        pytest.param(
            {-6: 114.0, -5: 114.0},
            [*halt(-6, -5), ("value_traded_aud", 0, 1.51e6)],
            id="nor more",
        ),
        pytest.param({0: 119.8}, [], id="just above the base's high"),
        pytest.param({-2: 117.9}, [], id="a base just half as wide as the trend"),
        pytest.param({-2: 119.5}, halt(-2), id="one session of the base without trade"),
        pytest.param({}, [("high_ratio", -5, 1.105)], id="124 is 4.9 % below 118 x 1.105"),
        pytest.param({-6: 125.5, -5: 125.0, -4: 124.5, 0: 122.3}, [], id="above the trend's mean"),
    ],
)
def test_what_still_is_one(replaced, changes):
    assert sessions_held({"A": chart(closes_with(replaced), *changes), **STILL}) == HELD


@pytest.mark.parametrize(
    ("after", "changes", "count"),
    [
        pytest.param([124.0] * 7, [], 7, id="a close on the average is no exit"),
        pytest.param([127, 133, 131.5, 131.5, 134, 136], [], 4, id="131.5 is under 132"),
        pytest.param([127, 133, 131.5, 131.5, 134, 136], halt(4), 7, id="but it did not trade"),
        pytest.param([123.0, 127, 130, 133, 136, 139], [], 7, id="123 is above (119.5+124+123)/3"),
        pytest.param([121.0, 127, 130, 133, 136, 139], [], 1, id="121 is not, and out it stays"),
    ],
)
def test_when_it_is_sold(after, changes, count):
    closes = [*LEADER[: BREAKOUT + 1], *after][:LENGTH]
    held = sessions_held({"A": chart(closes, *changes), **STILL})
    assert held == list(range(BREAKOUT, BREAKOUT + count))


def test_without_another_breakout_it_is_held_as_long_as_the_burn_in():
    """It rises for ever, on no volume."""
    rising = [*LEADER[:BREAKOUT], *np.linspace(124, 160, 20)]
    charts = {"A": chart(rising), **{name: chart([100.0] * len(rising)) for name in "XYZ"}}
    assert SMALL.burn_in == 12
    assert sessions_held(charts) == list(range(BREAKOUT, BREAKOUT + 12))


@pytest.mark.parametrize(
    ("other", "leaders", "held"),
    [
        pytest.param(np.geomspace(100, 1000, LENGTH), 0.25, [], id="another leads"),
        pytest.param(np.geomspace(100, 1000, LENGTH), 0.5, HELD, id="two lead"),
        pytest.param(np.geomspace(100, 1000, LENGTH), 0.26, HELD, id="parts are rounded up"),
        # it rises by 8 % in 8 sessions and 4 % in 4, the leader by 11 % and 3 %
        pytest.param(100 * 1.01 ** np.arange(LENGTH), 0.25, HELD, id="one look-back is enough"),
    ],
)
def test_only_leaders_are_bought(other, leaders, held):
    signal = SMALL.model_copy(update={"leaders": leaders})
    charts = {"A": chart(LEADER), **STILL, "X": chart(list(other))}
    assert sessions_held(charts, signal) == held


def test_a_ticker_without_the_whole_window_is_out():
    """20 sessions after its listing it is what it would be, had it been there before."""
    whole = chart(LEADER)
    last = HELD[-1] - BREAKOUT
    assert sessions_held({"A": listed_after(last - 19, whole), **STILL}) == []
    assert sessions_held({"A": listed_after(last - 20, whole), **STILL}) == HELD[-1:]
    signals = signals_at({"A": listed_after(last - 19, whole), **STILL}, HELD[-1])
    assert signals.loc["A"].tolist() == [0, 0.0, pytest.approx(np.nan, nan_ok=True)]


@pytest.mark.parametrize("distance", [-19, -5, 0])
@pytest.mark.parametrize(
    ("steep", "signal_of_a"),
    [
        pytest.param("N", 1, id="it takes no leader's place"),
        pytest.param("X", 0, id="it makes no place for a second leader of five"),
    ],
)
def test_and_changes_nothing_for_the_others(steep, signal_of_a, distance):
    charts = {"A": chart(LEADER), "N": chart([100.0] * LENGTH), **STILL}
    charts[steep] = chart(list(np.geomspace(100, 1000, LENGTH)))
    charts["N"] = listed_after(distance, charts["N"])
    among = signals_at(charts, BREAKOUT)
    without = signals_at({name: one for name, one in charts.items() if name != "N"}, BREAKOUT)
    pd.testing.assert_frame_equal(among.drop("N"), without, check_exact=True)
    assert without.loc["A", "signal"] == signal_of_a


def test_the_best_get_the_places_and_each_place_is_worth_the_same():
    signal = SMALL.model_copy(update={"leaders": 1.0})
    closes = {"A": 126.0, "B": 124.0, "C": 125.0}
    charts = {name: chart(closes_with({0: close})) for name, close in closes.items()}
    of_three = signals_at(charts, BREAKOUT, signal)
    assert of_three["strength"].to_dict() == {"A": 1.0, "B": 0.0, "C": 1.0}
    assert signal.split(of_three.reset_index()) == Split(("A", "C"), 1.0)
    of_one = signals_at({"A": chart(LEADER), **STILL}, BREAKOUT).reset_index()
    assert SMALL.split(of_one) == Split(("A",), 0.5)
    assert SMALL.split(of_one[of_one["ticker"] != "A"]) == Split((), 0.0)


def test_without_a_ticker_nothing_is_held():
    empty = {field: np.empty((20, 0)) for field in Quallamaggie.fields}
    empty["traded"] = empty["traded"].astype(bool)
    window = Window(weekdays("2022-01-03", 20), pd.Index([], dtype="str"), empty, 20)
    assert SMALL.at(window).empty


def test_nothing_is_held_while_history_is_too_short():
    charts = {"A": chart(LEADER[BREAKOUT - 10 :]), **STILL}
    fields = {
        field: np.column_stack([one[field][-10:] for one in charts.values()])
        for field in Quallamaggie.fields
    }
    signals = SMALL.at(Window(weekdays("2022-01-03", 10), pd.Index(list(charts)), fields, 20))
    assert signals["signal"].tolist() == [0] * 4
    assert signals["score"].isna().all()


def held_by_the_rules(signal, window):
    """Session by session and ticker by ticker, as one would read a chart."""
    path = np.cumprod(1 + window["return_local"], axis=0)
    high, low = path * window["high_ratio"], path * window["low_ratio"]
    value, traded = window["value_traded_aud"], window["traded"]
    known = np.flatnonzero(~np.isnan(path[-1]))
    held = []
    for ticker in known:
        is_held = False
        for day in range(signal.lookback - signal.burn_in, signal.lookback):
            close = path[day, ticker]
            base, trend = slice(day - signal.base, day), slice(day - signal.trend, day)
            width = high[base, ticker].max() / low[base, ticker].min() - 1
            width_of_trend = high[trend, ticker].max() / low[trend, ticker].min() - 1
            usual = value[trend, ticker][traded[trend, ticker]].mean()
            growth = {n: path[day] / path[day - n] for n in signal.momentum}
            places = ceil(signal.leaders * len(known))
            enters = (
                traded[day, ticker]
                and any((g[known] > g[ticker]).sum() < places for g in growth.values())
                and width <= signal.contraction * width_of_trend
                and traded[base, ticker].mean() >= 0.5
                and close >= (1 - signal.near) * high[trend, ticker].max()
                and close > path[trend, ticker].mean()
                and close > high[base, ticker].max()
                and value[day, ticker] > signal.surge * usual
            )
            average = path[day - signal.trailing + 1 : day + 1, ticker].mean()
            exits = traded[day, ticker] and close < average
            is_held = (is_held or enters) and not exits
        if is_held:
            held.append(window.tickers[ticker])
    return held


def random_window(seed, lookback, count=12):
    random = np.random.default_rng(seed)
    shape = (lookback, count)
    traded = random.random(shape) > 0.15
    returns = np.where(traded, random.normal(0.004, 0.02, shape), 0.0)
    returns[: lookback // 2, 0] = np.nan
    fields = {
        "return_local": returns,
        "high_ratio": np.where(traded, 1 + random.exponential(0.004, shape), 1.0),
        "low_ratio": np.where(traded, 1 - random.exponential(0.004, shape), 1.0),
        "value_traded_aud": np.where(traded, random.lognormal(15, 0.7, shape), 0.0),
        "traded": traded,
    }
    tickers = pd.Index([f"T{place:02}" for place in range(count)], dtype="str")
    return Window(weekdays("2022-01-03", lookback), tickers, fields, lookback)


@pytest.mark.parametrize(
    "parameters",
    [
        {"lookback": 60, "momentum": (10, 20), "leaders": 0.4, "base": 5, "trend": 13},
        {"lookback": 60, "momentum": (7,), "leaders": 0.2, "base": 1, "trend": 9, "trailing": 4},
        {"lookback": 80, "momentum": (30, 5), "base": 8, "trend": 40, "trailing": 16},
    ],
)
def test_a_window_at_once_is_what_the_rules_say_one_by_one(parameters):
    loose = {"leaders": 0.5, "contraction": 0.9, "near": 0.1, "surge": 1.2, "places": 99}
    signal = Quallamaggie(**loose | parameters)
    counts = []
    for seed in range(12):
        window = random_window(seed, signal.lookback)
        signals = signal.at(window)
        expected = held_by_the_rules(signal, window)
        assert signals.loc[signals["signal"] == 1, "ticker"].tolist() == expected
        counts.append(len(expected))
    assert sum(counts) > 12


def test_on_real_prices_a_longer_burn_in_changes_few_positions(market_data_folder):
    """Nearly all positions end by themselves before the default burn-in ends them."""
    bars = pd.read_parquet(market_data_folder / "us_members_ohlcv_2013_2018.parquet")
    bars = bars.drop_duplicates(["ticker", "date"]).astype({"close": float})
    wide = bars.pivot(index="date", columns="ticker", values=["close", "high", "low", "volume"])
    close = wide["close"].dropna(thresh=400)
    high, low, volume = (wide.loc[close.index, name] for name in ("high", "low", "volume"))
    fields = {
        "return_local": close.pct_change(fill_method=None),
        "high_ratio": high / close,
        "low_ratio": low / close,
        "value_traded_aud": close * volume,
        "traded": close.notna(),
    }
    kept = differing = 0
    for end in range(253, len(close), 50):
        whole = close.columns[close.iloc[end - 253 : end].notna().all()]
        held = {}
        for lookback in (168, 252):
            cut = {
                name: field.iloc[end - lookback : end][whole].to_numpy()
                for name, field in fields.items()
            }
            window = Window(close.index[end - lookback : end], whole, cut, lookback)
            held[lookback] = Quallamaggie(lookback=lookback, places=500).compute(window).signal
        kept += held[252].sum()
        differing += (held[168] != held[252]).sum()
    assert kept > 200
    assert differing < 0.02 * kept


def test_the_defaults():
    assert Quallamaggie().burn_in == 42
    assert Quallamaggie().momentum == (21, 63, 126)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lookback": 126},
        {"momentum": ()},
        {"momentum": (0,)},
        {"momentum": (168,)},
        {"trend": 200},
        {"trailing": 169},
        {"base": 50},
        {"leaders": 0.0},
        {"near": 1.0},
        {"places": 0},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Quallamaggie(**wrong)


def test_growth_has_the_bits_of_a_running_product():
    returns = np.random.default_rng(3).normal(0, 0.02, (168, 40))
    returns[:50, 7] = np.nan
    kept = returns.copy()
    np.testing.assert_array_equal(_growth(returns), np.cumprod(1 + returns, axis=0))
    np.testing.assert_array_equal(returns, kept)
