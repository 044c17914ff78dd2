"""How far a run is, by the events that it reports."""

from collections.abc import Callable

import dagster as dg

from parakeet_dagster.storage.turns import WAITING

Told = Callable[[float, str], None]
"""Is told what part of the run is done, from 0 to 1, and what is being computed, in words."""

_OVER = {
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
}
_WAITS = "blocked by limit for pool"
"""What Dagster says of a step whose place in a pool another run has."""


class Steps:
    """Listens to one run after the other, see ``DagsterInstance.add_event_listener``.

    Args:
        told: called whenever a step starts or ends, or a ticker was answered.
    """

    def __init__(self, told: Told) -> None:
        self._told = told
        self._planned = 1
        self._over = 0
        self._doing = ""

    def begin(self, planned: int) -> None:
        """A run of so many steps begins."""
        self._planned, self._over = max(planned, 1), 0

    def hear(self, event: dg.EventLogEntry) -> None:
        """One event of the run."""
        kind = event.dagster_event_type
        if kind is dg.DagsterEventType.STEP_START and event.step_key is not None:
            self._doing = in_words(event.step_key)
        elif kind in _OVER:
            self._over += 1
        elif event.step_key is not None and _WAITS in event.message:
            self._doing = f"{in_words(event.step_key)}, waiting for another run"
        elif event.message.startswith(WAITING):
            self._doing = event.message
        else:
            return
        self._told(min(self._over / self._planned, 1.0), self._doing)

    def answered(self, tickers: int, asked: int) -> None:
        """So many tickers were answered within the step: see ``PriceSource.on_answer``."""
        part = (self._over + tickers / asked) / self._planned
        self._told(min(part, 1.0), f"{self._doing}, {tickers} of {asked} tickers")


def in_words(step: str) -> str:
    """A step's key as people say it: "raw prices", "signals of dual_momentum"."""
    what, _, whose = step.partition("__")
    what = what.replace("_", " ")
    return f"{what} of {whose}" if whose else what
