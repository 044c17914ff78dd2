"""The workflow of GitHub Actions: well-formed, with few permissions, and it runs our targets."""

import re
import subprocess
import sys
import tomllib

import pytest
from packaging.specifiers import SpecifierSet

from parakeet_dagster_tests.deploy.places import ROOT, read_yaml

FILE = ROOT / ".github" / "workflows" / "ci.yaml"
EXACT = re.compile(r"[\w.-]+/[\w./-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})")


@pytest.fixture(scope="module")
def workflow():
    return read_yaml(FILE)


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(workflow):
    return "\n".join(step["run"] for step in steps(workflow) if "run" in step)


def test_it_is_what_github_accepts():
    program = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    checked = subprocess.run(
        [*program, "vendor.github-workflows", FILE], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_may_read_the_repository_and_no_more(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in FILE.read_text()
    checkouts = [step for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert len(checkouts) == len(workflow["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_action_is_an_exact_version_and_every_job_ends(workflow):
    used = {step["uses"] for step in steps(workflow) if "uses" in step}
    assert used
    assert [action for action in used if not EXACT.fullmatch(action)] == []
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())
    assert {job["runs-on"] for job in workflow["jobs"].values()} == {"ubuntu-24.04"}


def test_nothing_from_outside_is_put_into_a_command(workflow):
    assert "${{" not in commands(workflow)


def test_it_tests_every_python_that_is_supported(workflow):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = SpecifierSet(project["requires-python"])
    pythons = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == pythons


def test_it_runs_all_that_make_test_runs_and_only_targets_that_exist(workflow):
    makefile = (ROOT / "Makefile").read_text()
    called = {
        target
        for line in re.findall(r"^make (.*)$", commands(workflow), re.MULTILINE)
        for target in line.split()
    }
    (of_test,) = re.findall(r"^test: (.*)$", makefile, re.MULTILINE)
    assert set(of_test.split()) <= called
    defined = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    assert called <= defined


def test_it_builds_every_target_of_the_dockerfile_that_is_deployed(workflow):
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    targets = workflow["jobs"]["images"]["strategy"]["matrix"]["target"]
    assert targets == ["parakeet", "parakeet-lambda", "parakeet-k8s"]
    assert set(targets) <= set(stages)
