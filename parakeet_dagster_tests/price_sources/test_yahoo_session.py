"""The rhythm of requests."""

import pytest

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_chart import YahooError
from parakeet_dagster.price_sources.yahoo_session import Pace, Patience


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    patience = Patience(cool_down=60.0, longest_cool_down=300.0, cool_downs=2)
    return Pace(4.0, patience, clock=clock, sleep=clock.sleep)


def requests(pace, clock, count):
    moments = []
    for _ in range(count):
        pace.wait()
        moments.append(clock.now - 1000.0)
    return moments


def test_requests_are_evenly_spaced(pace, clock):
    assert requests(pace, clock, 5) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_passed_is_not_saved_up(pace, clock):
    pace.wait()
    clock.sleep(10.0)
    assert requests(pace, clock, 3) == [10.0, 10.25, 10.5]


@pytest.mark.parametrize(
    ("retry_after", "pause"), [(None, 60.0), (5.0, 5.0), (0.0, 0.25), (86_400.0, 300.0)]
)
def test_a_refusal_lets_everybody_wait(pace, clock, retry_after, pause):
    pace.wait()
    pace.refused(retry_after)
    assert requests(pace, clock, 2) == [pause, pause + 0.25]


def test_refusals_of_requests_that_were_under_way_count_once(pace, clock):
    for _ in range(8):
        pace.refused(None)
    assert requests(pace, clock, 1) == [60.0]


def test_after_too_many_refusals_in_a_row_nobody_waits_any_more(pace, clock):
    for _ in range(2):
        pace.refused(None)
        pace.wait()
    pace.refused(None)
    given_up_at = clock.now
    with pytest.raises(YahooError, match="not asked: Yahoo refused 3 times in a row") as caught:
        pace.wait()
    assert caught.value.error_class is FailureClass.RATE_LIMIT
    assert clock.now == given_up_at


def test_an_answer_ends_the_row_of_refusals(pace, clock):
    for _ in range(5):
        pace.refused(None)
        pace.wait()
        pace.served()
    assert clock.now == 1300.0
