"""Requests within a minute, counted by a clock that the tests turn."""

from parakeet_api import rates
from parakeet_api.rates import Rate


class Clock:
    seconds = 1_000_000 * 60.0

    def __call__(self):
        return self.seconds


def admitted(rate, who, times):
    return sum(rate.admits(who) for _ in range(times))


def test_so_many_within_a_minute_and_others_are_not_touched():
    rate = Rate(3, Clock())
    assert (admitted(rate, "one", 5), admitted(rate, "another", 5)) == (3, 3)


def test_the_window_slides():
    clock = Clock()
    rate = Rate(10, clock)
    assert admitted(rate, "one", 20) == 10
    clock.seconds += 60
    assert admitted(rate, "one", 20) == 0  # all ten are less than a minute ago
    clock.seconds += 30
    assert admitted(rate, "one", 20) == 5  # half of them are older
    clock.seconds += 90
    assert admitted(rate, "one", 20) == 10  # nothing of the minute before


def test_who_is_refused_is_not_counted_for_it():
    clock = Clock()
    rate = Rate(2, clock)
    assert admitted(rate, "one", 1000) == 2
    clock.seconds += 90
    assert admitted(rate, "one", 1000) == 1


def test_the_minutes_after_a_rest_start_from_nothing():
    clock = Clock()
    rate = Rate(4, clock)
    assert admitted(rate, "one", 9) == 4
    clock.seconds += 120
    assert admitted(rate, "one", 9) == 4


def test_memory_is_bounded_and_a_known_one_still_counts_alone(monkeypatch):
    monkeypatch.setattr(rates, "MOST_COUNTED", 100)
    rate = Rate(3, Clock())
    assert rate.admits("first")
    assert sum(rate.admits(f"address {place}") for place in range(1000)) == 99 + 3
    assert len(rate._now) == 101
    assert admitted(rate, "first", 5) == 2
