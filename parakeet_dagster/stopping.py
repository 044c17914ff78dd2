"""Stopping when asked to, by Ctrl-C or SIGTERM: soon, in one line, with everything put back.

While a run is under way the signals are Dagster's: it ends the step where that is, but looks
nowhere else, neither after the last step nor while a step waits for its place in a pool. So what
came is noted beside its handlers, by ``signal.set_wakeup_fd``; and where nothing has come of it
after ``GRACE`` seconds, the work is cut off wherever it is. A run that was cut off is recorded as
canceled by ``runs``, and all that it left is what ``kill -9`` would leave: the next one mends it.
So nobody waits for ever for what is being put back either: after ``ENDING`` seconds the process
ends.
"""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

GRACE = 5.0
"""Seconds in which Dagster ends a step that was interrupted."""

ENDING = 10.0
"""Seconds in which things are put back: what was cut off may hold a lock that this waits for."""

_ASK = (signal.SIGINT, signal.SIGTERM)
_CUT_OFF = signal.SIGUSR1


class StopRequested(BaseException):
    """Someone asked the program to stop. No ``Exception``, so that nothing takes it for a failure.

    note: what to tell in the end; empty where there is nothing to say but that it stopped.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        self.note = ""


def _nothing() -> None:
    """Nobody wants to know."""


class _Listener:
    """What was asked for since the program began.

    asked: the first signal. ending_since: from when on whoever caught the request has been putting
    things back, which another one must not interrupt. announce: called, in a thread, before the
    work is cut off.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.ending_since: float | None = None
        self.announce: Callable[[], None] = _nothing
        self.noted, self.written = socket.socketpair()
        self.noted.settimeout(0)
        self.written.settimeout(0)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is None and number in _ASK:
            self.asked = number
        if self.asked is not None and self.ending_since is None:
            raise StopRequested(self.asked)

    def take(self) -> bool:
        """Read what is noted; whether more may come."""
        try:
            numbers = self.noted.recv(4096)
        except BlockingIOError:
            return True
        if self.asked is None:
            self.asked = next((number for number in numbers if number in _ASK), None)
        return bool(numbers)

    def see_to_it(self, main: int, wait: threading.Event) -> None:
        """In a thread: cut the main thread off, where it does not stop."""
        while not wait.is_set():
            select.select([self.noted], [], [])
            if not self.take():
                return
            while self.asked is not None and not wait.wait(GRACE):
                if self.ending_since is None:
                    self.cut_off(main)
                elif time.monotonic() - self.ending_since > ENDING:
                    end_at_once(128 + self.asked)

    def cut_off(self, main: int) -> None:
        """Raise in the main thread. What it is in may hold the lock that announcing waits for."""
        announcing = threading.Thread(target=self.announce, daemon=True)
        announcing.start()
        announcing.join(GRACE)
        if self.ending_since is None:
            signal.pthread_kill(main, _CUT_OFF)


_listener: _Listener | None = None


def end_at_once(code: int) -> NoReturn:
    """End the process in one line, whatever it is doing."""
    os.write(2, b"\rStopped.\n" if os.isatty(2) else b"Stopped.\n")  # over the ^C of a terminal
    os._exit(code)


@contextmanager
def listening() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise ``StopRequested``, until the end of the block."""
    global _listener
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    listener = _listener = _Listener()
    over = threading.Event()
    arguments = (threading.get_ident(), over)
    seeing = threading.Thread(target=listener.see_to_it, args=arguments, daemon=True)
    seeing.start()
    old = signal.set_wakeup_fd(listener.written.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, listener.handle) for number in (*_ASK, _CUT_OFF)}
    try:
        with _no_tracebacks():
            yield
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
        listener.written.close()
        seeing.join()
        listener.noted.close()
        _listener = None


@contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Let nobody print where it was that he was stopped.

    SQLAlchemy logs it where a connection is being closed, before it goes on; Python says that it
    was ignored where an object is being destroyed, and after ``GRACE`` the work is cut off.
    """
    printer, hook = logging.lastResort, sys.unraisablehook

    def is_of_interest(record: logging.LogRecord) -> bool:
        return record.exc_info is None or not _is_a_stop(record.exc_info[0])

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        if not _is_a_stop(told.exc_type):
            hook(told)

    if printer is not None:
        printer.addFilter(is_of_interest)
    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        sys.unraisablehook = hook
        if printer is not None:
            printer.removeFilter(is_of_interest)


def _is_a_stop(kind: type[BaseException] | None) -> bool:
    """Ours or Dagster's: like Python's own it is no ``Exception``."""
    return kind is not None and not issubclass(kind, Exception)


@contextmanager
def announced(announce: Callable[[], None]) -> Iterator[None]:
    """Within the block, call ``announce`` from a thread before the work is cut off."""
    if _listener is None:
        yield
        return
    _listener.announce = announce
    try:
        yield
    finally:
        _listener.announce = _nothing


def is_requested() -> bool:
    """Whether someone has asked, also where nothing was raised."""
    if _listener is None:
        return False
    _listener.take()
    return _listener.asked is not None


def let_go(stop: BaseException) -> None:
    """Close what the interrupted work holds: transactions, locks.

    Where a stop comes as a ``with`` of a generator is about to be left, the generator stays as it
    is for as long as the traceback knows of it.
    """
    told: BaseException | None = stop
    while told is not None:
        traceback.clear_frames(told.__traceback__)
        told = told.__cause__ or told.__context__


def begin_to_end() -> None:
    """From now on another request is not heard: things are put back, and the program ends.

    It ends after ``ENDING`` seconds at the latest, where a request is why.
    """
    if _listener is not None and _listener.ending_since is None:
        _listener.ending_since = time.monotonic()


def check() -> None:
    """Stop here, where that was asked for.

    Raises:
        StopRequested: it was.
    """
    if _listener is not None and is_requested():
        raise StopRequested(_listener.asked or signal.SIGINT)
