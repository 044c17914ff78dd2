"""Whether a PostgreSQL server runs in a data directory, read without any PostgreSQL program."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil

_LINES = 8
_SSL_REQUEST = struct.pack(">ii", 8, 80877103)  # the protocol's "do you speak TLS?": S or N
_PROBE_SECONDS = 2.0
_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Postmaster:
    """What ``postmaster.pid`` says. ``socket_directory`` is None where the server is on TCP."""

    pid: int
    directory: Path
    port: int
    socket_directory: Path | None
    address: str
    ready: bool

    @classmethod
    def of(cls, directory: Path) -> Self | None:
        """Read the file; None where there is none, or only its beginning is written."""
        try:
            lines = pid_file(directory).read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(lines) < _LINES:
            return None
        pid, data, _, port, sockets, address, _, state = (line.strip() for line in lines[:_LINES])
        return cls(
            pid=int(pid),
            directory=Path(data),
            port=int(port),
            socket_directory=Path(sockets) if sockets else None,
            address=address,
            ready=state == "ready",
        )

    def answers(self) -> bool:
        """Whether a server answers where the file says; a socket alone can be anybody's."""
        try:
            with self._dial() as line:
                line.sendall(_SSL_REQUEST)
                return line.recv(1) != b""
        except OSError:
            return False

    def url(self, user: str, database: str) -> str:
        """The server's URL, without a password: the socket is the owner's alone."""
        if self.socket_directory is None:
            return f"postgresql://{user}@{self.address}:{self.port}/{database}"
        sockets = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{user}@:{self.port}/{database}?host={sockets}"

    def _dial(self) -> socket.socket:
        if self.socket_directory is None:
            return socket.create_connection((self.address, self.port), timeout=_PROBE_SECONDS)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_PROBE_SECONDS)
        try:
            line.connect(str(self.socket_directory / f".s.PGSQL.{self.port}"))
        except OSError:
            line.close()
            raise
        return line


def pid_file(directory: Path) -> Path:
    """Where PostgreSQL notes the server of a data directory."""
    return directory / "postmaster.pid"


def running(directory: Path) -> Postmaster | None:
    """The server of this very directory, ready and listening; a file copied along is not one."""
    found = Postmaster.of(directory)
    if found is None or not found.ready or found.directory != directory or not found.answers():
        return None
    return found


def settled(directory: Path, seconds: float) -> Postmaster | None:
    """Wait while a server of this directory starts, recovers or stops; then see ``running``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        server = running(directory)
        if server is not None or not _is_busy(directory):
            return server
        time.sleep(_POLL_SECONDS)
    return None


def end_remains(directory: Path) -> None:
    """Clear away what a killed server left: back ends that still work, and ``postmaster.pid``.

    The file goes only after every postgres of this directory is gone; two servers on one directory
    would destroy it. Its pid may meanwhile be another program's, which is left alone.
    """
    for end in (psutil.Process.terminate, psutil.Process.kill):
        deadline = time.monotonic() + _WAIT_SECONDS
        for process in _processes_of(directory):
            with suppress(psutil.NoSuchProcess):
                end(process)
        while any(_processes_of(directory)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    pid_file(directory).unlink(missing_ok=True)


def remove_sockets(directory: Path) -> None:
    """Remove a dead server's socket and its lock from a directory that is no other server's.

    PostgreSQL defers to a lock as long as its pid exists: be it another program's by now, or that
    of a dead server that nobody has reaped, as in a container whose first process reaps none.
    """
    for remains in directory.glob(".s.PGSQL.*"):
        remains.unlink(missing_ok=True)


def _is_busy(directory: Path) -> bool:
    """Whether the server that ``postmaster.pid`` names lives, and knows this path as its own."""
    try:
        lines = pid_file(directory).read_text().splitlines()
    except FileNotFoundError:
        return False
    named = lines[:2] == [lines[0], str(directory)] if lines else False
    return named and any(str(p.pid) == lines[0].strip() for p in _processes_of(directory))


def _processes_of(directory: Path) -> Iterator[psutil.Process]:
    """The postgres processes that work in the directory: they all change into it.

    A dead one that nobody has reaped has neither directory nor command line any more.
    """
    for process in psutil.process_iter(["name", "cwd", "cmdline"]):
        if not (process.info["name"] or "").startswith("postgres"):
            continue
        cwd = process.info["cwd"]
        command = process.info["cmdline"] or []
        if (cwd and Path(cwd) == directory) or str(directory) in command:
            yield process
