"""The API under uvicorn in a thread, clients that speak to its socket, and a line to cut."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import uvicorn
from fastapi import FastAPI

from parakeet_api.protocol import LimitedHttp


@contextlib.contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """The application under uvicorn; its port."""
    config = uvicorn.Config(
        app,
        http=LimitedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def request(path: str, key: str, method: str = "GET", **headers: str) -> bytes:
    """A request as it goes over the line, without a body."""
    told = {"Host": "localhost", "Authorization": f"Bearer {key}", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


@dataclass
class Line:
    """A line of TCP to a server on a Unix socket, which can fall silent without closing."""

    target: str
    silent: threading.Event = field(default_factory=threading.Event)
    _ends: list[socket.socket] = field(default_factory=list)

    def carry(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self._ends.append(near)
            if self.silent.is_set():
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.target)
            self._ends.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def close(self) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if not self.silent.is_set():
                    other.sendall(data)
            if not self.silent.is_set():
                other.shutdown(socket.SHUT_WR)  # whoever closes a connection waits for its end


@contextlib.contextmanager
def line_to(url: str) -> Iterator[tuple[Line, str]]:
    """A line to the server of ``url``, and the URL that leads over it."""
    parts = urlsplit(url)
    directory = parse_qs(parts.query)["host"][0]
    line = Line(f"{directory}/.s.PGSQL.5432")
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=line.carry, args=(listener,), daemon=True)
    thread.start()
    try:
        yield line, f"postgresql://postgres@127.0.0.1:{listener.getsockname()[1]}{parts.path}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        line.close()
