"""What ``parakeet`` and ``python -m parakeet_dagster`` start: small, to hear Ctrl-C at once.

Importing the command line takes most of a second. Nothing is begun in that time, so there is
nothing to put back: the process ends where it is, in the line and with the code with which
``stopping`` ends it later.
"""

import os
import signal
from types import FrameType


def main() -> None:
    """Import the command line and run it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    from parakeet_dagster.cli import main as command_line

    command_line()


def _end(number: int, _frame: FrameType | None) -> None:
    """No exception: a library that is being imported could catch it, or turn it into another."""
    os.write(2, b"\rStopped.\n" if os.isatty(2) else b"Stopped.\n")  # over the ^C of a terminal
    os._exit(128 + number)


if __name__ == "__main__":
    main()
