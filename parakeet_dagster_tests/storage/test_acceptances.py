"""An acceptance stands once per session and market; what stood before is kept."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster_tests.storage.bars import days

MONDAY, TUESDAY = days("2024-01-08", "2024-01-09")


def standing(database) -> list[tuple]:
    found = database.acceptances()
    found["session"] = found["session"].dt.date
    return list(found[["session", "market", "reason"]].itertuples(index=False, name=None))


def kept(database) -> list[tuple]:
    query = """SELECT reason, withdrawn_at IS NULL, withdrawn_at >= accepted_at
        FROM session_acceptances ORDER BY id"""
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_an_acceptance_stands_once(database):
    assert database.acceptances().empty
    assert database.accept_session(TUESDAY, "XASX", "a storm")
    assert database.accept_session(MONDAY, "XNYS", "a funeral")
    assert database.accept_session(MONDAY, "XASX", "a storm")
    assert not database.accept_session(MONDAY, "XASX", "a storm")

    assert standing(database) == [
        (MONDAY, "XASX", "a storm"),
        (MONDAY, "XNYS", "a funeral"),
        (TUESDAY, "XASX", "a storm"),
    ]
    types = database.acceptances().dtypes.astype("str").to_dict()
    assert types["session"] == "datetime64[us]"
    assert types["accepted_at"] == "datetime64[us, UTC]"


def test_another_reason_replaces_it(database):
    database.accept_session(MONDAY, "XASX", "a storm")
    assert database.accept_session(MONDAY, "XASX", "never delivered")

    assert standing(database) == [(MONDAY, "XASX", "never delivered")]
    assert kept(database) == [("a storm", False, True), ("never delivered", True, None)]


def test_a_withdrawn_one_is_kept_and_can_be_accepted_again(database):
    database.accept_session(MONDAY, "XASX", "a storm")

    assert database.withdraw_acceptance(MONDAY, "XASX")
    assert not database.withdraw_acceptance(MONDAY, "XASX")
    assert not database.withdraw_acceptance(TUESDAY, "XASX")
    assert database.acceptances().empty
    assert database.accept_session(MONDAY, "XASX", "a storm")
    assert kept(database) == [("a storm", False, True), ("a storm", True, None)]


def test_a_reason_must_be_given(database):
    with pytest.raises(DatabaseError, match="session_acceptances_reason_given"):
        database.accept_session(MONDAY, "XASX", "")


def test_accepting_at_once_leaves_one_standing(database):
    database.apply_schema()
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(database.accept_session, MONDAY, "XASX", reason) for reason in "abab" * 3
        ]
        changed = [job.result() for job in jobs]

    assert len(standing(database)) == 1
    assert sum(changed) == len(kept(database))
