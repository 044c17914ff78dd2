"""The lake and the database, as assets receive them.

Nothing here holds a URL with a password: the connection is made from the settings when a run
starts, so that no secret reaches run config, metadata or the UI.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

import dagster as dg

from parakeet_dagster.connect import open_database
from parakeet_dagster.places import open_lake
from parakeet_dagster.resources.turns import turn_of
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

_LAKES: WeakValueDictionary[tuple[str, str], Lake] = WeakValueDictionary()
"""By run and place; gone some time after the run."""


class LakeResource(dg.ConfigurableResource[Lake]):
    """The lake of ``PARAKEET_LAKE``; on S3 through dagster-aws's ``S3Resource``."""

    url: str

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Lake]:
        """One lake a run, which reads each session of history once.

        Others wait that would write the same: what it has read stays true.

        The I/O manager's is the same: Dagster makes it a resource of its own, and what either
        writes the other must know of. What it has read is given back with the run: Dagster's
        objects refer to each other, and keep the lakes of several runs alive.
        """
        of_run = (str(context.run_id), self.url)
        lake = _LAKES.get(of_run)
        if lake is not None:
            yield lake
            return
        with turn_of(context) as before_writing:
            lake = _LAKES[of_run] = self._open().remembering(before_writing)
            try:
                yield lake
            finally:
                lake.forget()

    def _open(self) -> Lake:
        if not self.url.startswith("s3://"):
            return open_lake(self.url)
        from parakeet_dagster.s3 import LakeS3Resource

        return open_lake(self.url, LakeS3Resource().get_client)


class NeonResource(dg.ConfigurableResource[Database]):
    """The database of ``NEON_DATABASE_URL``, or the embedded PostgreSQL where it is unset."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Database]:  # noqa: ARG002 - Dagster's signature
        """One connection pool a step, given back at its end."""
        database = open_database(load_settings())
        try:
            yield database
        finally:
            database.close()
