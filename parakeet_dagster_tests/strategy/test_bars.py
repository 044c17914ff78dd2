"""From a vendor's bars to the rows that are stored."""

import json

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import bars, covered_throughout, days, rates
from strategy.bars import Known, find_corrections, sort_bars
from strategy.price_rules import PRICES
from strategy.returns import COLUMNS as RETURN_COLUMNS
from strategy.returns import total_returns

DAY = pd.Timestamp("2022-03-15")
COLUMNS = [
    "date", "ticker", "open", "high", "low", "close", "volume", "dividend", "split_ratio",
]  # fmt: skip


def vendor(*rows):
    """Rows of (ticker, close, dividend)."""
    frame = pd.DataFrame(rows, columns=["ticker", "close", "dividend"])
    close = frame["close"]
    return frame.assign(
        date=DAY, open=close, high=close, low=close, volume=100, split_ratio=1.0
    )[COLUMNS]  # fmt: skip


def of_run(open_on):
    return pd.DatetimeIndex(open_on["date"].unique()).as_unit("us")


def outcome(bars, *tickers):
    members = pd.DataFrame(
        {"date": DAY, "ticker": list(tickers), "market": "XNYS", "currency": "USD"}
    )
    listing = pd.DataFrame({"first_bar": DAY, "last_bar": DAY}, index=pd.Index(list(tickers)))
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    return sort_bars(bars, listing, members, open_on, "test", of_run(open_on))


def test_sound_bars_of_members_are_stored_with_their_listing_and_source():
    good = outcome(vendor(("A", 10.0, 0.0), ("STRANGER", 11.0, 0.0)), "A").good
    assert sorted(good.columns) == sorted(
        [*COLUMNS, "market", "currency", "source", "data_quality"]
    )
    shown = good[["ticker", "market", "currency", "source", "data_quality"]]
    assert shown.values.tolist() == [["A", "XNYS", "USD", "test", "good"]]


def test_an_impossible_bar_is_set_aside_with_the_vendor_s_row_and_counts_as_no_bar():
    found = outcome(vendor(("A", -1.5, 0.0), ("B", 10.0, 0.0)), "A", "B")
    assert found.good["ticker"].tolist() == ["B"]
    (row,) = found.bad.to_dict("records")
    assert (row["ticker"], row["date"], row["rule"]) == ("A", DAY, "price")
    as_sent = json.loads(row["row"])
    assert (as_sent["ticker"], as_sent["close"], as_sent["dividend"]) == ("A", -1.5, 0.0)
    assert found.coverage[["listed", "did_not_trade", "bars"]].values.tolist() == [[2, 1, 1]]
    assert found.coverage["blocked"].tolist() == [False]


def test_a_repeated_row_is_kept_once():
    found = outcome(vendor(("A", 10.0, 0.0), ("A", 10.0, 0.0)), "A")
    assert len(found.good) == 1
    assert found.bad["rule"].tolist() == ["duplicate"]
    assert found.coverage["bars"].tolist() == [1]


def test_an_action_without_a_bar_is_stored_but_covers_nothing():
    found = outcome(vendor(("A", float("nan"), 0.5), ("B", 10.0, 0.0)), "A", "B")
    assert found.good["ticker"].tolist() == ["A", "B"]
    assert found.coverage["bars"].tolist() == [1]


def test_a_member_of_two_universes_has_one_row():
    members = pd.DataFrame({"date": DAY, "ticker": ["A", "A"], "market": "XNYS", "currency": "USD"})
    listing = pd.DataFrame({"first_bar": [DAY], "last_bar": [DAY]}, index=["A"])
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    found = sort_bars(vendor(("A", 10.0, 0.0)), listing, members, open_on, "test", of_run(open_on))
    assert len(found.good) == 1
    assert found.bad.empty


def test_without_a_bar_nothing_is_stored_and_the_market_is_blocked():
    found = outcome(vendor()[:0].astype({"ticker": "str", "date": "datetime64[us]"}), "A")
    assert found.good.empty
    assert found.bad.columns.tolist() == ["ticker", "date", "rule", "row"]
    assert found.coverage["blocked"].tolist() == [True]


IMPOSSIBLE = [
    pytest.param({"close": -1.5}, "price", id="price"),
    pytest.param({"high": 9.0}, "order", id="order"),
    pytest.param({"volume": -7}, "volume", id="volume"),
]


