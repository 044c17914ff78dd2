"""Failures: one open per ticker and session, counted, resolved when the data comes."""

import threading

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from parakeet_dagster_tests.storage.bars import bar, days, frame

MONDAY, TUESDAY, WEDNESDAY = days("2024-01-08", "2024-01-09", "2024-01-10")
COLUMNS = ["ticker", "session", "error_class", "message"]


def failed(*rows: tuple) -> pd.DataFrame:
    """Rows of ticker, session, error class and, where it matters, message."""
    full = [(*row, "it said no")[:4] for row in rows]
    return pd.DataFrame(full, columns=COLUMNS).astype({"session": "datetime64[us]"})


def execute(database, statement: str, **parameters: object) -> None:
    with database.transaction("arrange") as connection:
        connection.execute(text(statement), parameters)


def fetched(database, failures, first, last, came_through) -> None:
    """A fetch whose outcome is stored."""
    database.record_failures(failures, first, last, came_through, "a fetch")
    database.resolve_failures("a fetch")


def open_now(database) -> list[tuple]:
    found = database.open_failures()
    found["session"] = found["session"].dt.date
    return list(found[[*COLUMNS, "attempts"]].itertuples(index=False, name=None))


def test_a_failure_is_recorded_for_each_of_its_sessions(database):
    fetched(
        database,
        failed(("B", MONDAY, "TIMEOUT"), ("A", MONDAY, "NO_DATA"), ("A", WEDNESDAY, "NO_DATA")),
        MONDAY,
        WEDNESDAY,
        ["C"],
    )

    assert open_now(database) == [
        ("A", MONDAY, "NO_DATA", "it said no", 1),
        ("B", MONDAY, "TIMEOUT", "it said no", 1),
        ("A", WEDNESDAY, "NO_DATA", "it said no", 1),
    ]


def test_the_same_failure_again_is_one_more_attempt(database):
    fetched(database, failed(("A", MONDAY, "TIMEOUT", "10 s")), MONDAY, MONDAY, [])
    twice = failed(("A", MONDAY, "TIMEOUT", "20 s"), ("A", MONDAY, "TIMEOUT", "20 s"))
    fetched(database, twice, MONDAY, MONDAY, [])

    assert open_now(database) == [("A", MONDAY, "TIMEOUT", "20 s", 2)]
    seen = database.open_failures().iloc[0]
    assert seen["last_seen"] > seen["first_seen"]
    assert str(seen["last_seen"].tz) == "UTC"


def test_another_class_takes_the_place_of_the_one_before(database):
    fetched(
        database, failed(("A", MONDAY, "TIMEOUT"), ("A", TUESDAY, "TIMEOUT")), MONDAY, TUESDAY, []
    )
    fetched(database, failed(("A", MONDAY, "DELISTED")), MONDAY, MONDAY, [])
    assert [row[:3] for row in open_now(database)] == [
        ("A", MONDAY, "DELISTED"),
        ("A", TUESDAY, "TIMEOUT"),
    ]

    fetched(database, failed(("A", MONDAY, "TIMEOUT")), MONDAY, MONDAY, [])
    assert open_now(database)[0] == ("A", MONDAY, "TIMEOUT", "it said no", 2)


def test_two_classes_at_once_leave_one_open(database):
    both = failed(("A", MONDAY, "TIMEOUT"), ("A", MONDAY, "DELISTED"))
    for _ in range(2):
        fetched(database, both, MONDAY, MONDAY, [])

    assert [row[:3] for row in open_now(database)] == [("A", MONDAY, "DELISTED")]


def test_a_ticker_that_comes_through_is_resolved_within_the_range_asked_for(database):
    everything = [(t, day, "TIMEOUT") for t in ("A", "B", "C") for day in (MONDAY, WEDNESDAY)]
    fetched(database, failed(*everything), MONDAY, WEDNESDAY, [])
    fetched(database, failed(("B", TUESDAY, "NO_DATA")), MONDAY, TUESDAY, ["A"])

    assert [row[:3] for row in open_now(database)] == [
        ("B", MONDAY, "TIMEOUT"),
        ("C", MONDAY, "TIMEOUT"),
        ("B", TUESDAY, "NO_DATA"),
        ("A", WEDNESDAY, "TIMEOUT"),
        ("B", WEDNESDAY, "TIMEOUT"),
        ("C", WEDNESDAY, "TIMEOUT"),
    ]


def test_a_ticker_that_came_but_for_one_session_fails_for_that_one_only(database):
    fetched(
        database, failed(("A", MONDAY, "NO_DATA"), ("A", TUESDAY, "NO_DATA")), MONDAY, TUESDAY, []
    )
    fetched(database, failed(("A", TUESDAY, "NO_DATA")), MONDAY, TUESDAY, ["A"])

    assert open_now(database) == [("A", TUESDAY, "NO_DATA", "it said no", 2)]


def test_a_failure_that_returns_is_open_again(database):
    fetched(database, failed(("A", MONDAY, "TIMEOUT")), MONDAY, MONDAY, [])
    fetched(database, failed(), MONDAY, MONDAY, ["A"])
    assert open_now(database) == []

    fetched(database, failed(("A", MONDAY, "TIMEOUT")), MONDAY, MONDAY, [])
    assert open_now(database) == [("A", MONDAY, "TIMEOUT", "it said no", 2)]


