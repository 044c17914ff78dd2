"""Whose prices are kept on a session."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.frames import weekdays
from strategy.catalog import CATALOG
from strategy.rebalance import LONGEST_PERIOD
from strategy.universes.covered import AFTER, BEFORE, covered

CALENDAR = weekdays("2015-01-05", 1500)


def members(*rows):
    """From (place in the calendar, ticker)."""
    frame = pd.DataFrame(rows, columns=["place", "ticker"])
    return pd.DataFrame(
        {
            "date": CALENDAR[frame["place"].to_numpy(dtype=int)],
            "ticker": frame["ticker"].astype("str"),
            "market": "XNYS",
            "currency": "USD",
        }
    )


def tickers_on(place, *rows):
    found = covered(members(*rows), CALENDAR[[place]], CALENDAR)
    assert (found["date"] == CALENDAR[place]).all()
    return found["ticker"].tolist()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (1000 - BEFORE - 1, []),
        (1000 - BEFORE, ["A"]),
        (1000, ["A"]),
        (1000 + AFTER - 1, ["A"]),
        (1000 + AFTER, []),
    ],
)
def test_from_800_sessions_before_to_the_last_of_300(place, expected):
    assert tickers_on(place, (1000, "A")) == expected


def test_every_member_and_former_member_stands_once_sorted():
    found = covered(members((900, "B"), (901, "B"), (899, "A")), CALENDAR[900:902], CALENDAR)
    assert found[["date", "ticker"]].to_numpy().tolist() == [
        [CALENDAR[900], "A"],
        [CALENDAR[900], "B"],
        [CALENDAR[901], "A"],
        [CALENDAR[901], "B"],
    ]
    assert found.columns.tolist() == ["date", "ticker", "market", "currency"]


def test_the_listing_is_that_of_the_newest_membership():
    moved = members((900, "A"), (901, "A"))
    moved.loc[1, ["market", "currency"]] = ["XASX", "AUD"]
    found = covered(moved.iloc[::-1], CALENDAR[[900]], CALENDAR)
    assert found[["market", "currency"]].to_numpy().tolist() == [["XASX", "AUD"]]


def test_nobody_is_covered_where_nobody_is_a_member():
    assert covered(members(), CALENDAR[5:8], CALENDAR).empty
    assert covered(members((5, "A")), CALENDAR[:0], CALENDAR).empty


@given(
    rows=st.lists(st.tuples(st.integers(0, 1499), st.sampled_from("ABC")), max_size=8),
    first=st.integers(0, 1490),
    count=st.integers(1, 9),
)
def test_it_is_what_its_sentence_says(rows, first, count):
    found = covered(members(*rows), CALENDAR[first : first + count], CALENDAR)
    expected = [
        [CALENDAR[place], ticker]
        for place in range(first, min(first + count, len(CALENDAR)))
        for ticker in "ABC"
        if any(name == ticker and place - AFTER < joined <= place + BEFORE for joined, name in rows)
    ]
    assert found[["date", "ticker"]].to_numpy().tolist() == expected


def test_no_look_back_of_the_catalog_is_longer_than_a_newcomer_s_history():
    assert max(one.history for one in CATALOG.values()) <= BEFORE


def test_what_is_held_is_covered_until_it_is_sold():
    assert max(LONGEST_PERIOD.values()) < AFTER
