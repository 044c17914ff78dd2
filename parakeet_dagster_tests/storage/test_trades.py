"""A trade is recorded once and never changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.trades import TradeCounts, record
from parakeet_dagster_tests.storage.emptied import (  # noqa: F401 - fixtures
    database,
    one_database,
)

COLUMNS = [
    *("id", "date", "ticker", "side", "quantity"),
    *("price", "currency", "fee", "aud_per_unit"),
]
ONE = ("T1", "2024-03-04", "AAPL", "buy", 10.0, 175.5, "USD", 3.0, 1.53)
TWO = ("T2", "2024-03-05", "VAS.AX", "sell", 2.5, 95.25, "AUD", 0.0, None)


def trades(*rows: tuple) -> pd.DataFrame:
    kinds = {"date": "datetime64[us]", "aud_per_unit": "float64"}
    return pd.DataFrame(list(rows), columns=COLUMNS).astype(kinds)


def read(database, **wanted) -> list[tuple]:
    frame = database.trades(**wanted)
    frame["date"] = frame["date"].dt.strftime("%Y-%m-%d")
    plain = frame.astype(object).where(frame.notna(), None)
    return list(plain[COLUMNS].itertuples(index=False, name=None))


def test_a_trade_is_recorded_once(database):
    assert database.record_trades(trades(TWO, ONE)) == TradeCounts(2, 0, {})
    assert read(database) == [ONE, TWO]
    before = database.trades()
    third = ("T3", *TWO[1:])
    assert database.record_trades(trades(TWO, third, ONE)) == TradeCounts(1, 2, {})
    assert read(database) == [ONE, TWO, third]
    assert database.trades()["imported_at"][:2].equals(before["imported_at"])


@pytest.mark.parametrize(
    ("trade", "differs"),
    [
        (("T1", "2024-03-05", *ONE[2:]), "date"),
        (("T1", ONE[1], "MSFT", "sell", *ONE[4:]), "ticker, side"),
        ((*ONE[:4], 11.0, 176.0, "AUD", 4.0, 1.54), "quantity, price, currency, fee, aud_per_unit"),
        ((*ONE[:8], None), "aud_per_unit"),
    ],
)
def test_another_trade_of_the_same_id_is_refused_and_the_others_recorded(database, trade, differs):
    database.record_trades(trades(ONE))
    assert database.record_trades(trades(trade, TWO)) == TradeCounts(1, 0, {"T1": differs})
    assert read(database) == [ONE, TWO]


def test_those_after_a_date_up_to_another(database):
    three = ("T0", "2024-03-06", *ONE[2:])
    database.record_trades(trades(ONE, TWO, three))
    monday, tuesday, wednesday = (date(2024, 3, day) for day in (4, 5, 6))
    assert read(database, after=monday) == [TWO, three]
    assert read(database, until=tuesday) == [ONE, TWO]
    assert read(database, after=monday, until=tuesday) == [TWO]
    assert read(database, after=wednesday) == []


def test_the_types_even_when_there_is_nothing(database):
    kinds = {
        **dict.fromkeys(("id", "ticker", "side", "currency"), "str"),
        **dict.fromkeys(("quantity", "price", "fee", "aud_per_unit"), "float64"),
        "date": "datetime64[us]",
        "imported_at": "datetime64[us, UTC]",
    }
    assert database.trades().dtypes.astype("str").to_dict() == kinds
    database.record_trades(trades(TWO))
    assert database.trades().dtypes.astype("str").to_dict() == kinds


def test_what_cannot_be_records_nothing(database):
    wrong = [
        (*ONE[:4], 0.0, *ONE[5:]),
        (*ONE[:4], float("nan"), *ONE[5:]),
        (*ONE[:5], float("inf"), *ONE[6:]),
        (*ONE[:3], "short", *ONE[4:]),
        (*ONE[:7], -1.0, None),
        (*ONE[:8], 0.0),
        ("", *ONE[1:]),
        ("T1", ONE[1], "CASH", *ONE[3:]),
    ]
    for row in wrong:
        with pytest.raises(DatabaseError, match="cannot record trades"):
            database.record_trades(trades(TWO, row))
    with pytest.raises(DatabaseError, match="cannot record trades"):
        database.record_trades(trades(ONE, ONE))
    assert read(database) == []


def test_who_records_at_the_same_time_waits_and_finds_it_recorded(database):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction("record first") as connection:
            record(connection, trades(ONE, TWO))
            job = pool.submit(database.record_trades, trades(ONE, TWO))
            with pytest.raises(TimeoutError):
                job.result(timeout=0.3)
        assert job.result() == TradeCounts(0, 2, {})
    assert read(database) == [ONE, TWO]
