"""Keys of the API: shown once, stored as a hash, of one name at a time."""

import hashlib
import re

import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database import Database
from parakeet_dagster_tests.storage.emptied import one_database  # noqa: F401 - a fixture

KEY = re.compile(r"pk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@pytest.fixture
def database(one_database) -> Database:
    with one_database.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE api_keys")
    return one_database


def rows(database) -> list[dict]:
    with database.transaction("look") as connection:
        return [dict(row) for row in connection.execute(text("SELECT * FROM api_keys")).mappings()]


def test_only_the_hash_of_the_secret_is_stored(database):
    key = database.create_api_key("spreadsheet", ["write", "read", "read"])

    key_id, secret = KEY.fullmatch(key).groups()
    (row,) = rows(database)
    assert (row["id"], row["name"], row["revoked_at"]) == (key_id, "spreadsheet", None)
    assert bytes(row["sha256"]) == hashlib.sha256(secret.encode()).digest()
    assert row["scopes"] == ["read", "write"]
    assert secret not in repr(row)


def test_no_two_keys_are_alike(database):
    keys = [database.create_api_key(f"key {number}", ["read"]) for number in range(50)]
    assert len({KEY.fullmatch(key)[1] for key in keys}) == 50
    assert len({KEY.fullmatch(key)[2] for key in keys}) == 50


def test_what_is_read(database):
    assert database.api_keys().empty
    first = database.create_api_key("one", ["read"])
    database.create_api_key("two", ["read", "write"])
    database.revoke_api_key("one")

    frame = database.api_keys()
    assert frame.columns.tolist() == ["id", "name", "scopes", "created_at", "revoked_at"]
    assert frame["id"].iloc[0] == KEY.fullmatch(first)[1]
    assert frame[["name", "scopes"]].to_numpy().tolist() == [["one", "read"], ["two", "read,write"]]
    assert frame["revoked_at"].isna().tolist() == [False, True]
    assert (frame["created_at"] <= pd.Timestamp.now("UTC")).all()
    assert frame["revoked_at"].iloc[0] >= frame["created_at"].iloc[0]


def test_the_types_even_where_there_is_none(database):
    expected = ["str", "str", "str", "datetime64[us, UTC]", "datetime64[us, UTC]"]
    assert [str(kind) for kind in database.api_keys().dtypes] == expected


def test_a_name_is_of_one_key_at_a_time(database):
    first = database.create_api_key("phone", ["read"])
    assert database.create_api_key("phone", ["read", "write"]) is None
    assert database.api_keys()["scopes"].tolist() == ["read"]

    assert database.revoke_api_key("phone")
    second = database.create_api_key("phone", ["read"])
    assert second not in (None, first)
    assert database.api_keys()["name"].tolist() == ["phone", "phone"]
    assert database.api_keys()["revoked_at"].isna().tolist() == [False, True]


def test_revoking_is_for_good_and_of_one_name(database):
    database.create_api_key("phone", ["read"])
    database.create_api_key("spreadsheet", ["read"])
    assert database.revoke_api_key("phone")
    revoked_at = database.api_keys()["revoked_at"].iloc[0]

    assert not database.revoke_api_key("phone")
    assert not database.revoke_api_key("nobody")
    frame = database.api_keys()
    assert frame["revoked_at"].iloc[0] == revoked_at
    assert frame["revoked_at"].isna().tolist() == [False, True]


@pytest.mark.parametrize(("name", "scopes"), [("", ["read"]), ("x", []), ("x", ["admin"])])
def test_what_the_database_refuses(database, name, scopes):
    with pytest.raises(DatabaseError):
        database.create_api_key(name, scopes)
    assert rows(database) == []
