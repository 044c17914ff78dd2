"""How often somebody asks: counts in a window that slides, in memory that is bounded."""

import time
from collections.abc import Callable

MOST_COUNTED = 50_000
"""Whoever comes in a minute after so many others shares one count with the rest who do."""

SECONDS = 60.0

_THE_REST = ""


class Rate:
    """So many requests within a minute, for each of many.

    The minute before counts with the share of it that is less than sixty seconds ago, so two
    numbers for each are enough. A request that is refused is not counted: whoever keeps asking is
    let in again as soon as one who waits. The clock is one that nobody can set.

    Args:
        per_minute: requests.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def admits(self, who: str) -> bool:
        """Count a request of ``who``; whether it is within the limit."""
        minute, second = divmod(self._clock(), SECONDS)
        if minute != self._minute:
            self._before = self._now if minute == self._minute + 1 else {}
            self._now = {}
            self._minute = int(minute)
        if who not in self._now and len(self._now) >= MOST_COUNTED:
            who = _THE_REST
        count = self._now.get(who, 0)
        of_before = self._before.get(who, 0) * (1 - second / SECONDS)
        if count + of_before > self._per_minute - 1:
            return False
        self._now[who] = count + 1
        return True
