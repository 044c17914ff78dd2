"""The API as Lambda runs it: AWS's own client, the events of an HTTP API, a real PostgreSQL."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parakeet_api import lambda_handlers
from parakeet_api.app import EVERYTHING
from parakeet_api.services import ANONYMOUS_PER_MINUTE
from parakeet_dagster.errors import SettingsError
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.aws import aws_server  # noqa: F401 - a fixture
from parakeet_dagster_tests.lambda_runtime import LambdaRuntime, lambda_runtime
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of
from parakeet_dagster_tests.storage.postgres import empty_database, member

ROOT = Path(__file__).parents[2]
PASSWORD = "s3cret/w%rd@1"
ORIGIN = "https://desk.example.org"
LARGE = ("boto3", "dagster", "matplotlib", "numpy", "pandas", "pyarrow", "rich", "typer", "uvicorn")
PRICES = "/v1/prices/AAA"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="AWS's client is for Linux, as Lambda is"
)

FRESH = f"""
import json, sys
from parakeet_api import lambda_handlers
handler = getattr(lambda_handlers, sys.argv[1])
answers = [handler(event, None) for event in json.loads(sys.argv[2])]
print(json.dumps({{
    "answers": [[answer["statusCode"], answer["body"]] for answer in answers],
    "large": [name for name in {LARGE!r} if name in sys.modules],
    "routers": [n.split(".")[2] for n in sys.modules if n.startswith("parakeet_api.routers.")],
}}))
"""


def event(
    path: str, query: str = "", key: str = "", method: str = "GET", **more: Any
) -> dict[str, Any]:
    """A request, as an HTTP API hands it over in its format 2.0.

    Source: "Create AWS Lambda proxy integrations for HTTP APIs", API Gateway's developer guide.
    """
    address = more.pop("address", "203.0.113.7")
    headers = {
        "accept": "*/*",
        "host": "abc123.execute-api.ap-southeast-2.amazonaws.com",
        "user-agent": "curl/8.5.0",
        "x-forwarded-for": f"198.51.100.1, {address}",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        **({"authorization": f"Bearer {key}"} if key else {}),
        **more.pop("headers", {}),
    }
    http = {
        "method": method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": address,
        "userAgent": "curl/8.5.0",
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.ap-southeast-2.amazonaws.com",
            "domainPrefix": "abc123",
            "http": http,
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2024:19:03:58 +0000",
            "timeEpoch": 1710270238000,
        },
        "isBase64Encoded": False,
        **more,
    }


def asked(runtime: LambdaRuntime, *arguments: Any, **named: Any) -> tuple[int, Any]:
    """Status and content of an answer, which is text and no base64."""
    kind, answer = runtime.call(event(*arguments, **named), wait=60)
    assert kind == "response", answer
    assert answer["isBase64Encoded"] is False
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def filled(url: str) -> str:
    """A key that reads and writes, to a database with a bar."""
    database = Database(DatabaseUrl.parse(url))
    database.migrate()
    key = database.create_api_key("desk", ["read", "write"])
    database.merge_market_data(bars_of(bar("2024-01-02", "AAA", 10.0)), days("2024-01-02"), "test")
    database.close()
    assert key
    return key


@contextmanager
def process(handler: str, **variables: str) -> Iterator[LambdaRuntime]:
    """A process as Lambda starts it, whose home and working directory cannot be written."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/proc/nowhere",
        "PARAKEET_LAKE": "s3://parakeet/lake",
        "PARAKEET_LOGS": "json",
        "AWS_LAMBDA_FUNCTION_NAME": "parakeet-api",
        **variables,
    }
    with lambda_runtime(f"parakeet_api.lambda_handlers.{handler}", environment, "/proc") as runtime:
        yield runtime


