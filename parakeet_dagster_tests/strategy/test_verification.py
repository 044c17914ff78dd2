"""What a vendor says otherwise now: a correction, or a vendor's lapse that must change nothing."""

import json

import hypothesis
import pandas as pd
import pytest
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.frames import bars, weekdays
from strategy.keys import is_among
from strategy.rebasing import rescaled
from strategy.reconciliation import COLUMNS, reconcile
from strategy.verification import rebased, vanished, verify

NaN = float("nan")
DAYS = weekdays("2022-03-01", 10)


def rows(*values, ticker="A", first=0):
    """Rows of consecutive sessions; a value is a close, (close, dividend, split) or None."""
    full = [value if isinstance(value, tuple) else (value, 0.0, 1.0) for value in values]
    placed = [(DAYS[first + place], *row) for place, row in enumerate(full) if row[0] is not None]
    return bars((day, ticker, *rest) for day, *rest in placed)


def found_rows(*values, **where):
    return rows(*values, **where)[COLUMNS]


def reasons(stored, found):
    corrections = verify(stored, found)
    assert corrections.columns.tolist() == ["ticker", "date", "reason", "row"]
    return {int(DAYS.get_loc(row["date"])): row["reason"] for row in corrections.to_dict("records")}


BEFORE = (10.0, 11.0, 12.3, 12.4)


@pytest.mark.parametrize(
    ("stored", "found", "expected"),
    [
        pytest.param(BEFORE, BEFORE, {}, id="the same"),
        pytest.param(
            BEFORE, (10, 11, 12.5, 12.4), {2: "close corrected: 12.3 -> 12.5"}, id="a close"
        ),
        pytest.param(BEFORE, (10, 11, 12.3 * (1 + 0.9e-6), 12.4), {}, id="within 1e-6"),
        pytest.param(BEFORE, (10, None, 12.3, 12.4), {}, id="a day that vanished"),
        pytest.param(
            (10, None, 12.3), (10, 11.5, 12.3), {1: "bar came late: close 11.5"}, id="a late bar"
        ),
        pytest.param(
            (10, None, 12.3), (10, (11.5, 0.82, 2), 12.3),
            {1: "bar came late: close 11.5; split listed late: 2; dividend listed late: 0.82"},
            id="a late bar with its actions",
        ),
        pytest.param(
            (10, None, 12.3), (10, (NaN, 0.82, 1), 12.3), {1: "dividend listed late: 0.82"},
            id="an action without a bar",
        ),
        pytest.param(
            (10, (NaN, 0.82, 1), 12.3), (10, (11, 0.82, 1), 12.3), {1: "bar came late: close 11"},
            id="a bar for an action",
        ),
        pytest.param(
            (10, 11), (10, (11, 0.82, 1)), {1: "dividend listed late: 0.82"}, id="late dividend"
        ),
        pytest.param(
            (10, (11, 0.82, 1)), (10, (11, 0.85, 1)), {1: "dividend changed: 0.82 -> 0.85"},
            id="a dividend that changed",
        ),
        pytest.param(
            (10, (11, 0.82, 1)), (10, (11, 0.82 + 1.09e-4, 1)), {}, id="within 1e-5 of the close"
        ),
        pytest.param(
            (10, (11, 0.82, 1)), (10, (11, 0.82 + 1.2e-4, 1)),
            {1: "dividend changed: 0.82 -> 0.82012"}, id="beyond 1e-5 of the close",
        ),
        pytest.param(
            (10, (11, 0.01, 1)), (10, (11, 0.01002, 1)),
            {1: "dividend changed: 0.01 -> 0.01002"}, id="beyond 1e-3 of a small amount",
        ),
        pytest.param(
            (10, (11, 0.82, 1)), (10, 11), {1: "dividend withdrawn: 0.82"}, id="withdrawn"
        ),
        pytest.param(
            (10, (NaN, 0.82, 1), 11), (10, None, 11), {1: "dividend withdrawn: 0.82"},
            id="an action without a bar withdrawn",
        ),
        pytest.param((10, (NaN, 0.82, 1), 11), (10, None, None), {}, id="not with its neighbours"),
        pytest.param((10, (11, 0.82, 1), 12), (10, None, 12), {}, id="nor with its bar"),
        pytest.param(
            (10, (NaN, 0.82, 1), 12), (10, None, (12, 0.82, 1)),
            {1: "dividend withdrawn: 0.82", 2: "dividend listed late: 0.82"}, id="ex-date moved",
        ),
        pytest.param((70, 10), (70, (10, 0, 7)), {1: "split listed late: 7"}, id="late split"),
        pytest.param((70, (10, 0, 7)), (70, 10), {}, id="a split that the vendor lost"),
        pytest.param((70, (NaN, 0, 7), 10), (70, None, 10), {}, id="lost, without a bar"),
        pytest.param(
            (70, (NaN, 0, 7), 10), (70, 10, 10), {1: "bar came late: close 10"}, id="lost, late bar"
        ),
        pytest.param((20, (10, 0, 2)), (20, (10, 0, 1.998)), {}, id="a ratio's rounding"),
        pytest.param(
            (20, (10, 0, 2)), (20, (10, 0, 2.5)), {1: "split changed: 2 -> 2.5"}, id="ratio changed"
        ),
        pytest.param(
            (10, 11, 12), (10, (NaN, 0.5, 1), 12), {1: "dividend listed late: 0.5"},
            id="a stored bar stays where the vendor has an action alone",
        ),
        pytest.param((), (10,), {0: "bar came late: close 10"}, id="nothing stored"),
        pytest.param((10,), (), {}, id="nothing found"),
        pytest.param((), (), {}, id="nothing at all"),
    ],
)  # fmt: skip
def test_what_is_a_correction_and_why(stored, found, expected):
    assert reasons(rows(*stored), found_rows(*found)) == expected