def test_what_came_and_was_not_stored_is_still_open(database):
    """A run that is killed between the fetch and the merge must be known by the next one."""
    rows = failed(("A", MONDAY, "TIMEOUT"), ("B", MONDAY, "TIMEOUT"))
    database.record_failures(rows, MONDAY, MONDAY, [], "first")
    database.record_failures(failed(), MONDAY, MONDAY, ["A", "B"], "killed")
    database.record_failures(failed(("B", MONDAY, "TIMEOUT")), MONDAY, MONDAY, [], "second")
    database.resolve_failures("second")
    assert [row[0] for row in open_now(database)] == ["A", "B"]

    database.resolve_failures("killed")
    assert [row[0] for row in open_now(database)] == ["B"]


def test_many_rows_are_one_upsert(database):
    """Twenty dead tickers, asked for over four years."""
    sessions = pd.date_range("2005-01-03", periods=1000, unit="us")
    dead = pd.MultiIndex.from_product([[f"T{i:02}" for i in range(20)], sessions])
    rows = dead.to_frame(index=False, name=["ticker", "session"])
    rows = rows.assign(error_class="DELISTED", message="no data found, symbol may be delisted")
    span = (sessions[0].date(), sessions[-1].date())
    fetched(database, rows, *span, [])
    assert len(database.open_failures()) == 20_000

    fetched(database, rows.iloc[:7], *span, [f"T{i:02}" for i in range(20)])
    found = database.open_failures()
    assert found["attempts"].tolist() == [2] * 7
    assert found["session"].tolist() == sessions[:7].tolist()


def test_recording_at_once_loses_no_attempt(database):
    database.apply_schema()
    names = [f"T{i:02}" for i in range(30)]
    rows = failed(*((name, MONDAY, "TIMEOUT") for name in names))
    threads = [
        threading.Thread(target=fetched, args=(database, part, MONDAY, MONDAY, []))
        for part in (rows, rows.iloc[::-1]) * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row[4] for row in open_now(database)] == [6] * 30


TICKERS, CLASSES = ("A", "B"), ("DELISTED", "NO_DATA", "TIMEOUT")
CALLS = st.lists(
    st.tuples(
        st.dictionaries(
            st.tuples(st.sampled_from(TICKERS), st.sampled_from((MONDAY, TUESDAY))),
            st.sampled_from(CLASSES),
        ),
        st.sets(st.sampled_from(TICKERS)),
    ),
    max_size=6,
)


def test_any_calls_leave_open_what_failed_last(database):
    @given(CALLS)
    @settings(max_examples=15)
    def holds(calls: list) -> None:
        execute(database, "TRUNCATE ingest_failures")
        expected: dict[tuple, str] = {}
        for failures, came in calls:
            rows = failed(*((*key, error_class) for key, error_class in failures.items()))
            fetched(database, rows, MONDAY, TUESDAY, came)
            expected = {key: c for key, c in expected.items() if key[0] not in came} | failures
        found = {(ticker, day): c for ticker, day, c, *_ in open_now(database)}
        assert found == expected

    holds()


def see_delisted(database, ticker: str, session: str, *moments: str) -> None:
    """An open failure first seen at the first moment and last at the last one."""
    execute(
        database,
        """INSERT INTO ingest_failures (ticker, session, error_class, message, first_seen,
        last_seen) VALUES (:ticker, :session, 'DELISTED', '', :first, :last)""",
        ticker=ticker,
        session=session,
        first=moments[0],
        last=moments[-1],
    )


def test_a_delisting_is_believed_on_the_third_day(database):
    see_delisted(database, "A", "2024-01-08", "2024-01-09 01:00+00", "2024-01-10 01:00+00")
    assert database.believed_delisted() == set()

    see_delisted(database, "A", "2024-01-09", "2024-01-10 01:00+00")
    assert database.believed_delisted() == set()

    see_delisted(database, "A", "2024-01-10", "2024-01-11 01:00+00")
    assert database.believed_delisted() == {"A"}


def test_the_days_are_those_of_utc(database):
    see_delisted(database, "A", "2024-01-08", "2024-01-09 01:00+00", "2024-01-10 01:00+00")
    see_delisted(database, "A", "2024-01-09", "2024-01-11 01:00+02", "2024-01-10 23:00-00")

    assert database.believed_delisted() == set()


def test_a_bar_since_or_another_class_or_a_resolved_failure_does_not_count(database):
    for ticker in ("BAR", "OTHER", "RESOLVED", "GONE"):
        for day in (8, 9, 10):
            see_delisted(database, ticker, f"2024-01-{day:02}", f"2024-01-{day + 1:02} 01:00+00")
    database.merge_market_data(frame(bar("2024-01-09", "BAR", 1.0)), [TUESDAY], "a test")
    before = bar("2024-01-05", "GONE", 1.0)
    database.merge_market_data(frame(before), days("2024-01-05"), "a test")
    execute(
        database,
        "UPDATE ingest_failures SET error_class = 'NO_DATA'"
        " WHERE ticker = 'OTHER' AND session = '2024-01-09'",
    )
    execute(
        database,
        "UPDATE ingest_failures SET resolved_at = now()"
        " WHERE ticker = 'RESOLVED' AND session = '2024-01-08'",
    )

    assert database.believed_delisted() == {"GONE"}
