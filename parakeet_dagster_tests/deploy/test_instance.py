"""The instance file of containers: loaded by Dagster, and a run in it, on real servers."""

import sys

import boto3
import dagster as dg
import psycopg2
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.scheduler.instigation import TickStatus
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import filter_runs_to_should_retry
from dagster_aws.s3 import S3ComputeLogManager
from dagster_postgres import (
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)

from parakeet_dagster.assets.prices import PRICE_POOL
from parakeet_dagster.instance import open_instance, open_serverless_instance
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.deploy.instances import BUCKET, SCHEMA, instance_of
from parakeet_dagster_tests.deploy.places import DEPLOY, read_yaml
from parakeet_dagster_tests.storage.postgres import empty_database

FILE = DEPLOY / "dagster.yaml"


@pytest.fixture(scope="module")
def url(postgres_server: EmbeddedPostgres):
    with empty_database(postgres_server) as found:
        yield found


@pytest.fixture
def instance(url, tmp_path, aws_environment, monkeypatch):
    with instance_of(FILE, tmp_path / "home", url, monkeypatch) as found:
        yield found


@dg.op
def talk() -> None:
    sys.stdout.write("a line that a step prints\n")


@dg.job
def talks() -> None:
    talk()


def test_storage_is_postgres_in_a_schema_of_its_own(instance, url):
    assert isinstance(instance.run_storage, PostgresRunStorage)
    assert isinstance(instance.schedule_storage, PostgresScheduleStorage)
    assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
    tables = "SELECT table_schema, count(*) FROM information_schema.tables WHERE table_name IN"
    tables += " ('runs', 'event_logs', 'asset_keys', 'jobs', 'alembic_version') GROUP BY 1"
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(tables)
        assert cursor.fetchall() == [(SCHEMA, 5)]
    connection.close()


def test_a_run_has_its_events_in_postgres_and_what_it_prints_in_s3(instance, url):
    result = talks.execute_in_process(instance=instance)
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT status FROM {SCHEMA}.runs WHERE run_id = %s", [result.run_id])
        assert cursor.fetchall() == [("SUCCESS",)]
        cursor.execute(
            f"SELECT dagster_event_type FROM {SCHEMA}.event_logs WHERE run_id = %s ORDER BY id",
            [result.run_id],
        )
        events = [event for (event,) in cursor]
    connection.close()
    assert {"PIPELINE_START", "LOGS_CAPTURED", "STEP_SUCCESS", "PIPELINE_SUCCESS"} <= set(events)
    assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
    objects = list(boto3.resource("s3").Bucket(BUCKET).objects.all())
    printed = [one for one in objects if one.key.endswith(".out")]
    assert [one.key.rpartition("/")[0] for one in printed] == [
        f"dagster/compute-logs/storage/{result.run_id}/compute_logs"
    ]
    assert b"a line that a step prints\n" in printed[0].get()["Body"].read()


def test_runs_wait_in_a_queue_with_limits(instance):
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
    queue = instance.get_concurrency_config().run_queue_config
    assert queue.max_concurrent_runs == 2
    assert queue.tag_concurrency_limits == [
        {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1},
        {"key": "dagster/backfill", "limit": 1},
    ]


def test_one_step_at_a_time_asks_the_vendor(instance):
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(PRICE_POOL)
    assert storage.claim_concurrency_slot(PRICE_POOL, "one", "step").is_claimed
    assert not storage.claim_concurrency_slot(PRICE_POOL, "other", "step").is_claimed
    storage.free_concurrency_slots_for_run("one")


def test_what_hangs_is_failed(instance):
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_start_timeout_seconds == 600
    assert instance.run_monitoring_cancel_timeout_seconds == 180
    assert instance.run_monitoring_max_runtime_seconds == 6 * 3600
    assert instance.run_monitoring_max_resume_run_attempts == 0
    assert instance.run_monitoring_poll_interval_seconds == 120
    pool = instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"]
    assert pool == 60


@dg.op
def break_down() -> None:
    raise dg.Failure("wrong")


@dg.job
def breaks() -> None:
    break_down()


def test_a_run_is_started_again_where_it_crashed_and_not_where_a_step_failed(instance):
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    failed = breaks.execute_in_process(instance=instance, raise_on_error=False)
    crashed = instance.create_run_for_job(talks, status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(crashed, "its process is gone")
    runs = [instance.get_run_by_id(one) for one in (failed.run_id, crashed.run_id)]
    assert [run.status for run in runs] == [dg.DagsterRunStatus.FAILURE] * 2
    again = [run.run_id for run in filter_runs_to_should_retry(runs, instance)]
    assert again == [crashed.run_id]


def test_old_ticks_are_deleted(instance):
    kept = instance.get_tick_retention_settings(InstigatorType.SENSOR)
    assert kept[TickStatus.SKIPPED] == 7
    assert {kept[status] for status in TickStatus if status is not TickStatus.SKIPPED} == {90}
    assert set(instance.get_tick_retention_settings(InstigatorType.SCHEDULE).values()) == {365}


def test_nothing_is_reported_to_dagster(instance):
    assert instance.telemetry_enabled is False
    assert instance.nux_enabled is False


def test_the_instance_on_ecs_differs_by_its_launcher_and_the_number_of_runs():
    here, there = read_yaml(FILE), read_yaml(DEPLOY / "ecs" / "dagster.yaml")
    assert here.pop("run_launcher") != there.pop("run_launcher")
    assert here["concurrency"]["runs"].pop("max_concurrent_runs") == 2
    assert there["concurrency"]["runs"].pop("max_concurrent_runs") == 4
    assert here == there


def test_no_secret_is_in_a_file_of_an_instance():
    for file in DEPLOY.rglob("dagster.yaml"):
        (storage,) = read_yaml(file)["storage"].values()
        assert storage["config"] == {}


def test_what_a_laptop_puts_on_record_is_there_where_a_lambda_looks(url, monkeypatch):
    """``DAGSTER_HOME=$PWD/deploy``, as the documents say: no bucket is needed for it."""
    monkeypatch.setenv("NEON_DATABASE_URL", url)
    monkeypatch.setenv("DAGSTER_HOME", str(DEPLOY))
    monkeypatch.delenv("PARAKEET_BUCKET", raising=False)
    before = sorted(DEPLOY.rglob("*"))
    with open_instance(load_settings()) as laptop:
        run_id = talks.execute_in_process(instance=laptop).run_id
    with open_serverless_instance(load_settings()) as elsewhere:
        assert elsewhere.get_run_by_id(run_id).is_success
    assert sorted(DEPLOY.rglob("*")) == before
    for document in ("infrastructure/README.md", "docs/serverless.md"):
        assert 'DAGSTER_HOME="$PWD/deploy"' in (DEPLOY.parent / document).read_text()
