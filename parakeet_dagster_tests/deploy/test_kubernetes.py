"""The values for Dagster's Helm chart: the instance that the chart makes of them is ours.

The chart itself is not here. ``instance_file`` says what its template ``configmap-instance.yaml``
does with each value, as far as these values go.
"""

import dagster as dg
import pytest
import yaml
from dagster_postgres.utils import get_conn_string

from parakeet_dagster.settings import EVENT_BATCH_SIZE
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.deploy.instances import BUCKET
from parakeet_dagster_tests.deploy.places import DEPLOY, read_yaml
from parakeet_dagster_tests.storage.postgres import empty_database

CHART = {
    "global", "dagsterWebserver", "dagster-user-deployments", "postgresql",
    "generatePostgresqlPasswordSecret", "generateCeleryConfigSecret", "rabbitmq", "redis", "flower",
    "ingress", "imagePullSecrets", "computeLogManager", "scheduler", "runLauncher", "pythonLogs",
    "dagsterDaemon", "busybox", "extraManifests", "migrate", "telemetry", "serviceAccount",
    "retention", "concurrency", "additionalInstanceConfig",
}  # fmt: skip


@pytest.fixture(scope="module")
def values():
    return read_yaml(DEPLOY / "k8s" / "values.yaml")


def snake(value):
    """The chart's names in Dagster's: a capital letter becomes an underscore and a small one."""
    if isinstance(value, list):
        return [snake(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {"applyLimitPerUniqueValue", "env"}
    return {
        name
        if name in kept
        else "".join(f"_{c.lower()}" if c.isupper() else c for c in name): snake(inner)
        for name, inner in value.items()
    }


def instance_file(values, postgres):
    storage = {"postgres_url": postgres}
    daemon = values["dagsterDaemon"]
    kinds = {
        "schedule_storage": "PostgresScheduleStorage",
        "run_storage": "PostgresRunStorage",
        "event_log_storage": "PostgresEventLogStorage",
    }
    concurrency = dict(snake(values["concurrency"]))
    concurrency.pop("enabled")
    retention = dict(snake(values["retention"]))
    retention.pop("enabled")
    manager = values["computeLogManager"]
    return {
        **{
            name: {"module": f"dagster_postgres.{module}", "class": kind, "config": storage}
            for (name, kind), module in zip(
                kinds.items(), ("schedule_storage", "run_storage", "event_log"), strict=True
            )
        },
        "compute_logs": {
            "module": "dagster_aws.s3.compute_log_manager",
            "class": manager["type"],
            "config": snake(manager["config"]["s3ComputeLogManager"]),
        },
        "python_logs": {"python_log_level": values["pythonLogs"]["pythonLogLevel"]},
        "run_monitoring": snake(daemon["runMonitoring"]),
        "run_retries": snake(daemon["runRetries"]),
        "telemetry": values["telemetry"],
        "retention": retention,
        "concurrency": concurrency,
    }


def test_every_value_is_one_of_the_chart_s(values):
    assert set(values) <= CHART


def test_the_instance_is_that_of_the_other_containers(values):
    ours = read_yaml(DEPLOY / "ecs" / "dagster.yaml")
    theirs = instance_file(values, "unused")
    # the chart has no value for it: Kubernetes itself ends a job that takes longer
    run = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    longest = ours["run_monitoring"].pop("max_runtime_seconds")
    assert run["jobSpecConfig"]["activeDeadlineSeconds"] == longest
    for name in set(ours) - {"storage", "run_launcher", "nux"}:
        assert theirs[name] == ours[name], name


def test_its_database_is_reached_by_psycopg2_in_dagster_s_schema(values):
    postgresql = values["postgresql"]
    url = DatabaseUrl.parse(
        get_conn_string(
            username=postgresql["postgresqlUsername"],
            password="hunter2",
            hostname=postgresql["postgresqlHost"],
            db_name=postgresql["postgresqlDatabase"],
            port=str(postgresql["service"]["port"]),
            params=postgresql["postgresqlParams"],
            scheme=postgresql["postgresqlScheme"],
        )
    )
    assert postgresql["postgresqlScheme"] == "postgresql+psycopg2"
    assert not url.is_pooler
    assert dict(url.options) == {"sslmode": "require", "options": "-csearch_path=dagster"}


def test_dagster_takes_the_instance(
    postgres_server, values, aws_environment, tmp_path, monkeypatch
):
    monkeypatch.setenv("PARAKEET_BUCKET", BUCKET)
    with empty_database(postgres_server) as url:
        plain = DatabaseUrl.parse(url).sync.render_as_string(hide_password=False)
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance_file(values, plain)))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert instance.run_retries_max_retries == 2
            assert instance.run_monitoring_max_resume_run_attempts == 0
            queue = instance.get_concurrency_config().run_queue_config
            assert queue is not None
            assert queue.max_concurrent_runs == 4


def test_nobody_from_outside_reaches_the_ui(values):
    assert values["ingress"] == {"enabled": False}
    service = values["dagsterWebserver"]["service"]
    assert service["type"] == "ClusterIP"
    assert service["port"] > 1023  # the web server listens on it, and is not root


def test_every_part_is_one_image_without_privileges(values):
    (code,) = values["dagster-user-deployments"]["deployments"]
    parts = [code, values["dagsterWebserver"], values["dagsterDaemon"]]
    assert len({str(part["image"]) for part in parts}) == 1
    assert parts[0]["image"]["repository"].endswith("/parakeet-k8s")
    for part in parts:
        assert part["podSecurityContext"]["runAsUser"] == 1000
        assert part["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_code_and_its_runs_have_our_settings(values):
    (code,) = values["dagster-user-deployments"]["deployments"]
    assert code["dagsterApiGrpcArgs"] == ["-m", "parakeet_dagster.definitions"]
    assert code["includeConfigInLaunchedRuns"] == {"enabled": True}
    assert code["env"]["DAGSTER_EVENT_BATCH_SIZE"] == EVENT_BATCH_SIZE
    assert all(isinstance(value, str) for value in code["env"].values())


def test_it_holds_no_password(values):
    assert values["generatePostgresqlPasswordSecret"] is False
    assert "postgresqlPassword" not in values["postgresql"]
    assert values["global"]["postgresqlSecretName"]