@pytest.mark.parametrize(
    ("changes", "rule", "action"),
    [
        ({"close": -1.5}, "price", {"dividend": 0.25}),
        ({"high": 9.0}, "order", {"split_ratio": 4.0}),
        ({"volume": -7}, "volume", {"dividend": 0.25, "split_ratio": 0.1}),
    ],
)
def test_the_action_of_an_impossible_bar_stays_without_its_prices(changes, rule, action):
    """Without it the return of the next bar would lack the dividend or the split."""
    sent = vendor(("A", 10.0, 0.0), ("B", 10.0, 0.0))
    sent = sent.assign(
        **{name: [value, sent[name][1]] for name, value in (changes | action).items()}
    )
    found = outcome(sent, "A", "B")
    (alone,) = found.good[found.good["ticker"] == "A"].to_dict("records")
    assert np.isnan([alone[price] for price in PRICES]).all()
    expected = {"date": DAY, "volume": 0, "dividend": 0.0, "split_ratio": 1.0, "source": "test",
                "data_quality": "good", "market": "XNYS", "currency": "USD"} | action  # fmt: skip
    assert {name: alone[name] for name in expected} == expected
    assert found.good["volume"].dtype == "int64"
    (row,) = found.bad.to_dict("records")
    assert (row["ticker"], row["rule"]) == ("A", rule)
    as_sent = json.loads(row["row"])
    assert {name: as_sent[name] for name in changes | action} == changes | action
    assert found.coverage["bars"].tolist() == [1]


@pytest.mark.parametrize(("changes", "rule"), IMPOSSIBLE)
def test_of_an_impossible_bar_without_an_action_nothing_stays(changes, rule):
    found = outcome(vendor(("A", 10.0, 0.0)).assign(**changes), "A")
    assert found.good.empty
    assert found.bad["rule"].tolist() == [rule]


UNSOUND = [
    pytest.param({"dividend": -0.25}, id="negative dividend"),
    pytest.param({"dividend": np.inf}, id="infinite dividend"),
    pytest.param({"dividend": np.nan}, id="no dividend"),
    pytest.param({"split_ratio": 0.0}, id="split of 0"),
    pytest.param({"split_ratio": np.nan}, id="no split"),
    pytest.param({"dividend": 0.25, "split_ratio": -2.0}, id="sound dividend, negative split"),
]


@pytest.mark.parametrize("action", UNSOUND)
def test_an_unsound_action_is_not_stored_and_blocks_its_market(action):
    others = [(f"T{place}", 10.0, 0.0) for place in range(9)]
    sent = vendor(("A", 10.0, 0.0), *others)
    sent = sent.assign(**{name: [value, *sent[name][1:]] for name, value in action.items()})
    found = outcome(sent, *sent["ticker"])
    assert "A" not in found.good["ticker"].tolist()
    assert found.bad["rule"].tolist() == ["action"]
    assert found.coverage[["listed", "bars", "blocked"]].values.tolist() == [[10, 9, True]]


@pytest.mark.parametrize(
    ("changes", "rule", "action"),
    [
        ({"close": -1.5}, "price", {"dividend": -0.25}),
        ({"high": 9.0}, "order", {"split_ratio": 0.0}),
        ({"volume": -7}, "volume", {"dividend": 0.25, "split_ratio": -2.0}),
    ],
)
def test_an_unsound_action_of_an_impossible_bar_is_not_stored_either(changes, rule, action):
    """The first rule that the row breaks is the bar's; its action must be judged all the same."""
    others = [(f"T{place}", 10.0, 0.0) for place in range(9)]
    sent = vendor(("A", 10.0, 0.0), *others)
    broken = changes | action
    sent = sent.assign(**{name: [value, *sent[name][1:]] for name, value in broken.items()})
    found = outcome(sent, *sent["ticker"])
    assert "A" not in found.good["ticker"].tolist()
    assert found.bad["ticker"].tolist() == ["A"]
    assert found.coverage["blocked"].tolist() == [True]


def test_a_duplicate_of_an_action_adds_no_second_one():
    found = outcome(vendor(("A", -1.5, 0.25), ("A", -1.5, 0.25), ("A", 10.0, 0.5)), "A")
    assert found.good[["ticker", "dividend"]].values.tolist() == [["A", 0.25]]
    assert found.bad["rule"].tolist() == ["price", "duplicate", "duplicate"]


