"""A time that is over at some moment, before which everything must be put back."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RESERVE = 30.0
"""Seconds kept for stopping: Dagster gets five to end a step (see ``stopping``), a request that is
under way its time-out, and the run is put on record as canceled."""

LOOKS_EVERY = 1.0
"""Seconds: a process may be frozen meanwhile, and timers with it."""


class Deadline:
    """How much time there is.

    Args:
        left: seconds until the process is ended by force.
        reserve: seconds of these that no work may use.
    """

    def __init__(self, left: Callable[[], float], reserve: float = RESERVE) -> None:
        self._left = left
        self._reserve = reserve
        self._has_passed = False

    @property
    def seconds(self) -> float:
        """What is left for work; 0 or less where it is over."""
        return self._left() - self._reserve

    @property
    def until_end(self) -> float:
        """What is left until the process is ended by force."""
        return self._left()

    @property
    def has_passed(self) -> bool:
        """Whether the work was interrupted because of it."""
        return self._has_passed

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Interrupt the work in the block, as SIGTERM does, when its time is over.

        See ``stopping.listening``, which must be around it. Outside of the main thread, where no
        signal can interrupt, nothing happens: the work must look at ``seconds`` itself.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        main, lock, over = threading.get_ident(), threading.Lock(), threading.Event()

        def watch() -> None:
            while self.seconds > 0:
                if over.wait(min(self.seconds, LOOKS_EVERY)):
                    return
            with lock:  # never after the block
                if not over.is_set():
                    self._has_passed = True
                    signal.pthread_kill(main, signal.SIGTERM)

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            with lock:
                over.set()
