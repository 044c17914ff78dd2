"""A local server that speaks Yahoo Finance's protocol, for the real client to talk to.

It is an HTTPS proxy that ends every tunnel itself, with certificates of its own authority, so a
process is pointed at it by environment variables alone (``YahooServer.environment``). It is told
what traded and shows it as Yahoo does at ``now`` (see ``yahoo_market``), errors in Yahoo's words.
"""

import json
import os
import random
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import pandas as pd
import trustme

from parakeet_dagster_tests.yahoo_market import (
    MARKETS,
    Listed,
    Market,
    Mistake,
    an_australian_share,
    apple_in_2020,
    chart,
    currency_pair,
    halted_with_a_split,
    invented_bars,
    sessions_of,
)

__all__ = [
    "COOKIE_PAGE",
    "CRUMB_PAGE",
    "MARKETS",
    "Fault",
    "Listed",
    "Market",
    "Mistake",
    "YahooServer",
    "an_australian_share",
    "apple_in_2020",
    "chart",
    "currency_pair",
    "halted_with_a_split",
    "invented_bars",
    "sessions_of",
]

CRUMB = "F4ke.Crumb/1"
CRUMB_PAGE = "getcrumb"
COOKIE_PAGE = "fc.yahoo.com"
CONSENT_FORM = (
    '<html><form><input name="csrfToken" value="t"><input name="sessionId" value="s"></form></html>'
)


class Fault(StrEnum):
    """What can go wrong with an answer."""

    DELISTED = "404, no data found"
    DELISTED_IN_200 = "200, no data found"
    NO_DATA_FOR_DATES = "400, data doesn't exist for the dates"
    EMPTY = "200, no rows"
    UNAUTHORIZED = "401, invalid crumb"
    RATE_LIMIT = "429"
    SERVER_ERROR = "500, a page"
    TRUNCATED = "200, half of the JSON"
    HTML = "200, a page"
    HANG = "no answer for a long time"
    RESET = "connection reset"
    WRONG_SYMBOL = "the answer for another symbol"
    NO_ADJCLOSE = "200 without adjclose"
    RAGGED = "200, an array too short"
    SHUFFLED = "200, rows in no order, the first twice"


_NEEDS_A_CHART = (
    Fault.EMPTY,
    Fault.TRUNCATED,
    Fault.WRONG_SYMBOL,
    Fault.NO_ADJCLOSE,
    Fault.RAGGED,
    Fault.SHUFFLED,
)


@dataclass
class _Planned:
    fault: Fault
    times: int
    retry_after: int | None


class _Disturbance:
    """Faults at random: which one an attempt meets depends on symbol, attempt and seed alone."""

    def __init__(self, rates: Mapping[Fault, float], seed: int) -> None:
        self._rates = rates
        self._seed = seed
        self._attempts: Counter[str] = Counter()

    def next(self, symbol: str) -> Fault | None:
        self._attempts[symbol] += 1
        point = random.Random(f"{self._seed} {symbol} {self._attempts[symbol]}").random()
        for fault, rate in self._rates.items():
            point -= rate
            if point < 0:
                return fault
        return None


