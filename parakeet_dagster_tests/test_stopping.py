"""Ctrl-C and SIGTERM: heard once, heard where handlers of others are in the way, and put back."""

import logging
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from parakeet_dagster import stopping
from parakeet_dagster.stopping import StopRequested, listening

ROOT = Path(__file__).parents[1]


@contextmanager
def deaf():
    """As Dagster handles the signals while a run is between two steps."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_work_where_it_is(number, code):
    with listening():
        with pytest.raises(StopRequested) as stop:
            signal.raise_signal(number)
        assert stopping.is_requested()
    assert stop.value.exit_code == code
    assert stop.value.note == ""


def test_what_others_do_not_hear_is_noted():
    with listening():
        assert not stopping.is_requested()
        stopping.check()
        with deaf():
            signal.raise_signal(signal.SIGINT)
        assert stopping.is_requested()
        with pytest.raises(StopRequested):
            stopping.check()


def test_a_second_one_does_not_disturb_who_puts_things_back():
    with listening():
        with pytest.raises(StopRequested):
            signal.raise_signal(signal.SIGINT)
        stopping.begin_to_end()
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopRequested) as stop:
            stopping.check()
    assert stop.value.exit_code == 130  # the first counts


def test_work_that_does_not_stop_is_announced_and_cut_off(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", 0.05)
    announced = []
    with listening(), stopping.announced(lambda: announced.append("canceling")):
        with deaf():
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(StopRequested):
                time.sleep(60)
        stopping.begin_to_end()
    assert announced[0] == "canceling"


class Resource:
    """Is stopped while it is destroyed."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_nobody_prints_where_it_was_that_he_was_stopped(capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own
    logger = logging.getLogger("a library")
    with listening():
        Resource()
        try:
            stopping.check()
        except StopRequested:
            logger.exception("while a connection was closed")
        logger.error("a real error")
    assert capfd.readouterr().err == "a real error\n"


def test_afterwards_everything_is_as_before():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    with listening():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert not stopping.is_requested()
    stopping.check()


NEVER_PUT_BACK = """
import signal, time
from parakeet_dagster import stopping

stopping.GRACE, stopping.ENDING = 0.05, 0.2
with stopping.listening():
    try:
        signal.raise_signal(signal.SIGINT)
    except stopping.StopRequested:
        stopping.begin_to_end()
        time.sleep(60)
"""


def test_what_is_never_put_back_is_not_waited_for():
    command = [sys.executable, "-c", NEVER_PUT_BACK]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_putting_back_has_its_time(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", 0.05)
    with listening():
        with pytest.raises(StopRequested):
            signal.raise_signal(signal.SIGINT)
        stopping.begin_to_end()
        time.sleep(0.3)  # several times GRACE, and nobody ends it


def test_work_is_cut_off_though_it_holds_what_announcing_waits_for(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", 0.05)
    lock = threading.Lock()

    def announce():
        with lock:
            pass

    with listening(), stopping.announced(announce):
        with deaf():
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(StopRequested), lock:
                time.sleep(30)
        stopping.begin_to_end()


def test_an_interrupted_transaction_is_let_go(tmp_path):
    """As where a signal comes between the last line of a ``with`` and what it does at its end."""
    file = tmp_path / "index.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE runs (id)")

    @contextmanager
    def transaction():
        with closing(sqlite3.connect(file)) as connection, connection:
            yield connection

    def work():
        index = transaction()
        index.__enter__().execute("INSERT INTO runs VALUES (1)")
        raise StopRequested(signal.SIGINT)

    def wrapped():
        try:
            work()
        except StopRequested as stop:
            raise KeyboardInterrupt from stop

    with closing(sqlite3.connect(file, timeout=0)) as other:
        try:
            wrapped()
        except KeyboardInterrupt as stop:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("INSERT INTO runs VALUES (2)")
            stopping.let_go(stop)
            other.execute("INSERT INTO runs VALUES (3)")
        assert other.execute("SELECT id FROM runs").fetchall() == [(3,)]
