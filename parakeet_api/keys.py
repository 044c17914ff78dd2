"""API keys: ``pk_<id>_<secret>``. Who has the database has hashes, and no key.

The secret has 256 random bits, so a fast hash is enough: there is nothing to guess. It is compared
in constant time, also where there is no such key.

All keys are read at once, and kept for seconds: what callers send, true or made up, then costs the
database nothing that they could multiply.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from parakeet_api.database import AsyncDatabase

REVOKED_WITHIN_SECONDS = 10.0
"""So long a key that was valid is believed to be so still."""

UNKNOWN_WAITS_SECONDS = 0.05
"""So far apart the keys are read where a key is not among them: it may be new."""

_KEY = re.compile(r"pk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_READ = text("SELECT id, name, sha256, scopes FROM api_keys WHERE revoked_at IS NULL")


@dataclass(frozen=True)
class Caller:
    """Who sent a request. scopes: ``read`` and ``write``."""

    key_id: str
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class _Known:
    caller: Caller | None
    sha256: bytes


_NOBODY = _Known(None, bytes(32))


class Keys:
    """The keys of a database, as they were at most ``REVOKED_WITHIN_SECONDS`` ago.

    Args:
        database: that holds them.
        clock: seconds that only grow.
    """

    def __init__(
        self, database: AsyncDatabase, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._known: Mapping[str, _Known] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def caller(self, key: str) -> Caller | None:
        """Whose key this is; None where it is nobody's, or nobody's any more.

        Raises:
            ProblemError: 503: the keys have to be read, and the database cannot be reached.
        """
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        known = await self._of(parts[1])
        is_right = hmac.compare_digest(known.sha256, hashlib.sha256(parts[2].encode()).digest())
        return known.caller if is_right else None

    async def _of(self, key_id: str) -> _Known:
        if self._age > REVOKED_WITHIN_SECONDS:
            await self._read_by_one()
        elif key_id not in self._known:
            await asyncio.sleep(max(0.0, UNKNOWN_WAITS_SECONDS - self._age))
            if self._age >= UNKNOWN_WAITS_SECONDS:  # nobody else has read them meanwhile
                await self._read_by_one()
        return self._known.get(key_id, _NOBODY)

    @property
    def _age(self) -> float:
        return self._clock() - self._read_at

    async def _read_by_one(self) -> None:
        """Read the keys; whoever comes meanwhile waits for the same answer, or the same error.

        In a task of its own, for the request that began it may be given up.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._done)
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        asked_at = self._clock()
        async with self._database.reading("read the API keys") as session:
            rows = (await session.execute(_READ)).all()
        self._known = {
            row.id: _Known(Caller(row.id, row.name, frozenset(row.scopes)), bytes(row.sha256))
            for row in rows
        }
        self._read_at = asked_at

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._reading = None
        if not task.cancelled():
            task.exception()  # it was given to whoever waited, of whom there may be none any more