class _RateLimit:
    """So many requests within any ``seconds``, those that were refused included."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._latest: deque[float] = deque([-seconds] * requests, maxlen=requests)
        self._seconds = seconds

    def refuses(self) -> bool:
        now = time.monotonic()
        too_fast = now - self._latest[0] < self._seconds
        self._latest.append(now)
        return too_fast


class YahooServer:
    """The server, running while its context is entered.

    now: the moment at which it answers, movable; None is the real time. requests: chart requests
    per symbol, and of ``COOKIE_PAGE`` and ``CRUMB_PAGE``. refused: charts answered by the limit of
    the rate.
    """

    def __init__(self, listed: Mapping[str, Listed], *, now: datetime | None = None) -> None:
        self.listed = dict(listed)
        self.now = now
        self.requests: Counter[str] = Counter()
        self.windows: dict[str, tuple[int, int]] = {}
        self.refused = 0
        self._planned: dict[str, _Planned] = {}
        self._withheld: dict[str, dict[str, datetime]] = {}
        self._disturbance = _Disturbance({}, 0)
        self._limit: _RateLimit | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def fail(
        self, name: str, fault: Fault, *, times: int = 10**6, retry_after: int | None = None
    ) -> None:
        """Answer the next requests for ``name`` (a symbol or a page) with ``fault``."""
        self._planned[name] = _Planned(fault, times, retry_after)

    def disturb(self, rates: Mapping[Fault, float], *, seed: int = 0) -> None:
        """Let so large a share of all chart requests go wrong, the same ones for the same seed."""
        self._disturbance = _Disturbance(rates, seed)

    def limit(self, requests: int, *, seconds: float = 1.0) -> None:
        """Answer 429 to chart requests beyond so many within any second, or ``seconds``."""
        self._limit = _RateLimit(requests, seconds)

    def withhold(self, market: str, day: str, until: datetime) -> None:
        """Deliver no bar of ``market``'s session ``day`` before a moment."""
        self._withheld.setdefault(market, {})[day] = until

    def on_sale(self, symbol: str) -> Listed | None:
        """What is listed under a symbol, as far as it is delivered."""
        listed = self.listed.get(symbol)
        if listed is None or listed.market not in self._withheld:
            return listed
        return replace(listed, delivered={**self._withheld[listed.market], **listed.delivered})

    def reset(self, *, now: datetime | None = None) -> None:
        """Forget faults, limits and counts."""
        with self._lock:
            self.now = now
            self.refused = 0
            self._limit = None
            self._disturbance = _Disturbance({}, 0)
            self._withheld.clear()
            self._planned.clear()
            self.requests.clear()
            self.windows.clear()

    def environment(self) -> dict[str, str]:
        """The variables that make a process take this server for Yahoo."""
        proxy = f"http://127.0.0.1:{self._http.server_port}"
        bundle = str(self._bundle)
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "REQUESTS_CA_BUNDLE": bundle,
            "CURL_CA_BUNDLE": bundle,
        }

    def time(self) -> pd.Timestamp:
        return pd.Timestamp(self.now or datetime.now(UTC)).tz_convert("UTC")

    def planned(self, name: str) -> _Planned | None:
        """Count a request for ``name``, and what is to go wrong with it."""
        with self._lock:
            self.requests[name] += 1
            planned = self._planned.get(name)
            if planned is None or planned.times == 0:
                return None
            planned.times -= 1
            return planned

    def planned_chart(self, symbol: str) -> _Planned | None:
        """As ``planned``; the limit of the rate and the disturbance apply to charts alone."""
        planned = self.planned(symbol)
        with self._lock:
            if self._limit is not None and self._limit.refuses():
                self.refused += 1
                return _Planned(Fault.RATE_LIMIT, 1, None)
            disturbed = self._disturbance.next(symbol)
        if planned is None and disturbed is not None:
            return _Planned(disturbed, 1, None)
        return planned

    def chart(
        self, symbol: str, listed: Listed, first: int, last: int, now: pd.Timestamp
    ) -> dict[str, Any]:
        """Yahoo's chart, see ``yahoo_market``."""
        return chart(symbol, listed, first, last, now)

    def hang(self) -> None:
        self._stopping.wait(60)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        authority = trustme.CA()
        self._bundle = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(self._bundle)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("*.yahoo.com", "*.finance.yahoo.com").configure_cert(tls)
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
    request_queue_size = 128

    def __init__(self, yahoo: YahooServer, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.yahoo = yahoo
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
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/v8/finance/chart/"):
            symbol = unquote(url.path.rsplit("/", 1)[1])
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._chart(symbol, query)
        elif url.path.endswith("/getcrumb"):
            self._page(CRUMB_PAGE, CRUMB)
        elif self.host == COOKIE_PAGE:
            cookie = "A3=d=fake; Domain=.yahoo.com; Path=/; Secure; HttpOnly; Max-Age=31557600"
            self._page(COOKIE_PAGE, "", status=404, headers={"Set-Cookie": cookie})
        else:
            self._send(200, CONSENT_FORM, content_type="text/html")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(200, "")

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Silence: tests read the counters."""

    def _page(
        self, name: str, body: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        planned = self.server.yahoo.planned(name)
        if planned is None:
            self._send(status, body, headers=headers)
        elif not self._break_off(planned):
            self._send(*_failure(planned, "", {}))

    def _chart(self, symbol: str, query: dict[str, str]) -> None:
        yahoo = self.server.yahoo
        planned = yahoo.planned_chart(symbol)
        if planned is not None and self._break_off(planned):
            return
        listed = yahoo.on_sale(symbol)
        if listed is None and (planned is None or planned.fault in _NEEDS_A_CHART):
            planned = _Planned(Fault.DELISTED, 1, None)
        now = yahoo.time()
        first = int(query.get("period1", now.timestamp() - 86_400))
        last = int(query.get("period2", now.timestamp()))
        yahoo.windows[symbol] = first, last
        answer = yahoo.chart(symbol, listed, first, last, now) if listed else {}
        if planned is None:
            self._send(200, json.dumps(answer))
        else:
            self._send(*_failure(planned, symbol, answer))

    def _break_off(self, planned: _Planned) -> bool:
        if planned.fault is Fault.HANG:
            self.server.yahoo.hang()
        elif planned.fault is Fault.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            return False
        self.close_connection = True
        return True

    def _send(
        self,
        status: int,
        body: str,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _failure(
    planned: _Planned, symbol: str, answer: dict[str, Any]
) -> tuple[int, str, dict[str, str], str]:
    """Status, body, headers and content type of a faulty answer."""
    status, body = _faulty(planned.fault, symbol, answer)
    headers = {} if planned.retry_after is None else {"Retry-After": str(planned.retry_after)}
    if isinstance(body, str):
        return status, body, headers, "text/html"
    return status, json.dumps(body), headers, "application/json"


def _faulty(fault: Fault, symbol: str, answer: dict[str, Any]) -> tuple[int, str | dict[str, Any]]:
    page = "<html><body>Yahoo! - Error report HTTP Status 500</body></html>"
    match fault:
        case Fault.DELISTED:
            return 404, _error("Not Found", "No data found, symbol may be delisted")
        case Fault.DELISTED_IN_200:
            return 200, _error("Not Found", "No data found, symbol may be delisted")
        case Fault.NO_DATA_FOR_DATES:
            return 400, _error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2")
        case Fault.UNAUTHORIZED:
            error = {"code": "Unauthorized", "description": "Invalid Crumb"}
            return 401, {"finance": {"result": None, "error": error}}
        case Fault.RATE_LIMIT:
            return 429, "Edge: Too Many Requests"
        case Fault.SERVER_ERROR:
            return 500, page
        case Fault.HTML:
            return 200, page
        case Fault.TRUNCATED:
            text = json.dumps(answer)
            return 200, text[: len(text) // 2]
    result = answer["chart"]["result"][0]
    match fault:
        case Fault.EMPTY:
            empty: dict[str, Any] = {"quote": [{}], "adjclose": [{}]}
            result = {"meta": result["meta"], "indicators": empty}
        case Fault.WRONG_SYMBOL:
            result["meta"]["symbol"] = symbol + "X"
        case Fault.NO_ADJCLOSE:
            del result["indicators"]["adjclose"]
        case Fault.RAGGED:
            result["indicators"]["quote"][0]["close"].pop()
        case Fault.SHUFFLED:
            result = _shuffled(result)
    return 200, {"chart": {"result": [result], "error": None}}


def _shuffled(result: dict[str, Any]) -> dict[str, Any]:
    def shuffle(values: list[Any]) -> list[Any]:
        return [*values[1::2], *values[::2], values[0]]

    quote = {name: shuffle(values) for name, values in result["indicators"]["quote"][0].items()}
    adjclose = {"adjclose": shuffle(result["indicators"]["adjclose"][0]["adjclose"])}
    return result | {
        "timestamp": shuffle(result["timestamp"]),
        "indicators": {"quote": [quote], "adjclose": [adjclose]},
    }


def _error(code: str, description: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}
