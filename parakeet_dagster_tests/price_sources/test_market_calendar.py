"""Which of a vendor's rows count, by the exchanges' calendars."""

from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.price_sources.market_calendar import (
    effective_dates,
    finished,
    session_closes,
    session_on_or_before,
)


def days(*dates):
    return pd.Series(pd.to_datetime(list(dates))).astype("datetime64[us]")


@pytest.mark.parametrize(
    ("market", "session", "close"),
    [
        ("XNYS", date(2020, 8, 28), "2020-08-28 20:00"),  # summer time in New York
        ("XNYS", date(2020, 12, 24), "2020-12-24 18:00"),  # half a day
        ("XASX", date(2020, 8, 28), "2020-08-28 06:00"),
        ("XASX", date(2021, 1, 4), "2021-01-04 05:00"),  # summer time in Sydney
    ],
)
def test_sessions_have_their_regular_close(market, session, close):
    closes = session_closes(market, session, session)
    assert closes.to_dict() == {pd.Timestamp(session): pd.Timestamp(close, tz="UTC")}


def test_weekends_and_holidays_are_no_sessions():
    closes = session_closes("XNYS", date(2020, 12, 24), date(2020, 12, 28))
    assert list(closes.index.strftime("%m-%d")) == ["12-24", "12-28"]


@pytest.mark.parametrize(
    ("day", "session"),
    [
        (date(2020, 12, 24), date(2020, 12, 24)),
        (date(2020, 12, 27), date(2020, 12, 24)),
        (date(2001, 9, 16), date(2001, 9, 10)),
        (date(2021, 1, 1), date(2020, 12, 31)),
    ],
)
def test_the_session_before_a_closed_day(day, session):
    assert session_on_or_before("XNYS", day) == session


@pytest.mark.parametrize(
    ("day", "asked_at", "counts"),
    [
        ("2020-08-28", "2020-08-28 20:19:59", False),
        ("2020-08-28", "2020-08-28 20:20:00", True),
        ("2020-08-29", "2020-09-30 00:00:00", False),
    ],
)
def test_a_bar_counts_twenty_minutes_after_the_close(day, asked_at, counts):
    closes = session_closes("XNYS", date(2020, 8, 24), date(2020, 9, 4))
    asked = pd.Series(pd.to_datetime([asked_at], utc=True))
    assert list(finished(days(day), asked, closes)) == [counts]


@pytest.mark.parametrize(
    ("ex_date", "market", "counts_on"),
    [
        ("2020-08-31", "XNYS", "2020-08-31"),
        ("2020-09-07", "XNYS", "2020-09-07"),  # Labor Day: Sydney trades
        ("2021-01-26", "XASX", "2021-01-26"),  # Australia Day: New York trades
        ("2020-08-29", "XNYS", "2020-08-31"),  # a Saturday
        ("2020-12-25", "XNYS", "2020-12-28"),
        ("2020-12-25", "XASX", "2020-12-29"),  # Sydney is closed on the 28th too
    ],
)
def test_an_action_counts_on_a_session(ex_date, market, counts_on):
    first, last = date(2020, 8, 1), date(2021, 3, 1)
    sessions = {name: session_closes(name, first, last).index for name in ("XNYS", "XASX")}
    either = sessions["XNYS"].union(sessions["XASX"])
    assert list(effective_dates(days(ex_date), sessions[market], either)) == [
        pd.Timestamp(counts_on)
    ]
