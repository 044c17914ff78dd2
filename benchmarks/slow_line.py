"""A line to PostgreSQL that is slow on purpose, and counts what goes over it.

Every packet is passed on ``delay`` seconds after it came, in both directions and in order, as
many at once as there are: a round trip takes twice that, and the server is as fast as ever.
"""

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

CHUNK = 1 << 16


@dataclass(frozen=True)
class Traffic:
    """What came from the clients.

    connections: how many were opened. requests: packets that wait for an answer, so round trips.
    moments: of every request, seconds since the line was opened.
    """

    connections: int
    moments: tuple[float, ...]

    @property
    def requests(self) -> int:
        """How many packets came from clients."""
        return len(self.moments)

    @property
    def in_words(self) -> str:
        """The counts."""
        return f"{self.requests:,} round trips, {self.connections:,} connections"

    def after(self, before: "Traffic") -> "Traffic":
        """What came after another moment."""
        return Traffic(self.connections - before.connections, self.moments[before.requests :])


class SlowLine:
    """An open line; ``port`` of this machine leads to the server."""

    def __init__(self, port: int, told: Connection) -> None:
        self.port = port
        self._told = told

    def traffic(self) -> Traffic:
        """So far."""
        self._told.send("traffic")
        connections, moments = self._told.recv()
        return Traffic(connections, tuple(moments))


@contextmanager
def slow_line(socket_directory: str, delay: float) -> Iterator[SlowLine]:
    """Open a line to the server that listens in a directory; it ends with the context."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    path = f"{socket_directory}/.s.PGSQL.5432"
    process = context.Process(target=_serve, args=(path, delay, theirs), daemon=True)
    process.start()
    try:
        yield SlowLine(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def _serve(path: str, delay: float, told: Connection) -> None:
    asyncio.run(_Line(path, delay).run(told))


class _Line:
    def __init__(self, path: str, delay: float) -> None:
        self.path = path
        self.delay = delay
        self.connections = 0
        self.moments: list[float] = []
        self.opened = time.monotonic()
        self.tasks: set[asyncio.Task[None] | None] = set()  # the loop itself keeps none alive

    async def run(self, told: Connection) -> None:
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        over = asyncio.Event()
        asyncio.get_running_loop().add_reader(told.fileno(), self.answer, told, over)
        async with server:
            await over.wait()

    def answer(self, told: Connection, over: asyncio.Event) -> None:
        """Or end, where who asks is gone."""
        try:
            told.recv()
            told.send((self.connections, self.moments))
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(told.fileno())
            over.set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(task := asyncio.current_task())
        try:
            from_server, to_server = await asyncio.open_unix_connection(self.path)
        except OSError:
            writer.close()
            return
        there = self.pass_on(reader, to_server, is_asked=True)
        await asyncio.gather(there, self.pass_on(from_server, writer, is_asked=False))
        self.tasks.discard(task)

    async def pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_asked: bool
    ) -> None:
        """In order: what is called for later is called later."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while content := await reader.read(CHUNK):
                if is_asked:
                    self.moments.append(time.monotonic() - self.opened)
                loop.call_later(self.delay, writer.write, content)
        loop.call_later(self.delay, writer.close)
