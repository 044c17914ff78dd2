"""A proxy before an S3 server that fails a part of all requests, as S3 does on a bad day.

What a request meets depends on the seed and on how many came before it.
"""

import http.client
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: close by a reset."""


class Fault(StrEnum):
    """What can go wrong with a request."""

    INTERNAL_ERROR = "500"
    SLOW_DOWN = "503"
    RESET = "reset before it was read"
    LOST_ANSWER = "reset after it was carried out"
    CUT_OFF = "the answer cut off in the middle"


FAULTS = tuple(Fault)


class FaultyS3:
    """The proxy: where it listens, and what it did.

    attempts: how many requests were a first try of the client, a second one, ...
    kinds: how many were ``GET``, ``PUT``, ``LIST``, ...
    """

    def __init__(
        self, upstream: str, rate: float, seed: int, faults: Sequence[Fault] = FAULTS
    ) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.rate = rate
        self.faults = faults
        self.requests = 0
        self.kinds: Counter[str] = Counter()
        self.injected: Counter[Fault] = Counter()
        self.attempts: Counter[int] = Counter()
        self._random = random.Random(seed)  # noqa: S311 - faults, no secrets
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def draw(self, kind: str, attempt: int) -> Fault | None:
        """What the next request meets."""
        with self._lock:
            self.requests += 1
            self.kinds[kind] += 1
            self.attempts[attempt] += 1
            if self._random.random() >= self.rate:
                return None
            fault = self._random.choice(self.faults)
            self.injected[fault] += 1
            return fault

    @contextmanager
    def serving(self) -> Iterator["FaultyS3"]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def _handler_of(proxy: FaultyS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, ValueError):  # a client that went away
                self.close_connection = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = "LIST" if "list-type=" in self.path else self.command
            fault = proxy.draw(kind, _attempt(self.headers.get("amz-sdk-request", "")))
            if fault is Fault.RESET:
                self.reset()
            elif fault in (Fault.INTERNAL_ERROR, Fault.SLOW_DOWN):
                self.refuse(fault)
            else:
                self.carry_out(body, fault)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = pass_on  # noqa: N815 - http.server's names

        def carry_out(self, body: bytes, fault: Fault | None) -> None:
            upstream = http.client.HTTPConnection(proxy.upstream)
            try:
                upstream.request(self.command, self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
            finally:
                upstream.close()
            if fault is Fault.LOST_ANSWER:
                self.reset()
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if fault is Fault.CUT_OFF:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                self.reset()
            else:
                self.wfile.write(content)

        def refuse(self, fault: Fault) -> None:
            code = "SlowDown" if fault is Fault.SLOW_DOWN else "InternalError"
            content = f"<Error><Code>{code}</Code><Message>try again</Message></Error>".encode()
            self.send_response(int(fault))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self.close_connection = True
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

        def log_message(self, *arguments: object) -> None:
            """Nobody reads it."""

    return Handler


def _attempt(header: str) -> int:
    """The number of the try, of ``attempt=2; max=5``."""
    return int(header.partition("attempt=")[2].partition(";")[0] or 1)
