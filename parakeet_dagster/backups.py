"""Dumps of what only the database holds: made, thinned out, and brought back."""

from dataclasses import dataclass

from parakeet_dagster import clock
from parakeet_dagster.connect import find_database, open_database
from parakeet_dagster.places import open_backups
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.dumps import Dump, Manifest

KEPT = 30
"""So many dumps stay: a month of days."""


@dataclass(frozen=True)
class BackedUp:
    """A dump that was made, and the names of the older ones that were removed for it."""

    dump: Dump
    manifest: Manifest
    removed: list[str]


def back_up(settings: Settings, keep: int) -> BackedUp:
    """Dump the database of these settings, then leave the newest ``keep`` dumps.

    Raises:
        SettingsError: ``PARAKEET_BACKUPS`` is inside the lake.
    """
    dumps, database = open_backups(settings), open_database(settings)
    moment = clock.now()
    dump = dumps.new(moment)
    try:
        manifest = database.write_dump(dump)
    finally:
        database.close()
    return BackedUp(dump, manifest, dumps.prune(keep, moment))


def restore(settings: Settings) -> tuple[Dump, Manifest]:
    """Fill the empty database of these settings from the newest dump at ``PARAKEET_BACKUPS``.

    Raises:
        BackupError: there is no dump there, it is damaged, or the database is not empty.
    """
    dump, manifest = open_backups(settings).find()
    database = find_database(settings)
    try:
        database.restore(dump, manifest)
    finally:
        database.close()
    return dump, manifest
