"""Work is interrupted before the time is over, and never after it has ended."""

import signal
import threading
import time
from itertools import count

import pytest

from parakeet_dagster import stopping
from parakeet_dagster.deadline import RESERVE, Deadline
from parakeet_dagster.stopping import StopRequested


def test_what_is_left_is_less_the_reserve():
    deadline = Deadline(lambda: 100.0, reserve=30.0)
    assert (deadline.seconds, deadline.until_end) == (70.0, 100.0)
    assert Deadline(lambda: 100.0).seconds == 100.0 - RESERVE


def test_work_is_interrupted_when_its_time_is_over():
    times = count(30)
    deadline = Deadline(lambda: 31.0 if next(times) < 33 else 30.0, reserve=30.0)
    with stopping.listening(), pytest.raises(StopRequested), deadline.interrupting():
        time.sleep(30)
    assert deadline.has_passed


def test_what_ends_in_time_is_left_alone():
    deadline = Deadline(lambda: 900.0)
    with stopping.listening(), deadline.interrupting():
        threads = threading.active_count()
    for _ in range(100):
        if threading.active_count() < threads:
            break
        time.sleep(0.01)
    assert not deadline.has_passed
    assert threading.active_count() < threads


def test_outside_of_the_main_thread_nothing_is_interrupted():
    deadline = Deadline(lambda: 0.0)
    handler = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with deadline.interrupting():
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not deadline.has_passed
    assert signal.getsignal(signal.SIGTERM) is handler
