"""Every version of a session's orders is kept, also the one that says: nothing to do."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.orders import write as write_orders
from parakeet_dagster_tests.storage.bars import days
from parakeet_dagster_tests.storage.emptied import (  # noqa: F401 - fixtures
    database,
    one_database,
)

MONDAY, TUESDAY = "2024-01-08", "2024-01-09"
COLUMNS = [
    *("date", "ticker", "side", "quantity"),
    *("price_estimate_aud", "cost_estimate_aud", "reason"),
]
BUY = (MONDAY, "VAS.AX", "buy", 10.0, 95.5, 3.5, "target")
SELL = (MONDAY, "SPY", "sell", 2.0, 700.25, 12.8, "left the target")


def orders(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS).astype({"date": "datetime64[us]"})


def write(database, *rows: tuple, sessions=(MONDAY,), strategy="s") -> int:
    return database.write_orders(strategy, orders(*rows), days(*sessions))


def read(database, **wanted) -> list[tuple]:
    frame = database.read_orders(**wanted)
    frame["session"] = frame["session"].dt.strftime("%Y-%m-%d")
    return list(frame.itertuples(index=False, name=None))


def versions(database) -> list[int]:
    """The number of orders in each version, oldest first."""
    query = """SELECT count(o.ticker) FROM order_versions AS v
        LEFT JOIN orders AS o USING (strategy, session, known_at)
        GROUP BY v.strategy, v.session, v.known_at ORDER BY v.known_at, v.session"""
    with database.transaction("look") as connection:
        return list(connection.scalars(text(query)))


def test_what_is_written_is_read(database):
    assert write(database, BUY, SELL) == 1
    assert read(database) == [("s", *SELL), ("s", *BUY)]
    assert database.order_sessions() == {"s": days(MONDAY)}


def test_the_types_of_what_is_read_even_when_there_is_nothing(database):
    expected = ["str", "datetime64[us]", "str", "str", "float64", "float64", "float64", "str"]
    frame = database.read_orders()
    assert [str(kind) for kind in frame.dtypes] == expected
    assert frame.columns.tolist() == ["strategy", "session", *COLUMNS[1:]]

    write(database, BUY)
    assert [str(kind) for kind in database.read_orders().dtypes] == expected


@pytest.mark.parametrize(
    "other",
    [
        [BUY],
        [BUY, SELL, (MONDAY, "IWM", "buy", 1.0, 300.0, 3.0, "target")],
        [BUY, (*SELL[:3], 3.0, *SELL[4:])],
        [BUY, (*SELL[:4], 700.5, *SELL[5:])],
        [BUY, (*SELL[:5], 12.9, SELL[6])],
        [BUY, (*SELL[:6], "another reason")],
        [BUY, (*SELL[:2], "buy", *SELL[3:])],
        [],
    ],
)
def test_orders_that_differ_are_a_whole_new_version(database, other):
    write(database, BUY, SELL)

    assert write(database, *other) == 1
    assert versions(database) == [2, len(other)]
    assert sorted(read(database)) == sorted(("s", *row) for row in other)
    assert write(database, *other) == 0
    assert versions(database) == [2, len(other)]


def test_nothing_to_do_is_a_state(database):
    assert write(database) == 1
    assert write(database) == 0
    assert read(database) == []
    assert database.order_sessions() == {"s": days(MONDAY)}

    assert write(database, BUY) == 1
    assert read(database) == [("s", *BUY)]
    assert write(database) == 1
    assert read(database) == []
    assert write(database, BUY) == 1
    assert read(database) == [("s", *BUY)]
    assert versions(database) == [0, 1, 0, 1]


def test_a_newest_session_without_orders_is_not_passed_over(database):
    write(database, BUY)
    write(database, sessions=[TUESDAY])

    assert read(database) == []
    assert read(database, session=days(MONDAY)[0]) == [("s", *BUY)]
    assert database.order_sessions() == {"s": days(MONDAY, TUESDAY)}


def test_of_many_sessions_only_those_that_differ_are_written(database):
    later = (TUESDAY, *BUY[1:])
    assert write(database, BUY, later, sessions=[MONDAY, TUESDAY, "2024-01-10"]) == 3
    assert write(database, BUY, SELL, later, sessions=[MONDAY, TUESDAY, "2024-01-10"]) == 1
    assert write(database, BUY, SELL, sessions=[MONDAY, TUESDAY, TUESDAY]) == 1
    assert versions(database) == [1, 1, 0, 2, 0]


def test_each_strategy_is_read_at_its_own_newest_session_or_at_the_one_asked_for(database):
    write(database, BUY, strategy="a")
    write(database, SELL, (TUESDAY, *BUY[1:]), sessions=[MONDAY, TUESDAY], strategy="b")

    assert read(database) == [("a", *BUY), ("b", TUESDAY, *BUY[1:])]
    assert read(database, strategy="b") == [("b", TUESDAY, *BUY[1:])]
    assert read(database, strategy="b", session=days(MONDAY)[0]) == [("b", *SELL)]
    assert read(database, strategy="none") == []
    assert database.order_sessions() == {"a": days(MONDAY), "b": days(MONDAY, TUESDAY)}


def test_an_order_of_another_session_is_refused(database):
    with pytest.raises(ValueError, match="an order of 2024-01-08, which is not being written"):
        write(database, BUY, sessions=[TUESDAY])


@pytest.mark.parametrize(
    "row",
    [
        (*BUY[:3], 0.0, *BUY[4:]),
        (*BUY[:3], float("nan"), *BUY[4:]),
        (*BUY[:4], float("inf"), *BUY[5:]),
        (*BUY[:2], "hold", *BUY[3:]),
    ],
)
def test_an_order_that_cannot_be_leaves_no_version(database, row):
    write(database, BUY)
    with pytest.raises(DatabaseError, match="cannot write orders"):
        write(database, row)
    assert versions(database) == [1]


def test_one_strategy_s_orders_are_none_of_another_s(database):
    write(database, BUY, strategy="a")
    assert write(database, strategy="b") == 1
    assert database.order_sessions() == {"a": days(MONDAY), "b": days(MONDAY)}
    assert write(database, BUY, strategy="a") == 0


def test_who_writes_at_the_same_time_waits_and_finds_it_written(database):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction("write first") as connection:
            write_orders(connection, "s", orders(BUY, SELL), days(MONDAY))
            job = pool.submit(write, database, BUY, SELL)
            with pytest.raises(TimeoutError):
                job.result(timeout=0.3)
        assert job.result() == 0
    assert versions(database) == [2]
