"""Jumps that hold and jumps that do not, by hand and on real prices."""

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.frames import bars, weekdays
from strategy.moves import judge_moves, large_moves, stale_repeats, without_prices
from strategy.price_rules import PRICES, broken_rule

NaN = float("nan")


def rows(closes, ticker="A", actions=None):
    """Bars of consecutive sessions; ``actions``: position -> (dividend, split ratio)."""
    sessions = weekdays("2022-03-01", len(closes))
    acts = actions or {}
    frame = bars(
        (day, ticker, close, *acts.get(place, (0.0, 1.0)))
        for place, (day, close) in enumerate(zip(sessions, closes, strict=True))
    )
    return frame.assign(volume=range(1, len(frame) + 1))


def judged(frame, trusted=()):
    exempt = pd.Series(frame.index.isin(trusted), index=frame.index)
    return judge_moves(frame, exempt)


def shown(closes, actions=None, trusted=()):
    """A letter per bar: m(ove), x(100), s(uspect), or a dot."""
    found = judged(rows(closes, actions=actions), trusted)
    letters = np.where(found["suspect"], "s", ".")
    return "".join(np.where(found["rule"] == "", letters, found["rule"].str[:1]))


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        pytest.param([10, 10.1, 9.9], "...", id="nothing happens"),
        pytest.param([10, 5, 10], ".m.", id="a spike down; the day it ends is clean, though last"),
        pytest.param([10, 20, 10.2, 10], ".m..", id="a spike up"),
        pytest.param([10, 5], ".m", id="the last bar waits for a second one"),
        pytest.param([10, 5, 5.1], ".s.", id="a halving that holds"),
        pytest.param([10, 5, 3.6], ".s.", id="held: log(3.6/5) is below half of log(2)"),
        pytest.param([10, 5, 3.4, 3.4], ".ms.", id="not held: log(3.4/5) is beyond; 10 -> 3.4 is"),
        pytest.param([10, 6, 6], ".s.", id="-40 % is no split: suspect at once, the next clean"),
        pytest.param([10, 6], ".s", id="-40 % on the last day"),
        pytest.param([10, 7.06], "..", id="-29.4 %"),
        pytest.param([10, 7.04], ".s", id="-29.6 %"),
        pytest.param([10, 14.18], "..", id="+41.8 %"),
        pytest.param([10, 14.2], ".s", id="+42 %"),
        pytest.param([10, 15.4], ".m", id="3 % beside 3:2"),
        pytest.param([10, 15.5], ".s", id="more than 3 % beside 3:2"),
        pytest.param([10, 9, 18, 4.5, 4.5], "..ms.", id="a spike, then a halving that holds"),
        pytest.param([10, 5, 20, 20, 20], ".ms..", id="a jump on the day after a spike"),
        pytest.param([10, 5, 20, 10], ".mm.", id="a spike down, then a spike up"),
        pytest.param([10, 5, 10, 20, 10], ".m.m.", id="two spikes"),
        pytest.param([10, 5, 5, 10], ".s.m", id="two days hold; the way back waits in its turn"),
        pytest.param([10, 5, 5, 10, 10], ".s.s.", id="and is confirmed"),
        pytest.param([1, 7, 1], ".m.", id="x7"),
        pytest.param([1, 9, 9], ".s.", id="x9 is no split"),
        pytest.param([10, 1000], ".x", id="x100 on the last day"),
        pytest.param([10, 1000, 10], ".x.", id="x100 for a day"),
        pytest.param([10, 1000, 1010, 990, 10, 10], ".xxx..", id="x100 for three days"),
        pytest.param([10, 1000, 1000, 1000, 1000, 1000], ".xxxxx", id="five bars are too few"),
        pytest.param([10, *[1000] * 6], ".s.....", id="six are believed"),
        pytest.param([10, *[1000] * 5, 10], ".xxxxx.", id="five, then back"),
        pytest.param([10, *[0.1] * 3, 10], ".xxx.", id="a hundredth"),
        pytest.param([10, 1090, 10], ".x.", id="x109"),
        pytest.param([10, 1120, 10], ".ss", id="x112 is no factor of a hundred"),
        pytest.param([10, 1000, 10, 1000, 10], ".x.x.", id="x100 every other day"),
        pytest.param([10, 1000, 5, 5], ".xs.", id="a halving on the day x100 ends"),
        pytest.param([10, 1000, 500, 5, 5], ".xxs.", id="a halving while it is x100"),
        pytest.param([10], ".", id="a first bar"),
        pytest.param([10, NaN, 5, 5], "..s.", id="an action without a bar between"),
    ],
)
def test_a_jump_counts_when_later_bars_hold_it(closes, expected):
    assert shown(closes) == expected