def test_what_came_through_alone_is_neither_an_action_alone_nor_a_duplicate():
    """``good_only`` settles earlier quarantines: a ticker that is in quarantine again does not."""
    sent = vendor(
        ("SOUND", 10.0, 0.0),
        ("TWICE", 10.0, 0.0),
        ("TWICE", 10.0, 0.0),
        ("BROKEN", -1.0, 0.0),
        ("ACTED", -1.0, 0.25),
        ("HALTED", np.nan, 0.5),
    )
    found = outcome(sent, *sent["ticker"].unique())
    assert sorted(found.good["ticker"]) == ["ACTED", "HALTED", "SOUND", "TWICE"]
    assert sorted(found.bad["ticker"]) == ["ACTED", "BROKEN", "TWICE"]
    settled = [["HALTED", DAY, "good in a later fetch"], ["SOUND", DAY, "good in a later fetch"]]
    assert found.good_only.columns.tolist() == ["ticker", "date", "resolution"]
    assert found.good_only.values.tolist() == settled


def test_a_ticker_in_quarantine_on_one_day_came_through_on_the_next():
    two = days("2022-03-15", "2022-03-16")
    sent = pd.concat([vendor(("A", -1.0, 0.5)), vendor(("A", 10.0, 0.0)).assign(date=two[1])])
    members = pd.DataFrame({"date": two, "ticker": "A", "market": "XNYS", "currency": "USD"})
    listing = pd.DataFrame({"first_bar": two[:1], "last_bar": two[1:]}, index=["A"])
    open_on = pd.DataFrame({"date": two, "market": "XNYS"})
    found = sort_bars(sent, listing, members, open_on, "test", of_run(open_on))
    assert found.good_only.values.tolist() == [["A", two[1], "good in a later fetch"]]


def test_when_everything_came_through_all_of_it_is_settled():
    found = outcome(vendor(("A", 10.0, 0.0), ("B", 11.0, 0.0)), "A", "B")
    assert found.good_only["ticker"].tolist() == ["A", "B"]


APPLE = days("2020-08-28", "2020-08-31", "2020-09-01")
FLAT = rates({f"{day:%Y-%m-%d}": 1.25 for day in APPLE})


def apple():
    """Apple's 4:1 split, in the bar of which the vendor's high is below the close."""
    closes = [("2020-08-28", "AAPL", 499.23, 0.0, 1.0), ("2020-08-31", "AAPL", 129.04, 0.0, 4.0),
              ("2020-09-01", "AAPL", 134.18, 0.0, 1.0)]  # fmt: skip
    sent = bars(closes)[COLUMNS]
    sent.loc[1, "high"] = 129.00
    members = pd.DataFrame({"date": APPLE, "ticker": "AAPL", "market": "XNYS", "currency": "USD"})
    listing = pd.DataFrame({"first_bar": APPLE[:1], "last_bar": APPLE[2:]}, index=["AAPL"])
    open_on = pd.DataFrame({"date": APPLE, "market": "XNYS"})
    return sort_bars(sent, listing, members, open_on, "test", of_run(open_on))


def test_the_return_after_an_impossible_bar_on_the_day_of_a_split_is_exact():
    """4 x 134.18 / 499.23 - 1 = 7.51 %, where without the split it would be -73.12 %."""
    found = apple()
    assert found.bad[["ticker", "date", "rule"]].values.tolist() == [["AAPL", APPLE[1], "order"]]
    start = pd.DataFrame(columns=RETURN_COLUMNS)
    covered = covered_throughout(APPLE, found.good)
    panel = total_returns(found.good, FLAT, start, covered, APPLE).set_index("date")
    assert panel["traded"].tolist() == [True, False, True]
    assert panel["close"].tolist() == [499.23, 499.23, 134.18]
    assert panel["return_local"][1:].tolist() == pytest.approx([0.0, 0.0750956], abs=5e-8)
    assert panel["return_local"].iloc[2] == 4 * 134.18 / 499.23 - 1
    assert panel["return_aud"].iloc[2] == panel["return_local"].iloc[2]


