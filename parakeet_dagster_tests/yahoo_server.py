"""A local server that speaks Yahoo Finance's protocol, for the real client to talk to.

It is an HTTPS proxy that ends every tunnel itself, with certificates of its own authority, so a
process is pointed at it by environment variables alone (``YahooServer.environment``). It is told
what traded, as it traded, and shows it the way Yahoo does at ``now``: adjusted for every split up
to then, in float32, days as moments of opening in UTC, errors in Yahoo's words.
"""

import json
import os
import socket
import ssl
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import exchange_calendars
import numpy as np
import pandas as pd
import trustme

CRUMB = "F4ke.Crumb/1"
CRUMB_PAGE = "getcrumb"
COOKIE_PAGE = "fc.yahoo.com"
CONSENT_FORM = (
    '<html><form><input name="csrfToken" value="t"><input name="sessionId" value="s"></form></html>'
)


@dataclass(frozen=True)
class Market:
    time_zone: str
    currency: str
    opens: pd.Timedelta
    closes: pd.Timedelta


MARKETS = {
    "XNYS": Market("America/New_York", "USD", pd.Timedelta("9h30min"), pd.Timedelta("16h")),
    "XASX": Market("Australia/Sydney", "AUD", pd.Timedelta("10h"), pd.Timedelta("16h")),
}


@dataclass(frozen=True)
class Listed:
    """One symbol as it traded.

    bars: index session (datetime64), columns open, high, low, close, volume; a NaN close makes a
    row of nulls. dividends: ex-date to the amount per share held before a split of that day.
    splits: ex-date to new shares per old.
    """

    bars: pd.DataFrame
    market: str = "XNYS"
    dividends: Mapping[str, float] = field(default_factory=dict)
    splits: Mapping[str, float] = field(default_factory=dict)
    capital_gains: Mapping[str, float] = field(default_factory=dict)
    instrument_type: str = "EQUITY"
    currency: str | None = None
    first_trade: str | None = None


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


@dataclass
class _Planned:
    fault: Fault
    times: int
    retry_after: int | None


class YahooServer:
    """The server, running while its context is entered.

    now: the moment at which it answers, movable; None is the real time. requests: chart requests
    per symbol, and of ``COOKIE_PAGE`` and ``CRUMB_PAGE``.
    """

    def __init__(self, listed: Mapping[str, Listed], *, now: datetime | None = None) -> None:
        self.listed = dict(listed)
        self.now = now
        self.requests: Counter[str] = Counter()
        self.windows: dict[str, tuple[int, int]] = {}
        self._planned: dict[str, _Planned] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def fail(
        self, name: str, fault: Fault, *, times: int = 10**6, retry_after: int | None = None
    ) -> None:
        """Answer the next requests for ``name`` (a symbol or a page) with ``fault``."""
        self._planned[name] = _Planned(fault, times, retry_after)

    def reset(self, *, now: datetime | None = None) -> None:
        """Forget faults and counts."""
        with self._lock:
            self.now = now
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
        planned = yahoo.planned(symbol)
        if planned is not None and self._break_off(planned):
            return
        listed = yahoo.listed.get(symbol)
        if planned is None and listed is None:
            planned = _Planned(Fault.DELISTED, 1, None)
        now = yahoo.time()
        first = int(query.get("period1", now.timestamp() - 86_400))
        last = int(query.get("period2", now.timestamp()))
        yahoo.windows[symbol] = first, last
        answer = chart(symbol, listed, first, last, now) if listed else {}
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


def chart(symbol: str, listed: Listed, first: int, last: int, now: pd.Timestamp) -> dict[str, Any]:
    """Yahoo's chart of ``symbol`` for [first, last) in seconds since 1970, asked at ``now``."""
    market = MARKETS[listed.market]
    today = now.tz_convert(market.time_zone).tz_localize(None).normalize()
    bars = _rebased(listed, today)
    opens = _moments(pd.DatetimeIndex(bars.index), market)
    live = bars.index == today
    moments = np.where(live, min(now, _close(today, market)).timestamp(), opens)
    shown = (opens >= first) & (opens < last) & (opens <= now.timestamp())
    bars, moments = bars[shown], moments[shown]
    result: dict[str, Any] = {
        "meta": _meta(symbol, listed, market, now),
        "indicators": {"quote": [{}], "adjclose": [{}]},
    }
    if len(bars):
        result["timestamp"] = [int(moment) for moment in moments]
        result["indicators"] = {
            "quote": [{name: _nullable(bars[name]) for name in bars.columns}],
            "adjclose": [{"adjclose": _nullable(bars["close"])}],
        }
    events = _events(listed, market, today, first, last)
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def _rebased(listed: Listed, today: pd.Timestamp) -> pd.DataFrame:
    """The bars as Yahoo shows them on ``today``: adjusted for every split up to then."""
    bars = listed.bars.astype("float64")
    factor = _later_splits(listed, pd.DatetimeIndex(bars.index), today)
    shown = bars.div(factor, axis=0).astype("float32").astype("float64")
    return shown.assign(volume=np.rint(bars["volume"] * factor)).mask(bars["close"].isna())


def _later_splits(listed: Listed, days: pd.DatetimeIndex, today: pd.Timestamp) -> np.ndarray:
    """The product of the split ratios with day < ex-date <= today."""
    factor = np.ones(len(days))
    for ex, ratio in listed.splits.items():
        if pd.Timestamp(ex) <= today:
            factor[days < pd.Timestamp(ex)] *= ratio
    return factor


