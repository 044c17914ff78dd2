"""The modules fit together: variables, outputs and locals are there, used and described."""

import re

import hcl2
import pytest

from parakeet_dagster_tests.infrastructure.configuration import INFRASTRUCTURE, PLAIN, modules

ROOT_MODULE = modules()["root"]
NAMES = sorted(modules())


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_described_typed_and_used(name):
    module = modules()[name]
    variables = module.labelled("variable")
    assert all({"description", "type"} <= set(body) for body in variables.values())
    assert set(re.findall(r"\bvar\.(\w+)", module.text)) == set(variables)


@pytest.mark.parametrize("name", NAMES)
def test_locals_are_there_and_used(name):
    module = modules()[name]
    made = {key for block in module.blocks.get("locals", []) for key in block} - {"__is_block__"}
    assert set(re.findall(r"\blocal\.(\w+)", module.text)) == made


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_described(name):
    assert all("description" in body for body in modules()[name].labelled("output").values())


def test_each_module_is_called_with_its_variables():
    calls = ROOT_MODULE.labelled("module")
    assert set(calls) == set(modules()) - {"root"}
    for name, call in calls.items():
        assert call["source"] == f"./modules/{name}"
        given = set(call) - {"source", "count", "depends_on", "__is_block__"}
        assert given == set(modules()[name].labelled("variable")), name


def test_outputs_of_modules_are_there_and_used():
    found = re.findall(r"\bmodule\.(\w+)(?:\[\w+\])?\.(\w+)", ROOT_MODULE.text)
    made = [
        (name, key)
        for name in NAMES
        if name != "root"
        for key in modules()[name].labelled("output")
    ]
    assert set(found) == set(made)


def test_a_validation_names_its_variable():
    for name, body in ROOT_MODULE.labelled("variable").items():
        for validation in body.get("validation", []):
            assert validation["error_message"].startswith(f"{name}: ")
            assert f"var.{name}" in validation["condition"]


def test_every_variable_that_can_be_wrong_is_validated():
    variables = ROOT_MODULE.labelled("variable")
    unchecked = {name for name, body in variables.items() if "validation" not in body}
    assert unchecked == {
        name for name, body in variables.items() if body["type"] == "bool" or name == "tags"
    }


def test_the_example_gives_what_has_no_default():
    text = (INFRASTRUCTURE / "terraform.tfvars.example").read_text()
    given = set(hcl2.loads(text, serialization_options=PLAIN))
    variables = ROOT_MODULE.labelled("variable")
    assert given <= set(variables)
    assert {name for name, body in variables.items() if "default" not in body} <= given


def test_the_readme_names_what_is_there():
    text = (INFRASTRUCTURE / "README.md").read_text()
    outputs = re.findall(r"terraform output (?:-raw |-json )?(\w+)", text)
    assert outputs
    assert set(outputs) <= set(ROOT_MODULE.labelled("output"))
    for name in ROOT_MODULE.labelled("variable"):
        assert f"`{name}`" in text, name


def test_every_exception_of_the_scan_has_a_reason():
    text = "\n".join(path.read_text() for path in INFRASTRUCTURE.rglob("*.tf"))
    reasons = re.findall(r"#checkov:skip=CKV2?_AWS_\d+:?(.*)", text)
    assert len(reasons) == text.count("checkov:skip")
    assert all(len(reason.split()) >= 6 for reason in reasons)
