"""What was done once and is not to be done again, kept by the Dagster instance.

In its own key-value store, at once: a cursor is stored only when a tick has ended, and a daemon
that dies before would do all of the tick again.
"""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg

_PREFIX = "parakeet/"


class Marks:
    """Marks by key. ``kind`` keeps those of one purpose from those of another."""

    def __init__(self, instance: dg.DagsterInstance, kind: str) -> None:
        self._storage = instance.run_storage
        self._prefix = f"{_PREFIX}{kind}/"

    def among(self, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that are marked."""
        wanted = {self._prefix + key for key in keys}
        found = self._storage.get_cursor_values(wanted) if wanted else {}
        return {key.removeprefix(self._prefix) for key in found}

    def set(self, key: str, at: datetime) -> None:
        """Mark ``key``, as of a moment."""
        self._storage.set_cursor_values({self._prefix + key: at.isoformat(timespec="seconds")})