@pytest.fixture(scope="module")
def stored(postgres_server: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    """URL and key."""
    with empty_database(postgres_server) as url:
        yield url, filled(url)


@pytest.fixture(scope="module")
def warm(stored: tuple[str, str]) -> Iterator[LambdaRuntime]:
    """One process for several tests."""
    with process("handler", NEON_DATABASE_URL=stored[0], PARAKEET_API_ORIGINS=ORIGIN) as runtime:
        yield runtime


@pytest.mark.parametrize(
    ("name", "served"), [("handler", EVERYTHING), ("trades", ("trades", "holdings", "audit"))]
)
def test_a_start_is_light(stored, tmp_path, name, served):
    """Also after requests: what is imported at the first one is waited for as well."""
    url, key = stored
    requests = json.dumps([event("/v1/health"), event(PRICES, key=key)])
    done = subprocess.run(
        [sys.executable, "-c", FRESH, name, requests],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "NEON_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["large"] == []
    assert set(told["routers"]) == {"health", *served}
    health, prices = told["answers"]
    assert health == [200, '{"status":"ok"}']
    assert prices[0] == (200 if "prices" in served else 404)


def test_requests_and_their_answers(warm, stored):
    _, key = stored
    assert asked(warm, "/v1/health") == (200, {"status": "ok"})
    status, page = asked(warm, PRICES, "from=2024-01-01&to=2024-01-31", key)
    assert (status, [row["close"] for row in page["data"]]) == (200, [10.0])
    status, page = asked(warm, "/v1/prices", "ticker=BBB&ticker=AAA", key)
    assert (status, [row["ticker"] for row in page["data"]]) == (200, ["AAA"])
    assert asked(warm, PRICES, "from=2024-01-01&from=2024-01-02", key)[0] == 422
    status, problem = asked(warm, PRICES)
    assert (status, problem["code"]) == (401, "no_valid_key")
    status, problem = asked(warm, "/v1/nothing", key=key)
    assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize("encode", [bytes.decode, lambda body: b64encode(body).decode()])
def test_a_body_is_read_as_text_or_in_base64(warm, stored, encode):
    trade = {"date": "2024-01-02", "ticker": "AAA", "side": "buy", "quantity": -7.5, "price": 10.0}
    body = json.dumps({**trade, "currency": "USD"}).encode()
    status, problem = asked(
        warm,
        "/v1/trades/2024-1",
        key=stored[1],
        method="PUT",
        headers={"content-type": "application/json", "content-length": str(len(body))},
        body=encode(body),
        isBase64Encoded=encode is not bytes.decode,
    )
    assert (status, problem["code"]) == (422, "invalid_request")
    assert "quantity" in problem["detail"]
    assert "-7.5" in problem["detail"]


def test_headers(warm, stored):
    _, answer = warm.call(event(PRICES, "format=csv", stored[1]))
    assert answer["headers"]["content-type"] == "text/csv; charset=utf-8"
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    known = {"if-none-match": answer["headers"]["etag"]}
    assert asked(warm, PRICES, "format=csv", stored[1], headers=known) == (304, None)


def test_web_pages_of_the_settings_may_ask(warm):
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://elsewhere.example.org", None)):
        headers = {
            "origin": origin,
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
        }
        _, answer = warm.call(event(PRICES, method="OPTIONS", headers=headers))
        assert answer["headers"].get("access-control-allow-origin") == allowed


def test_who_knocks_too_often_is_known_by_the_address_that_the_gateway_saw(warm, stored):
    """And not by what he writes into a header."""
    for number in range(ANONYMOUS_PER_MINUTE):
        forged = {"x-forwarded-for": f"192.0.2.{number}"}
        assert asked(warm, PRICES, address="203.0.113.66", headers=forged)[0] == 401
    assert asked(warm, PRICES, address="203.0.113.66")[0] == 429
    assert asked(warm, PRICES, address="203.0.113.67")[0] == 401
    assert asked(warm, PRICES, key=stored[1], address="203.0.113.67")[0] == 200


def test_a_connection_that_died_while_it_was_frozen(postgres_server, aws_server):
    with member(postgres_server, PASSWORD) as user:
        key = filled(user.url)
        secret = aws_server.secret(user.url)
        variables = {**aws_server.environment, "PARAKEET_DATABASE_SECRET": secret}
        with process("market_data", **variables) as runtime:
            assert asked(runtime, PRICES, key=key)[0] == 200
            for _ in range(3):
                user.disconnect()
                assert asked(runtime, PRICES, key=key)[0] == 200

            user.change_password("th!rd/s3cret@%41")  # rotated, while the process goes on
            user.disconnect()
            status, problem = asked(runtime, "/v1/health")
            assert (status, problem["code"]) == (503, "database_unavailable")
            aws_server.change_secret(secret, user.url)
            assert asked(runtime, PRICES, key=key)[0] == 200
    told = "".join(runtime.said)
    assert "cannot answer a request: InvalidPasswordError" in told
    assert "s3cret" not in told
    for line in runtime.said:
        assert json.loads(line)["level"] == "WARNING"


def test_a_secret_that_cannot_be_read_is_no_fault_of_the_request(aws_server):
    name = "arn:aws:secretsmanager:ap-southeast-2:123456789012:secret:nowhere"
    with process("trades", **aws_server.environment, PARAKEET_DATABASE_SECRET=name) as runtime:
        status, problem = asked(runtime, "/v1/health")
    assert (status, problem["code"]) == (503, "database_unavailable")
    assert name not in problem["detail"]
    assert "there is no such secret" in "".join(runtime.said)


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """One that may be stopped, in a folder that the server's own user may read."""
    with tempfile.TemporaryDirectory(prefix="parakeet-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            yield server
        finally:
            server.stop()


def test_a_database_that_stops_between_two_requests_and_comes_back(own_server):
    url = own_server.start()
    key = filled(url)
    with process("handler", NEON_DATABASE_URL=url) as runtime:
        assert asked(runtime, PRICES, key=key)[0] == 200
        own_server.stop()
        status, problem = asked(runtime, "/v1/health")
        assert (status, problem["code"]) == (503, "database_unavailable")
        own_server.start()
        assert asked(runtime, PRICES, key=key)[0] == 200


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """This process's event loop, as long as it is in the place of a Lambda."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def test_a_key_that_was_revoked_while_it_was_frozen(loop, database_url, monkeypatch):
    """A process's own clock may stand still meanwhile, so the time of day counts."""
    key, now = filled(database_url), [1_700_000_000.0]
    monkeypatch.setattr(lambda_handlers, "time", SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    monkeypatch.setitem(vars(lambda_handlers), "market_data", None)  # taken out again afterwards
    handler = lambda_handlers.__getattr__("market_data")
    assert handler(event(PRICES, key=key), None)["statusCode"] == 200
    database = Database(DatabaseUrl.parse(database_url))
    database.revoke_api_key("desk")
    database.close()
    now[0] += 3600
    assert handler(event(PRICES, key=key), None)["statusCode"] == 401
    loop.run_until_complete(handler.app.state.services.close())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PARAKEET_LOGS": "loud"}, "PARAKEET_LOGS=loud"),
        ({"PARAKEET_API_REQUESTS_PER_MINUTE": "many"}, "PARAKEET_API_REQUESTS_PER_MINUTE=many"),
        ({}, "PARAKEET_DATABASE_SECRET and NEON_DATABASE_URL are unset"),
        (
            {"NEON_DATABASE_URL": "postgresql://me:hunter2@db.example/app", "PARAKEET_LAKE": ""},
            "PARAKEET_LAKE=",
        ),
        (
            {"NEON_DATABASE_URL": "mysql://me:hunter2@db.example/app", "PARAKEET_LAKE": "s3://b"},
            "NEON_DATABASE_URL",
        ),
    ],
)
def test_what_is_set_wrong_ends_the_start_in_one_line(monkeypatch, variables, message):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "parakeet-api")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        getattr(lambda_handlers, "market_data")  # noqa: B009 - as Lambda asks for it
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "market_data" not in vars(lambda_handlers)


def test_lambda_is_told_why_it_does_not_start():
    with process("handler", PARAKEET_API_ORIGINS="*") as runtime:
        kind, error = runtime.call(event("/v1/health"))
    assert (kind, error["errorType"]) == ("init", "SettingsError")
    assert error["errorMessage"].startswith("PARAKEET_API_ORIGINS=*: ")


def test_there_is_no_other_handler():
    with pytest.raises(AttributeError, match="no handler 'daily': there are handler, market_data"):
        lambda_handlers.daily  # noqa: B018 - as above
