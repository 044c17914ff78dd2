"""Members of each session, from the intervals in which they were members."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import given, settings
from pandas.testing import assert_frame_equal

from strategy.universes.intervals import INTERVAL_COLUMNS, MEMBERSHIP_COLUMNS, members_on

SESSIONS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]).as_unit("us")


def intervals(*rows):
    """Rows of (universe, ticker, start, end); the name says which row it was."""
    table = pd.DataFrame(rows, columns=["universe", "ticker", "start", "end"]).assign(
        name=[f"row {place}" for place in range(len(rows))],
        market="XNYS",
        currency="USD",
        asset_class="equity",
    )[INTERVAL_COLUMNS]
    days = dict.fromkeys(("start", "end"), "datetime64[us]")
    return table.astype(dict.fromkeys(INTERVAL_COLUMNS[:-2], "str") | days)


def who(members):
    days = members["date"].dt.strftime("%d").astype(int)
    return list(zip(days, members["universe"], members["ticker"], strict=True))


def test_the_start_is_in_and_the_end_is_not():
    table = members_on(intervals(("U", "A", "2024-01-03", "2024-01-05")), SESSIONS)
    assert who(table) == [(3, "U", "A"), (4, "U", "A")]
    assert table.columns.tolist() == MEMBERSHIP_COLUMNS
    assert table.loc[0, ["name", "market", "currency", "asset_class"]].tolist() == [
        "row 0",
        "XNYS",
        "USD",
        "equity",
    ]


def test_an_open_end_and_an_open_start():
    table = members_on(
        intervals(("U", "A", "2024-01-04", None), ("U", "B", None, "2024-01-03")), SESSIONS
    )
    assert who(table) == [(2, "U", "B"), (4, "U", "A"), (5, "U", "A")]


def test_ends_between_sessions():
    table = members_on(intervals(("U", "A", "2023-12-30", "2024-01-02")), SESSIONS)
    assert table.empty
    table = members_on(intervals(("U", "A", "2024-01-05", "2024-01-08")), SESSIONS)
    assert who(table) == [(5, "U", "A")]


def test_a_member_that_left_and_came_back():
    rows = ("U", "A", None, "2024-01-03"), ("U", "A", "2024-01-05", None)
    assert who(members_on(intervals(*rows), SESSIONS)) == [(2, "U", "A"), (5, "U", "A")]


def test_sorted_by_session_universe_and_ticker():
    rows = ("V", "A", None, None), ("U", "B", None, None), ("U", "A", "2024-01-03", None)
    table = members_on(intervals(*rows), SESSIONS[[1, 0]])
    assert who(table) == [
        (2, "U", "B"),
        (2, "V", "A"),
        (3, "U", "A"),
        (3, "U", "B"),
        (3, "V", "A"),
    ]


def test_of_two_intervals_on_one_day_the_one_that_starts_last_counts():
    """The symbol of a company that was taken over, under which another goes on."""
    rows = ("U", "T", "2024-01-03", None), ("U", "T", None, "2024-01-05")
    table = members_on(intervals(*rows), SESSIONS)
    assert table["name"].tolist() == ["row 1", "row 0", "row 0", "row 0"]


def test_nobody_and_no_session():
    typed = members_on(intervals(("U", "A", None, None)), SESSIONS).dtypes
    for empty in (
        members_on(intervals(), SESSIONS),
        members_on(intervals(("U", "A", None, None)), SESSIONS[:0]),
    ):
        assert empty.empty
        assert empty.dtypes.to_dict() == typed.to_dict()


def test_nanoseconds_are_taken_too():
    table = members_on(intervals(("U", "A", "2024-01-03", None)), SESSIONS.as_unit("ns"))
    assert table["date"].dtype == "datetime64[us]"
    assert len(table) == 3


day = st.one_of(st.none(), st.integers(0, 11))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("UV"), st.sampled_from("ABC"), day, day), max_size=8),
    st.lists(st.integers(0, 11), unique=True),
    st.randoms(),
)
def test_as_asking_every_interval_about_every_session(rows, days, random):
    def on(number):
        return None if number is None else pd.Timestamp("2024-01-01") + pd.Timedelta(days=number)

    table = intervals(*((key, ticker, on(start), on(end)) for key, ticker, start, end in rows))
    sessions = pd.DatetimeIndex([on(number) for number in days], dtype="datetime64[us]")
    found = members_on(table, sessions)
    expected = sorted(
        {
            (on(number), key, ticker)
            for number in days
            for key, ticker, start, end in rows
            if (start is None or start <= number) and (end is None or number < end)
        }
    )
    assert [tuple(row) for row in found[["date", "universe", "ticker"]].to_numpy()] == expected
    shuffled = list(range(len(table)))
    random.shuffle(shuffled)
    again = members_on(table.iloc[shuffled], sessions[np.argsort(days)])
    columns = ["date", "universe", "ticker"]
    assert_frame_equal(again[columns], found[columns])
