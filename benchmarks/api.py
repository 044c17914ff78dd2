"""The API: a server under fifty clients, and the cold start of the Lambda handler.

The server is the real command in a process of its own, over the embedded database with twenty
years of 741 tickers; the clients are another process, on the same cores. A client that reads the
answer asks again half a second after it asked before; without that pause the same clients measure
how many answers the server can give, and wait for one another.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from statistics import median

from benchmarks.api_clients import CLIENTS, Latencies, Load, latencies
from benchmarks.clock import alone, timed
from benchmarks.database import SESSIONS, TICKERS, database, filled, market
from benchmarks.result import Result
from benchmarks.world import ENVIRONMENT
from parakeet_dagster.retries import retry
from parakeet_dagster.storage.database import Database

ROOT = Path(__file__).parents[1]
EVERY, SECONDS, ROUNDS_WITHOUT_PAUSE = 0.5, 15, 60
MEDIAN_WITHIN, PERCENTILE_WITHIN, COLD_WITHIN = 0.020, 0.100, 2.0
COLD_ROUNDS = 3

YEAR = [f"/v1/prices/T{place:04}?from=2024-01-15" for place in range(TICKERS)]
"""252 bars each."""

COLD = """
import json, sys
from parakeet_api import lambda_handlers
answer = getattr(lambda_handlers, sys.argv[1])(json.loads(sys.argv[2]), None)
assert answer["statusCode"] == 200, answer
"""
"""A process as Lambda starts one, up to its first answer."""


def results() -> list[Result]:
    """The rows of the API."""
    of = market(SESSIONS, TICKERS)
    days = [f"/v1/prices?session={day}" for day in of.days(SESSIONS - TICKERS, SESSIONS - 1)]
    with database() as one, tempfile.TemporaryDirectory() as home:
        filled(one, of)
        del of
        key = one.create_api_key("the benchmark", ["read"]) or ""
        environment = settings(one, Path(home))
        with serving(environment) as port:
            year = Load(port, YEAR, {"Authorization": f"Bearer {key}"}, int(SECONDS / EVERY), EVERY)
            day = replace(year, paths=days)
            flat_out = [measured(without_pause(load)) for load in (year, day)]
            asked = {"one ticker's year": measured(year), "one day's cross-section": measured(day)}
            unchanged = measured(as_known(day))
        cold = [cold_start(name, key, environment) for name in ("market_data", "handler")]
    return rows(asked, unchanged, flat_out, cold)


def rows(
    asked: Mapping[str, Latencies],
    unchanged: Latencies,
    flat_out: list[Latencies],
    cold: list[float],
) -> list[Result]:
    """The table's rows of what was measured."""
    clients = f"{CLIENTS} clients, {1 / EVERY:.0f} requests a second each"
    (year, of_year), (day, of_day) = asked.items()
    return [
        Result("17a", f"API: {year}, {clients}, median", of_year.median, within=MEDIAN_WITHIN,
               note="252 bars"),
        Result("17b", "the same, 95th percentile", of_year.percentile_95,
               within=PERCENTILE_WITHIN),
        Result("17c", f"API: {day}, {clients}, median", of_day.median, within=MEDIAN_WITHIN,
               note=f"{TICKERS} bars"),
        Result("17d", "the same, 95th percentile", of_day.percentile_95,
               within=PERCENTILE_WITHIN),
        Result("17e", f"API: {day}, unchanged (304), median", unchanged.median,
               note=f"95th percentile {unchanged.percentile_95 * 1000:.0f} ms"),
        *(Result(number, f"API: {name}, {CLIENTS} clients without a pause, median", one.median,
                 note=f"{one.rate:,.0f} answers a second, 95th percentile"
                 f" {one.percentile_95 * 1000:.0f} ms")
          for number, name, one in zip(("17f", "17g"), asked, flat_out, strict=True)),
        Result("17h", "API: Lambda's cold start to the first answer, market data", cold[0],
               within=COLD_WITHIN, note="a whole process"),
        Result("17i", "API: Lambda's cold start to the first answer, everything", cold[1],
               within=COLD_WITHIN, note="a whole process"),
    ]  # fmt: skip


def settings(one: Database, home: Path) -> dict[str, str]:
    """The environment of a process that serves this database."""
    kept = {
        name: value
        for name, value in ENVIRONMENT.items()
        if not name.startswith(("PARAKEET_", "DAGSTER_"))
    }
    return kept | {
        "NEON_DATABASE_URL": one.engine.url.render_as_string(hide_password=False),
        "PARAKEET_HOME": str(home),
        "PARAKEET_API_REQUESTS_PER_MINUTE": "100000",
    }


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[int]:
    """``parakeet api`` in a process of its own; its port."""
    with create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "parakeet_dagster", "api", "--port", str(port)]
    server = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _await(port)
        yield port
    finally:
        server.terminate()
        server.wait()


@retry(on=OSError, attempts=100, wait_initial=0.1, wait_max=0.2)
def _await(port: int) -> None:
    answer(port, "/v1/health", {})


def answer(port: int, path: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of an answer."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers=dict(headers))
    return dict(connection.getresponse().getheaders())


def measured(load: Load) -> Latencies:
    """The load by a process of its own."""
    told: Latencies = alone(latencies, load).value
    return told


def without_pause(load: Load) -> Load:
    """The same clients, asking again at once."""
    return replace(load, every=0.0, rounds=ROUNDS_WITHOUT_PAUSE)


def as_known(load: Load) -> Load:
    """The first path only, by clients that have its answer already."""
    path = load.paths[0]
    tag = answer(load.port, path, load.headers)["etag"]
    headers = load.headers | {"If-None-Match": tag}
    return replace(load, paths=[path], headers=headers, expected=304)


def cold_start(name: str, key: str, environment: Mapping[str, str]) -> float:
    """Seconds of a process that answers one request by a handler, the median of some."""
    return median(timed(lambda: first_answer(name, key, environment)) for _ in range(COLD_ROUNDS))


def first_answer(name: str, key: str, environment: Mapping[str, str]) -> None:
    """Start a process as Lambda does, ask for a session, and end it."""
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/v1/prices",
        "rawQueryString": "session=2016-03-15",
        "headers": {"host": "localhost", "authorization": f"Bearer {key}"},
        "requestContext": {
            "http": {
                "method": "GET",
                "path": "/v1/prices",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "benchmark",
            },
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    command = [sys.executable, "-c", COLD, name, json.dumps(event)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own program