def test_the_split_counts_too_where_each_session_is_a_run_of_its_own():
    """The action is read back from the lake, as a row without prices and of an earlier date."""
    good = apple().good
    carried = pd.DataFrame(columns=RETURN_COLUMNS)
    for session in APPLE:
        run = days(f"{session:%Y-%m-%d}")
        of_run = good[good["date"] == session]
        since = good[(good["date"] < session) & good["close"].isna()]
        fx = FLAT[FLAT["date"] <= session]
        covered = covered_throughout(run, good)
        carried = total_returns(pd.concat([since, of_run]), fx, carried, covered, run)
    assert carried["return_local"].tolist() == pytest.approx([0.0750956], abs=5e-8)
    assert carried["close"].tolist() == [134.18]


FIVE = days("2022-03-08", "2022-03-09", "2022-03-10", "2022-03-11", "2022-03-14")
"""Sessions that are stored; the run's is ``DAY``."""


def history(*values, ticker="A"):
    """Rows of the five sessions and the run's: a close, (close, dividend, split), or None."""
    full = [value if isinstance(value, tuple) else (value, 0.0, 1.0) for value in values]
    sessions = [*FIVE, DAY]
    return bars((day, ticker, *row) for day, row in zip(sessions, full, strict=False) if row[0])


def decided(day, close, decision, rule="move", ticker="A"):
    row = {"ticker": ticker, "date": day, "rule": rule, "close": close, "decision": decision}
    return pd.DataFrame([row]).astype({"date": "datetime64[us]"})


def run(sent, stored=None, run_on=(DAY,), tickers=("A",), listed=None, **known):
    """One run, which verifies the five sessions before it."""
    members = pd.DataFrame(
        [(day, ticker, "XNYS", "USD") for day in [*FIVE, *run_on] for ticker in tickers],
        columns=["date", "ticker", "market", "currency"],
    ).drop_duplicates()
    sessions = pd.DatetimeIndex(run_on).as_unit("us")
    listing = pd.DataFrame({"first_bar": FIVE[0], "last_bar": DAY}, index=listed or list(tickers))
    open_on = pd.DataFrame({"date": sessions, "market": "XNYS"})
    if stored is not None:
        known["stored"] = stored
    return sort_bars(sent[COLUMNS], listing, members, open_on, "test", sessions, Known(**known))


def stands(found):
    """Close, dividend, split and mark of each row to store."""
    columns = ["close", "dividend", "split_ratio", "data_quality"]
    return [tuple(row) for row in found.good[columns].fillna({"close": 0}).values.tolist()]


QUIET = (10.0, 10.1, 10.2, 10.3, 10.4)


def test_a_jump_waits_for_a_second_bar_and_is_then_corrected_and_settled():
    stored = history(*QUIET[:4])
    first = run(history(*QUIET[:4], 5.0), stored, run_on=FIVE[4:])
    assert first.good.empty
    assert first.bad[["date", "rule"]].values.tolist() == [[FIVE[4], "move"]]
    second = run(history(*QUIET[:4], 5.0, 5.1), stored)
    assert stands(second) == [(5.1, 0.0, 1.0, "good")]
    assert second.corrections[["date", "reason"]].values.tolist() == [
        [FIVE[4], "bar came late: close 5"]
    ]
    again = run(history(*QUIET[:4], 5.0, 5.1), stored, run_on=FIVE[4:])
    assert stands(again) == [(5.0, 0.0, 1.0, "suspect")]
    assert again.good_only.values.tolist() == [["A", FIVE[4], "a second bar at the new level"]]


def test_a_bar_released_by_hand_counts_as_suspect_and_the_next_is_judged_by_it():
    sent, stored = history(*QUIET, 5.2), history(*QUIET)
    assert stands(run(sent, stored, decisions=decided(DAY, 5.2, "released"))) == [
        (5.2, 0.0, 1.0, "suspect")
    ]
    assert run(sent, stored, decisions=decided(DAY, 5.1, "released")).good.empty
    next_day = run(
        history(*QUIET[:4], 5.0, 5.1), history(*QUIET[:4], 5.0),
        decisions=decided(FIVE[4], 5.0, "released"),
    )  # fmt: skip
    assert stands(next_day) == [(5.1, 0.0, 1.0, "good")]
    assert next_day.corrections["reason"].tolist() == ["mark changed: good -> suspect"]


