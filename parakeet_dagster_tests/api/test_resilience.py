"""What happens to everybody else when something is slow, gone or broken."""

import http.client
import json
import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg2
import pytest
from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response
from starlette.testclient import TestClient

from parakeet_api import middleware
from parakeet_api.access import Reader, Reading
from parakeet_api.app import create_app
from parakeet_api.database import AsyncDatabase
from parakeet_api.keys import Keys
from parakeet_api.middleware import SECURITY_HEADERS
from parakeet_api.rates import Rate
from parakeet_api.services import Services
from parakeet_dagster.logs import TextFormatter
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster.storage.login import FixedLogin
from parakeet_dagster_tests.api.clients import Api, api_on, module_api  # noqa: F401 - fixtures
from parakeet_dagster_tests.api.servers import line_to, listening, request
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

SECRET = "-".join(("a", "secret"))  # nowhere in one piece in this file, which tracebacks quote
PATIENCE = 60.0
"""Seconds until a test gives up what must happen sooner or later."""


@contextmanager
def limited(url, monkeypatch, connections=2, connect_seconds=5.0, query_seconds=30.0, over=None):
    """An application with short limits, and a key; ``over`` is another URL to the same database."""
    database = Database(DatabaseUrl.parse(url))
    key = database.create_api_key("reader", ["read"])
    database.merge_market_data(
        bars_of(bar("2024-01-02", "AAA", 10.0)), days("2024-01-02"), "a test"
    )
    database.close()
    monkeypatch.setenv("NEON_DATABASE_URL", url)
    services = Services(load_settings())
    login = FixedLogin(DatabaseUrl.parse(over or url))
    services.database = AsyncDatabase(login, connections, connect_seconds, query_seconds)
    services.keys = Keys(services.database)
    yield create_app(services), key


