"""Dagster cannot tell our event log from its own: same files, same tables, same rows."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import EventLogEntry, EventLogRecord
from dagster._core.events import ASSET_EVENTS, DagsterEvent, StepMaterializationData
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._serdes import deserialize_value
from sqlalchemy import text

from parakeet_dagster.event_log import BatchedSqliteEventLogStorage

RUN_ID = "0f0c4d1e-7d5b-4a8e-9d6b-3f5f1c0d2a11"
FIRST, LAST = "2022-06-01", "2022-06-05"
DAYS = dg.DailyPartitionsDefinition(FIRST, end_date="2022-06-10")
SESSIONS = [f"2022-06-0{day}" for day in range(1, 6)]
BRONZE, SILVER = dg.AssetKey("bronze"), dg.AssetKey(["silver", "one"])
SHARD_TABLES = ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions")


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("any", asset="bronze", partitions_def=DAYS)],
)
def bronze(context: dg.AssetExecutionContext):
    for day in context.partition_keys:
        context.add_asset_metadata({"rows": int(day[-2:])}, partition_key=day)
    yield dg.AssetCheckResult(check_name="any", passed=True)
    yield dg.MaterializeResult(asset_key=BRONZE, tags={"made_by": "test"})


@dg.asset(key=SILVER, deps=[bronze], backfill_policy=dg.BackfillPolicy.single_run())
def whole() -> None:
    """Without partitions: a batch of one."""


@dg.asset(deps=[bronze], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def gold(context: dg.AssetExecutionContext) -> None:
    context.log_event(dg.AssetObservation("gold", partition=FIRST, tags={"seen": "yes"}))


JOB = dg.define_asset_job("everything", partitions_def=DAYS)
DEFINITIONS = dg.Definitions([bronze, whole, gold], jobs=[JOB])


def ran(home: Path, event_log: dict[str, Any]) -> dg.DagsterInstance:
    """The same range run on an instance of its own."""
    home.mkdir()
    instance = dg.DagsterInstance.from_config(str(home), _configured(home, event_log))
    result = DEFINITIONS.resolve_job_def("everything").execute_in_process(
        instance=instance,
        run_id=RUN_ID,
        tags={
            "dagster/asset_partition_range_start": FIRST,
            "dagster/asset_partition_range_end": LAST,
        },
    )
    assert result.success
    return instance


def _configured(home: Path, event_log: dict[str, Any]) -> str:
    lines = ["telemetry: {enabled: false}"]
    if event_log:
        lines.append(f"event_log_storage: {event_log}")
    (home / "dagster.yaml").write_text("\n".join(lines))
    return "dagster.yaml"


def ours(home: Path) -> dict[str, Any]:
    return {
        "module": "parakeet_dagster.event_log",
        "class": "BatchedSqliteEventLogStorage",
        "config": {"base_dir": str(home)},
    }


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """One home per storage, each after the same run."""
    root = tmp_path_factory.mktemp("instances")
    patch = pytest.MonkeyPatch()
    patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    ran(root / "stock", {}).dispose()
    ran(root / "ours", ours(root / "ours")).dispose()
    patch.undo()
    return root


def rows(home: Path, shard: str, table: str) -> list[dict[str, Any]]:
    """A table as it is on disk, in the order of its rows."""
    file = home / "history" / "runs" / f"{shard}.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its times and without its number."""
    return {
        name: _without_times(value)
        for name, value in row.items()
        if name == "run_id" or not name.endswith(("id", "timestamp"))
    }


def _without_times(value: Any) -> Any:
    """What a serialised event says, or the value itself."""
    if not (isinstance(value, str) and value.startswith('{"__class__"')):
        return value
    stored = deserialize_value(value, (EventLogEntry, EventLogRecord))
    entry = stored.event_log_entry if isinstance(stored, EventLogRecord) else stored
    event = entry.get_dagster_event()
    data = event.event_specific_data if event.event_type in ASSET_EVENTS else None
    return entry.level, entry.job_name, entry.step_key, event.event_type_value, data


@pytest.mark.parametrize("shard", ["index", RUN_ID])
@pytest.mark.parametrize("table", SHARD_TABLES)
def test_it_leaves_the_rows_that_dagsters_own_leaves(table, shard, homes):
    stock = [
        comparable(row)
        for row in rows(homes / "stock", shard, table)
        if row.get("execution_status") != "PLANNED"
    ]
    mine = [comparable(row) for row in rows(homes / "ours", shard, table)]

    assert sorted(map(repr, mine)) == sorted(map(repr, stock))


def test_what_is_compared_is_not_empty(homes):
    counts = {
        (shard, table): len(rows(homes / "ours", shard, table))
        for shard in ("index", RUN_ID)
        for table in SHARD_TABLES
    }
    materialised = 2 * len(SESSIONS) + 1

    assert counts["index", "event_logs"] > 2 * materialised
    assert counts[RUN_ID, "event_logs"] > counts["index", "event_logs"]
    assert counts["index", "asset_keys"] == 3
    assert counts["index", "asset_event_tags"] >= len(SESSIONS) + 1
    assert counts["index", "asset_check_executions"] >= 1


