"""Every change of trades and holdings is on record, and what changes nothing is not."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster_tests.storage.emptied import (  # noqa: F401 - fixtures
    database,
    one_database,
)
from parakeet_dagster_tests.storage.test_holdings import APPLE, CASH, MARCH, snapshot
from parakeet_dagster_tests.storage.test_trades import ONE, TWO, read, trades

CONTENT = {"date": "2024-03-04", "ticker": "AAPL", "side": "buy", "quantity": 10, "price": 175.5,
           "currency": "USD", "fee": 3, "aud_per_unit": 1.53}  # fmt: skip
PARCELS = [
    {"parcel": 1, "ticker": "AAPL", "quantity": 10, "acquired": "2021-05-03", "price": 132.5,
     "currency": "USD"},
    {"parcel": 2, "ticker": "CASH", "quantity": 1234.56, "acquired": None, "price": None,
     "currency": "AUD"},
]  # fmt: skip


def call(database, function: str, *arguments: Any) -> str | None:
    """What a function of ``sql/022`` returns, called with a key's name and id at the end."""
    values = [json.dumps(a) if isinstance(a, dict | list) else a for a in arguments]
    named = {f"a{n}": value for n, value in enumerate([*values, "ann", "k1"])}
    casts = [
        f"CAST(:{name} AS jsonb)" if isinstance(value, dict | list) else f":{name}"
        for name, value in zip(named, [*arguments, "ann", "k1"], strict=True)
    ]
    with database.transaction("change") as connection:
        return connection.scalar(text(f"SELECT {function}({', '.join(casts)})"), named)


def audit(database) -> list[tuple]:
    """actor, key_id, action, kind, key, before, after."""
    frame = database.entry_audit().drop(columns="at")
    plain = frame.astype(object).where(frame.notna(), None)
    parsed = plain.assign(
        before=[json.loads(one) if one else None for one in plain["before"]],
        after=[json.loads(one) if one else None for one in plain["after"]],
    )
    return list(parsed.itertuples(index=False, name=None))


def test_an_import_of_trades_is_on_record_once(database):
    database.record_trades(trades(ONE))
    database.record_trades(trades(ONE, TWO))
    database.record_trades(trades(("T1", "2024-03-05", *ONE[2:])))
    two = {"id": "T2", "date": "2024-03-05", "ticker": "VAS.AX", "side": "sell", "quantity": 2.5,
           "price": 95.25, "currency": "AUD", "fee": 0, "aud_per_unit": None}  # fmt: skip
    assert audit(database) == [
        ("command line", None, "create", "trade", "T1", None, {"id": "T1", **CONTENT}),
        ("command line", None, "create", "trade", "T2", None, two),
    ]


def test_an_import_of_holdings_is_on_record_where_it_changes_something(database):
    assert database.replace_holdings(MARCH, snapshot(APPLE, CASH)) == 0
    first = database.holdings()
    assert database.replace_holdings(MARCH, snapshot(APPLE, CASH)) == 2
    assert database.holdings().equals(first)
    assert database.replace_holdings(MARCH, snapshot(CASH)) == 2
    alone = [{**PARCELS[1], "parcel": 1}]
    assert audit(database) == [
        ("command line", None, "create", "holdings", "2024-03-05", None, PARCELS),
        ("command line", None, "update", "holdings", "2024-03-05", PARCELS, alone),
    ]
    assert database.holdings()["imported_at"].min() > first["imported_at"].max()


def test_the_order_of_parcels_is_content(database):
    database.replace_holdings(MARCH, snapshot(APPLE, CASH))
    database.replace_holdings(MARCH, snapshot(CASH, APPLE))
    assert database.holdings()["ticker"].tolist() == ["CASH", "AAPL"]
    assert [row[2] for row in audit(database)] == ["create", "update"]


