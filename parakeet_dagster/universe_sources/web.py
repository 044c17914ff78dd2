"""One page from the web: asked for politely, retried where that may help."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import requests

from parakeet_dagster.retries import retry

TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what.

    timeout: seconds to a connection, and from one piece of an answer to the next; attempts: how
    often to ask in all; wait_initial, wait_max, wait_jitter: seconds between two of them.
    """

    timeout: float = 20.0
    attempts: int = 4
    wait_initial: float = 1.0
    wait_max: float = 20.0
    wait_jitter: float = 1.0


class UnusableListError(Exception):
    """A list cannot be had, or cannot be believed; the message says why, for the user to read."""


class _TryAgainError(UnusableListError):
    """It may be there the next time."""


def fetch(url: str, patience: Patience) -> str:
    """The text of a page. Proxy and CA bundle come from the environment.

    Raises:
        UnusableListError: there is no answer, or it is an error.
    """
    ask: Callable[[], str] = retry(
        on=_TryAgainError,
        attempts=patience.attempts,
        timeout=None,
        wait_initial=patience.wait_initial,
        wait_max=patience.wait_max,
        wait_jitter=patience.wait_jitter,
    )(lambda: _ask(url, patience.timeout))
    return ask()


def _ask(url: str, timeout: float) -> str:
    try:
        answer = requests.get(url, headers={"User-Agent": user_agent()}, timeout=timeout)
    except requests.Timeout:
        raise _TryAgainError(f"no answer within {timeout:g} seconds") from None
    except requests.RequestException as error:
        raise _TryAgainError(f"no answer ({type(error).__name__})") from None
    if answer.status_code in TRANSIENT:
        raise _TryAgainError(f"HTTP {answer.status_code}")
    if answer.status_code != requests.codes.ok:
        raise UnusableListError(f"HTTP {answer.status_code}")
    return answer.content.decode("utf-8-sig", errors="replace")


def user_agent() -> str:
    """Who asks, as Wikipedia wishes it: the program, its version and what it does."""
    return f"parakeet/{metadata.version('parakeet')} (reads index constituents, once a day)"
