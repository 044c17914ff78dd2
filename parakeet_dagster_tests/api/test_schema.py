"""The API held against its own description, with inputs nobody thinks of."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from parakeet_api.app import create_app, description
from parakeet_api.services import Services
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.reports import write_report
from parakeet_dagster_tests.api.clients import MANY, module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.lakes import MEMBER, RETURN, SIGNAL, row, store
from parakeet_dagster_tests.api.servers import listening
from parakeet_dagster_tests.api.test_performance import tables
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

EXAMPLES = 20
EXCLUDED = [positive_data_acceptance]
"""JSON Schema cannot say that a cursor is one of ours, or that a range must not end before it
begins: such requests are refused although their form is right."""


DAY, TICKER, STRATEGY, UNIVERSE = "2024-01-03", "BHP.AX", "dual_momentum", "CORE_ETFS"
"""Those of the description's examples, so that they are found."""


@pytest.fixture(scope="module")
def api(module_api):
    """Something of everything: an answer that is a problem shows little of an operation."""
    database, lake = module_api.database, module_api.services.lake
    day = {"date": pd.to_datetime([DAY]).as_unit("us"), "ticker": [TICKER]}
    bars = bars_of(bar("2024-01-02", TICKER, 10.0), bar(DAY, TICKER, 9.5, dividend=0.5))
    database.merge_market_data(bars, days("2024-01-02", DAY), "test")
    database.write_allocations(STRATEGY, pd.DataFrame({**day, "weight": 1.0, "rebalance": True}))
    order = {"side": "buy", "quantity": 7.0, "price_estimate_aud": 9.5, "cost_estimate_aud": 3.0,
             "reason": "0 to 1"}  # fmt: skip
    database.write_orders(STRATEGY, pd.DataFrame({**day, **order}), days(DAY))
    lists = {"session": pd.to_datetime([DAY]).as_unit("us"), "universe": [UNIVERSE],
             "source": "bundled", "as_of": date(2024, 1, 3), "point_in_time": False,
             "members": 1}  # fmt: skip
    database.record_universe_lists(pd.DataFrame(lists), days(DAY), [UNIVERSE])
    store(lake, "ticker_universe", [DAY], row(DAY, TICKER, universe=UNIVERSE, **MEMBER))
    store(lake, "daily_returns", [DAY], row(DAY, TICKER, **RETURN))
    store(lake, f"signals/{STRATEGY}", [DAY], row(DAY, TICKER, **SIGNAL))
    write_report(lake, f"performance/{STRATEGY}", "<p>page", tables([DAY], [100.0]))
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


answered: dict[str, set[int]] = {}
"""What each operation answered, by method and path."""

WITHOUT_ENTRIES = {"GET /v1/trades/{id}", "GET /v1/holdings/{date}"}
"""Nothing is entered: a PUT that schemathesis makes up is of no ticker that is known."""


# Without a parameter of ours, schemathesis gives all operations one and the same id under pytest 9,
# of which the workers of xdist then run one.
@pytest.mark.parametrize("key", ["writer"])
@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_it_says(case, api, address, key):
    answer = case.call_and_validate(
        base_url=address,
        headers={"Authorization": f"Bearer {api.keys[key]}"},
        excluded_checks=EXCLUDED,
    )
    answered.setdefault(f"{case.method} {case.path}", set()).add(answer.status_code)


def test_every_operation_that_reads_was_answered():
    if not answered:
        pytest.skip("judges what the tests of the operations saw: run them, too")
    reading = {name: codes for name, codes in answered.items() if name.startswith("GET")}
    assert len(reading) > 20
    assert {name for name, codes in reading.items() if 200 not in codes} == WITHOUT_ENTRIES


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
