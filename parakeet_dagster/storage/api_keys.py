"""The table api_keys: who may use the API. Keys are made here, and nowhere kept."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import MOMENT, read_frame

Scope = Literal["read", "write"]

_ID_BYTES, _SECRET_BYTES = 6, 32
_CREATE = text("""
    INSERT INTO api_keys (id, name, sha256, scopes) VALUES (:id, :name, :sha256, :scopes)
    ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
""")
_REVOKE = text(
    "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE name = :name AND revoked_at IS NULL"
)
_READ = text("""
    SELECT id, name, array_to_string(scopes, ',') AS scopes, created_at, revoked_at
    FROM api_keys
    ORDER BY created_at, id
""")
_TYPES = {"id": "str", "name": "str", "scopes": "str", "created_at": MOMENT, "revoked_at": MOMENT}


def create(connection: Connection, name: str, scopes: Sequence[Scope]) -> str | None:
    """See ``Database.create_api_key``."""
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    row = {
        "id": key_id,
        "name": name,
        "sha256": hashlib.sha256(secret.encode()).digest(),
        "scopes": sorted(set(scopes)),
    }
    made = connection.execute(_CREATE, row).rowcount
    return f"pk_{key_id}_{secret}" if made else None


def revoke(connection: Connection, name: str) -> bool:
    """See ``Database.revoke_api_key``."""
    return connection.execute(_REVOKE, {"name": name}).rowcount > 0


def read(connection: Connection) -> pd.DataFrame:
    """See ``Database.api_keys``."""
    return read_frame(connection, _READ, _TYPES, {})
