"""``docs/api.md``: each line of the table of who may do what is asked; every code is explained.

Its examples work.
"""

import ast
import re
from pathlib import Path

import pytest

import parakeet_api
from parakeet_api.app import OPENAPI, create_app
from parakeet_api.routers.holdings import SnapshotContent
from parakeet_api.routers.trades import TradeContent
from parakeet_api.services import Services
from parakeet_dagster_tests.api.clients import module_api as api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.servers import listening
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
LINE = re.compile(r"^\| ([A-Z]+) \| `(/\S*)` \| (\S+) \| (\S+) \| (\S+) \|$", re.MULTILINE)
ROWS = LINE.findall(DOCUMENT)
CODE = re.compile(r"^\| \d{3} \| `([a-z_]+)` \|", re.MULTILINE)
UNDOCUMENTED = {("GET", "/"), ("GET", OPENAPI)}
"""What the OpenAPI does not list: the page, and itself."""

SAMPLES = {
    "ticker": "BHP.AX",
    "strategy": "dual_momentum",
    "key": "asx200",
    "id": "a-trade",
    "date": "2024-01-02",
}
"""Something for every parameter of a path."""

REFUSED = (401, 403, 405)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_a_line_of_the_table(api, row):
    method, path, *allowed = row
    path = re.sub(r"{(\w+)}", lambda found: SAMPLES[found[1]], path)
    body = {"json": {}} if method == "PUT" else {}
    found = []
    for key, may in zip((None, "reader", "writer"), allowed, strict=True):
        answer = api.ask(method, path, key=key, **body)
        is_let_in = answer.status_code not in REFUSED and answer.status_code < 500
        is_there = answer.status_code != 404 or answer.json()["code"] != "not_found"
        assert is_there, answer.text
        found.append("yes" if may == "yes" and is_let_in else str(answer.status_code))
    assert found == allowed


def test_every_operation_has_a_line_and_every_line_an_operation(api):
    told = api.get(OPENAPI).json()["paths"]
    operations = {(method.upper(), path) for path in told for method in told[path]}
    listed = [(method, path) for method, path, *_ in ROWS]
    assert len(listed) == len(set(listed))
    assert operations | UNDOCUMENTED == set(listed)


def codes_of(source):
    """The codes of the problems that a module raises."""
    place = {"ProblemError": 1, "unavailable": 0}
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            where = place.get(call.func.id)
            if where is not None and len(call.args) > where:
                code = call.args[where]
                if isinstance(code, ast.Constant):
                    yield code.value


def test_every_code_is_explained():
    sources = Path(parakeet_api.__file__).parent.rglob("*.py")
    codes = {code for source in sources for code in codes_of(source.read_text())}
    assert {"no_valid_key", "invalid_request", "database_unavailable"} <= codes
    assert codes <= set(CODE.findall(DOCUMENT))


def test_the_example_reads_every_page(api):
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    sessions = ("2022-12-27", "2022-12-28", "2022-12-29")
    bars = bars_of(*(bar(session, "KO", 10.0) for session in sessions))
    api.database.merge_market_data(bars, days(*sessions), "test")
    with listening(create_app(Services(api.services.settings))) as port:
        namespace: dict[str, object] = {}
        exec(example.replace("localhost:8000", f"127.0.0.1:{port}"), namespace)
        found = list(namespace["rows"]("/v1/prices/KO", api.keys["reader"], limit=2))
    assert [row["date"] for row in found] == list(sessions)


def test_the_bodies_of_the_examples_are_what_they_have_to_be():
    trade, holdings = re.findall(r"-d '(.*?)'", DOCUMENT, re.DOTALL)
    assert TradeContent.model_validate_json(trade).quantity == 10
    assert len(SnapshotContent.model_validate_json(holdings).parcels) == 2
