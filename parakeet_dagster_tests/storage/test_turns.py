"""Runs that write the same wait for each other; others do not."""

import threading
import time
from contextlib import ExitStack

import pytest

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.turns import turn

ALL, ONE, OTHER = "everything", "strategy one", "strategy other"


@pytest.fixture
def second(database):
    """Another process's."""
    opened = Database(database.url)
    yield opened
    opened.close()


def taken(database, writes, reads=(), who="run 2", patience=0.0):
    """Whether it is given at once."""
    try:
        with turn(database, writes, reads, who, lambda _: None, patience):
            return True
    except DatabaseError:
        return False


@pytest.mark.parametrize(
    ("writes", "reads", "is_given"),
    [
        ([ALL], [], False),
        ([ONE], [ALL], False),
        ([OTHER], [ALL], False),
    ],
)
def test_nobody_writes_beside_a_run_that_writes_everything(
    writes, reads, is_given, database, second
):
    with turn(database, [ALL], [], "run 1", print):
        assert taken(second, writes, reads) is is_given
    assert taken(second, writes, reads)


def test_two_strategies_are_written_at_once_and_one_twice_is_not(database, second):
    with turn(database, [ONE], [ALL], "run 1", print):
        assert taken(second, [OTHER], [ALL])
        assert not taken(second, [ONE], [ALL])
        assert not taken(second, [ALL])


def test_who_waits_is_told_for_whom_once_and_comes_next(database, second):
    told: list[str] = []
    came = threading.Event()

    def wait() -> None:
        with turn(second, [ALL], [], "run 2", told.append):
            came.set()

    thread = threading.Thread(target=wait)
    with turn(database, [ALL], [], "run 1 on laptop", print):
        thread.start()
        time.sleep(1.3)
        assert not came.is_set()
    thread.join(5)
    assert came.is_set()
    (line,) = told
    assert line.startswith("waiting for another run that writes the same: run 1 on laptop, since ")


def test_patience_ends_in_one_line(database, second):
    with (
        turn(database, [ALL], [], "run 1 on laptop", print),
        pytest.raises(DatabaseError, match=r"^waited 0 s for another run .*run 1 on laptop"),
        turn(second, [ALL], [], "run 2", print, patience=0.0),
    ):
        raise AssertionError("it was not its turn")


def test_a_lost_connection_ends_the_turn(database, second):
    """Another one may be writing by then."""
    with ExitStack() as stack:
        mine = stack.enter_context(turn(database, [ALL], [], "run 1", print))
        mine.check()
        with second.transaction("end the other") as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'run 1'"
            )
        assert taken(second, [ALL], patience=2.0)
        with pytest.raises(DatabaseError, match=r"^the connection .* was lost .* run it again"):
            mine.check()
        with pytest.raises(DatabaseError):
            stack.close()


def test_it_holds_no_snapshot_and_is_not_ended_for_idleness(database, second):
    with turn(database, [ALL], [], "run 1", print), second.transaction("look") as connection:
        rows = connection.exec_driver_sql(
            "SELECT backend_xmin IS NULL, state FROM pg_stat_activity"
            " WHERE application_name = 'run 1'"
        ).all()
    assert rows == [(True, "idle in transaction")]
