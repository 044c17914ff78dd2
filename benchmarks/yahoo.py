"""Asking Yahoo for a session: the real yfinance and curl_cffi against a server of our own.

The server is the tests' (``parakeet_dagster_tests.yahoo_server``), in a process of its own, so that
the extra ``dev`` must be installed. Nothing slows the requests down but the server's 100 ms.
"""

import math
import os
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.clock import alone, timed
from benchmarks.result import Result
from benchmarks.yahoo_server import LAST, LATENCY, NOW, members, running
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.ingest import VERIFIED
from parakeet_dagster.price_sources.yahoo import THREADS, YahooSource

LISTED_FROM, TWENTY_YEARS_AGO = "2020-06-01", "2000-11-01"
EVERY = 20
"""One ticker in so many is asked for twenty years."""
ROUNDS = 3
WITHIN = 9.46
"""Seconds: the best that the predecessor was measured at."""


def results() -> list[Result]:
    """What ``raw_prices`` fetches for a session: it, and the ten before it, through today."""
    first = calendar.window([LAST], VERIFIED + 1)[0]
    count, some = len(members()), len(members()[::EVERY])
    with running(LISTED_FROM) as server:
        alone(fetches, server, first, 1, 1)  # the server makes its charts
        session = alone(fetches, server, first, 1, 1 + ROUNDS)
    with running(TWENTY_YEARS_AGO) as server:
        alone(fetches, server, TWENTY_YEARS_AGO, EVERY, 1)
        years = alone(fetches, server, TWENTY_YEARS_AGO, EVERY, 1 + ROUNDS)
    threads = f"floor: the server's 100 ms over {THREADS} threads"
    floor = LATENCY * count / THREADS
    return [
        Result(
            "9",
            f"prices of {count} tickers, one session",
            median(session.value[1:]),
            floor,
            within=WITHIN,
            memory=session.memory,
            note=threads,
        ),
        Result(
            "9b",
            "the same in a new process, nothing kept",
            session.value[0],
            floor,
            note=f"{threads}; yfinance's import and the cookie are ours",
        ),
        Result(
            "9c",
            f"prices of {some} tickers, twenty years",
            median(years.value[1:]),
            LATENCY * math.ceil(some / THREADS),
            memory=years.memory,
            note=threads,
        ),
    ]


def fetches(server: Mapping[str, str], first: str, every: int, rounds: int) -> list[float]:
    """Seconds of each fetch, from a folder that is empty at the beginning."""
    os.environ.update(server)  # noqa: TID251 - libcurl's variables, none of ours
    wanted = members()[::every]
    with TemporaryDirectory() as folder:
        source = YahooSource(Path(folder), math.inf, now=lambda: NOW)
        start, end = date.fromisoformat(first), date.fromisoformat(LAST)
        taken = []
        for batch in map(str, range(rounds)):
            taken.append(timed(partial(source.fetch, wanted, start, end, batch)))
            source.forget(batch)
    return taken
