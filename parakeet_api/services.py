"""What the application reads from: the settings, the database, the lake; made once a process."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from parakeet_api.database import TRUSTED_SECONDS, AsyncDatabase
from parakeet_api.keys import Keys
from parakeet_api.log import log
from parakeet_api.problems import not_stored, unavailable
from parakeet_api.rates import Rate
from parakeet_dagster.errors import HoleError, LakeError, SettingsError
from parakeet_dagster.logins import database_login
from parakeet_dagster.settings import Settings

if TYPE_CHECKING:
    from parakeet_dagster.storage.lake import Lake

ANONYMOUS_PER_MINUTE = 120
"""Requests a minute without a valid key, by address."""

FILE_THREADS = 8


P = ParamSpec("P")
T = TypeVar("T")


class Services:
    """See above.

    Args:
        settings: of the process.
        connections: to the database, at most.
        anonymous_per_minute: requests a minute without a valid key, by address.
        trusted_seconds: how long an idle connection is believed to live; None: not at all.
        clock: seconds, by which requests are counted and keys are believed.
    """

    def __init__(
        self,
        settings: Settings,
        connections: int = 8,
        anonymous_per_minute: int = ANONYMOUS_PER_MINUTE,
        trusted_seconds: float | None = TRUSTED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.database = AsyncDatabase(
            database_login(settings), connections, trusted_seconds=trusted_seconds
        )
        self.keys = Keys(self.database, clock)
        self._of_key = Rate(settings.api_requests, clock)
        self._of_address = Rate(anonymous_per_minute, clock)

    @cached_property
    def lake(self) -> "Lake":
        """The lake; imports frames, which takes a while."""
        from parakeet_dagster.places import open_lake

        return open_lake(self.settings.lake_url)

    @cached_property
    def _threads(self) -> CapacityLimiter:
        return CapacityLimiter(FILE_THREADS)

    async def in_thread(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call what reads files or computes, beside the event loop."""
        return await anyio.to_thread.run_sync(
            lambda: function(*arguments, **named), limiter=self._threads
        )

    async def of_lake(
        self,
        function: "Callable[Concatenate[Lake, P], T]",
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """Call what reads the lake, its first argument, beside the event loop.

        Raises:
            ProblemError: 404 where a session is not stored; 503 where the lake cannot be reached or
                a file of it is damaged.
        """
        return await self.in_thread(self._read, lambda lake: function(lake, *arguments, **named))

    async def catalog(self) -> Sequence[Mapping[str, Any]]:
        """Every strategy, see ``choices.told_catalog``; read once a process, as Dagster does.

        Raises:
            ProblemError: 503: the settings, or the user's own strategies, are wrong.
        """
        try:
            return await self.in_thread(lambda: self._told_catalog)
        except SettingsError as error:
            log.warning("cannot read the catalog: %s", error.message)
            raise unavailable(
                "settings_wrong", "the settings of the server are wrong; its log says which"
            ) from error

    @cached_property
    def _told_catalog(self) -> Sequence[Mapping[str, Any]]:
        from parakeet_dagster.choices import told_catalog

        return told_catalog(self.settings)

    def _read(self, function: "Callable[[Lake], T]") -> T:
        from pyarrow import ArrowException

        try:
            return function(self.lake)
        except HoleError as error:
            raise not_stored(error.message) from error
        except (LakeError, ArrowException, OSError, UnicodeDecodeError) as error:
            log.warning("cannot read the lake: %s: %s", type(error).__name__, error)
            raise unavailable(
                "lake_unavailable", "the lake cannot be read; the log says why, ask again later"
            ) from error

    def may_ask(self, key_id: str) -> bool:
        """Count a request of a key; whether it is within its limit."""
        return self._of_key.admits(key_id)

    def may_knock(self, address: str) -> bool:
        """Count a request without a valid key; whether its address is within its limit."""
        return self._of_address.admits(address)

    async def close(self) -> None:
        """Give everything back."""
        await self.database.close()
