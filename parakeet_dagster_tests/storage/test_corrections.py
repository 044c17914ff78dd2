"""A correction is recorded once, applied by the merge of its session, and explains its revision."""

import json

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"


def corrected(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ticker", "date", "close", "reason"])
    content = [json.dumps({"close": close}) for close in frame["close"]]
    return frame.assign(row=content).drop(columns="close").astype({"date": "datetime64[us]"})


def merge(database, *bars: dict, sessions: tuple[str, ...] = (MONDAY,)) -> None:
    database.merge_market_data(frame(*bars), days(*sessions), "materialised again")


def revisions(database) -> list[tuple]:
    query = "SELECT ticker, date::text, reason FROM market_data_revisions ORDER BY ticker, date"
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_value_is_recorded_once(database):
    rows = corrected(("A", MONDAY, 10.0, "close 10, stored 9"), ("B", MONDAY, 10.0, "late split"))

    assert database.record_corrections(rows) == 2
    assert database.record_corrections(pd.concat([rows, rows])) == 0
    assert database.record_corrections(rows.head(0)) == 0
    assert database.record_corrections(corrected(("A", MONDAY, 11.0, "close 11, stored 9"))) == 1
    assert database.record_corrections(corrected(("A", TUESDAY, 10.0, "close 10"))) == 1


def test_open_corrections_are_listed_by_date_and_ticker(database):
    types = {
        "id": "int64",
        "ticker": "str",
        "date": "datetime64[us]",
        "reason": "str",
        "seen_at": "datetime64[us, UTC]",
    }
    assert database.open_corrections().dtypes.astype("str").to_dict() == types
    database.record_corrections(
        corrected(("A", TUESDAY, 1.0, "x"), ("B", MONDAY, 1.0, "y"), ("A", MONDAY, 1.0, "z"))
    )

    found = database.open_corrections()
    assert found.dtypes.astype("str").to_dict() == types
    assert found["reason"].tolist() == ["z", "y", "x"]


def test_the_merge_of_its_session_applies_it_and_takes_its_reason(database):
    merge(
        database, bar(MONDAY, "A", 9.0), bar(MONDAY, "B", 9.0), bar(TUESDAY, "A", 9.0),
        sessions=(MONDAY, TUESDAY),
    )  # fmt: skip
    database.record_corrections(
        corrected(("A", MONDAY, 10.0, "close 10, stored 9"), ("A", TUESDAY, 11.0, "close 11"))
    )
    merge(database, bar(MONDAY, "A", 10.0), bar(MONDAY, "B", 10.0))

    assert revisions(database) == [
        ("A", MONDAY, "close 10, stored 9"),
        ("B", MONDAY, "materialised again"),
    ]
    assert database.open_corrections()["date"].tolist() == [pd.Timestamp(TUESDAY)]
    found = database.corrections(*days(MONDAY, TUESDAY))
    assert list(found) == ["ticker", "date", "reason", "seen_at", "applied_at"]
    assert found["applied_at"].isna().tolist() == [False, True]
    assert found["applied_at"].iloc[0] > found["seen_at"].iloc[0]
    assert database.corrections(*days(TUESDAY, WEDNESDAY))["reason"].tolist() == ["close 11"]

    same_again = corrected(("A", MONDAY, 10.0, "close 10, stored 9"))
    assert database.record_corrections(same_again) == 0
    merge(database, bar(MONDAY, "A", 12.0), bar(MONDAY, "B", 10.0))
    assert revisions(database)[1] == ("A", MONDAY, "materialised again")


def test_a_bar_that_goes_takes_the_reason_too(database):
    merge(database, bar(MONDAY, "A", 9.0), bar(MONDAY, "B", 9.0))
    database.record_corrections(corrected(("A", MONDAY, 0.0, "the vendor has no such bar")))
    merge(database)

    assert revisions(database) == [
        ("A", MONDAY, "the vendor has no such bar"),
        ("B", MONDAY, "materialised again"),
    ]


def test_of_two_open_ones_the_newest_explains_the_revision(database):
    merge(database, bar(MONDAY, "A", 9.0))
    for close in (10.0, 11.0):
        database.record_corrections(corrected(("A", MONDAY, close, f"close {close:g}")))
    merge(database, bar(MONDAY, "A", 11.0))

    assert revisions(database) == [("A", MONDAY, "close 11")]
    assert database.open_corrections().empty


def test_a_late_action_is_applied_without_a_revision(database):
    merge(database, bar(MONDAY, "A", 9.0), bar(TUESDAY, "A", 9.0), sessions=(MONDAY, TUESDAY))
    database.record_corrections(corrected(("A", TUESDAY, 9.0, "dividend 0.5, stored 0")))
    merge(database, bar(TUESDAY, "A", 9.0, dividend=0.5), sessions=(TUESDAY,))

    assert revisions(database) == []
    assert database.open_corrections().empty


def test_a_merge_that_fails_applies_nothing(database):
    database.record_corrections(corrected(("A", MONDAY, 10.0, "close 10")))
    with pytest.raises(DatabaseError, match="market_data_low_to_high"):
        merge(database, bar(MONDAY, "A", 9.0, high=1.0))
    assert len(database.open_corrections()) == 1

    merge(database, bar(MONDAY, "A", NO_BAR, dividend=0.1))
    assert database.open_corrections().empty