def ask(port, key, path="/v1/prices", method="GET", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, headers={"Authorization": f"Bearer {key}", **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def eventually(holds):
    """Wait until something holds.

    Raises:
        AssertionError: it never does.
    """
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def in_use(app):
    return app.state.services.database.engine.pool.checkedout()


@contextmanager
def locked(url):
    """Bars that nobody can read."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE market_data IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.close()


def is_problem(status, headers, body, *codes):
    told = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert headers["retry-after"] == "5"
    assert (told["status"], told["code"] in codes) == (status, True), told
    return True


def test_a_killed_database_is_a_503_until_it_is_back(tmp_path, monkeypatch):
    server = EmbeddedPostgres(tmp_path / "postgres")
    url = server.start()
    answers, stop = [], threading.Event()

    def client(port, key):
        while not stop.is_set():
            answers.append(ask(port, key))

    def seen(status, since=0):
        return any(answer[0] == status for answer in answers[since:])

    try:
        with limited(url, monkeypatch, 4, 0.5) as (app, key), listening(app) as port:
            with ThreadPoolExecutor(6) as clients:
                for _ in range(6):
                    clients.submit(client, port, key)
                try:
                    eventually(lambda: seen(200))
                    os.kill(server.status().pid, signal.SIGKILL)
                    eventually(lambda: seen(503))
                    server.start()
                    since = len(answers)
                    eventually(lambda: seen(200, since))
                finally:
                    stop.set()
            assert ask(port, key)[0] == 200
            assert in_use(app) == 0
    finally:
        server.stop()
    assert {status for status, _, _ in answers} == {200, 503}
    for answer in answers:
        assert answer[0] == 200 or is_problem(*answer, "database_unavailable")


def test_a_database_that_says_nothing_stops_nobody_who_does_not_need_it(database_url, monkeypatch):
    with (
        line_to(database_url) as (line, over),
        limited(database_url, monkeypatch, connect_seconds=2.0, over=over) as (app, key),
        listening(app) as port,
        ThreadPoolExecutor(4) as clients,
    ):
        line.silent.set()
        waiting = [clients.submit(ask, port, key) for _ in range(4)]
        assert ask(port, "no key")[0] == 401
        assert ask(port, key, "/v1/nothing")[0] == 404
        assert not any(one.done() for one in waiting)
        assert all(is_problem(*one.result(), "database_unavailable") for one in waiting)
        line.silent.clear()
        assert ask(port, key)[0] == 200


def test_a_query_that_takes_too_long_is_given_up_and_cancelled(database_url, monkeypatch):
    with (
        limited(database_url, monkeypatch, query_seconds=2.0) as (app, key),
        listening(app) as port,
    ):
        assert ask(port, key)[0] == 200
        with locked(database_url):
            assert is_problem(*ask(port, key), "took_too_long")
            assert ask(port, key, "/v1/health")[0] == 200
            with psycopg2.connect(database_url) as other, other.cursor() as cursor:

                def none_waits():
                    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    return cursor.fetchone() == (0,)

                eventually(none_waits)
            other.close()
        assert ask(port, key)[0] == 200
        assert in_use(app) == 0


def test_with_every_connection_in_use_whoever_comes_is_told_so(database_url, monkeypatch):
    short = {"connections": 1, "connect_seconds": 1.0, "query_seconds": 3.0}
    with (
        limited(database_url, monkeypatch, **short) as (app, key),
        listening(app) as port,
        ThreadPoolExecutor(5) as clients,
    ):
        assert ask(port, key)[0] == 200
        with locked(database_url):
            answers = [one.result() for one in [clients.submit(ask, port, key) for _ in range(5)]]
            assert all(is_problem(*one, "took_too_long", "database_unavailable") for one in answers)
        codes = Counter(json.loads(body)["code"] for _, _, body in answers)
        assert codes["database_unavailable"] >= 1
        assert ask(port, key)[0] == 200
        assert in_use(app) == 0


def with_long_history(url):
    """A ticker with 9,000 bars, whose answer no socket's buffer holds."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO market_data (ticker, date, open, high, low, close, volume,
                                        adjusted_close, source, data_quality, metadata)
            SELECT 'LONG', DATE '2000-01-01' + n, 1.5, 1.5, 1.5, 1.5, 10, 1.5, 'test', 'good', '{}'
            FROM generate_series(1, 9000) AS n"""
        )
    connection.close()


def test_a_client_that_reads_slowly_holds_no_connection(database_url, monkeypatch):
    with limited(database_url, monkeypatch, connections=1) as (app, key), listening(app) as port:
        with_long_history(database_url)
        slow = []
        for _ in range(3):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(request("/v1/prices/LONG?limit=10000", key))
            assert client.recv(12) == b"HTTP/1.1 200"
            slow.append(client)
            assert in_use(app) == 0
            assert ask(port, key)[0] == 200
        for client in slow:
            client.close()
        assert ask(port, key)[0] == 200


def test_a_body_that_comes_byte_by_byte_is_given_up(database_url, monkeypatch):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.5)
    with limited(database_url, monkeypatch) as (app, key), listening(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(request("/v1/prices", key, "PUT", Content_Length="1000"))
            client.sendall(b"{")
            assert ask(port, key)[0] == 200  # while the other one is waited for
            assert in_use(app) == 0
            client.settimeout(PATIENCE)
            answer = b""
            while part := client.recv(65536):  # then nothing more of it is waited for
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        assert b"\r\nconnection: close" in head.lower()
        assert json.loads(body)["code"] == "body_too_slow"


def test_clients_that_hang_up_leave_nothing_behind(database_url, monkeypatch):
    with limited(database_url, monkeypatch) as (app, key), listening(app) as port:
        with_long_history(database_url)
        for _ in range(20):
            for sent in (
                request("/v1/prices/LONG?limit=10000", key),
                request("/v1/prices", key, "PUT", Content_Length="1000") + b"{",
                b"GET /v1/pri",
            ):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(sent)
        eventually(lambda: ask(port, key)[0] == 200)  # a slow machine is busy with them for a while
        eventually(lambda: in_use(app) == 0)


@pytest.fixture
def counted(database_url, monkeypatch):
    """Three requests a minute with a key, two without."""
    with api_on(database_url, monkeypatch, PARAKEET_API_REQUESTS_PER_MINUTE="3") as api:
        api.services._of_address = Rate(2)
        yield api


def test_requests_of_a_key_are_limited(counted):
    assert [counted.get("/v1/prices").status_code for _ in range(5)] == [200] * 3 + [429] * 2
    refused = counted.get("/v1/prices")
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too_many_requests", "10")
    assert counted.get("/v1/prices", key="writer").status_code == 200


def test_requests_without_a_key_are_limited_and_shut_out_nobody_who_has_one(counted):
    wrong = "pk_000000000000_" + "A" * 43
    found = [counted.get("/v1/prices", key=key).status_code for key in (None, wrong, "x", None)]
    assert found == [401, 401, 429, 429]
    assert counted.get("/v1/health", key=None).status_code == 429
    assert counted.get("/v1/prices").status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("203.0.113.1", "203.0.113.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.1", "::ffff:203.0.113.2", False),
        ("::ffff:203.0.113.1", "203.0.113.1", True),
        ("unknown", "_hidden", True),
        ("203.0.113.1", "unknown", False),
    ],
)
def test_an_address_is_that_of_one_client(counted, one, other, share):
    def status(host):
        client = TestClient(counted.client.app, client=(host, 1))
        return client.get("/v1/prices").status_code

    assert [status(one), status(one), status(other)] == [401, 401, 429 if share else 401]


@pytest.fixture(scope="module")
def api(module_api):
    """With an operation that fails as no code of ours does, one that takes a body, a plain one."""
    app = module_api.client.app

    @app.get("/broken", dependencies=[Reader])
    async def broken(request: Request) -> Response:
        raise RuntimeError(SECRET)

    @app.get("/refused", dependencies=[Reader])
    async def refused(session: Reading) -> Response:
        await session.execute(text("SELECT 1 / 0 WHERE CAST(:x AS text) > ''"), {"x": SECRET})
        return Response()

    return module_api


def test_what_nobody_foresaw_is_told_without_a_word_of_it(api, caplog):
    answer = api.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["code"], told["request_id"]) == ("internal_error", answer.headers["X-Request-Id"])
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    record = next(one for one in caplog.records if one.message.startswith("a request failed"))
    assert record.fields == {"request_id": told["request_id"], "path": "/broken"}
    assert record.levelno == logging.ERROR


def test_the_log_of_a_failed_statement_holds_no_value(api, caplog):
    answer = api.get("/refused")
    assert answer.status_code == 500
    logged = "\n".join(TextFormatter().format(record) for record in caplog.records)
    assert "DivisionByZeroError" in logged
    assert SECRET not in logged
    assert api.keys["reader"] not in logged
    assert "division" not in answer.text


def test_every_answer_has_the_security_headers_and_a_number(api):
    large = "x" * (middleware.MAX_BODY_BYTES + 1)
    answers = {
        200: api.get("/v1/prices"),
        401: api.get("/v1/prices", key=None),
        404: api.get("/v1/nothing"),
        405: api.ask("DELETE", "/v1/prices"),
        413: api.ask("PUT", "/v1/prices", content=large),
        422: api.get("/v1/prices?limit=0"),
        500: api.get("/broken"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        missing = {name for name in SECURITY_HEADERS if name not in answer.headers}
        assert not missing, (status, missing)
        assert len(answer.headers["X-Request-Id"]) == 16
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache"), status


def test_a_body_without_a_length_is_limited_too(api):
    parts = (b"x" * 65536 for _ in range(5))
    assert api.ask("PUT", "/v1/prices", content=parts).status_code == 413


def test_what_a_path_does_not_do(api):
    answer = api.ask("DELETE", "/v1/prices")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method_not_allowed"
    assert api.ask("OPTIONS", "/v1/prices").status_code == 405
    every = api.ask("PATCH", "/v1/trades/one").headers["Allow"]
    assert every == "GET, HEAD, DELETE, PUT"


def test_head_is_get_without_the_body(api):
    got, head = api.get("/v1/prices"), api.ask("HEAD", "/v1/prices")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type"):
        assert head.headers[name] == got.headers[name]
    assert api.ask("HEAD", "/v1/prices", key=None).status_code == 401


def test_no_other_site_may_read_by_default(api):
    answer = api.get("/v1/health", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_site_that_is_named_may_read_and_no_other(database_url, monkeypatch):
    origin = "https://dashboard.example"
    with api_on(database_url, monkeypatch, PARAKEET_API_ORIGINS=origin) as api:
        allowed, name = {}, "access-control-allow-origin"
        for one in (origin, "https://elsewhere.example", "null"):
            plain = api.get("/v1/prices", headers={"Origin": one})
            before = api.ask(
                "OPTIONS",
                "/v1/prices",
                key=None,
                headers={
                    "Origin": one,
                    "Access-Control-Request-Method": "GET",
                    "Access-Control-Request-Headers": "Authorization",
                },
            )
            allowed[one] = (plain.headers.get(name), before.status_code, before.headers.get(name))
            assert "access-control-allow-credentials" not in plain.headers
    assert allowed == {
        origin: (origin, 200, origin),
        "https://elsewhere.example": (None, 400, None),
        "null": (None, 400, None),
    }
