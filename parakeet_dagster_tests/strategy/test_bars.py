"""From a vendor's bars to the rows that are stored."""

import json

import pandas as pd

from strategy.bars import sort_bars

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
    found = outcome(vendor(("A", -1.5, 0.25), ("B", 10.0, 0.0)), "A", "B")
    assert found.good["ticker"].tolist() == ["B"]
    (row,) = found.bad.to_dict("records")
    assert (row["ticker"], row["date"], row["rule"]) == ("A", DAY, "price")
    as_sent = json.loads(row["row"])
    assert (as_sent["ticker"], as_sent["close"], as_sent["dividend"]) == ("A", -1.5, 0.25)
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
