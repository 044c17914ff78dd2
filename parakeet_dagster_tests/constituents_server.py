"""A local server that stands for the whole web: it serves the pages it is given, and faults.

It is an HTTPS proxy that ends every tunnel itself, with certificates of its own authority, so a
process is pointed at it by environment variables alone.
"""

import os
import socket
import ssl
import struct
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import trustme


@dataclass(frozen=True)
class Page:
    """An answer. ``missing`` bytes of its body are announced and not sent."""

    body: str = ""
    status: int = 200
    missing: int = 0


HANG, RESET = "hang", "reset"
"""Instead of a page: no answer for a long time; a connection that breaks off."""

NOT_FOUND = Page("<html><body>Not Found</body></html>", 404)


class ConstituentsServer:
    """The server, running while its context is entered.

    pages: by URL; a list is served one after the other, its last for good. requests: per URL.
    agents: every User-Agent that was seen.
    """

    def __init__(self) -> None:
        self.pages: dict[str, list[Page | str]] = {}
        self.requests: Counter[str] = Counter()
        self.agents: set[str] = set()
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def serve(self, url: str, *pages: Page | str) -> None:
        """Answer requests for ``url`` with these, in this order."""
        self.pages[url] = list(pages)

    def reset(self) -> None:
        """Forget pages and counts."""
        self.pages.clear()
        self.requests.clear()
        self.agents.clear()

    def next(self, url: str, agent: str) -> Page | str:
        """Count a request, and what to answer it with."""
        with self._lock:
            self.requests[url] += 1
            self.agents.add(agent)
            pages = self.pages.get(url, [NOT_FOUND])
            return pages.pop(0) if len(pages) > 1 else pages[0]

    def hang(self) -> None:
        """Wait until the test is over."""
        self._stopping.wait(60)

    def environment(self) -> dict[str, str]:
        """The variables that make a process take this server for the web."""
        proxy = f"http://127.0.0.1:{self._http.server_port}"
        bundle = str(self._bundle)
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "REQUESTS_CA_BUNDLE": bundle}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        authority = trustme.CA()
        self._bundle = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(self._bundle)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("*.wikipedia.org", "*.ishares.com").configure_cert(tls)
        self._http = _Proxy(self, tls)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self._folder.cleanup()


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, web: ConstituentsServer, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.web = web
        self.tls = tls

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Tunnel(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def do_CONNECT(self) -> None:
        self.host = self.path.partition(":")[0]
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection = self.request = self.server.tls.wrap_socket(
            self.connection, server_side=True
        )
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        agent = self.headers.get("User-Agent", "")
        answer = self.server.web.next(f"https://{self.host}{self.path}", agent)
        self.close_connection = True
        if answer == HANG:
            self.server.web.hang()
        elif answer == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            self._send(answer)

    def _send(self, page: Page) -> None:
        content = page.body.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content[: len(content) - page.missing])
        self.wfile.flush()

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Silence: tests read the counters."""