def test_a_bar_rejected_by_hand_stays_out_though_others_follow():
    sent, stored = history(*QUIET[:3], 5.0, 5.1, 5.2), history(*QUIET[:3], None, 5.1)
    found = run(sent, stored, decisions=decided(FIVE[3], 5.0, "rejected"))
    assert "bar came late: close 5" not in found.corrections["reason"].tolist()
    alone = run(sent, run_on=FIVE[3:4], decisions=decided(FIVE[3], 5.0, "rejected"))
    assert alone.good.empty
    assert alone.bad["rule"].tolist() == ["move"]
    other = run(sent, run_on=FIVE[3:4], decisions=decided(FIVE[3], 5.01, "rejected"))
    assert stands(other) == [(5.0, 0.0, 1.0, "suspect")]


def test_a_decision_never_lets_an_impossible_bar_through():
    sent = history(*QUIET, 10.5).assign(volume=[1, 2, 3, 4, 5, -6])
    found = run(sent, decisions=decided(DAY, 10.5, "released", rule="volume"))
    assert found.good.empty
    assert found.bad["rule"].tolist() == ["volume"]


@pytest.mark.parametrize(
    ("sent", "stored", "expected"),
    [
        pytest.param((*QUIET, None), (*QUIET, 10.5), (10.5, 0.0, 1.0, "good"), id="vanished"),
        pytest.param((), (*QUIET, (10.5, 0.2, 2)), (10.5, 0.2, 2.0, "good"), id="failed"),
        pytest.param((*QUIET, -1.0), (*QUIET, 10.5), (10.5, 0.0, 1.0, "good"), id="impossible"),
        pytest.param((*QUIET, 21), (*QUIET, 10.5), (10.5, 0.0, 1.0, "good"), id="a spike now"),
        pytest.param(
            (*QUIET, (21, 0.3, 1)), (*QUIET, 10.5), (10.5, 0.3, 1.0, "good"),
            id="a spike now, with a dividend",
        ),
        pytest.param(
            (*QUIET, (np.nan, 0.3, 1)), (*QUIET, (10.5, 0.2, 2)), (10.5, 0.2, 2.0, "good"),
            id="an action alone without the split",
        ),
        pytest.param(
            (*QUIET, (np.nan, 0.3, 1)), (*QUIET, (10.5, 0.2, 1)), (10.5, 0.3, 1.0, "good"),
            id="an action alone",
        ),
        pytest.param(
            (*QUIET, 5.2), (*QUIET, (5.25, 0, 2)), (5.25, 0.0, 2.0, "good"), id="the split lost"
        ),
        pytest.param(
            [close / 7 for close in (*QUIET, 10.5)], (*QUIET, 10.5), (10.5, 0.0, 1.0, "good"),
            id="re-based",
        ),
    ],
)  # fmt: skip
def test_made_again_a_session_keeps_what_the_vendor_does_not_show_well_now(sent, stored, expected):
    found = run(history(*sent), history(*stored))
    assert stands(found) == [expected]
    assert found.kept.values.tolist() == [["A", DAY]]
    assert found.good_only.empty
    assert found.corrections.empty
    assert found.coverage[["bars", "blocked"]].values.tolist() == [[1, False]]


def test_made_again_a_session_takes_what_the_vendor_corrected():
    found = run(history(*QUIET, (10.6, 0.2, 1)), history(*QUIET, 10.5))
    assert stands(found) == [(10.6, 0.2, 1.0, "good")]
    assert found.kept.empty
    assert found.good_only["ticker"].tolist() == ["A"]


def test_an_unsound_action_does_not_block_a_session_whose_row_is_stored():
    sent = history(*QUIET, 10.5)
    sent.loc[5, "dividend"] = -0.5
    assert run(sent, history(*QUIET)).coverage["blocked"].tolist() == [True]
    found = run(sent, history(*QUIET, 10.5))
    assert stands(found) == [(10.5, 0.0, 1.0, "good")]
    assert found.coverage["blocked"].tolist() == [False]


def test_a_stored_row_of_somebody_who_is_no_member_goes():
    found = run(history(*QUIET, 10.5), history(*QUIET, 10.5, ticker="B"))
    assert found.good["ticker"].tolist() == ["A"]


SEVENTH = tuple(round(close / 7, 4) for close in QUIET)


