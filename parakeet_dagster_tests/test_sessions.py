"""Which days are sessions: against exchange-calendars, and against weeks written by hand."""

from datetime import UTC, date, datetime, timedelta, timezone

import exchange_calendars
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster import sessions
from parakeet_dagster.closures import CLOSURES, FIRST_DAY, LAST_DAY
from parakeet_dagster.errors import SessionError

BOTH, NEW_YORK, SYDNEY = ["XNYS", "XASX"], ["XNYS"], ["XASX"]


@pytest.fixture(scope="module", params=["XNYS", "XASX"])
def exchange(request):
    """Start and end are given: the package's own defaults move with the clock."""
    return exchange_calendars.get_calendar(request.param, start=FIRST_DAY, end=LAST_DAY)


def test_the_committed_closures_are_those_of_the_package(exchange):
    """Where an upgrade of exchange-calendars fails here: run scripts/generate_closures.py,
    review the difference, and expect the partition definition's identity to change.
    """
    weekdays = pd.bdate_range(FIRST_DAY, LAST_DAY)
    closed = weekdays.difference(exchange.sessions)
    assert list(CLOSURES[exchange.name]) == [f"{day:%Y-%m-%d}" for day in closed]


def test_no_market_trades_on_a_weekend(exchange):
    assert (exchange.sessions.dayofweek < 5).all()


def test_a_session_is_complete_at_one_in_the_morning_utc_of_the_next_day(exchange):
    """In every combination of daylight-saving times, 2005 to 2032; half days close earlier."""
    closes = exchange.closes
    complete = closes.index.tz_localize("UTC") + sessions.COMPLETE_AFTER
    assert (closes < complete).all()
    assert len(closes) > 7000


def test_the_horizon_is_at_least_two_years_ahead():
    """Of the day this was written. Move it by scripts/generate_closures.py before 2030."""
    assert date.fromisoformat(LAST_DAY) >= date(2030, 1, 1) + timedelta(days=2 * 366)


@pytest.mark.parametrize(
    ("day", "markets"),
    [
        # Easter 2022: Good Friday closes both, Easter Monday only Sydney
        ("2022-04-14", BOTH),
        ("2022-04-15", None),
        ("2022-04-18", NEW_YORK),
        ("2022-04-19", BOTH),
        # Easter 2021 and 2024
        ("2021-04-02", None),
        ("2021-04-05", NEW_YORK),
        ("2024-03-29", None),
        ("2024-04-01", NEW_YORK),
        # Christmas 2021, a Saturday: New York rests on Friday, Sydney on Monday and Tuesday
        ("2021-12-24", SYDNEY),
        ("2021-12-27", NEW_YORK),
        ("2021-12-28", NEW_YORK),
        ("2021-12-29", BOTH),
        ("2021-12-31", BOTH),
        # New Year 2022, a Saturday: New York does not make up for it
        ("2022-01-03", NEW_YORK),
        ("2022-01-04", BOTH),
        # Christmas 2022, a Sunday
        ("2022-12-23", BOTH),
        ("2022-12-26", None),
        ("2022-12-27", NEW_YORK),
        ("2022-12-28", BOTH),
        ("2023-01-02", None),
        ("2023-01-03", BOTH),
        # Independence Day, Juneteenth (kept since 2022, on the Monday), Thanksgiving, King Day
        ("2022-07-04", SYDNEY),
        ("2022-06-20", SYDNEY),
        ("2021-06-18", BOTH),
        ("2022-11-24", SYDNEY),
        ("2022-11-25", BOTH),
        ("2022-01-17", SYDNEY),
        # Anzac Day, on a Monday, on a Sunday (no day off), Australia Day, the Queen's mourning
        ("2022-04-25", NEW_YORK),
        ("2021-04-26", BOTH),
        ("2022-01-26", NEW_YORK),
        ("2021-01-26", NEW_YORK),
        ("2022-06-13", NEW_YORK),
        ("2022-09-22", NEW_YORK),
        # A hurricane, a president's funeral
        ("2012-10-29", SYDNEY),
        ("2018-12-05", SYDNEY),
        # Weekends
        ("2022-06-18", None),
        ("2022-06-19", None),
    ],
)
def test_holidays_by_hand(day, markets):
    assert sessions.is_session(day) == (markets is not None)
    if markets:
        assert sessions.open_markets(day) == markets
        assert [market for market in BOTH if sessions.is_open(market, day)] == markets


def test_the_week_of_easter_2022():
    assert sessions.between("2022-04-11", "2022-04-22") == [
        "2022-04-11", "2022-04-12", "2022-04-13", "2022-04-14",
        "2022-04-18", "2022-04-19", "2022-04-20", "2022-04-21", "2022-04-22",
    ]  # fmt: skip


def test_the_calendar_is_sorted_and_in_microseconds():
    calendar = sessions.calendar()
    assert calendar.is_monotonic_increasing
    assert calendar.is_unique
    assert calendar.dtype == "datetime64[us]"
    assert (calendar[0], calendar[-1]) == (pd.Timestamp("2005-01-03"), pd.Timestamp("2032-12-31"))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2022-06-18", "2022-06-19", []),
        ("2022-06-20", "2022-06-20", ["2022-06-20"]),
        ("2022-06-17", "2022-06-20", ["2022-06-17", "2022-06-20"]),
        ("2022-06-20", "2022-06-17", []),
    ],
)
def test_sessions_between_two_days(first, last, expected):
    assert sessions.between(first, last) == expected


