"""Names that Terraform and the code must spell alike: else the first night finds out."""

import importlib.metadata
import importlib.util
import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import PurePosixPath

import botocore.session
import yaml

from parakeet_api import lambda_handlers
from parakeet_api.app import MARKET_DATA, PREFIX, STRATEGIES, TRADES
from parakeet_api.database import AsyncDatabase
from parakeet_dagster import metrics
from parakeet_dagster.morning import LATE_AFTER
from parakeet_dagster.sessions import complete_at
from parakeet_dagster.settings import Settings
from parakeet_dagster_tests.infrastructure.configuration import INFRASTRUCTURE, ROOT, modules

API = modules()["api"]
INGEST = modules()["ingest"]
CLUSTER = modules()["cluster"]
ALARMS = modules()["alarms"]


def deployment() -> str:
    """Everything that the image brings besides the code."""
    files = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    return "\n".join(path.read_text() for path in [ROOT / "Dockerfile", *files])


def placed() -> set[str]:
    """The files of deploy/ in the image, and their folders."""
    image = (ROOT / "Dockerfile").read_text()
    (folder,) = re.findall(r"^WORKDIR (\S+)$", image, re.MULTILINE)
    copies = re.findall(r"^COPY (deploy/\S+\.yaml) (\S+)$", image, re.MULTILINE)
    places = {PurePosixPath(folder) / to / PurePosixPath(name).name for name, to in copies}
    return {str(path) for place in places for path in (place, place.parent)}


def test_the_handler_is_a_function_of_an_event_and_a_context():
    (command,) = INGEST.resource("aws_lambda_function")["image_config"][0]["command"]
    module, _, name = command.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    inspect.signature(handler).bind({}, None)
    assert command in (ROOT / "Dockerfile").read_text()


def test_the_api_s_functions_run_handlers_and_get_their_requests():
    root = modules()["root"]
    groups = root.local("api_groups")
    assert groups == {
        "market_data": list(MARKET_DATA),
        "strategies": list(STRATEGIES),
        "trades": list(TRADES),
    }
    assert {"handler", *groups} == set(lambda_handlers.HANDLERS)
    named = set(re.findall(r'"(parakeet_api\.[\w.${}]+)"', root.text))
    module = lambda_handlers.__name__
    assert named == {f"{module}.handler", f"{module}.${{group}}"}
    routes = re.findall(r'"ANY ([^"]+)"', root.text)
    assert routes == [f"{PREFIX}/${{resource}}", f"{PREFIX}/${{resource}}/{{proxy+}}"]
    assert API.resource("aws_apigatewayv2_integration")["payload_format_version"] == "2.0"
    assert API.resource("aws_apigatewayv2_stage")["name"] == "$default"


def test_the_api_answers_before_the_gateway_gives_up():
    limits = inspect.signature(AsyncDatabase).parameters
    slowest = limits["connect_seconds"].default + limits["query_seconds"].default
    function = API.resource("aws_lambda_function")["timeout"]
    gateway = API.resource("aws_apigatewayv2_integration")["timeout_milliseconds"] / 1000
    assert slowest < function < gateway <= 30


def test_the_gateway_logs_neither_keys_nor_query_strings():
    (settings,) = API.resource("aws_apigatewayv2_stage")["access_log_settings"]
    logged = set(re.findall(r"\$context\.([\w.]+)", settings["format"]))
    assert {"path", "status", "identity.sourceIp"} <= logged
    assert logged <= {
        "requestTime", "requestId", "identity.sourceIp", "httpMethod", "path", "status",
        "responseLength", "responseLatency", "integrationLatency", "integrationErrorMessage",
    }  # fmt: skip


