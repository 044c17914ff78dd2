"""One snapshot a date; importing it again replaces it whole."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.holdings import replace
from parakeet_dagster_tests.storage.emptied import (  # noqa: F401 - fixtures
    database,
    one_database,
)

COLUMNS = ["ticker", "quantity", "acquired", "price", "currency"]
JANUARY, MARCH = date(2024, 1, 31), date(2024, 3, 5)
APPLE = ("AAPL", 10.0, "2021-05-03", 132.5, "USD")
MORE = ("AAPL", 2.5, "2022-05-03", 159.0, "USD")
CASH = ("CASH", 1234.56, None, None, "AUD")


def snapshot(*rows: tuple) -> pd.DataFrame:
    kinds = {"acquired": "datetime64[us]", "price": "float64"}
    return pd.DataFrame(list(rows), columns=COLUMNS).astype(kinds)


def read(database, as_of=None) -> list[tuple]:
    frame = database.holdings(as_of)
    frame["as_of"] = frame["as_of"].dt.date
    frame["acquired"] = frame["acquired"].dt.strftime("%Y-%m-%d")
    plain = frame.astype(object).where(frame.notna(), None)
    return list(plain[["as_of", *COLUMNS]].itertuples(index=False, name=None))


def test_a_snapshot_is_read_as_it_was_entered(database):
    assert database.replace_holdings(MARCH, snapshot(MORE, APPLE, MORE, CASH)) == 0
    assert read(database) == [(MARCH, *row) for row in (MORE, APPLE, MORE, CASH)]


def test_the_newest_on_or_before_a_date(database):
    database.replace_holdings(MARCH, snapshot(APPLE))
    database.replace_holdings(JANUARY, snapshot(CASH))

    assert read(database) == [(MARCH, *APPLE)]
    assert read(database, MARCH) == [(MARCH, *APPLE)]
    assert read(database, date(2024, 3, 4)) == [(JANUARY, *CASH)]
    assert read(database, JANUARY) == [(JANUARY, *CASH)]
    assert read(database, date(2024, 1, 30)) == []


def test_the_same_date_again_replaces_it_whole(database):
    database.replace_holdings(JANUARY, snapshot(CASH))
    database.replace_holdings(MARCH, snapshot(APPLE, MORE, CASH))

    assert database.replace_holdings(MARCH, snapshot(MORE)) == 3
    assert read(database) == [(MARCH, *MORE)]
    assert read(database, JANUARY) == [(JANUARY, *CASH)]


def test_every_snapshot_until_a_date(database):
    database.replace_holdings(MARCH, snapshot(APPLE, CASH))
    database.replace_holdings(JANUARY, snapshot(MORE, CASH))

    def all_until(day: date) -> list[tuple]:
        frame = database.all_holdings(day)
        return list(zip(frame["as_of"].dt.date, frame["ticker"], frame["quantity"], strict=True))

    january = [(JANUARY, "AAPL", 2.5), (JANUARY, "CASH", 1234.56)]
    assert all_until(MARCH) == [*january, (MARCH, "AAPL", 10.0), (MARCH, "CASH", 1234.56)]
    assert all_until(date(2024, 3, 4)) == january
    assert all_until(date(2024, 1, 30)) == []
    kinds = database.holdings().dtypes
    assert database.all_holdings(date(2024, 1, 30)).dtypes.equals(kinds)


def test_the_types_even_when_there_is_nothing(database):
    kinds = {
        "as_of": "datetime64[us]",
        "ticker": "str",
        "quantity": "float64",
        "acquired": "datetime64[us]",
        "price": "float64",
        "currency": "str",
        "imported_at": "datetime64[us, UTC]",
    }
    assert database.holdings().dtypes.astype("str").to_dict() == kinds
    database.replace_holdings(MARCH, snapshot(CASH))
    assert database.holdings().dtypes.astype("str").to_dict() == kinds


def test_what_cannot_be_leaves_the_snapshot_before(database):
    database.replace_holdings(MARCH, snapshot(APPLE, CASH))
    wrong = [
        ("AAPL", 0.0, "2021-05-03", 132.5, "USD"),
        ("AAPL", float("inf"), "2021-05-03", 132.5, "USD"),
        ("AAPL", 10.0, "2024-03-06", 132.5, "USD"),
        ("AAPL", 10.0, "2021-05-03", -1.0, "USD"),
        ("AAPL", 10.0, None, 132.5, "USD"),
        ("AAPL", 10.0, "2021-05-03", None, "USD"),
        ("CASH", 10.0, None, None, "USD"),
        CASH,
    ]
    for row in wrong:
        with pytest.raises(DatabaseError, match="cannot replace holdings"):
            database.replace_holdings(MARCH, snapshot(CASH, row))
    assert read(database) == [(MARCH, *APPLE), (MARCH, *CASH)]


def test_who_replaces_at_the_same_time_waits_and_replaces_that(database):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction("replace first") as connection:
            replace(connection, MARCH, snapshot(APPLE, MORE, CASH))
            job = pool.submit(database.replace_holdings, MARCH, snapshot(CASH))
            with pytest.raises(TimeoutError):
                job.result(timeout=0.3)
        assert job.result() == 3
    assert read(database) == [(MARCH, *CASH)]