def test_a_trade_is_created_corrected_and_deleted(database):
    corrected = {**CONTENT, "quantity": 11, "aud_per_unit": None}
    assert call(database, "put_trade", "T1", CONTENT) == "create"
    created = database.trades()
    assert call(database, "put_trade", "T1", CONTENT) is None
    assert database.trades().equals(created)
    assert call(database, "put_trade", "T1", corrected) == "update"
    assert read(database) == [("T1", *ONE[1:4], 11.0, *ONE[5:8], None)]
    assert database.trades()["imported_at"][0] > created["imported_at"][0]
    assert call(database, "delete_trade", "T1") == "delete"
    assert call(database, "delete_trade", "T1") is None
    assert read(database) == []
    first, second = {"id": "T1", **CONTENT}, {"id": "T1", **corrected}
    assert audit(database) == [
        ("ann", "k1", "create", "trade", "T1", None, first),
        ("ann", "k1", "update", "trade", "T1", first, second),
        ("ann", "k1", "delete", "trade", "T1", second, None),
    ]


def test_a_snapshot_is_created_corrected_and_deleted(database):
    assert call(database, "put_holdings", MARCH, PARCELS) == "create"
    created = database.holdings()
    assert created["ticker"].tolist() == ["AAPL", "CASH"]
    assert call(database, "put_holdings", MARCH, PARCELS) is None
    assert database.holdings().equals(created)
    assert call(database, "put_holdings", MARCH, PARCELS[:1]) == "update"
    assert call(database, "delete_holdings", MARCH) == "delete"
    assert call(database, "delete_holdings", MARCH) is None
    assert database.holdings().empty
    assert audit(database) == [
        ("ann", "k1", "create", "holdings", "2024-03-05", None, PARCELS),
        ("ann", "k1", "update", "holdings", "2024-03-05", PARCELS, PARCELS[:1]),
        ("ann", "k1", "delete", "holdings", "2024-03-05", PARCELS[:1], None),
    ]


@pytest.mark.parametrize("number", [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308])
def test_no_digit_is_lost_and_the_same_number_is_the_same(database, number):
    database.record_trades(trades((*ONE[:5], number, *ONE[6:])))
    assert call(database, "put_trade", "T1", {**CONTENT, "price": number}) is None
    assert call(database, "put_trade", "T2", {**CONTENT, "price": number}) == "create"
    assert database.trades()["price"].tolist() == [number, number]
    database.replace_holdings(MARCH, snapshot((*APPLE[:3], number, "USD")))
    assert database.holdings()["price"].tolist() == [number]
    assert call(database, "put_holdings", MARCH, [{**PARCELS[0], "price": number}]) is None


def test_the_newest_moment_grows_by_every_change(database):
    assert database.entered_at() is None
    moments = []
    for change in (
        lambda: database.replace_holdings(MARCH, snapshot(CASH)),
        lambda: database.record_trades(trades(ONE)),
        lambda: call(database, "put_trade", "T1", {**CONTENT, "fee": 0}),
        lambda: call(database, "delete_trade", "T1"),
        lambda: call(database, "delete_holdings", MARCH),
    ):
        change()
        moments.append(database.entered_at())
    assert moments == sorted(set(moments))
    assert pd.Timestamp(moments[-1]) == database.entry_audit()["at"].iloc[-1]


def test_who_writes_at_the_same_time_waits(database):
    with ThreadPoolExecutor(2) as pool:
        with database.transaction("first") as connection:
            connection.execute(
                text("SELECT put_trade('T1', CAST(:c AS jsonb), 'a', 'b')"),
                {"c": json.dumps(CONTENT)},
            )
            connection.execute(
                text("SELECT put_holdings(:d, CAST(:p AS jsonb), 'a', 'b')"),
                {"d": MARCH, "p": json.dumps(PARCELS)},
            )
            recording = pool.submit(database.record_trades, trades(ONE))
            deleting = pool.submit(call, database, "delete_holdings", date(2024, 3, 5))
            for job in (recording, deleting):
                with pytest.raises(TimeoutError):
                    job.result(timeout=0.2)
        assert recording.result().known == 1
        assert deleting.result() == "delete"
    assert [row[2] for row in audit(database)] == ["create", "create", "delete"]
