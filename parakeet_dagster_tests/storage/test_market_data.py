"""A merge makes market_data say what the lake says, writes nothing twice and forgets nothing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.market_data import MarketDataSummary, MergeCounts
from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"


def rows(database: Database, query: str) -> list[tuple]:
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def merge(database: Database, *bars: dict, sessions: tuple[str, ...] = (MONDAY,)) -> MergeCounts:
    return database.merge_market_data(frame(*bars), days(*sessions), "a test")


def test_a_bar_is_stored_as_it_traded(database):
    merge(
        database,
        bar(MONDAY, "BHP.AX", 50.123, open=50.1, high=51.0, low=49.9, volume=7, market="XASX",
            currency="AUD", source="yahoo", data_quality="suspect"),
    )  # fmt: skip

    stored = rows(
        database,
        """SELECT ticker, date::text, open, high, low, close, volume, adjusted_close, source,
        data_quality, metadata, created_at = updated_at FROM market_data""",
    )
    assert stored == [
        (
            "BHP.AX", MONDAY, 50.1, 51.0, 49.9, 50.123, 7, 50.123, "yahoo", "suspect",
            {"market": "XASX", "currency": "AUD"}, True,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "ticker", ["NA", "True", "null", "O'Neil", 'a "b", c', "\\N", "é", "BRK-B"]
)
def test_a_ticker_comes_through_whatever_it_looks_like(database, ticker):
    merge(database, bar(MONDAY, ticker, 1.0))

    assert rows(database, "SELECT ticker FROM market_data") == [(ticker,)]


def test_every_bit_of_a_price_comes_through(database):
    closes = np.random.default_rng(1).lognormal(3, 4, 500)
    merge(database, *(bar(MONDAY, f"T{i:03}", close) for i, close in enumerate(closes)))

    stored = rows(database, "SELECT close FROM market_data ORDER BY ticker")
    assert [close for (close,) in stored] == closes.tolist()


def test_the_same_merge_again_writes_nothing(database):
    bars = (
        bar(MONDAY, "A", 10.0, dividend=0.5, split_ratio=2.0),
        bar(MONDAY, "B", 20.0),
        bar(MONDAY, "C", NO_BAR, dividend=0.1),
    )
    everything = """
        SELECT 'bar', ticker, xmin::text FROM market_data
        UNION ALL SELECT 'action', ticker, xmin::text FROM corporate_actions
        UNION ALL SELECT 'revision', ticker, xmin::text FROM market_data_revisions
        ORDER BY 1, 2"""

    assert merge(database, *bars) == MergeCounts(inserted=2, updated=0, unchanged=0, deleted=0)
    before = rows(database, everything)
    assert merge(database, *bars) == MergeCounts(inserted=0, updated=0, unchanged=2, deleted=0)

    assert [kind for kind, *_ in before] == ["action", "action", "action", "bar", "bar"]
    assert rows(database, everything) == before


def test_only_the_bar_that_changed_is_written_and_its_row_before_is_kept(database):
    merge(database, bar(MONDAY, "A", 10.0), bar(MONDAY, "B", 20.0))
    counts = merge(database, bar(MONDAY, "A", 10.0), bar(MONDAY, "B", 21.0))

    assert counts == MergeCounts(inserted=0, updated=1, unchanged=1, deleted=0)
    assert rows(
        database,
        "SELECT ticker, close, adjusted_close, updated_at > created_at FROM market_data ORDER BY 1",
    ) == [("A", 10.0, 10.0, False), ("B", 21.0, 21.0, True)]
    assert rows(
        database,
        """SELECT ticker, date::text, (row_before ->> 'close')::float8, reason
        FROM market_data_revisions""",
    ) == [("B", MONDAY, 20.0, "a test")]


def test_a_volume_that_drifts_is_stored_but_is_no_revision(database):
    merge(database, bar(MONDAY, "A", 10.0))
    counts = merge(database, bar(MONDAY, "A", 10.0, volume=1001))

    assert counts.updated == 1
    assert rows(database, "SELECT volume FROM market_data") == [(1001,)]
    assert rows(database, "SELECT * FROM market_data_revisions") == []


def test_a_bar_that_is_no_longer_there_goes_and_leaves_a_revision(database):
    both = (MONDAY, TUESDAY)
    merge(database, bar(MONDAY, "A", 10.0), bar(TUESDAY, "A", 11.0), sessions=both)
    merge(database, bar(WEDNESDAY, "A", 12.0), sessions=(WEDNESDAY,))
    counts = merge(database, bar(MONDAY, "A", 10.0), bar(TUESDAY, "A", NO_BAR), sessions=both)

    assert counts == MergeCounts(inserted=0, updated=0, unchanged=1, deleted=1)
    assert rows(database, "SELECT date::text FROM market_data ORDER BY 1") == [
        (MONDAY,),
        (WEDNESDAY,),
    ]
    assert rows(
        database, "SELECT date::text, (row_before ->> 'close')::float8 FROM market_data_revisions"
    ) == [(TUESDAY, 11.0)]


def test_an_empty_session_merges(database):
    assert merge(database) == MergeCounts(inserted=0, updated=0, unchanged=0, deleted=0)


def test_an_action_with_another_value_supersedes_and_one_that_vanishes_is_superseded(database):
    merge(
        database,
        bar(MONDAY, "A", 10.0, dividend=0.5),
        bar(MONDAY, "B", 10.0, split_ratio=2.0),
        bar(MONDAY, "C", 10.0, dividend=0.1),
    )
    merge(
        database,
        bar(MONDAY, "A", 10.0, dividend=0.6),
        bar(MONDAY, "B", 10.0),
        bar(MONDAY, "C", 10.0, dividend=0.1),
    )

    assert rows(
        database,
        """SELECT ticker, ex_date::text, kind, value, source, superseded_at >= known_at
        FROM corporate_actions ORDER BY ticker, known_at""",
    ) == [
        ("A", MONDAY, "dividend", 0.5, "sample", True),
        ("A", MONDAY, "dividend", 0.6, "sample", None),
        ("B", MONDAY, "split", 2.0, "sample", True),
        ("C", MONDAY, "dividend", 0.1, "sample", None),
    ]


def test_actions_of_other_sessions_stay(database):
    merge(database, bar(MONDAY, "A", 10.0, dividend=0.5))
    merge(database, bar(TUESDAY, "A", 10.0), sessions=(TUESDAY,))

    assert rows(database, "SELECT superseded_at FROM corporate_actions") == [(None,)]


def test_a_row_of_another_session_is_a_mistake_of_the_caller(database):
    with pytest.raises(ValueError, match="a row of 2024-01-09 in a merge of other sessions"):
        merge(database, bar(TUESDAY, "A", 10.0))


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"high": 9.0}, "market_data_low_to_high"),
        ({"low": 11.0}, "market_data_low_to_high"),
        ({"open": 11.0}, "market_data_low_to_high"),
        ({"low": 0.0}, "market_data_prices_positive_and_finite"),
        ({"low": -1.0}, "market_data_prices_positive_and_finite"),
        ({"high": float("inf")}, "market_data_prices_positive_and_finite"),
        ({"open": NO_BAR}, "null value"),
        ({"volume": -1}, "market_data_volume_not_negative"),
        ({"data_quality": "bad"}, "market_data_quality_known"),
        ({"ticker": ""}, "market_data_ticker_given"),
        ({"dividend": -0.1}, "corporate_actions_value_positive_and_finite"),
        ({"split_ratio": 0.0}, "corporate_actions_value_positive_and_finite"),
    ],
)
def test_a_bar_that_breaks_a_rule_stops_the_whole_merge(database, columns, constraint):
    with pytest.raises(DatabaseError, match=constraint) as refused:
        merge(database, bar(MONDAY, "GOOD", 10.0), bar(MONDAY, "B", 10.0) | columns)

    assert "\n" not in refused.value.message
    assert rows(database, "SELECT * FROM market_data") == []


def test_no_price_is_nan_infinite_or_zero(database):
    merge(database, bar(MONDAY, "A", 10.0))

    for column in ("open", "high", "low", "close", "adjusted_close"):
        for value in ("NaN", "Infinity", "-Infinity", "0"):
            with (
                pytest.raises(DatabaseError, match="violates check constraint"),
                database.transaction("update") as connection,
            ):
                connection.execute(text(f"UPDATE market_data SET {column} = '{value}'"))


def test_a_row_that_is_there_twice_stops_the_merge(database):
    with pytest.raises(
        DatabaseError, match=r"cannot merge market data .*A, 2024-01-08\) is duplicated"
    ):
        merge(database, bar(MONDAY, "A", 10.0), bar(MONDAY, "A", 10.0))


def test_a_row_that_is_stored_and_there_twice_stops_the_merge(database):
    merge(database, bar(MONDAY, "A", 10.0))

    with pytest.raises(DatabaseError, match=r"A, 2024-01-08\) is duplicated"):
        merge(database, bar(MONDAY, "A", 10.0), bar(MONDAY, "A", 10.0))


def test_a_merge_says_how_many_bars_it_put_in_changed_left_and_took_out(database):
    both = (MONDAY, TUESDAY)
    first = [bar(day, name, 10.0) for day in both for name in ("KEPT", "CHANGED", "GONE")]
    merge(database, *first, sessions=both)
    later = [
        row | {"close": 11.0, "high": 11.0} if row["ticker"] == "CHANGED" else row
        for row in first
        if row["ticker"] != "GONE"
    ]
    new = [bar(MONDAY, name, 5.0) for name in ("NEW", "NEWER", "NEWEST")]

    counts = merge(database, *later, *new, bar(TUESDAY, "NEW", NO_BAR, dividend=1.0), sessions=both)

    assert counts == MergeCounts(inserted=3, updated=2, unchanged=2, deleted=2)
    assert rows(database, "SELECT ticker, count(*) FROM market_data GROUP BY 1 ORDER BY 1") == [
        ("CHANGED", 2), ("KEPT", 2), ("NEW", 1), ("NEWER", 1), ("NEWEST", 1),
    ]  # fmt: skip


def test_an_update_that_changes_nothing_keeps_updated_at(database):
    merge(database, bar(MONDAY, "A", 10.0))
    with database.transaction("update") as connection:
        connection.execute(text("UPDATE market_data SET close = close"))

    assert rows(database, "SELECT updated_at = created_at FROM market_data") == [(True,)]


def test_two_merges_of_the_same_sessions_at_once_both_succeed(database):
    names = [f"T{i:03}" for i in range(300)]
    sessions = [f"2024-01-{day:02}" for day in range(8, 13)]
    one = [bar(day, name, 10.0, dividend=0.1) for day in sessions for name in names]
    other = [row | {"dividend": 0.2} for row in reversed(one)]

    with ThreadPoolExecutor(4) as pool:
        merges = [
            pool.submit(merge, database, *bars, sessions=tuple(sessions))
            for bars in (one, other, one, other)
        ]
        counts = [job.result() for job in merges]

    assert sum(count.inserted for count in counts) == 1500
    assert sum(count.unchanged for count in counts) == 4500
    known_now = rows(database, "SELECT count(*) FROM corporate_actions WHERE superseded_at IS NULL")
    assert known_now == [(1500,)]
    by_value = dict(rows(database, "SELECT value, count(*) FROM corporate_actions GROUP BY value"))
    assert set(by_value) == {0.1, 0.2}


def test_a_connection_killed_in_the_middle_leaves_nothing_half_written(database):
    merge(database, bar(MONDAY, "A", 10.0))

    with database.transaction("block") as blocker:
        # A merge gets to corporate_actions after market_data and its revisions.
        blocker.execute(text("LOCK TABLE corporate_actions IN ACCESS EXCLUSIVE MODE"))
        failures: list[str] = []

        def doomed() -> None:
            try:
                merge(database, bar(MONDAY, "A", 11.0, dividend=1.0), bar(MONDAY, "B", 5.0))
            except DatabaseError as error:
                failures.append(error.message)

        thread = threading.Thread(target=doomed)
        thread.start()
        kill = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()"""
        deadline = time.monotonic() + 10
        while not rows(database, kill):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        thread.join(10)

    assert len(failures) == 1
    assert failures[0].startswith("cannot merge market data (")
    assert rows(database, "SELECT ticker, close FROM market_data") == [("A", 10.0)]
    assert rows(database, "SELECT * FROM market_data_revisions") == []
    assert merge(database, bar(MONDAY, "A", 11.0)).updated == 1


