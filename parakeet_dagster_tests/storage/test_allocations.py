"""Every version of an allocation is kept, and nothing is written that is known already."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster_tests.storage.bars import days

MONDAY, TUESDAY = "2024-01-08", "2024-01-09"


def weights(session: str, rebalance: bool = True, **of_ticker: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.Series([session] * len(of_ticker), dtype="datetime64[us]"),
            "ticker": list(of_ticker),
            "weight": list(of_ticker.values()),
            "rebalance": rebalance,
        }
    )


def read(database, **wanted) -> list[tuple]:
    frame = database.read_allocations(**wanted)
    frame["session"] = frame["session"].dt.strftime("%Y-%m-%d")
    return list(frame.itertuples(index=False, name=None))


def versions(database) -> int:
    with database.transaction("look") as connection:
        return connection.scalar(text("SELECT count(DISTINCT known_at) FROM allocations"))


def test_what_is_written_is_read(database):
    assert database.write_allocations("s", weights(MONDAY, VAS=0.6, CASH=0.4)) == 2

    assert read(database) == [("s", MONDAY, "CASH", 0.4, True), ("s", MONDAY, "VAS", 0.6, True)]


def test_the_types_of_what_is_read_even_when_there_is_nothing(database):
    expected = ["str", "datetime64[us]", "str", "float64", "bool"]
    assert [str(kind) for kind in database.read_allocations().dtypes] == expected

    database.write_allocations("s", weights(MONDAY, CASH=1.0))
    assert [str(kind) for kind in database.read_allocations().dtypes] == expected


@pytest.mark.parametrize(
    "other",
    [
        {"VAS": 0.5, "CASH": 0.5},
        {"VAS": 0.6, "CASH": 0.4, "rebalance": False},
        {"VAS": 0.6},
        {"VAS": 0.6, "CASH": 0.3, "VGS": 0.1},
    ],
)
def test_a_set_of_rows_that_differs_is_a_whole_new_version(database, other):
    database.write_allocations("s", weights(MONDAY, VAS=0.6, CASH=0.4))
    new = weights(MONDAY, **other)

    assert database.write_allocations("s", new) == len(new)
    assert versions(database) == 2
    assert {(row[2], row[3]) for row in read(database)} == set(
        zip(new["ticker"], new["weight"], strict=True)
    )


def test_what_is_known_already_is_not_written(database):
    database.write_allocations("s", weights(MONDAY, VAS=0.6, CASH=0.4))

    assert database.write_allocations("s", weights(MONDAY, CASH=0.4, VAS=0.6)) == 0
    assert versions(database) == 1


def test_a_version_that_comes_back_is_new_again(database):
    for weight in (0.1, 0.2, 0.1):
        database.write_allocations("s", weights(MONDAY, CASH=weight))

    assert versions(database) == 3
    assert read(database) == [("s", MONDAY, "CASH", 0.1, True)]


def test_of_many_sessions_only_those_that_differ_are_written(database):
    database.write_allocations(
        "s", pd.concat([weights(MONDAY, VAS=1.0), weights(TUESDAY, VAS=0.5, CASH=0.5)])
    )

    again = pd.concat([weights(MONDAY, VGS=1.0), weights(TUESDAY, VAS=0.5, CASH=0.5)])
    assert database.write_allocations("s", again) == 1
    assert read(database, session=days(MONDAY)[0]) == [("s", MONDAY, "VGS", 1.0, True)]


def test_each_strategy_is_read_at_its_own_newest_session_or_at_the_one_asked_for(database):
    database.write_allocations("a", weights(MONDAY, CASH=0.1))
    database.write_allocations("b", weights(MONDAY, CASH=0.2))
    database.write_allocations("b", weights(TUESDAY, CASH=0.3))

    assert read(database) == [
        ("a", MONDAY, "CASH", 0.1, True),
        ("b", TUESDAY, "CASH", 0.3, True),
    ]
    assert read(database, strategy="b") == [("b", TUESDAY, "CASH", 0.3, True)]
    assert read(database, strategy="b", session=days(MONDAY)[0]) == [
        ("b", MONDAY, "CASH", 0.2, True)
    ]
    assert read(database, session=days(TUESDAY)[0]) == [("b", TUESDAY, "CASH", 0.3, True)]
    assert read(database, strategy="none") == []
    assert database.allocation_sessions() == {"a": days(MONDAY), "b": days(MONDAY, TUESDAY)}


def test_writers_at_once_leave_one_version_of_what_they_agree_on(database):
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(database.write_allocations, "s", weights(MONDAY, VAS=0.6, CASH=0.4))
            for _ in range(8)
        ]
        assert sorted(job.result() for job in jobs) == [0] * 7 + [2]
    assert versions(database) == 1


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(database, weight):
    with pytest.raises(DatabaseError, match="cannot write allocations"):
        database.write_allocations("s", weights(MONDAY, VAS=weight))
