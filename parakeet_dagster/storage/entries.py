"""The table entry_audit: what a person entered and changed, and when."""

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import MOMENT, read_frame

_NEWEST = text("SELECT max(at) FROM entry_audit")
_READ = text("""
    SELECT at, actor, key_id, action, kind, key, before::text AS before, after::text AS after
    FROM entry_audit
    ORDER BY id
""")
_TYPES = {
    "at": MOMENT,
    **dict.fromkeys(("actor", "key_id", "action", "kind", "key", "before", "after"), "str"),
}


def newest(connection: Connection) -> datetime | None:
    """See ``Database.entered_at``."""
    moment: datetime | None = connection.execute(_NEWEST).scalar_one()
    return moment


def read(connection: Connection) -> pd.DataFrame:
    """See ``Database.entry_audit``."""
    return read_frame(connection, _READ, _TYPES, {})
