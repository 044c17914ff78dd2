"""Dagster's event log in SQLite, with one transaction a batch.

A single-run back-fill writes two events per asset and session. Dagster's own SQLite storage makes
a new engine and three commits for every one of them, which is most of a back-fill's time; its
batches (``DAGSTER_EVENT_BATCH_SIZE``) reach PostgreSQL only. The files and tables are Dagster's
own: ``dagster.yaml`` can go back to the stock storage at any time. pyproject.toml pins Dagster's
minor version, since the methods overridden here are not public.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster import EventLogEntry
from dagster._core.events import ASSET_EVENTS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._record import copy
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine
from sqlalchemy.event import listen

BUSY_SECONDS = 60


def _sync_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    """Let a commit not wait for the disk: a power cut can lose the last events, not the file."""
    connection.execute("PRAGMA synchronous=NORMAL")


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """See the module. ``base_dir`` is Dagster's home; the files lie where they always do."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make the storage that ``dagster.yaml`` asks for."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A new connection in a transaction; the engine, and what it has compiled, stays."""
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = self._engines[shard] = self._new_engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _new_engine(self, shard: str) -> Engine:
        """One that keeps its connection open for the index, and opens one anew for a run's file.

        Closing the last connection to a file costs a checkpoint, which the UI waits for: it
        watches a run's file, which changes only then. Nobody watches the index.

        The index waits for the disk, since it tells what is done. If a power cut took the event of
        prices that were corrected, the returns of the former ones would pass as newer than these.
        """
        is_index = shard == INDEX_SHARD_NAME
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool if is_index else NullPool,
            connect_args={"timeout": BUSY_SECONDS},
        )
        if not is_index:
            listen(engine, "connect", _sync_at_checkpoints)
        return engine

    def dispose(self) -> None:
        """Close what is open."""
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the asset events of one run in two transactions, the others one by one."""
        of_assets = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
        for event in events:
            if event.dagster_event_type not in ASSET_EVENTS:
                self.store_event(event)
        if not of_assets:
            return
        insert = SqlEventLogStorageTable.insert()
        rows = [self._event_to_row(event) for event in of_assets]
        with self.run_connection(of_assets[0].run_id) as connection:
            connection.execute(insert, rows)
        with self.index_transaction() as connection:
            returning = insert.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
            ids = list(connection.execute(returning, rows).scalars())
            self._store_asset_event_tags(connection, of_assets, ids)
            newest = {
                (event.get_dagster_event().asset_key, event.dagster_event_type): (event, event_id)
                for event, event_id in zip(of_assets, ids, strict=True)
            }
            for event, event_id in newest.values():
                self._store_asset_event(connection, event, event_id)

    def _store_asset_check_evaluation_planned(
        self, event: EventLogEntry, event_id: int | None
    ) -> None:
        """Plan a check once a run.

        Dagster plans it for every session of the run, also where the check has no partitions, and
        then none of those plans is ever fulfilled.
        """
        told = event.get_dagster_event()
        planned = copy(told.event_specific_data, partitions_subset=None)
        once = event._replace(dagster_event=told._replace(event_specific_data=planned))
        super()._store_asset_check_evaluation_planned(once, event_id)