def test_the_api_s_alarms_watch_what_the_gateway_counts():
    """The names of an HTTP API's metrics; a REST API has others."""
    errors = ALARMS.resource("aws_cloudwatch_metric_alarm", "api_errors")
    latency = ALARMS.resource("aws_cloudwatch_metric_alarm", "api_latency")
    assert (errors["metric_name"], latency["metric_name"]) == ("5xx", "Latency")
    for alarm in (errors, latency):
        assert alarm["namespace"] == "AWS/ApiGateway"
        assert set(alarm["dimensions"]) == {"ApiId"}
    throttled = ALARMS.resource("aws_cloudwatch_metric_alarm", "api_throttled")
    assert (throttled["namespace"], throttled["metric_name"]) == ("AWS/Lambda", "Throttles")


def test_variables_of_the_environment_are_settings():
    """Each is read by the settings, or by the files beside the code in the image."""
    text = "\n".join(module.text for module in modules().values())
    example = (INFRASTRUCTURE / "terraform.tfvars.example").read_text()
    named = set(re.findall(r"\b(?:PARAKEET|NEON|DAGSTER)_[A-Z_]*[A-Z]\b", text + example))
    settings = {str(field.validation_alias) for field in Settings.model_fields.values()}
    beside = {name for name in named - settings if re.search(rf"\b{name}\b", deployment())}
    assert named - settings - beside == set()
    assert beside <= {
        "PARAKEET_BUCKET",
        "PARAKEET_CODE_HOST",
        "PARAKEET_ECS_TASK_DEFINITION",
        "DAGSTER_POSTGRES_URL",
    }


def test_the_settings_of_the_example_are_accepted(monkeypatch):
    for key, value in modules()["root"].default("settings").items():
        if key.startswith("PARAKEET_"):
            monkeypatch.setenv(key, value)
    assert Settings().price_source == "yahoo"


def test_what_alarms_watch_is_what_the_code_writes():
    watched = {alarm["metric"] for alarm in ALARMS.local("parakeet").values()}
    heartbeat = ALARMS.resource("aws_cloudwatch_metric_alarm", "heartbeat")["metric_query"][1]
    (metric,) = heartbeat["metric"]
    assert watched | {metric["metric_name"]} <= set(metrics.METRICS)
    assert {"Failed", "SessionsBehind", "Coverage"} == watched
    assert metric["metric_name"] == "Heartbeat"
    plain = ALARMS.resource("aws_cloudwatch_metric_alarm", "parakeet")
    for alarm in (metric, plain):
        assert alarm["namespace"] == metrics.NAMESPACE
        assert alarm["dimensions"] == metrics.DIMENSIONS


def test_the_heartbeat_may_be_26_hours_old():
    alarm = ALARMS.resource("aws_cloudwatch_metric_alarm", "heartbeat")
    (metric,) = alarm["metric_query"][1]["metric"]
    assert alarm["evaluation_periods"] == alarm["datapoints_to_alarm"]
    assert alarm["evaluation_periods"] * metric["period"] == 26 * 3600
    assert alarm["treat_missing_data"] == "breaching"


def test_the_lambda_writes_what_the_alarms_wait_for():
    """No daemon and no sensor runs beside it, so the handler itself has to."""
    text = (ROOT / "parakeet_dagster" / "serverless.py").read_text()
    assert '"Heartbeat"' in text
    assert "tell_of_call" in text


def test_a_repository_for_each_target_of_the_dockerfile():
    targets = re.findall(r"parakeet[\w-]*", modules()["registry"].local("targets"))
    stages = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.M | re.I)
    assert set(targets) == {"parakeet", "parakeet-lambda"}
    assert set(targets) <= set(stages)


def test_the_lambda_has_what_the_job_needs():
    function = INGEST.resource("aws_lambda_function")
    assert function["timeout"] == 900
    root = modules()["root"]
    assert root.default("lambda_memory_mb") == 3008
    assert root.default("lambda_concurrency") == 1
    assert root.default("schedule") == "cron(30 1 * * ? *)"
    schedule = INGEST.resource("aws_scheduler_schedule")
    assert schedule["schedule_expression_timezone"] == "UTC"


