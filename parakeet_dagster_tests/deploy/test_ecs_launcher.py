"""On ECS a run is a task: what the launcher asks ECS for. ECS is moto's server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value
from dagster_aws.ecs import EcsRunLauncher

from parakeet_dagster_tests.deploy.instances import instance_of
from parakeet_dagster_tests.deploy.places import DEPLOY
from parakeet_dagster_tests.storage.postgres import empty_database

IMAGE = "123456789012.dkr.ecr.ap-southeast-2.amazonaws.com/parakeet:1"
SECRET = "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:parakeet/alerts-AbCdEf"
ENVIRONMENT = [
    {"name": "DAGSTER_HOME", "value": "/opt/parakeet/ecs"},
    {"name": "PARAKEET_LAKE", "value": "s3://parakeet-tests/lake"},
    {"name": "PARAKEET_DATABASE_SECRET", "value": "parakeet/database"},
]
SECRETS = [{"name": "PARAKEET_SLACK_WEBHOOK", "valueFrom": f"{SECRET}:PARAKEET_SLACK_WEBHOOK::"}]


def register(ecs, family: str, names: list[str]) -> str:
    """A task definition as Terraform registers it; returns its ARN."""
    containers = [
        {
            "name": name,
            "image": IMAGE,
            "memory": 512,  # moto wants it; Fargate takes the task's
            "environment": ENVIRONMENT,
            "secrets": SECRETS,
        }
        for name in names
    ]
    registered = ecs.register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="4096",
        taskRoleArn=f"arn:aws:iam::123456789012:role/{family}",
        containerDefinitions=containers,
    )
    return registered["taskDefinition"]["taskDefinitionArn"]


@pytest.fixture
def network(aws_environment) -> dict[str, list[str]]:
    """A subnet and a security group, as ``awsvpcConfiguration`` names them."""
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="server", Description="server", VpcId=vpc)
    return {"subnets": [subnet], "securityGroups": [group["GroupId"]]}


@pytest.fixture
def daemon(network, monkeypatch) -> Iterator[dict[str, str]]:
    """The daemon's own task, and ECS's endpoint in its container that tells which that is."""
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName="parakeet")
    task = ecs.run_task(
        cluster="parakeet",
        taskDefinition=register(ecs, "parakeet-server", ["code", "webserver", "daemon"]),
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )["tasks"][0]
    answers = {
        "/v4": {"Name": "daemon"},
        "/v4/task": {"Cluster": task["clusterArn"], "TaskARN": task["taskArn"]},
    }

    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers[self.path]).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v4"
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", url)
        yield {"cluster": task["clusterArn"], "task": task["taskArn"]}
        server.shutdown()


@pytest.fixture
def definition(aws_environment, monkeypatch) -> str:
    """The ARN of a run's task definition, in the variable that names it."""
    arn = register(boto3.client("ecs"), "parakeet-run", ["run"])
    monkeypatch.setenv("PARAKEET_ECS_TASK_DEFINITION", arn)
    return arn


@pytest.fixture
def instance(postgres_server, daemon, definition, tmp_path, monkeypatch):
    with (
        empty_database(postgres_server) as url,
        instance_of(DEPLOY / "ecs" / "dagster.yaml", tmp_path / "home", url, monkeypatch) as found,
    ):
        yield found


def launched(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of the real daily job for one session, as the daemon launches it from its queue."""
    origin = LoadableTargetOrigin(module_name="parakeet_dagster.definitions")
    with in_process_test_workspace(instance, origin, container_image=IMAGE) as workspace:
        (location,) = workspace.code_locations
        job = location.get_repository("__repository__").get_full_job("daily")
        run = instance.create_run(
            job_name="daily",
            run_id=None,
            run_config={},
            status=dg.DagsterRunStatus.QUEUED,
            tags={"dagster/partition": "2022-06-15"},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=None,
            job_snapshot=None,
            parent_job_snapshot=None,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=location.get_repository("__repository__").asset_graph,
        )
        instance.launch_run(run.run_id, workspace)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def test_a_run_is_a_task_with_the_command_environment_and_secrets(
    instance, daemon, definition, network
):
    assert isinstance(instance.run_launcher, EcsRunLauncher)
    assert instance.run_launcher.secrets_tags == []  # else it lists the account's secrets
    ecs, asked = boto3.client("ecs"), []
    events = instance.run_launcher.ecs.meta.events
    events.register("provide-client-params.ecs.RunTask", lambda params, **_: asked.append(params))
    run = launched(instance)

    (arn,) = set(ecs.list_tasks(cluster="parakeet")["taskArns"]) - {daemon["task"]}
    (task,) = ecs.describe_tasks(cluster="parakeet", tasks=[arn])["tasks"]
    assert run.tags["ecs/task_arn"] == arn
    assert run.tags["ecs/cluster"] == task["clusterArn"] == daemon["cluster"]
    assert task["launchType"] == "FARGATE"

    # the very task definition of Terraform, not a new one made after the daemon's
    assert task["taskDefinitionArn"] == definition
    families = ecs.list_task_definition_families()["families"]
    assert sorted(families) == ["parakeet-run", "parakeet-server"]
    (container,) = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"][
        "containerDefinitions"
    ]
    assert container["image"] == IMAGE
    assert container["environment"] == ENVIRONMENT
    assert container["secrets"] == SECRETS

    # only the command is Dagster's, and it names the run and the instance without a secret
    (override,) = task["overrides"]["containerOverrides"]
    assert set(override) == {"name", "command"}
    assert override["name"] == "run"
    assert override["command"][:3] == ["dagster", "api", "execute_run"]
    arguments = deserialize_value(override["command"][3], ExecuteRunArgs)
    assert arguments.run_id == run.run_id
    assert arguments.job_origin.repository_origin.code_pointer.module == (
        "parakeet_dagster.definitions"
    )
    assert "NeonStorage" in override["command"][3]
    assert "postgresql" not in override["command"][3].lower()
    assert len(json.dumps(task["overrides"])) < 8192  # ECS's limit

    # where the daemon's own task is
    (request,) = asked
    assert request["cluster"] == daemon["cluster"]
    assert request["networkConfiguration"] == {
        "awsvpcConfiguration": {**network, "assignPublicIp": "DISABLED"}
    }
    assert {tag["key"]: tag["value"] for tag in request["tags"]} == {
        "dagster/run_id": run.run_id,
        "dagster/job_name": "daily",
    }


def test_the_daemon_sees_that_a_task_is_gone_and_stops_one_when_told(instance, daemon):
    ecs = boto3.client("ecs")
    run = launched(instance)
    arn = run.tags["ecs/task_arn"]
    assert instance.run_launcher.supports_check_run_worker_health
    instance.report_run_canceling(run)
    assert instance.run_launcher.terminate(run.run_id)
    (task,) = ecs.describe_tasks(cluster="parakeet", tasks=[arn])["tasks"]
    assert task["desiredStatus"] == "STOPPED"
    health = instance.run_launcher.check_run_worker_health(run)
    assert health.status in (WorkerStatus.FAILED, WorkerStatus.SUCCESS)