def _events(
    listed: Listed, market: Market, today: pd.Timestamp, first: int, last: int
) -> dict[str, Any]:
    def inside(dated: Mapping[str, float]) -> Iterator[tuple[pd.DatetimeIndex, int, float]]:
        for ex, value in dated.items():
            day = pd.DatetimeIndex([ex])
            moment = int(_moments(day, market)[0])
            if day[0] <= today and first <= moment < last:
                yield day, moment, value

    def paid(dated: Mapping[str, float]) -> dict[str, Any]:
        return {
            str(moment): {
                "amount": _amount(value / _later_splits(listed, day, today)[0]),
                "date": moment,
            }
            for day, moment, value in inside(dated)
        }

    events = {
        "dividends": paid(listed.dividends),
        "capitalGains": paid(listed.capital_gains),
        "splits": {
            str(moment): {
                "date": moment,
                "numerator": ratio if ratio >= 1 else 1.0,
                "denominator": 1.0 if ratio >= 1 else round(1 / ratio, 6),
                "splitRatio": f"{ratio:g}:1" if ratio >= 1 else f"1:{1 / ratio:g}",
            }
            for _, moment, ratio in inside(listed.splits)
        },
    }
    return {kind: found for kind, found in events.items() if found}


def _amount(value: float) -> float:
    return round(float(np.float32(value)), 6)


def _meta(symbol: str, listed: Listed, market: Market, now: pd.Timestamp) -> dict[str, Any]:
    local = now.tz_convert(market.time_zone)
    first = pd.Timestamp(listed.first_trade) if listed.first_trade else listed.bars.index[0]
    return {
        "currency": listed.currency or market.currency,
        "symbol": symbol,
        "exchangeName": "ASX" if listed.market == "XASX" else "NMS",
        "instrumentType": listed.instrument_type,
        "firstTradeDate": int(_moments(pd.DatetimeIndex([first]), market)[0]),
        "regularMarketTime": int(now.timestamp()),
        "hasPrePostMarketData": listed.market == "XNYS",
        "gmtoffset": int(local.strftime("%z")) // 100 * 3600,
        "timezone": local.tzname(),
        "exchangeTimezoneName": market.time_zone,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }


def _moments(days: pd.DatetimeIndex, market: Market) -> np.ndarray:
    """Opening times of ``days``, in seconds since 1970."""
    opens = (days + market.opens).tz_localize(market.time_zone)
    return opens.as_unit("s").asi8


def _close(day: pd.Timestamp, market: Market) -> pd.Timestamp:
    return (day + market.closes).tz_localize(market.time_zone).tz_convert("UTC")


def _nullable(values: "pd.Series[float]") -> list[float | int | None]:
    whole = values.name == "volume"
    return [
        None if np.isnan(value) else int(value) if whole else value for value in values.tolist()
    ]


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


# What traded: companies to be listed on the server.


def sessions_of(market: str, first: str, last: str) -> pd.DatetimeIndex:
    calendar = exchange_calendars.get_calendar(market, start=first, end=last)
    return pd.DatetimeIndex(calendar.sessions)


def invented_bars(sessions: pd.DatetimeIndex, *, first_close: float, volume: int) -> pd.DataFrame:
    """Bars in whole cents along a calm wave: the same for the same arguments."""
    step = np.arange(len(sessions))
    close = np.round(first_close * (1 + 0.05 * np.sin(step / 7) + 0.0004 * step), 2)
    spread = np.round(close * 0.01, 2)
    return pd.DataFrame(
        {
            "open": np.round(close - spread / 2, 2),
            "high": np.round(close + spread, 2),
            "low": np.round(close - spread, 2),
            "close": close,
            "volume": (volume + 1000 * (step % 13)).astype("int64"),
        },
        index=sessions,
    )


def apple_in_2020() -> Listed:
    """AAPL from June to October 2020: dividend on 08-07, four new shares for one on 08-31.

    The closes of 08-06, 08-07, 08-28 and 08-31 and the volume of 08-28 are real, the rest is not.
    """
    sessions = sessions_of("XNYS", "2020-06-01", "2020-10-30")
    bars = invented_bars(sessions, first_close=450.0, volume=40_000_000)
    prices = ["open", "high", "low", "close"]
    after_split = bars.index >= "2020-08-31"
    bars.loc[after_split, prices] = (bars.loc[after_split, prices] / 4).round(2)
    for day, close in {
        "2020-08-06": 455.61,
        "2020-08-07": 444.45,
        "2020-08-28": 499.23,
        "2020-08-31": 129.04,
    }.items():
        bars.loc[day, prices] = close
    bars.loc["2020-08-28", "volume"] = 46_907_500
    return Listed(
        bars,
        dividends={"2020-08-07": 0.82},
        splits={"2020-08-31": 4.0},
        first_trade="1980-12-12",
    )


def halted_with_a_split() -> Listed:
    """A share that does not trade for 40 sessions, in which ten old shares become one."""
    sessions = sessions_of("XNYS", "2020-06-01", "2020-10-30")
    halted = sessions[20:60]
    bars = invented_bars(sessions, first_close=0.85, volume=1_000_000)
    prices = ["open", "high", "low", "close"]
    resumed = bars.index > halted[-1]
    bars.loc[resumed, prices] = (bars.loc[resumed, prices] * 10).round(2)
    return Listed(bars.drop(halted), splits={f"{halted[15]:%Y-%m-%d}": 0.1})


def an_australian_share() -> Listed:
    """BHP.AX-like, in AUD, over a change of Sydney's daylight saving time."""
    sessions = sessions_of("XASX", "2020-06-01", "2020-10-30")
    bars = invented_bars(sessions, first_close=37.5, volume=6_000_000)
    return Listed(bars, market="XASX", dividends={"2020-09-03": 0.754875})
