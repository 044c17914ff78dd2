"""The compose file: what Docker accepts, and what it names is what there is in the code."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from parakeet_api.app import PREFIX
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.deploy.places import DEPLOY, ROOT, read_yaml

FILE = ROOT / "docker-compose.yaml"
EXAMPLE = DEPLOY / "compose.env.example"
SECRETS = {"POSTGRES_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
INTERPOLATED = re.compile(r"\$\{(\w+):\?set it in deploy/compose\.env\}")
OURS = {"bucket", "migrate", "code", "webserver", "daemon", "api"}
SERVERS = {"postgres", "store", "code", "webserver", "daemon", "api"}
OF_BOTO = {
    "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION",
}  # fmt: skip
MODULE = re.compile(r"parakeet_dagster(\.\w+)+")


@pytest.fixture(scope="module")
def compose():
    return read_yaml(FILE)


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def variables_of(text: str) -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", text, re.MULTILINE))


def known() -> set[str]:
    """Variables that somebody reads: our settings, and Dagster in its files."""
    settings = {str(field.validation_alias) for field in Settings.model_fields.values()}
    files = [DEPLOY / "dagster.yaml", DEPLOY / "workspace.yaml"]
    read = {name for file in files for name in re.findall(r"env: (\w+)", file.read_text())}
    return settings | read | OF_BOTO | {"PARAKEET_BACKUPS"}


def test_it_is_what_compose_accepts():
    program = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    checked = subprocess.run(
        [*program, "vendor.compose-spec", FILE], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_only_ui_and_api_can_be_reached_and_only_from_this_machine(compose, services):
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {
        "webserver": ["127.0.0.1:3000:3000"],
        "api": ["127.0.0.1:8000:8000"],
    }
    assert compose["networks"]["inside"] == {"internal": True}
    assert services["postgres"]["networks"] == services["store"]["networks"] == ["inside"]


def test_every_secret_comes_from_the_file_that_git_ignores():
    text = FILE.read_text()
    assert set(INTERPOLATED.findall(text)) == SECRETS
    assert "${" not in INTERPOLATED.sub("", text)
    example = EXAMPLE.read_text()
    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == SECRETS
    assert "deploy/compose.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_variable_is_read_by_somebody(services):
    given = {name for one in OURS for name in services[one]["environment"]}
    listed = variables_of(EXAMPLE.read_text()) - {"POSTGRES_PASSWORD"}
    assert given <= known()
    assert listed <= known()


def test_its_variables_are_settings_that_are_accepted(services, monkeypatch):
    for name, value in services["code"]["environment"].items():
        monkeypatch.setenv(name, INTERPOLATED.sub("0123abcd", value))
    settings = Settings()
    assert settings.lake_url == "s3://parakeet/lake"
    assert settings.database_url is not None
    url = DatabaseUrl.parse(settings.database_url.get_secret_value())
    postgres = services["postgres"]["environment"]
    assert (url.host, url.port, url.user, url.database) == (
        "postgres",
        "5432",
        postgres["POSTGRES_USER"],
        postgres["POSTGRES_DB"],
    )
    assert url.password == "0123abcd"
    assert dict(url.options)["sslmode"] == "disable"


def test_our_services_are_one_image_and_have_one_environment(services):
    assert {services[name]["image"] for name in OURS} == {"parakeet:local"}
    assert len({str(services[name]["environment"]) for name in OURS}) == 1
    for name in OURS:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_its_commands_modules_and_code_are_there(services, name):
    beside = Path(sys.executable).parent
    commands = [services[name]["command"]]
    if name in SERVERS:
        kind, *check = services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        commands.append(check)
    for command in commands:
        assert all(isinstance(word, str) for word in command)
        assert shutil.which(command[0], path=str(beside)), command
        for word in command:
            if MODULE.fullmatch(word):
                assert importlib.util.find_spec(word), word
        if "-c" in command:
            ast.parse(command[command.index("-c") + 1])


def test_ports_are_those_that_dagster_s_parts_expect_of_each_other(services):
    (workspace,) = read_yaml(DEPLOY / "workspace.yaml")["load_from"]
    server = workspace["grpc_server"]
    assert server["host"] == {"env": "PARAKEET_CODE_HOST"}
    assert services["code"]["environment"]["PARAKEET_CODE_HOST"] in services
    assert after(services["code"]["command"], "-p") == str(server["port"])
    assert after(services["code"]["healthcheck"]["test"], "-p") == str(server["port"])
    assert after(services["webserver"]["command"], "-p") == "3000"
    assert "127.0.0.1:3000/" in services["webserver"]["healthcheck"]["test"][-1]
    assert after(services["api"]["command"], "--port") == "8000"
    assert f"127.0.0.1:8000{PREFIX}/health" in services["api"]["healthcheck"]["test"][-1]
    assert services["code"]["environment"]["AWS_ENDPOINT_URL_S3"] == "http://store:8333"
    assert ":8333/" in services["store"]["healthcheck"]["test"][-1]


def after(words, option):
    return words[words.index(option) + 1]


def test_images_of_others_are_exact_versions(services):
    others = {services[name]["image"] for name in set(services) - OURS}
    for image in others:
        assert re.search(r":\d+\.\d+[\w.-]*$", image), image


def test_each_waits_for_what_it_needs(services):
    assert set(services) == OURS | SERVERS
    assert {name for name, one in services.items() if "healthcheck" in one} == SERVERS
    waits = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in services.items()
    }
    assert waits == {
        "postgres": {},
        "store": {},
        "bucket": {"store": "service_healthy"},
        "migrate": {"postgres": "service_healthy"},
        "code": {
            "bucket": "service_completed_successfully",
            "migrate": "service_completed_successfully",
        },
        "webserver": {"code": "service_healthy"},
        "daemon": {"code": "service_healthy"},
        "api": {
            "bucket": "service_completed_successfully",
            "migrate": "service_completed_successfully",
        },
    }


def test_what_must_outlive_a_container_is_in_a_volume(compose, services):
    mounted = {
        name: [volume.split(":") for volume in one["volumes"]]
        for name, one in services.items()
        if "volumes" in one
    }
    assert mounted["postgres"] == [["postgres", "/var/lib/postgresql/data"]]
    assert mounted["store"] == [["store", "/data"]]
    assert mounted["code"] == [["home", "/var/lib/parakeet"]]
    assert set(compose["volumes"]) == {"postgres", "store", "home"}


def test_the_guide_names_every_service_variable_and_targets_that_exist(services):
    guide = (ROOT / "docs" / "deploy.md").read_text()
    for name in services:
        assert f"`{name}`" in guide, name
    files = [DEPLOY / "workspace.yaml", *DEPLOY.rglob("dagster.yaml")]
    for name in [name for file in files for name in re.findall(r"env: (\w+)", file.read_text())]:
        assert f"| `{name}` |" in guide, name
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z0-9-]+)", guide)) <= targets
