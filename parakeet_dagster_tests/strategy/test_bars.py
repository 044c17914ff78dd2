"""From a vendor's bars to the rows that are stored."""

import json

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import bars, days, rates
from strategy.bars import sort_bars
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


def outcome(bars, *tickers):
    members = pd.DataFrame(
        {"date": DAY, "ticker": list(tickers), "market": "XNYS", "currency": "USD"}
    )
    listing = pd.DataFrame({"first_bar": DAY, "last_bar": DAY}, index=pd.Index(list(tickers)))
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    return sort_bars(bars, listing, members, open_on, "test")


def test_sound_bars_of_members_are_stored_with_their_listing_and_source():
    good = outcome(vendor(("A", 10.0, 0.0), ("STRANGER", 11.0, 0.0)), "A").good
    assert sorted(good.columns) == sorted(
        [*COLUMNS, "market", "currency", "source", "data_quality"]
    )
    shown = good[["ticker", "market", "currency", "source", "data_quality"]]
    assert shown.values.tolist() == [["A", "XNYS", "USD", "test", "good"]]


def test_an_impossible_bar_is_set_aside_with_the_vendor_s_row_and_counts_as_missing():
    found = outcome(vendor(("A", -1.5, 0.0), ("B", 10.0, 0.0)), "A", "B")
    assert found.good["ticker"].tolist() == ["B"]
    (row,) = found.bad.to_dict("records")
    assert (row["ticker"], row["date"], row["rule"]) == ("A", DAY, "price")
    as_sent = json.loads(row["row"])
    assert (as_sent["ticker"], as_sent["close"], as_sent["dividend"]) == ("A", -1.5, 0.0)
    assert found.coverage[["listed", "bars"]].values.tolist() == [[2, 1]]
    assert found.coverage["blocked"].tolist() == [True]


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
    found = sort_bars(vendor(("A", 10.0, 0.0)), listing, members, open_on, "test")
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
ACTIONS = [
    pytest.param({"dividend": 0.25}, id="dividend"),
    pytest.param({"split_ratio": 4.0}, id="split"),
    pytest.param({"dividend": 0.25, "split_ratio": 0.1}, id="both"),
]


@pytest.mark.parametrize(("changes", "rule"), IMPOSSIBLE)
@pytest.mark.parametrize("action", ACTIONS)
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


@pytest.mark.parametrize(("changes", "rule"), IMPOSSIBLE)
@pytest.mark.parametrize("action", UNSOUND)
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
    assert found.good_only.columns.tolist() == ["ticker", "date"]
    assert found.good_only.values.tolist() == [["SOUND", DAY], ["HALTED", DAY]]


def test_a_ticker_in_quarantine_on_one_day_came_through_on_the_next():
    two = days("2022-03-15", "2022-03-16")
    sent = pd.concat([vendor(("A", -1.0, 0.5)), vendor(("A", 10.0, 0.0)).assign(date=two[1])])
    members = pd.DataFrame({"date": two, "ticker": "A", "market": "XNYS", "currency": "USD"})
    listing = pd.DataFrame({"first_bar": two[:1], "last_bar": two[1:]}, index=["A"])
    open_on = pd.DataFrame({"date": two, "market": "XNYS"})
    found = sort_bars(sent, listing, members, open_on, "test")
    assert found.good_only.values.tolist() == [["A", two[1]]]


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
    return sort_bars(sent, listing, members, open_on, "test")


def test_the_return_after_an_impossible_bar_on_the_day_of_a_split_is_exact():
    """4 x 134.18 / 499.23 - 1 = 7.51 %, where without the split it would be -73.12 %."""
    found = apple()
    assert found.bad[["ticker", "date", "rule"]].values.tolist() == [["AAPL", APPLE[1], "order"]]
    start = pd.DataFrame(columns=RETURN_COLUMNS)
    panel = total_returns(found.good, FLAT, start, APPLE).set_index("date")
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
        carried = total_returns(pd.concat([since, of_run]), fx, carried, run)
    assert carried["return_local"].tolist() == pytest.approx([0.0750956], abs=5e-8)
    assert carried["close"].tolist() == [134.18]