@pytest.mark.parametrize(
    ("closes", "actions", "expected"),
    [
        pytest.param([10, 5], {1: (0, 2)}, "..", id="a listed split is no jump"),
        pytest.param([10, 5, 10], {1: (0, 2)}, "..m", id="the next day is judged from there"),
        pytest.param([10, 6], {1: (4, 1)}, "..", id="nor is a special dividend of 40 %"),
        pytest.param([10, 10, 5], {1: (0, 2)}, ".m.", id="a split listed too early"),
        pytest.param([10, NaN, 5], {1: (0, 2)}, "...", id="a split whose ex-date has no bar"),
        pytest.param([10, 500, 5], {1: (0, 2)}, ".x.", id="x100 on the day of a split"),
        pytest.param([10, 1000, 500, 5], {2: (0, 2)}, ".xx.", id="a split during x100"),
        pytest.param([10, 1000, 6], {1: (4, 1)}, ".x.", id="the dividend of a refused bar"),
        pytest.param([10, 5, 4], {2: (6, 1)}, ".m.", id="a dividend as a spike ends"),
    ],
)  # fmt: skip
def test_actions_count_and_those_of_refused_bars_too(closes, actions, expected):
    assert shown(closes, actions) == expected


def test_a_trusted_bar_is_never_refused_and_those_after_it_are_judged_from_it():
    assert shown([10, 5], trusted=[1]) == ".s"
    assert shown([10, 5, 5], trusted=[1]) == ".s."
    assert shown([10, 5, 10], trusted=[1]) == ".sm"
    assert shown([10, 5, 10, 10], trusted=[1]) == ".ss."
    assert shown([10, 1000, 1000], trusted=[2]) == ".xs"


def test_only_a_jump_that_later_bars_hold_is_confirmed():
    found = judged(rows([10, 5, 5, 3, 3, 6]))
    assert found["rule"].tolist() == ["", "", "", "", "", "move"]
    assert found["suspect"].tolist() == [False, True, False, True, False, False]
    assert found["confirmed"].tolist() == [False, True, False, False, False, False]


def test_tickers_beside_each_other_are_judged_by_themselves():
    """The last bar of one and the first of the next make no jump, and confirm none."""
    frame = pd.concat(
        [rows([10, 10, 5], "A"), rows([5, 5, 500], "B"), rows([500, 500], "C")], ignore_index=True
    )
    assert judged(frame)["rule"].tolist() == ["", "", "move", "", "", "x100", "", ""]


def test_a_stale_repeat_is_suspect():
    closes = [10.0, 10.0, 10.0, 10.0, 10.0, 11.0, NaN, 11.0]
    frame = rows(closes).assign(volume=[5, 5, 6, 0, 0, 7, 0, 7])
    frame.loc[2, "open"] = 9.0
    assert judged(frame)["suspect"].tolist() == [False, True, *[False] * 5, True]
    beside = pd.concat([frame[:1], frame[1:2].assign(ticker="B")])
    assert not judged(beside)["suspect"].any()


def test_a_repeat_is_measured_by_the_bar_before_that_was_not_refused():
    frame = rows([10.0, 5.0, 10.0]).assign(volume=7)
    found = judged(frame)
    assert found["rule"].tolist() == ["", "move", ""]
    assert found["suspect"].tolist() == [False, False, True]


def test_no_rows_are_no_verdicts():
    found = judged(rows([10.0])[:0])
    assert found.empty
    assert found.columns.tolist() == ["rule", "suspect", "confirmed"]