def test_a_digest_of_a_session_that_does_not_come_in_is_sent_the_same_day():
    """By the second call: the third makes the dump and tells nothing."""
    minute, hour = map(int, re.findall(r"\d+", modules()["root"].default("catch_up")))
    called = datetime(2024, 3, 6, hour, minute, tzinfo=UTC)
    assert called - complete_at("2024-03-05") > LATE_AFTER


def test_events_are_those_that_the_handler_takes():
    events = set(re.findall(r"event\s+= jsonencode\((.*)\)", modules()["root"].text))
    assert events == {"{}", "{ backup = true }"}
    assert '"backup"' in (ROOT / "parakeet_dagster" / "serverless.py").read_text()


def test_containers_find_the_code_and_the_instance():
    text = CLUSTER.text
    (module,) = re.findall(r'"-m", "(parakeet_dagster\.\w+)"', text)
    assert importlib.util.find_spec(module)
    assert re.search(rf"^CMD .*{re.escape(module)}", (ROOT / "Dockerfile").read_text(), re.M)
    named = set(re.findall(r'"(/opt/parakeet/\S+)"', text))
    assert named == {"/opt/parakeet/ecs", "/opt/parakeet/workspace.yaml"}
    assert named <= placed()


def test_containers_are_started_by_programs_that_are_installed():
    programs = set(re.findall(r'command\s+= \["(?:CMD", ")?([\w-]+)"', CLUSTER.text))
    scripts = {script.name for script in importlib.metadata.entry_points(group="console_scripts")}
    assert {"dagster", "dagster-daemon", "dagster-webserver"} <= programs <= scripts | {"python"}


def test_where_the_code_logs_json_its_neighbours_do():
    """The webserver and the daemon run none of our code: only their own option tells them."""
    assert re.search(r'PARAKEET_LOGS\s+= "json"', modules()["root"].text)
    commands = [json.loads(found) for found in re.findall(r"\bcommand\s+= (\[.*\])", CLUSTER.text)]
    servers = [command for command in commands if {"grpc", "-w"} & set(command)]
    assert [command[0] for command in servers] == ["dagster", "dagster-webserver", "dagster-daemon"]
    for command in servers:
        assert command[command.index("--log-format") + 1] == "json"


def test_containers_have_keys_that_ecs_knows():
    """The provider passes on what it knows, and drops the rest without a word."""
    model = botocore.session.get_session().get_service_model("ecs")
    kinds = (
        "ContainerDefinition",
        "HealthCheck",
        "ContainerDependency",
        "Secret",
        "LinuxParameters",
    )
    known = {key for kind in kinds for key in model.shape_for(kind).members}
    common = CLUSTER.local("container")
    assert set(common) <= set(model.shape_for("ContainerDefinition").members)
    assert set(common["linuxParameters"]) <= set(model.shape_for("LinuxParameters").members)
    assert set(common["logConfiguration"]) <= set(model.shape_for("LogConfiguration").members)
    written = " ".join(
        CLUSTER.resource("aws_ecs_task_definition", name)["container_definitions"]
        for name in ("run", "server")
    )
    keys = set(re.findall(r"[{,] ?(\w+) = ", written))
    assert {"name", "command", "healthCheck", "interval", "condition"} <= keys <= known


def test_the_launcher_finds_the_task_of_a_run():
    (instance,) = (
        loaded
        for path in (ROOT / "deploy").rglob("*.yaml")
        if "EcsRunLauncher" in path.read_text()
        for loaded in [yaml.safe_load(path.read_text())]
        if "run_launcher" in loaded
    )
    launcher = instance["run_launcher"]["config"]
    assert launcher["task_definition"] == {"env": "PARAKEET_ECS_TASK_DEFINITION"}
    assert f'name        = "{launcher["container_name"]}"' in CLUSTER.text
    # The role may not list secrets, and knows the network from the server's own task.
    assert launcher["secrets_tag"] is None
    assert launcher.get("use_current_ecs_task_config", True)
    logs = instance["compute_logs"]["config"]
    assert logs["bucket"] == {"env": "PARAKEET_BUCKET"}
    assert logs["prefix"].split("/")[0] == modules()["storage"].local("prefixes")["dagster"]
