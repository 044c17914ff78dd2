"""The rhythm of requests."""

from itertools import pairwise

import pytest

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_pace import NotAskedError, Pace, Patience


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


def paced(clock, ceiling=4.0, **patience):
    return Pace(ceiling, Patience(**patience), clock=clock, sleep=clock.sleep)


@pytest.fixture
def pace(clock):
    return paced(clock)


def requests(pace, clock, count):
    moments = []
    for _ in range(count):
        pace.wait()
        moments.append(clock.now - 1000.0)
    return moments


def serve(pace, count):
    for _ in range(count):
        pace.wait()
        pace.served()


def test_requests_are_evenly_spaced(pace, clock):
    assert requests(pace, clock, 5) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_time_that_passed_is_not_saved_up(pace, clock):
    pace.wait()
    clock.sleep(10.0)
    assert requests(pace, clock, 3) == [10.0, 10.25, 10.5]


# Refusals


@pytest.mark.parametrize(
    ("retry_after", "pause"), [(None, 5.0), (7.0, 7.0), (0.0, 0.25), (86_400.0, 300.0)]
)
def test_a_refusal_lets_everybody_wait_and_go_on_at_half_the_rate(pace, clock, retry_after, pause):
    pace.refused(pace.wait(), retry_after)
    assert requests(pace, clock, 2) == [pause, pause + 0.5]


def test_refusals_in_a_row_double_the_pause_up_to_five_minutes(clock):
    pace = paced(clock, cool_downs=9)
    moments = [pace.wait()]
    for _ in range(9):
        pace.refused(moments[-1], None)
        moments.append(pace.wait())
    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_an_answer_ends_the_row_of_refusals(pace, clock):
    for _ in range(20):
        pace.refused(pace.wait(), None)
        before = clock.now
        serve(pace, 1)
        assert clock.now - before == 5.0


@pytest.mark.parametrize("retry_after", [None, 0.0, 60.0])
def test_refusals_of_requests_that_were_under_way_count_once(pace, clock, retry_after):
    under_way = [pace.wait() for _ in range(8)]
    for sent_at in under_way:
        clock.sleep(0.1)
        pace.refused(sent_at, retry_after)
    assert pace.rate == 2.0


def test_the_rate_halves_to_one_request_in_two_seconds_at_least(pace):
    rates = []
    for _ in range(5):
        pace.refused(pace.wait(), 1.0)
        pace.served()
        rates.append(pace.rate)
    assert rates == [2.0, 1.0, 0.5, 0.5, 0.5]


def test_a_ceiling_below_that_stays(clock):
    pace = paced(clock, ceiling=0.2)
    pace.refused(pace.wait(), 1.0)
    assert pace.rate == 0.2


def test_the_rate_recovers_a_twentieth_of_the_ceiling_every_twenty_answers(pace):
    pace.refused(pace.wait(), 1.0)
    rates = []
    for _ in range(12):
        serve(pace, 20)
        rates.append(round(pace.rate, 6))
    assert rates == [2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.8, 4.0, 4.0, 4.0]


def test_a_server_that_limits_the_rate_is_asked_nearly_as_fast_as_it_allows(clock):
    """We may ask for 50 a second, it answers 429 beyond 20 within a second."""
    pace = paced(clock, ceiling=50.0, cool_down=1.0)
    accepted, refused, moments = 0, 0, []
    while accepted < 300:
        sent_at = pace.wait()
        moments.append(sent_at)
        if sum(sent_at - moment < 1.0 for moment in moments[-21:]) > 20:
            refused += 1
            pace.refused(sent_at, None)
        else:
            accepted += 1
            pace.served()
    assert refused < 15
    assert clock.now - 1000.0 < 30.0


def test_after_too_many_refusals_in_a_row_nobody_waits_any_more(clock):
    pace = paced(clock, cool_downs=2)
    for _ in range(3):
        pace.refused(pace.wait(), None)
    given_up_at = clock.now
    with pytest.raises(NotAskedError, match="not asked: Yahoo refused 3 times in a row") as caught:
        pace.wait()
    assert caught.value.error_class is FailureClass.RATE_LIMIT
    assert clock.now == given_up_at


def test_a_new_batch_hopes_again_and_waits_out_the_pause(clock):
    pace = paced(clock, cool_downs=0)
    pace.refused(pace.wait(), None)
    pace.begin()
    assert requests(pace, clock, 1) == [5.0]
    assert pace.rate == 2.0


# Silence


def test_after_many_requests_without_any_answer_nobody_is_asked_any_more(clock):
    pace = paced(clock, silences=3)
    for _ in range(3):
        pace.wait()
        pace.unanswered()
    with pytest.raises(
        NotAskedError, match="not asked: 3 requests in a row had no answer"
    ) as found:
        pace.wait()
    assert found.value.error_class is FailureClass.NETWORK
    pace.begin()
    pace.wait()


@pytest.mark.parametrize("answer", ["served", "refused"])
def test_any_answer_ends_a_silence(clock, answer):
    pace = paced(clock, silences=2)
    for _ in range(5):
        sent_at = pace.wait()
        pace.unanswered()
        pace.served() if answer == "served" else pace.refused(sent_at, 0.0)
