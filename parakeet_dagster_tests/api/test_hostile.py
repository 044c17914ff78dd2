"""Ten thousand requests by somebody who means harm: with no key, and with one that may read."""

import asyncio
import json
import random
from urllib.parse import quote, quote_plus

import psycopg2
import pytest
from psycopg2 import sql

from parakeet_api.app import create_app, description
from parakeet_api.services import Services
from parakeet_dagster.settings import load_settings
from parakeet_dagster_tests.api.clients import MANY, module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

REQUESTS = 10_000
CLIENTS = 8
REFUSALS = {401, 404, 405, 408, 413, 415, 422, 429}

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "X'--")
TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e308",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "9" * 400,
    "A" * 5000,
    "' OR '1'='1",
    "'; DROP TABLE market_data; --",
    "'; INSERT INTO api_keys VALUES ('x','x','\\x00','{write}') --",
    "1; SELECT pg_sleep(30)",
    "AAA' UNION SELECT id, name, sha256::text FROM api_keys --",
    "$1",
    ":ticker",
    "%(x)s",
    "%s%n",
    "{0.__class__}",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "../../../../etc/passwd",
    "..%2f..%2fetc",
    "/etc/passwd",
    "C:\\boot.ini",
    "<script>alert(1)</script>",
    "\0",
    "A\0B",
    "\r\nSet-Cookie: x=1",
    "\u202eABC",
    "é" * 50,
    "😀",
    "\ufffd",
    "\uff12\uff10\uff12\uff14-01-02",
    "0000-00-00",
    "9999-12-31",
    "2024-02-30",
    "2024-01-02",
    "2024-01-02T00:00:00Z",
    "2024-01-02T00:00:00+99:99",
    "0001-01-01T00:00:00+14:00",
    "infinity",
    "now()",
    "W10",
    "WyIyMDI0LTAxLTAyIl0",
    "WyJcdWQ4MDAiXQ",
    "W1tbW1tbW1tbW10",
    "AAA",
    "AAA,BBB",
    "csv",
    "JSON",
)
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"\x00\xff\xfe",
    b"[" * 20_000,
    b'{"a":' * 5_000,
    b'{"ticker": "AAA\\u0000", "shares": 1e999, "date": "2024-01-02"}',
    b'{"__proto__": {"admin": true}, "scopes": ["write"]}',
    b"ticker=AAA&shares=1",
    b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
)
TOO_LARGE = b"x" * 300_000
TYPES = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)
OTHERS = ("Accept", "Cookie", "If-Match", "If-None-Match", "Origin", "Range", "X-Forwarded-For",
          "X-HTTP-Method-Override", "X-Original-URL", "Content-Length")  # fmt: skip


class Enemy:
    """Makes up requests, the same ones for the same seed."""

    def __init__(self, seed, described, key):
        self.random = random.Random(seed)
        self.key = key
        self.operations = [
            (method.upper(), path, told.get("parameters", []))
            for path, methods in described["paths"].items()
            for method, told in methods.items()
        ]

    def text(self):
        return self.random.choice(TEXTS)

    def wrong_key(self):
        """An Authorization header, or none, that must open nothing."""
        key = self.key
        place = self.random.randrange(3, len(key))
        other = "A" if key[place] != "A" else "B"
        return self.random.choice(
            (
                None,
                "",
                "Bearer",
                "Bearer ",
                f"Basic {key}",
                key,
                f"Bearer {key[:place]}",
                f"Bearer {key[:place]}{other}{key[place + 1 :]}",
                f"Bearer {key}{other}",
                f"Bearer {key} {key}",
                f"Bearer {key.swapcase()}",
                f"Bearer pk_{self.random.randrange(16**12):012x}_{'A' * 43}",
                f"Bearer {self.text()}",
                f"Bearer pk_{self.text()}_{self.text()}",
            )
        )

    def request(self, authorization):
        method, path, parameters = self.random.choice(self.operations)
        if self.random.random() < 0.2:
            method = self.random.choice(METHODS)
        if self.random.random() < 0.05:
            path = f"/{self.random.choice(('', 'v1/', 'v1/prices/', 'v2/'))}{self.text()}"
        for told in parameters:
            if told["in"] == "path":
                good = self.random.random() < 0.5
                path = path.replace(f"{{{told['name']}}}", "AAA" if good else self.text())
        queries = [told["name"] for told in parameters if told["in"] == "query"]
        chosen = [name for name in queries if self.random.random() < 0.3]
        if self.random.random() < 0.1:
            chosen.append(self.text())
        pairs = [f"{quote_plus(name)}={quote_plus(self.text())}" for name in chosen]
        query = "&".join(pairs) if self.random.random() < 0.9 else quote(self.text(), safe="&=%'")
        headers = {"Host": "localhost"}
        if authorization is not None:
            headers["Authorization"] = authorization
        for name in self.random.sample(OTHERS, self.random.choice((0, 0, 1, 3))):
            headers[name] = self.text()
        body = b""
        if self.random.random() < 0.3 or method in ("PUT", "POST"):
            headers["Content-Type"] = self.random.choice(TYPES)
            big = self.random.random() < 0.01
            body = TOO_LARGE if big else self.random.choice(BODIES)
        return method, path, query, headers, body


