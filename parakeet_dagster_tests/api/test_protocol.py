"""What a client that has no key may send, and for how long, before there is a request at all."""

import socket
import time
from contextlib import contextmanager, suppress

import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

from parakeet_api import protocol
from parakeet_api.middleware import Guard
from parakeet_dagster_tests.api.servers import listening

PATIENCE = 60.0
FAR_TOO_MUCH = 8 * 1024 * 1024
GET = b"GET /plain HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def port():
    app = FastAPI()

    @app.get("/plain")
    @app.put("/plain")
    async def plain(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app.add_middleware(Guard)
    with listening(app) as port:
        yield port


@contextmanager
def connected(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(PATIENCE)
        yield client


def answer(client):
    """What comes until the server closes the connection."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass  # it closes while more is on its way
    return b"".join(parts)


def sent(client, part):
    """How much could be sent before the connection was closed, up to far too much."""
    count = 0
    try:
        while count < FAR_TOO_MUCH:
            client.sendall(part)
            count += len(part)
    except (ConnectionResetError, BrokenPipeError):
        pass
    return count


def read_until(client, ending):
    found = b""
    while not found.endswith(ending):
        part = client.recv(65536)
        assert part, found
        found += part


PUT = b"PUT /plain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"GET /", b"a" * 4096),
        (GET, b"X-A: " + b"a" * 4096 + b"\r\n"),
        (GET + b"X-A: ", b"a" * 4096),
        (b"", b"\r\n" * 2048),
        (PUT + b"0\r\n", b"X-A: " + b"a" * 4096 + b"\r\n"),
        (PUT + b"0\r\nX-A: ", b"a" * 4096),
        (PUT + b"1;a=", b"a" * 4096),
        (GET + b"\r\n" + GET, b"X-A: " + b"a" * 4096 + b"\r\n"),
    ],
    ids=["url", "headers", "one", "lines", "trailers", "trailer", "extension", "the next"],
)
def test_a_head_without_end_is_not_kept(port, begin, again):
    with connected(port) as client:
        client.sendall(begin)
        assert sent(client, again) < FAR_TOO_MUCH
        answer(client)


def test_what_is_large_and_allowed(port):
    """Headers of 48 KiB, and a body of 200 KiB in pieces; then many requests at once."""
    headers = b"".join(b"X-%d: %s\r\n" % (place, b"a" * 1024) for place in range(48))
    piece = b"400\r\n" + b"b" * 1024 + b"\r\n"
    with connected(port) as client:
        client.sendall(GET + headers + b"\r\n")
        read_until(client, b"\r\n\r\n0")
        client.sendall(PUT + piece * 200 + b"0\r\n\r\n")
        read_until(client, b"\r\n\r\n204800")
        client.sendall((GET + b"\r\n") * 3000 + GET + b"Connection: close\r\n\r\n")
        assert answer(client).count(b"HTTP/1.1 200 OK") == 3001


@pytest.mark.parametrize("begin", [b"", b"GET /pl", GET, b"\r\n"])
def test_a_head_that_does_not_come_is_given_up(port, monkeypatch, begin):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with connected(port) as client:
        client.sendall(begin)
        assert answer(client) == b""


def test_a_head_that_comes_byte_by_byte_is_given_up(port, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    until = time.monotonic() + PATIENCE
    with connected(port) as client, suppress(ConnectionError):
        while time.monotonic() < until:
            client.sendall(b"a")
            time.sleep(0.01)
    assert time.monotonic() < until


def test_another_protocol_is_not_spoken(port, caplog):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    with connected(port) as client:
        client.sendall(GET + upgrade + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert "pgrade" not in caplog.text