def test_other_prices_are_compared_volume_is_not():
    stored = rows(10.0, 11.0)
    found = stored.assign(volume=[5, 7], high=[10.2, 11.0], low=[9.9, 11.0])
    assert reasons(stored, found) == {0: "high corrected: 10 -> 10.2"}


def test_a_mark_that_changed_is_a_correction():
    found = rows(10.0, 6.0).assign(data_quality=["good", "suspect"])
    assert reasons(rows(10.0, 6.0), found) == {1: "mark changed: good -> suspect"}
    dividend = rows(10.0, (6.0, 4.0, 1.0))
    assert reasons(found, dividend) == {1: "dividend listed late: 4; mark changed: suspect -> good"}


TEXTS = """\
{"open":12.5,"high":12.5,"low":12.5,"close":12.5,"dividend":0.0,"split_ratio":1.0,"data_quality":"good"}
{"open":12.4,"high":12.4,"low":12.4,"close":12.4,"dividend":0.82,"split_ratio":2.0,"data_quality":"good"}
{"open":null,"high":null,"low":null,"close":null,"dividend":0.5,"split_ratio":1.0,"data_quality":"good"}
""".splitlines()


def test_the_row_is_what_is_to_be_stored_and_the_same_value_is_the_same_text():
    found = found_rows(12.5, (12.4, 0.82, 2.0), (NaN, 0.5, 1.0))
    corrections = verify(rows(12.3), found)
    assert corrections["row"].tolist() == TEXTS
    noise = found.assign(close=found["close"] * (1 + 1e-12), volume=99)[::-1]
    assert verify(rows(12.3), noise)["row"].tolist() == corrections["row"].tolist()


def test_a_withdrawn_dividend_leaves_nothing():
    (row,) = verify(rows(10, (NaN, 0.82, 1), 11), found_rows(10, None, 11))["row"]
    assert json.loads(row) == {
        **dict.fromkeys(["open", "high", "low", "close"]),
        "dividend": 0.0,
        "split_ratio": 1.0,
        "data_quality": "good",
    }


def test_stored_bars_that_vanished_are_listed():
    stored = pd.concat([rows(10, 11, (NaN, 0.5, 1), 12), rows(5, 6, ticker="B")])
    found = pd.concat([found_rows(10, (NaN, 0, 2), None, 12), found_rows(None, 6, ticker="B")])
    lost = vanished(stored, found)
    assert lost[["ticker", "date", "close"]].values.tolist() == [
        ["A", DAYS[1], 11],
        ["B", DAYS[0], 5],
    ]
    assert lost.columns.tolist() == stored.columns.tolist()


SEVENTH = (100.0, 101.0, 102.0)
WHOLE = (700.0, 707.0, 714.0)