async def sent(app, method, path, query, headers, body):
    """The status, the headers and the body of an answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode("utf-8")) for name, value in headers.items()
        ],
        "client": ("203.0.113.9", 1),
        "server": ("localhost", 80),
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    answer = []

    async def receive():
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message):
        answer.append(message)

    await app(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    content = b"".join(message.get("body", b"") for message in answer[1:])
    return answer[0]["status"], told, content


def checksums(url):
    """The rows of every table: how many, and a checksum of all they say."""
    found = {}
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for table in cursor.fetchall():
            cursor.execute(
                sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t")
                .format(sql.Identifier(*table))
            )  # fmt: skip
            found[table] = cursor.fetchone()
    connection.close()
    return found


@pytest.fixture(scope="module")
def attacked(module_api):
    """The API with some bars, its URL, and its answers: (request, status, headers, body)."""
    sessions = ("2024-01-02", "2024-01-03")
    rows = [bar(day, ticker, 10.0) for day in sessions for ticker in ("AAA", "B")]
    module_api.database.merge_market_data(bars_of(*rows), days(*sessions), "test")
    url = module_api.services.settings.database_url.get_secret_value()
    before = checksums(url)
    key = module_api.keys["reader"]

    async def attack():
        app = create_app(Services(load_settings(), anonymous_per_minute=MANY))
        enemy = Enemy(8, description(app), key)
        requests = [
            enemy.request(enemy.wrong_key() if place % 2 else f"Bearer {key}")
            for place in range(REQUESTS)
        ]
        answers = {}

        async def client(first):
            for place in range(first, REQUESTS, CLIENTS):
                answers[place] = await sent(app, *requests[place])

        await asyncio.gather(*(client(place) for place in range(CLIENTS)))
        await app.state.services.close()
        return [(requests[place], *answers[place]) for place in range(REQUESTS)]

    return asyncio.run(attack()), before, checksums(url)


def test_nobody_without_a_key_gets_anything(attacked):
    answers, _, _ = attacked
    let_in = [
        (request, status)
        for request, status, _, _ in answers[1::2]
        if request[1].startswith("/v1") and request[1] != "/v1/health" and status not in REFUSALS
    ]
    assert len(answers[1::2]) == REQUESTS / 2
    assert let_in == []


def test_nothing_breaks(attacked):
    answers, _, _ = attacked
    assert [(request, status) for request, status, _, _ in answers if status >= 500] == []


def test_something_is_answered_at_all(attacked):
    """Else the rest would prove nothing."""
    answers, _, _ = attacked
    assert sum(status == 200 for _, status, _, _ in answers[0::2]) > 200


def test_every_refusal_is_a_problem_without_a_trace(attacked):
    answers, _, _ = attacked
    for request, status, headers, body in answers:
        if status in (200, 204, 304):
            continue
        assert headers["content-type"] == "application/problem+json", (request, status)
        if request[0] != "HEAD":
            assert json.loads(body)["status"] == status, request
        assert not any(word in body for word in (b"Traceback", b"asyncpg", b"SELECT *", b".py"))


def test_nothing_was_written(attacked):
    _, before, after = attacked
    assert before[("public", "market_data")][0] == 4
    assert after == before