def test_the_new_bars_of_a_re_based_ticker_are_refused_until_the_split_is_listed():
    stored = history(*QUIET)
    found = run(history(*SEVENTH, (1.5, 0.2, 1)), stored)
    assert found.bad[["date", "rule"]].values.tolist() == [[DAY, "rebased"]]
    assert stands(found) == [(0.0, 0.2, 1.0, "good")]
    assert found.corrections.empty
    listed = run(history(*QUIET, (1.5, 0.2, 7)), stored)
    assert stands(listed) == [(1.5, 0.2, 7.0, "good")]
    released = run(
        history(*SEVENTH, 1.5), stored, decisions=decided(DAY, 1.5, "released", rule="rebased")
    )
    assert stands(released) == [(1.5, 0.0, 1.0, "suspect")]


def test_while_re_based_a_refused_bar_did_not_come_late():
    stored = history(*QUIET[:4])
    assert run(history(*SEVENTH, 1.5), stored).corrections.empty


def test_a_halt_longer_than_the_window_is_judged_from_the_last_stored_bar():
    """From 10.0 weeks ago to 6.0: suspect, but for the dividend that went ex meanwhile."""
    long_ago = bars([("2022-01-04", "A", 10.0, 0.0, 1.0)])
    acted = bars([("2022-01-04", "A", 10.0, 0.0, 1.0), ("2022-02-04", "A", np.nan, 4.0, 1.0)])
    sent = history(*[None] * 5, 6.0)
    assert stands(run(sent)) == [(6.0, 0.0, 1.0, "good")]
    assert stands(run(sent, long_ago)) == [(6.0, 0.0, 1.0, "suspect")]
    assert stands(run(sent, acted)) == [(6.0, 0.0, 1.0, "good")]
    jumped = run(history(*[None] * 5, 5.0), long_ago)
    assert jumped.bad["rule"].tolist() == ["move"]


def test_a_refused_bar_at_the_start_of_the_window_does_not_come_late():
    """Nothing before it tells that it is a spike, but that it is not stored does."""
    sent = history(20.0, *QUIET[1:], 10.5)
    found = run(sent, history(None, *QUIET[1:]))
    assert found.corrections.empty
    assert stands(found) == [(10.5, 0.0, 1.0, "good")]
    twice = history(1000.0, 1010.0, *QUIET[2:], 10.5)
    assert run(twice, history(None, None, *QUIET[2:])).corrections.empty


def test_the_mark_of_the_first_bar_of_the_window_stays():
    stored = history(*QUIET).assign(data_quality=["suspect", *["good"] * 4])
    assert run(history(*QUIET, 10.5), stored).corrections.empty


def test_only_members_on_their_sessions_are_verified():
    stored = pd.concat([history(*QUIET), history(*QUIET, ticker="B")])
    sent = pd.concat([history(10.0, 10.5, ticker=ticker) for ticker in ("A", "B")])
    found = run(sent, stored)
    assert found.corrections[["ticker", "date", "reason"]].values.tolist() == [
        ["A", FIVE[1], "close corrected: 10.1 -> 10.5"]
    ]


def test_corrections_are_found_without_a_run():
    """A dividend of a stored session, and a bar; the first bar of all is not judged."""
    sent = history(10.0, (10.1, 0.5, 1), 10.2, 10.3, 10.4)
    known = Known(stored=history(None, 10.1, None, 10.3, 10.4))
    members = pd.DataFrame({"date": FIVE, "ticker": "A"})
    found = find_corrections(sent[COLUMNS], members, known)
    assert found[["date", "reason"]].values.tolist() == [
        [FIVE[1], "dividend listed late: 0.5"],
        [FIVE[2], "bar came late: close 10.2"],
    ]


def test_what_people_accepted_and_who_is_silent_or_gone_reaches_the_coverage():
    sent = history(*QUIET, 10.5)
    tickers = ("A", "B", "C", "D", "E", "F")
    table = run(sent, tickers=tickers, listed=["A"]).coverage
    assert table[["listed", "bars", "blocked"]].values.tolist() == [[6, 1, True]]
    accepted = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    table = run(sent, tickers=tickers, listed=["A"], accepted=accepted).coverage
    assert table[["blocked", "accepted"]].values.tolist() == [[False, True]]
    quiet, dead = frozenset("B"), frozenset("CDEF")
    table = run(sent, tickers=tickers, listed=["A"], silent=quiet, gone=dead).coverage
    shown = ["listed", "did_not_trade", "bars", "blocked"]
    assert table[shown].values.tolist() == [[2, 1, 1, False]]
