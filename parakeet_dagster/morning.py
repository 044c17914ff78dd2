"""When the digest of a session is sent: once, when the session is in, or when it is late."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.checks.prices import due_session
from parakeet_dagster.choices import enabled_strategies
from parakeet_dagster.connect import open_database, open_price_source
from parakeet_dagster.delivery import Delivery, Post
from parakeet_dagster.digest import Digest, digest_of
from parakeet_dagster.digest_text import message_of
from parakeet_dagster.places import open_lake
from parakeet_dagster.run_metrics import LATEST
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database

LATE_AFTER = timedelta(hours=5)
"""So long after a session is complete its digest is sent as it is, and says what is lacking.

Without a daemon only a call of the job can send it: the second one of infrastructure/ is later.
"""


def send_digest(
    instance: dg.DagsterInstance, settings: Settings, post: Post, now: datetime
) -> Delivery | str:
    """Send the digest of the last session that can be had, where it is time to.

    Args:
        instance: where runs are recorded, and what was sent.
        settings: of the process.
        post: to the targets.
        now: with a zone.

    Returns:
        What became of it; or why nothing was sent.
    """
    due = due_session(open_price_source(settings), now)
    key = f"digest/{due}"
    if not post.lacks(key):
        return f"the digest of {due} is sent"
    if not open_lake(settings.lake_url).sessions(LATEST):
        return "nothing is stored yet: parakeet backfill FROM TO begins a history"
    database = open_database(settings)
    try:
        is_late = now - calendar.complete_at(due) > LATE_AFTER
        if not is_late and not has_orders(database, names_of(settings), due):
            return f"waits for the orders of {due}"
        digest = read_digest(due, due, instance, settings, database)
    finally:
        database.close()
    return post.deliver(key, message_of(digest), now)


def read_digest(
    session: str,
    due: str,
    instance: dg.DagsterInstance,
    settings: Settings,
    database: Database,
) -> Digest:
    """The digest of a session, of the live strategy, or of all where none is."""
    lake = open_lake(settings.lake_url)
    return digest_of(session, names_of(settings), due, instance, lake, database)


def names_of(settings: Settings) -> list[str]:
    """The strategies that the digest tells of."""
    if settings.live_strategy:
        return [settings.live_strategy]
    return list(enabled_strategies(settings))


def has_orders(database: Database, names: Sequence[str], session: str) -> bool:
    """Whether the orders of a session, be they none, are stored for all of ``names``."""
    stored, day = database.order_sessions(), pd.Timestamp(session).date()
    return all(day in stored.get(name, []) for name in names)
