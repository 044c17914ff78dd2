"""API keys: ``pk_<id>_<secret>``. Who has the database has hashes, and no key.

The secret has 256 random bits, so a fast hash is enough: there is nothing to guess. It is compared
in constant time, also where there is no such key.
"""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass

from sqlalchemy import text

from parakeet_api.database import AsyncDatabase

REVOKED_WITHIN_SECONDS = 10.0
"""So long a key that was valid is believed to be so still."""

MOST_KNOWN = 1000

_KEY = re.compile(r"pk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_READ = text("SELECT id, name, sha256, scopes FROM api_keys WHERE id = :id AND revoked_at IS NULL")
_NOBODYS = bytes(32)


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
    since: float


class Keys:
    """The keys of a database, each asked for once in ``REVOKED_WITHIN_SECONDS``."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}

    async def caller(self, key: str) -> Caller | None:
        """Whose key this is; None where it is nobody's, or nobody's any more."""
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        known = await self._of(parts[1])
        is_right = hmac.compare_digest(known.sha256, hashlib.sha256(parts[2].encode()).digest())
        return known.caller if is_right else None

    async def _of(self, key_id: str) -> _Known:
        known = self._known.get(key_id)
        if known is not None and time.monotonic() - known.since < REVOKED_WITHIN_SECONDS:
            return known
        async with self._database.reading("read an API key") as session:
            row = (await session.execute(_READ, {"id": key_id})).one_or_none()
        if row is None:
            self._known.pop(key_id, None)
            return _Known(None, _NOBODYS, 0.0)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        caller = Caller(row.id, row.name, frozenset(row.scopes))
        found = _Known(caller, bytes(row.sha256), time.monotonic())
        self._known[key_id] = found
        return found