def test_what_there_is_can_be_asked(database):
    assert database.market_data_summary() == MarketDataSummary(0, None, None)
    assert database.market_data_sessions() == []

    merge(
        database, bar(MONDAY, "A", 1.0), bar(MONDAY, "B", 1.0), bar(WEDNESDAY, "A", 1.0),
        sessions=(MONDAY, TUESDAY, WEDNESDAY),
    )  # fmt: skip

    assert database.market_data_summary() == MarketDataSummary(3, *days(MONDAY, WEDNESDAY))
    assert database.market_data_sessions() == days(MONDAY, WEDNESDAY)


def test_the_lookups_in_sql(database):
    today = str(pd.Timestamp.now("UTC").date())
    merge(
        database,
        bar(MONDAY, "A", 1.0),
        bar(today, "A", 2.0, data_quality="suspect"),
        bar(MONDAY, "B", 3.0),
        sessions=(MONDAY, today),
    )
    stale = (pd.Timestamp(today) - pd.Timestamp(MONDAY)).days

    assert rows(
        database, "SELECT ticker, close, days_stale FROM market_data_latest ORDER BY ticker"
    ) == [("A", 2.0, 0), ("B", 3.0, stale)]
    assert rows(
        database, "SELECT get_latest_close('A'), get_latest_close('B'), get_latest_close('C')"
    ) == [(2.0, 3.0, None)]
    assert rows(
        database,
        "SELECT first_date::text, last_date::text, sessions FROM get_ticker_date_range('A')",
    ) == [(MONDAY, today, 2)]
    assert rows(database, "SELECT * FROM get_ticker_date_range('C')") == []
    assert rows(
        database,
        """SELECT ticker, good, suspect, quarantined, first_date::text, last_date::text
        FROM market_data_quality_summary ORDER BY ticker""",
    ) == [("A", 1, 1, 0, MONDAY, today), ("B", 1, 0, 0, MONDAY, MONDAY)]