@pytest.mark.parametrize(
    ("stored", "found", "expected", "tickers"),
    [
        pytest.param(WHOLE, (*SEVENTH, 103), {}, {"A"},
                     id="re-based, the split is not listed"),
        pytest.param(WHOLE, (*WHOLE, (103, 0, 7)),
                     {3: "bar came late: close 103; split listed late: 7"}, set(),
                     id="listed: the recipe undoes it"),
        pytest.param((*SEVENTH, 103), (*WHOLE, (103, 0, 7)),
                     {0: "prices re-based", 1: "prices re-based", 2: "prices re-based",
                      3: "split listed late: 7"}, set(), id="stored too low, listed now"),
        pytest.param((700, 707, (102, 0, 7), 103), (100, 101, 102, 103), {}, set(),
                     id="the vendor lost the split"),
        pytest.param((700, 707, 102, 103), (100, 101, 102, 103), {}, set(),
                     id="re-based, the jump is stored, no split listed"),
        pytest.param(WHOLE, (1400, 1414, 1428), {}, {"A"}, id="a reverse split, not listed"),
        pytest.param((700,), (100,), {}, {"A"}, id="one bar is enough at a plausible ratio"),
        pytest.param((700,), (620,), {0: "close corrected: 700 -> 620"}, set(),
                     id="one bar at another ratio"),
        pytest.param(WHOLE, (700 / 1.281, 707 / 1.281, 714 / 1.281), {}, {"A"},
                     id="any factor that lasts, as for a spin-off"),
        pytest.param(WHOLE, (700, 101, 714), {1: "close corrected: 707 -> 101"}, set(),
                     id="one bar among others that agree"),
        pytest.param((700, 707, 1000, 1001, 1002), (700, 707, 10, 10.01, 10.02),
                     {place: f"close corrected: {1000 + place - 2} -> {10 + (place - 2) / 100:g}"
                      for place in (2, 3, 4)}, set(), id="x100 that is corrected"),
        pytest.param((1.998 * 5, 1.998 * 6, (6.1, 0, 1.998)), (10, 12, (6.1, 0, 2)), {}, set(),
                     id="the rounding of a ratio"),
        pytest.param((10, 11), (10.02, 11), {0: "close corrected: 10 -> 10.02"}, set(),
                     id="a small change of one bar is rounding only where all its prices move"),
        pytest.param((1400, 1414, (714, 0, 2), 721), (100, 101, 102, 103), {}, {"A"},
                     id="two splits, both gone, and re-based"),
        pytest.param(WHOLE, (100, 101, (102, 0.5, 1)), {2: "dividend listed late: 0.5"}, {"A"},
                     id="a dividend is listed all the same"),
    ],
)  # fmt: skip
def test_a_history_at_another_level(stored, found, expected, tickers):
    before, now = rows(*stored), found_rows(*found)
    if stored == (10, 11):
        now = now.assign(open=before["open"])
    assert reasons(before, now) == expected
    assert rebased(before, now) == tickers


def test_a_price_corrected_within_a_re_based_history_waits_for_the_split():
    found = found_rows(100, 101.5, 102, 103)
    found.loc[1, "open"] = 99.0
    assert verify(rows(700, 707, 714, 721), found).empty


def test_only_the_re_based_ticker_is_named():
    stored = pd.concat([rows(*WHOLE), rows(*WHOLE, ticker="B"), rows(*WHOLE, ticker="C")])
    found = pd.concat([found_rows(*WHOLE), found_rows(*SEVENTH, ticker="B")])
    assert rebased(stored, found) == {"B"}
    assert verify(stored, found).empty


VALUES = st.sampled_from(
    [None, 10.0, 10.5, 5.0, 70.0, (NaN, 0.5, 1.0), (10.0, 0.5, 1.0), (5.0, 0.0, 2.0),
     (10.0, 0.0, 7.0), (NaN, 0.0, 2.0), (5.0, 0.0, 1.998), (9.99, 0.0, 1.0)]
)  # fmt: skip
HISTORY = st.lists(VALUES, max_size=8)


def corrected(stored, corrections):
    """What is stored once every correction is applied; a row without anything in it goes."""
    anew = [json.loads(row) for row in corrections["row"]]
    changed = bars(
        (date, ticker, row["close"], row["dividend"], row["split_ratio"])
        for ticker, date, row in zip(corrections["ticker"], corrections["date"], anew, strict=True)
    )
    left = stored[~is_among(stored, changed)]
    rows = pd.concat([left, changed], ignore_index=True)
    nothing = rows["close"].isna() & (rows["dividend"] == 0) & (rows["split_ratio"] == 1)
    return rows[~nothing]


@hypothesis.settings(max_examples=10)
@hypothesis.given(stored=HISTORY, found=HISTORY)
def test_corrections_come_to_an_end_and_lose_nothing(stored, found):
    """Two rounds at most: a bar that came late may show that another's price is no rounding."""
    before, now = rows(*stored), found_rows(*found)
    once = corrected(before, verify(before, now))
    after = corrected(once, verify(once, now))
    assert verify(after, now).empty
    both = before.merge(after, on=["ticker", "date"], how="left", suffixes=("", "_after"))
    assert both.loc[both["close"].notna(), "close_after"].notna().all()
    assert (both.loc[both["split_ratio"] != 1, "split_ratio_after"] != 1).all()


@hypothesis.settings(max_examples=10)
@hypothesis.given(stored=HISTORY, found=HISTORY)
def test_reconciled_twice_is_reconciled(stored, found):
    before, now = rows(*stored), found_rows(*found)
    once = reconcile(before, now, rescaled(before, now))
    twice = reconcile(before, once[COLUMNS], rescaled(before, once))
    pd.testing.assert_frame_equal(once[COLUMNS], twice[COLUMNS])
