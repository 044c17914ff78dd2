"""Yahoo Finance in a process of its own: the tests' server, which answers after 100 ms."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

import pandas as pd

from parakeet_dagster_tests.yahoo_server import Listed, YahooServer, invented_bars, sessions_of

LATENCY = 0.1
"""Seconds that a chart takes."""
NOW = datetime(2020, 10, 30, 23, 0, tzinfo=UTC)
LAST = "2020-10-30"
LISTED = {"XNYS": 500, "XASX": 241}


def members() -> pd.DataFrame:
    """Who is listed: columns ticker, market, currency."""
    rows = [
        (f"A{place:03}.AX", market, "AUD") if market == "XASX" else (f"U{place:03}", market, "USD")
        for market, count in LISTED.items()
        for place in range(count)
    ]
    return pd.DataFrame(rows, columns=["ticker", "market", "currency"])


@contextmanager
def running(first: str) -> Iterator[dict[str, str]]:
    """A server whose shares trade from ``first`` on: the variables that lead a process to it."""
    spawn = multiprocessing.get_context("spawn")
    ours, its = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(first, its), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _serve(first: str, parent: "Connection[Any, Any]") -> None:
    with _PatientServer(first) as server:
        parent.send(server.environment())
        parent.recv()


class _PatientServer(YahooServer):
    """Answers late, and makes each chart once: its own work must not be what is measured."""

    def __init__(self, first: str) -> None:
        super().__init__({}, now=NOW)
        self._first = first
        self._made: dict[tuple[str, int, int], dict[str, Any]] = {}

    def on_sale(self, symbol: str) -> Listed | None:
        return _share(symbol, self._first)

    def chart(
        self, symbol: str, listed: Listed, first: int, last: int, now: pd.Timestamp
    ) -> dict[str, Any]:
        due = time.monotonic() + LATENCY
        key = (symbol, first, last)
        if key not in self._made:
            self._made[key] = super().chart(symbol, listed, first, last, now)
        time.sleep(max(0.0, due - time.monotonic()))
        return self._made[key]


@cache
def _share(symbol: str, first: str) -> Listed:
    """A dividend each quarter, and some shares are split in the last week."""
    market, place = "XASX" if symbol.endswith(".AX") else "XNYS", int(symbol[1:4])
    days = sessions_of(market, first, LAST)
    bars = invented_bars(days, first_close=20.0 + place, volume=1_000_000)
    dividends = dict.fromkeys(days[place % 63 :: 63].strftime("%Y-%m-%d"), 0.25)
    splits = {f"{days[-5]:%Y-%m-%d}": 2.0} if place % 100 == 0 else {}
    return Listed(bars, market, dividends, splits)
