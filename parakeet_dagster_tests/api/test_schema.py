"""The API held against its own description, with inputs nobody thinks of."""

from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from parakeet_api.app import create_app, description
from parakeet_api.services import Services
from parakeet_dagster.settings import load_settings
from parakeet_dagster_tests.api.clients import MANY, module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.servers import listening
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

EXAMPLES = 20
EXCLUDED = [positive_data_acceptance]
"""JSON Schema cannot say that a cursor is one of ours, or that a range must not end before it
begins: such requests are refused although their form is right."""


@pytest.fixture(scope="module")
def api(module_api):
    rows = [bar(day, "BHP.AX", 10.0) for day in ("2024-01-02", "2024-01-03")]
    module_api.database.merge_market_data(bars_of(*rows), days("2024-01-02", "2024-01-03"), "test")
    return module_api


@pytest.fixture(scope="module")
def address(api):
    app = create_app(Services(load_settings(), anonymous_per_minute=MANY))
    with listening(app) as port:
        yield f"http://127.0.0.1:{port}"


schema = schemathesis.openapi.from_dict(
    description(create_app(SimpleNamespace(settings=SimpleNamespace(api_origins=())))),
    config=SchemathesisConfig.from_dict({"seed": 8}),
)


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_it_says(case, api, address):
    case.call_and_validate(
        base_url=address,
        headers={"Authorization": f"Bearer {api.keys['writer']}"},
        excluded_checks=EXCLUDED,
    )


def parts(api):
    """Every operation, as (its name, what is told of it)."""
    told = api.get("/v1/openapi.json").json()
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]
    return told, operations


def test_every_field_and_parameter_is_described(api):
    told, operations = parts(api)
    silent = [
        f"{schema}.{name}"
        for schema, model in told["components"]["schemas"].items()
        for name, field in model.get("properties", {}).items()
        if not (field.get("description") or (set(field) <= {"items", "title", "type"}
                and "$ref" in field.get("items", {})))
    ]  # fmt: skip
    silent += [
        f"{name}: {one['name']}"
        for name, operation in operations
        for one in operation.get("parameters", [])
        if not one.get("description")
    ]
    assert silent == []


def refers(told, part):
    """The names of all models that a part of the description leads to."""
    found, waiting = set(), [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(told["components"]["schemas"][name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def has_example(part):
    if isinstance(part, dict):
        return bool({"example", "examples"} & set(part)) or any(map(has_example, part.values()))
    return isinstance(part, list) and any(map(has_example, part))


def test_every_operation_is_summed_up_and_shown_by_an_example(api):
    told, operations = parts(api)
    schemas = told["components"]["schemas"]
    plain = []
    for name, operation in operations:
        good = {code: one for code, one in operation["responses"].items() if code < "300"}
        shown = [operation.get("parameters", []), operation.get("requestBody", {}), good]
        shown += [schemas[one] for one in refers(told, shown)]
        if not (operation.get("summary") and has_example(shown)):
            plain.append(name)
    assert len(operations) >= 3
    assert plain == []


def test_the_description_needs_a_key(api):
    assert api.get("/v1/openapi.json", key=None).status_code == 401
