"""Fifty clients of an HTTP server, with connections that stay open, in a process of their own.

They share the two cores with the server, so they are light: no more of HTTP than it takes to know
where an answer ends.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

CLIENTS = 50


@dataclass(frozen=True)
class Load:
    """What the clients ask for.

    paths: each client begins at another one and takes them in turn. headers: of every request.
    rounds: requests of each client. every: seconds from one request of a client to its next; 0: as
    soon as it has the answer. expected: the status of every answer.
    """

    port: int
    paths: Sequence[str]
    headers: dict[str, str]
    rounds: int
    every: float
    expected: int = 200


@dataclass(frozen=True)
class Latencies:
    """Seconds from a request to the last byte of its answer; and requests a second of all."""

    median: float
    percentile_95: float
    rate: float


def latencies(load: Load) -> Latencies:
    """Let every client ask.

    Raises:
        RuntimeError: an answer has another status.
    """
    begun = perf_counter()
    taken = np.array(asyncio.run(_all(load)))
    rate = taken.size / (perf_counter() - begun)
    return Latencies(float(np.median(taken)), float(np.percentile(taken, 95)), rate)


async def _all(load: Load) -> list[float]:
    told = await asyncio.gather(*(_client(load, number) for number in range(CLIENTS)))
    return [seconds for one in told for seconds in one]


async def _client(load: Load, number: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in load.headers.items())
    await asyncio.sleep(load.every * number / CLIENTS)  # spread, as clients are
    next_at = perf_counter()
    taken = []
    for place in range(load.rounds):
        path = load.paths[(number + place * CLIENTS) % len(load.paths)]
        await asyncio.sleep(max(0.0, next_at - perf_counter()))
        next_at += load.every
        begun = perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        status = await _answer(reader)
        taken.append(perf_counter() - begun)
        if status != load.expected:
            raise RuntimeError(f"GET {path}: {status}")
    writer.close()
    return taken


async def _answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length or 0))
    return int(head[9:12])