LEVELS = st.lists(st.sampled_from([10, 10.2, 5, 20, 1000, 990, 6, 3.4, 500, NaN]), max_size=14)
SPLITS = st.dictionaries(
    st.integers(0, 13), st.sampled_from([(0.0, 2.0), (5.0, 1.0), (1.0, 0.01)]), max_size=3
)


@hypothesis.settings(max_examples=10)
@hypothesis.given(one=LEVELS, other=LEVELS, actions=SPLITS)
def test_a_ticker_s_verdicts_depend_on_no_other_ticker(one, other, actions):
    first, second = rows(one, "A", actions), rows(other, "B", actions)
    together = judged(pd.concat([first, second], ignore_index=True))
    apart = pd.concat([judged(first), judged(second)], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart)


def one_by_one(closes):
    """The rule in plain steps: compare with the last bar that was not refused."""
    verdicts, last, place = [""] * len(closes), None, 0
    while place < len(closes):
        move = 0.0 if last is None else abs(np.log(closes[place] / last))
        is_split = min(abs(move - np.log([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50])))
        rule = "move" if is_split <= 0.03 else "x100" if abs(move - np.log(100)) <= 0.1 else ""
        held = 0
        for later in closes[place + 1 : place + 6]:
            if abs(np.log(later / closes[place])) >= move / 2:
                break
            held += 1
        if rule and held < {"move": 1, "x100": 5}[rule]:
            refused = 1 + held if rule == "x100" else 1
            verdicts[place : place + refused] = [rule] * refused
            place += refused
        else:
            last = closes[place]
            place += 1
    return verdicts


@hypothesis.settings(max_examples=15)
@hypothesis.given(st.lists(LEVELS.map(lambda all_of: [one for one in all_of if one == one])))
def test_all_at_once_equals_one_by_one(by_ticker):
    frames = [rows(closes, f"T{place:03}") for place, closes in enumerate(by_ticker)]
    found = judged(pd.concat([rows([1.0], "A"), *frames], ignore_index=True))
    expected = [rule for closes in by_ticker for rule in one_by_one(closes)]
    assert found["rule"].tolist() == ["", *expected]


@hypothesis.settings(max_examples=15)
@hypothesis.given(LEVELS, st.integers(0, 13))
def test_a_frame_that_starts_at_a_bar_that_stands_gives_the_same_rules_from_there(closes, cut):
    frame = rows(closes)
    whole = judged(frame)
    starts = frame["close"].notna() & (whole["rule"] == "") & (frame.index >= cut)
    if starts.any():
        begin = starts.idxmax()
        later = judged(frame.loc[begin:])
        assert later["rule"].tolist() == whole.loc[begin:, "rule"].tolist()
        assert later["suspect"].tolist()[1:] == whole.loc[begin:, "suspect"].tolist()[1:]


REAL = {"order": 41, "price": 0, "duplicate": 0, "move": 0, "x100": 0, "suspect move": 20,
        "confirmed jump": 9, "suspect repeat": 0}  # fmt: skip


def test_on_real_prices_fewer_than_one_row_in_10_000_is_flagged(market_data_folder):
    """Five years of 640 members: every rule's count. 41 rows break the order of prices."""
    table = pd.read_parquet(market_data_folder / "us_members_ohlcv_2013_2018.parquet")
    table = table.astype({"ticker": "str"} | dict.fromkeys(PRICES, "float64"))
    table = table.assign(dividend=0.0, split_ratio=1.0)
    table = table.sort_values(["ticker", "date"], ignore_index=True)
    broken = broken_rule(table)
    sound = table[broken == ""]
    found = judged(sound)
    left = without_prices(sound, found["rule"] != "")
    counts = {rule: int((broken == rule).sum()) for rule in ("order", "price", "duplicate")}
    counts |= {rule: int((found["rule"] == rule).sum()) for rule in ("move", "x100")}
    counts |= {
        "suspect move": int(large_moves(left).sum()),
        "confirmed jump": int(found["confirmed"].sum()),
        "suspect repeat": int(stale_repeats(left).sum()),
    }
    assert len(table) == 619_626
    assert counts == REAL
    assert (counts["move"] + counts["suspect move"]) / len(table) < 1e-4