def test_a_check_without_partitions_is_planned_once_and_no_plan_is_left(homes):
    """Dagster plans it for every session of the range, and fulfils none of those plans."""

    def checks(home: Path) -> list[tuple[str | None, str]]:
        return [
            (row["partition"], row["execution_status"])
            for row in rows(home, "index", "asset_check_executions")
        ]

    assert checks(homes / "ours") == [(None, "SUCCEEDED")]
    planned = [(session, "PLANNED") for session in SESSIONS]
    assert checks(homes / "stock") == [*planned, (None, "SUCCEEDED")]


def test_materialisations_are_numbered_in_their_order(homes):
    def partitions(home: Path) -> list[tuple[str, str]]:
        return [
            (row["asset_key"], row["partition"])
            for row in rows(home, "index", "event_logs")
            if row["dagster_event_type"] == "ASSET_MATERIALIZATION"
        ]

    assert partitions(homes / "ours") == partitions(homes / "stock")
    assert [day for key, day in partitions(homes / "ours") if key == '["bronze"]'] == SESSIONS


def test_every_tag_belongs_to_its_own_event(homes):
    events = {row["id"]: row for row in rows(homes / "ours", "index", "event_logs")}
    tags = rows(homes / "ours", "index", "asset_event_tags")

    assert len({tag["event_id"] for tag in tags}) == 2 * len(SESSIONS) + 1
    for tag in tags:
        event = events[tag["event_id"]]
        entry = deserialize_value(event["event"], EventLogEntry)
        assert event["asset_key"] == tag["asset_key"]
        assert entry.asset_materialization.tags[tag["key"]] == tag["value"]


def test_dagsters_own_storage_reads_what_ours_wrote(homes):
    """`dagster.yaml` can go back to the stock storage at any time."""
    stock = SqliteEventLogStorage(str(homes / "ours" / "history" / "runs"))

    assert stock.get_materialized_partitions(BRONZE) == set(SESSIONS)
    newest = stock.get_latest_materialization_events([BRONZE, SILVER])
    assert newest[BRONZE].dagster_event.partition == LAST
    assert newest[BRONZE].asset_materialization.metadata["rows"].value == 5
    assert newest[SILVER].dagster_event.partition is None
    assert len(stock.get_logs_for_run(RUN_ID)) == len(rows(homes / "ours", RUN_ID, "event_logs"))


def test_ours_reads_and_continues_what_dagsters_own_wrote(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    home = tmp_path / "home"
    ran(home, {}).dispose()
    storage = BatchedSqliteEventLogStorage(str(home))
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    before = storage.get_latest_storage_id_by_partition(BRONZE, kind)

    storage.store_event_batch(
        [materialised("another", "2022-06-06"), materialised("another", LAST)]
    )

    after = storage.get_latest_storage_id_by_partition(BRONZE, kind)
    assert sorted(before) == SESSIONS
    assert sorted(after) == [*SESSIONS, "2022-06-06"]
    assert max(before.values()) < after["2022-06-06"] < after[LAST]


def materialised(run_id: str, partition: str, asset: dg.AssetKey = BRONZE) -> EventLogEntry:
    """The event of one partition, as a run reports it."""
    materialization = dg.AssetMaterialization(asset, partition=partition)
    event = DagsterEvent(
        event_type_value="ASSET_MATERIALIZATION",
        job_name="everything",
        event_specific_data=StepMaterializationData(materialization),
    )
    return EventLogEntry(
        error_info=None,
        level=10,
        user_message="",
        run_id=run_id,
        timestamp=time.time(),
        dagster_event=event,
    )


def asset_of(run: int) -> dg.AssetKey:
    return dg.AssetKey(f"asset_{run}")


@pytest.mark.parametrize("storages", [1, 4], ids=["one storage", "as several processes"])
def test_threads_lose_and_double_nothing(storages, tmp_path):
    opened = [BatchedSqliteEventLogStorage(str(tmp_path)) for _ in range(storages)]

    def report(run: int) -> None:
        storage = opened[run % storages]
        for _ in range(3):
            storage.store_event_batch(
                [materialised(f"run_{run}", day, asset_of(run)) for day in SESSIONS]
            )
            storage.store_event(materialised(f"run_{run}", "2022-06-06", asset_of(run)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(report, range(8)))

    for run in range(8):
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        newest = opened[0].get_latest_storage_id_by_partition(asset_of(run), kind)
        assert sorted(newest) == [*SESSIONS, "2022-06-06"]
        assert list(newest.values()) == sorted(newest.values())
        assert len(opened[0].get_logs_for_run(f"run_{run}")) == 3 * 6
    assert len(rows(tmp_path, "index", "event_logs")) == 8 * 3 * 6
    assert len(rows(tmp_path, "index", "asset_keys")) == 8


def test_what_tells_what_is_done_waits_for_the_disk_and_a_run_s_log_does_not(homes):
    """FULL is 2, NORMAL is 1."""
    log = BatchedSqliteEventLogStorage(str(homes / "ours"))
    query = text("PRAGMA synchronous")
    with log.index_connection() as index:
        assert index.scalar(query) == 2
    with log.run_connection(RUN_ID) as run:
        assert run.scalar(query) == 1
    log.dispose()
