"""Quarantine: open once, resolved by itself or by hand, and a decision stands."""

import json

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import ParakeetError

NAN = float("nan")


def quarantined(*rows: tuple[str, str, str], close: float | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["ticker", "date", "rule"])
    content = json.dumps({"close": close, "volume": 7})
    return frame.assign(row=content).astype({"date": "datetime64[us]"})


def good(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ticker", "date"]).astype({"date": "datetime64[us]"})


def rows(database, query: str) -> list[tuple]:
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


OPEN = """SELECT ticker, date::text, rule FROM market_data_quarantine
    WHERE resolved_at IS NULL ORDER BY id"""
JUMP = ("A", "2024-01-08", "move")


def only_id(database) -> int:
    (found,) = database.open_quarantine()["id"]
    return int(found)


def test_a_row_is_quarantined_once_per_rule(database):
    bad = quarantined(("A", "2024-01-08", "spike"), ("A", "2024-01-08", "high < low"))

    assert database.quarantine(bad) == 2
    before = rows(database, "SELECT xmin::text FROM market_data_quarantine")
    assert database.quarantine(bad) == 0
    assert database.quarantine(bad.head(0)) == 0
    assert rows(database, "SELECT xmin::text FROM market_data_quarantine") == before
    assert rows(
        database, """SELECT ticker, "row", rule FROM market_data_quarantine ORDER BY id"""
    ) == [
        ("A", {"close": None, "volume": 7}, "high < low"),
        ("A", {"close": None, "volume": 7}, "spike"),
    ]


def test_an_open_row_says_what_the_vendor_said_last(database):
    assert database.quarantine(quarantined(JUMP, close=100.0)) == 1
    assert database.quarantine(quarantined(JUMP, close=200.0)) == 0

    assert rows(database, """SELECT "row" ->> 'close' FROM market_data_quarantine""") == [
        ("200.0",)
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


def test_what_made_a_row_good_can_be_told(database):
    database.quarantine(quarantined(JUMP, ("B", "2024-01-09", "x100")))
    reasons = ["a second bar at the new level", "its split is listed"]
    came = good(("B", "2024-01-09"), ("A", "2024-01-08")).assign(resolution=reasons[::-1])

    assert database.resolve_quarantine(came) == 2
    assert database.whole_quarantine()["resolution"].tolist() == reasons


def test_a_quarantined_ticker_shows_in_the_quality_summary(database):
    database.quarantine(
        quarantined(("A", "2024-01-08", "spike"), ("A", "2024-01-08", "high < low"))
    )

    summary = "SELECT ticker, good, suspect, quarantined FROM market_data_quality_summary"
    assert rows(database, summary) == [("A", 0, 0, 1)]


def test_the_open_rows_and_all_rows_can_be_read(database):
    types = {
        "id": "int64",
        "ticker": "str",
        "date": "datetime64[us]",
        "rule": "str",
        "row": "str",
        "detected_at": "datetime64[us, UTC]",
        "resolved_at": "datetime64[us, UTC]",
        "resolution": "str",
    }
    for empty in (database.open_quarantine(), database.whole_quarantine()):
        assert empty.empty
        assert empty.dtypes.astype("str").to_dict() == types
    database.quarantine(quarantined(JUMP, ("B", "2024-01-09", "x100"), close=3.5))
    database.resolve_quarantine(good(("A", "2024-01-08")))

    whole, still_open = database.whole_quarantine(), database.open_quarantine()
    assert whole.dtypes.astype("str").to_dict() == types
    assert whole["ticker"].tolist() == ["A", "B"]
    assert whole["resolution"].isna().tolist() == [False, True]
    assert still_open["ticker"].tolist() == ["B"]
    assert still_open["date"].tolist() == [pd.Timestamp("2024-01-09")]
    assert json.loads(still_open["row"].iloc[0]) == {"close": 3.5, "volume": 7}


@pytest.mark.parametrize("rule", ["move", "x100", "rebased"])
def test_a_released_row_is_computed_again(database, rule):
    database.quarantine(quarantined(("A", "2024-01-08", rule), close=100.0))

    row = database.decide_quarantine(only_id(database), "released", "it is in the news")
    assert row[["ticker", "rule", "resolution"]].tolist() == [
        "A",
        rule,
        "released: it is in the news",
    ]
    assert row["resolved_at"] >= row["detected_at"]
    assert database.open_quarantine().empty
    (correction,) = database.open_corrections().to_dict("records")
    assert correction["ticker"] == "A"
    assert correction["date"] == pd.Timestamp("2024-01-08")
    assert correction["reason"] == "released by hand: it is in the news"


def test_a_rejected_row_stays_out_and_nothing_is_computed_again(database):
    database.quarantine(quarantined(("A", "2024-01-08", "high < low"), close=100.0))
    row = database.decide_quarantine(only_id(database), "rejected", "a typo: of theirs")

    assert row["resolution"] == "rejected: a typo: of theirs"
    assert database.open_corrections().empty
    assert database.quarantine_decisions()["decision"].tolist() == ["rejected"]


@pytest.mark.parametrize("decision", ["released", "rejected"])
def test_what_was_decided_is_not_opened_again_while_the_close_is_the_same(database, decision):
    database.quarantine(quarantined(JUMP, close=100.0))
    database.decide_quarantine(only_id(database), decision, "seen")

    assert database.quarantine(quarantined(JUMP, close=100.0)) == 0
    assert database.quarantine(quarantined(JUMP, close=100.00009)) == 0
    other_places = [("B", "2024-01-08", "move"), ("A", "2024-01-09", "move"),
                    ("A", "2024-01-08", "x100")]  # fmt: skip
    assert database.quarantine(quarantined(*other_places, close=100.0)) == 3
    assert database.quarantine(quarantined(JUMP, close=100.0002)) == 1


def test_a_row_without_a_close_is_decided_upon_as_well(database):
    database.quarantine(quarantined(JUMP))
    database.decide_quarantine(only_id(database), "rejected", "seen")

    assert database.quarantine(quarantined(JUMP)) == 0
    assert database.quarantine(quarantined(JUMP, close=1.0)) == 1


def test_the_newest_decision_upon_a_close_stands(database):
    types = {
        "ticker": "str",
        "date": "datetime64[us]",
        "rule": "str",
        "close": "float64",
        "decision": "str",
    }
    assert database.quarantine_decisions().dtypes.astype("str").to_dict() == types
    decided = [(100.0, "released"), (50.0, "rejected"), (None, "rejected")]
    for close, decision in decided:
        database.quarantine(quarantined(JUMP, close=close))
        database.decide_quarantine(only_id(database), decision, "seen")
    database.quarantine(quarantined(("B", "2024-01-08", "move"), close=9.0))
    database.resolve_quarantine(good(("B", "2024-01-08")))

    found = database.quarantine_decisions()
    assert found.dtypes.astype("str").to_dict() == types
    assert found["ticker"].tolist() == ["A"] * 3
    assert found["rule"].tolist() == ["move"] * 3
    assert found["decision"].tolist() == ["rejected", "released", "rejected"]
    np.testing.assert_array_equal(found["close"], [50.0, 100.0, NAN])


def test_the_same_release_twice_over_time_is_two_corrections(database):
    """The bar was released, changed, and came back: its session has to be computed each time."""
    for close in (100.0, 50.0):
        database.quarantine(quarantined(JUMP, close=close))
        database.decide_quarantine(only_id(database), "released", "seen")

    assert len(database.open_corrections()) == 2


def test_what_cannot_be_decided_is_told_in_one_line(database):
    database.quarantine(quarantined(("A", "2024-01-08", "high < low"), close=100.0))
    row_id = only_id(database)

    with pytest.raises(ParakeetError) as impossible:
        database.decide_quarantine(row_id, "released", "why not")
    assert impossible.value.message == (
        f"row {row_id} of the quarantine (A 2024-01-08, high < low) cannot be released, no true bar"
        " breaks this rule: reject it, or wait for another bar from the vendor"
    )
    with pytest.raises(ParakeetError, match="is rejected without a reason: give one"):
        database.decide_quarantine(row_id, "rejected", " ")
    assert database.open_quarantine()["id"].tolist() == [row_id]

    database.decide_quarantine(row_id, "rejected", "seen")
    with pytest.raises(ParakeetError, match=r"is resolved already: rejected: seen$"):
        database.decide_quarantine(row_id, "rejected", "seen again")
    with pytest.raises(ParakeetError, match=r"^there is no row 99 in quarantine: list the rows"):
        database.decide_quarantine(99, "rejected", "seen")
    assert database.open_corrections().empty
