"""When a request may be sent: how fast, after which pause, and when to stop asking at all."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_chart import YahooError

SLOWEST = 0.5
"""Requests a second below which refusals do not slow us down."""
STEP = 0.05
"""Of the ceiling: what ``SERVED_A_STEP`` answers in a row win back after a refusal."""
SERVED_A_STEP = 20


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds.

    timeout: for one answer; wait_initial, wait_max, wait_jitter: between a failure and its retry;
    cool_down: after a 429 that does not say how long, doubled for each refusal in a row, because a
    server that limits the rate forgives at once and one that blocks takes minutes;
    longest_cool_down: whatever it says; cool_downs: refusals in a row after which a batch gives up
    (ten minutes of a block); silences: requests in a row without any answer after which a batch
    gives up (eight tickers have then used nearly all their retries); cookie_pause: after the cookie
    service failed, during which it is not asked again (charts are served without a cookie).
    """

    timeout: float = 20.0
    wait_initial: float = 1.0
    wait_max: float = 10.0
    wait_jitter: float = 1.0
    cool_down: float = 5.0
    longest_cool_down: float = 300.0
    cool_downs: int = 7
    silences: int = 30
    cookie_pause: float = 300.0


class NotAskedError(YahooError):
    """Yahoo was not asked, because it would be in vain: no reason to try again."""


class Pace:
    """One rhythm for all threads.

    ``ceiling`` requests a second, and none while Yahoo refuses. A refusal halves the rate; answers
    win it back, a twentieth of the ceiling at a time. Refusals of requests that were under way when
    the first of them came count once.
    """

    def __init__(
        self,
        ceiling: float,
        patience: Patience,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ceiling = ceiling
        self._rate = ceiling
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._refused_at = -math.inf
        self._refused_until = 0.0
        self._refusals = 0
        self._served = 0
        self._silences = 0

    @property
    def rate(self) -> float:
        """Requests a second, as of now."""
        return self._rate

    def begin(self) -> None:
        """Start a batch: it may hope again, at the rate that the last one ended with."""
        with self._lock:
            self._refusals = self._silences = 0

    def wait(self) -> float:
        """Return when a request may be sent: the moment, by the clock.

        Raises:
            NotAskedError: without waiting, after too many refusals or silences in a row.
        """
        while (delay := self._claim()) > 0:
            self._sleep(delay)
        return self._clock()

    def refused(self, sent_at: float, retry_after: float | None) -> None:
        """Slow down, and let everybody wait.

        sent_at: the moment that ``wait`` returned for the request; retry_after: seconds that Yahoo
        asked to wait, where it did.
        """
        with self._lock:
            self._silences = 0
            now = self._clock()
            if sent_at > self._refused_at:
                self._refused_at = now
                self._refusals += 1
                self._rate = max(self._rate / 2, min(SLOWEST, self._ceiling))
                self._served = 0
            pause = self._growing_pause() if retry_after is None else retry_after
            pause = min(pause, self._patience.longest_cool_down)
            self._refused_until = max(self._refused_until, now + pause)

    def served(self) -> None:
        """Yahoo answers, if only to say no."""
        with self._lock:
            self._refusals = self._silences = 0
            self._served += 1
            if self._served % SERVED_A_STEP == 0:
                self._rate = min(self._rate + STEP * self._ceiling, self._ceiling)

    def unanswered(self) -> None:
        """Nobody answers, or a broken server in Yahoo's place."""
        with self._lock:
            self._silences += 1

    def _growing_pause(self) -> float:
        return self._patience.cool_down * 2.0 ** max(self._refusals - 1, 0)

    def _claim(self) -> float:
        """Seconds to wait before trying again; 0.0 takes the turn."""
        with self._lock:
            self._check_hope()
            now = self._clock()
            delay = max(self._next_at, self._refused_until) - now
            if delay <= 0:
                self._next_at = now + 1.0 / self._rate
            return delay

    def _check_hope(self) -> None:
        if self._refusals > self._patience.cool_downs:
            raise NotAskedError(
                FailureClass.RATE_LIMIT,
                f"not asked: Yahoo refused {self._refusals} times in a row",
            )
        if self._silences >= self._patience.silences:
            raise NotAskedError(
                FailureClass.NETWORK,
                f"not asked: {self._silences} requests in a row had no answer from Yahoo",
            )