@pytest.mark.parametrize(
    ("session", "by", "expected"),
    [
        ("2022-04-14", 1, "2022-04-18"),
        ("2022-04-18", -1, "2022-04-14"),
        ("2022-04-18", 0, "2022-04-18"),
        ("2022-06-30", -21, "2022-06-01"),
        ("2005-01-03", -1, None),
        ("2005-01-04", -1, "2005-01-03"),
        ("2032-12-31", 1, None),
        ("2032-12-30", 1, "2032-12-31"),
    ],
)
def test_counting_sessions(session, by, expected):
    assert sessions.offset(session, by) == expected


EVERY_SESSION = sessions.between(FIRST_DAY, LAST_DAY)


@pytest.mark.parametrize(
    ("keys", "lookback", "first", "count"),
    [
        (["2022-04-19"], 0, "2022-04-19", 1),
        (["2022-04-18"], 1, "2022-04-14", 2),  # over Good Friday and the weekend
        (["2022-04-19"], 2, "2022-04-14", 3),
        (["2022-04-19", "2022-04-20", "2022-04-21"], 2, "2022-04-14", 5),
        (["2005-01-04"], 3, "2005-01-03", 2),  # clamped where the calendar starts
        (["2005-01-03"], 251, "2005-01-03", 1),
    ],
)
def test_a_window_counts_the_sessions_before_its_own(keys, lookback, first, count):
    found = sessions.window(keys, lookback)
    assert found[0] == first
    assert found[-len(keys) :] == keys
    assert len(found) == count


@given(
    place=st.integers(0, len(EVERY_SESSION) - 1),
    lookback=st.integers(0, 300),
    more=st.integers(0, 30),
)
def test_a_window_has_no_gap_and_ends_at_its_last_session(place, lookback, more):
    keys = EVERY_SESSION[place : place + more + 1]
    expected = EVERY_SESSION[max(place - lookback, 0) : place + more + 1]
    assert sessions.window(keys, lookback) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Friday 17 June is complete at 01:00 on Saturday, not a second earlier
        ("2022-06-18T00:59:59", "2022-06-16"),
        ("2022-06-18T01:00:00", "2022-06-17"),
        ("2022-06-20T12:00:00", "2022-06-17"),
        ("2022-06-21T00:59:59", "2022-06-17"),
        ("2022-06-21T01:00:00", "2022-06-20"),
        # Good Friday and the weekend add nothing
        ("2022-04-15T01:00:00", "2022-04-14"),
        ("2022-04-19T00:59:59", "2022-04-14"),
        ("2022-04-19T01:00:00", "2022-04-18"),
    ],
)
def test_the_last_completed_session(now, expected):
    assert sessions.last_completed(datetime.fromisoformat(now).replace(tzinfo=UTC)) == expected


def test_the_last_completed_session_in_another_time_zone():
    """11:00 in Sydney's winter is 01:00 UTC."""
    sydney = timezone(timedelta(hours=10))
    assert sessions.last_completed(datetime(2022, 6, 18, 11, tzinfo=sydney)) == "2022-06-17"
    assert sessions.last_completed(datetime(2022, 6, 18, 10, 59, tzinfo=sydney)) == "2022-06-16"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2022-06-18",
            (
                "2022-06-18 (Saturday) is not a session: no market is open;"
                " the nearest are 2022-06-17 and 2022-06-20"
            ),
        ),
        (
            "2022-04-15",
            (
                "2022-04-15 (Friday) is not a session: no market is open;"
                " the nearest are 2022-04-14 and 2022-04-18"
            ),
        ),
        ("2004-12-31", "2004-12-31 (Friday) is not a session: "),
        ("2033-01-03", "2033-01-03 (Monday) is not a session: "),
        ("18/06/2022", "'18/06/2022' is not a date: write YYYY-MM-DD"),
        ("2022-02-30", "'2022-02-30' is not a date: write YYYY-MM-DD"),
        ("", "'' is not a date: write YYYY-MM-DD"),
    ],
)
def test_a_day_that_is_no_session_is_refused(text, message):
    with pytest.raises(SessionError) as caught:
        sessions.require_session(text)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "text", ["20220418", "2022-W16-1", "2022W161", "2022-W01-1", " 2022-04-18", "2022-04-18 "]
)
def test_a_date_is_written_in_one_way_only(text):
    """Python reads ISO's other forms too; Easter Monday would be a second key of 2022-04-18."""
    expected = f"{text!r} is not a date: write YYYY-MM-DD"
    for read in (sessions.parse_date, sessions.require_session):
        with pytest.raises(SessionError) as caught:
            read(text)
        assert caught.value.message == expected


def test_a_date_need_not_be_a_session():
    assert sessions.parse_date("2022-04-15") == date(2022, 4, 15)


def test_a_session_outside_the_horizon_names_the_nearest_one():
    assert sessions.nearest(date(2004, 12, 31)) == "2005-01-03"
    assert sessions.nearest(date(2033, 1, 3)) == "2032-12-31"


def test_a_session_is_its_own_key():
    assert sessions.require_session("2022-06-20") == "2022-06-20"
    assert (
        sessions.key(date(2022, 6, 20)) == sessions.key(pd.Timestamp("2022-06-20")) == "2022-06-20"
    )
