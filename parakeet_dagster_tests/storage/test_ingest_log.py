"""Quarantine and failures: open once, counted, resolved when the data comes."""

import pandas as pd
from sqlalchemy import text

from parakeet_dagster_tests.storage.bars import days

MONDAY, TUESDAY, WEDNESDAY = days("2024-01-08", "2024-01-09", "2024-01-10")


class Failed:
    def __init__(self, ticker: str, error_class: str, message: str = "it said no") -> None:
        self.ticker, self.error_class, self.message = ticker, error_class, message


def quarantined(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ticker", "date", "rule"])
    return frame.assign(row='{"close": null}').astype({"date": "datetime64[us]"})


def good(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ticker", "date"]).astype({"date": "datetime64[us]"})


def rows(database, query: str) -> list[tuple]:
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


OPEN = """SELECT ticker, date::text, rule FROM market_data_quarantine
    WHERE resolved_at IS NULL ORDER BY id"""


def test_a_row_is_quarantined_once_per_rule(database):
    bad = quarantined(("A", "2024-01-08", "spike"), ("A", "2024-01-08", "high < low"))

    assert database.quarantine(bad) == 2
    assert database.quarantine(bad) == 0
    assert database.quarantine(bad.head(0)) == 0
    assert rows(
        database, """SELECT ticker, "row", rule FROM market_data_quarantine ORDER BY id"""
    ) == [
        ("A", {"close": None}, "high < low"),
        ("A", {"close": None}, "spike"),
    ]


def test_a_row_that_is_good_later_is_resolved_and_can_be_bad_again(database):
    bad = quarantined(
        ("A", "2024-01-08", "spike"), ("A", "2024-01-09", "spike"), ("B", "2024-01-08", "spike")
    )
    database.quarantine(bad)

    assert database.resolve_quarantine(good(("A", "2024-01-08"), ("C", "2024-01-08"))) == 1
    assert database.resolve_quarantine(good(("A", "2024-01-08"))) == 0
    assert database.resolve_quarantine(good()) == 0
    assert rows(database, OPEN) == [("A", "2024-01-09", "spike"), ("B", "2024-01-08", "spike")]

    assert database.quarantine(bad) == 1
    assert rows(
        database,
        """SELECT resolution, resolved_at >= detected_at FROM market_data_quarantine
        WHERE ticker = 'A' AND date = '2024-01-08' ORDER BY id""",
    ) == [("good in a later fetch", True), (None, None)]


def test_a_quarantined_ticker_shows_in_the_quality_summary(database):
    database.quarantine(
        quarantined(("A", "2024-01-08", "spike"), ("A", "2024-01-08", "high < low"))
    )

    summary = "SELECT ticker, good, suspect, quarantined FROM market_data_quality_summary"
    assert rows(database, summary) == [("A", 0, 0, 1)]


def failures(database) -> list[tuple]:
    frame = database.open_failures()
    frame["session"] = frame["session"].dt.date
    columns = ["ticker", "session", "error_class", "message", "attempts"]
    return list(frame[columns].itertuples(index=False, name=None))


def test_a_range_leaves_one_row_per_ticker_under_its_last_session(database):
    database.record_failures(
        MONDAY, WEDNESDAY, [Failed("B", "TIMEOUT"), Failed("A", "NO_DATA")], ["C"]
    )

    assert failures(database) == [
        ("A", WEDNESDAY, "NO_DATA", "it said no", 1),
        ("B", WEDNESDAY, "TIMEOUT", "it said no", 1),
    ]


def test_the_same_failure_again_is_one_more_attempt(database):
    database.record_failures(MONDAY, MONDAY, [Failed("A", "TIMEOUT", "10 s")], [])
    database.record_failures(MONDAY, MONDAY, [Failed("A", "TIMEOUT", "20 s")] * 2, [])

    assert failures(database) == [("A", MONDAY, "TIMEOUT", "20 s", 2)]
    seen = database.open_failures().iloc[0]
    assert seen["last_seen"] > seen["first_seen"]
    assert str(seen["last_seen"].tz) == "UTC"


def test_a_ticker_that_comes_through_is_resolved_within_the_range_asked_for(database):
    for session in (MONDAY, WEDNESDAY):
        failed = [Failed(ticker, "TIMEOUT") for ticker in ("A", "B", "C")]
        database.record_failures(session, session, failed, [])
    database.record_failures(MONDAY, TUESDAY, [Failed("B", "NO_DATA")], ["A", "B"])

    assert [row[:3] for row in failures(database)] == [
        ("B", MONDAY, "TIMEOUT"),
        ("C", MONDAY, "TIMEOUT"),
        ("B", TUESDAY, "NO_DATA"),
        ("A", WEDNESDAY, "TIMEOUT"),
        ("B", WEDNESDAY, "TIMEOUT"),
        ("C", WEDNESDAY, "TIMEOUT"),
    ]


def test_a_failure_that_returns_is_open_again(database):
    database.record_failures(MONDAY, MONDAY, [Failed("A", "TIMEOUT")], [])
    database.record_failures(MONDAY, MONDAY, [], ["A"])
    assert failures(database) == []

    database.record_failures(MONDAY, MONDAY, [Failed("A", "TIMEOUT")], [])
    assert failures(database) == [("A", MONDAY, "TIMEOUT", "it said no", 2)]
