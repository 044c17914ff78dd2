"""Day by day against a vendor that errs, with the healing sensor, and the same range at the end.

The real yfinance talks to a local server; its clock and ours are moved from session to session.
"""

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pandas as pd
import psycopg2
import pytest

from parakeet_dagster import backfill, clock, runs
from parakeet_dagster import sessions as calendar
from parakeet_dagster.connect import open_database
from parakeet_dagster.healing import REQUESTS
from parakeet_dagster.partitions import RANGE_TAGS
from parakeet_dagster.sensors import healing_sensor
from parakeet_dagster.settings import load_settings
from parakeet_dagster.verify import verify_history
from parakeet_dagster_tests.graph import (  # noqa: F401 - graph is a fixture
    Graph,
    bytes_of,
    failures,
    graph,
    metadata_of,
)
from parakeet_dagster_tests.yahoo_server import (
    Listed,
    YahooServer,
    currency_pair,
    invented_bars,
    sessions_of,
)

FIRST, LAST = "2014-06-04", "2014-06-17"
SHORT: dict[str, object] = {}
PRICES = ["open", "high", "low", "close"]
DAYS = calendar.between(FIRST, LAST)


def plain(close: float = 50.0, market: str = "XNYS") -> Listed:
    sessions = sessions_of(market, "2014-05-01", "2014-06-30")
    return Listed(invented_bars(sessions, first_close=close, volume=1_000_000), market=market)


def scaled(listed: Listed, since: str, factor: float) -> Listed:
    """The same share, trading at another level from a day on."""
    bars = listed.bars.copy()
    after = bars.index >= since
    bars.loc[after, PRICES] = (bars.loc[after, PRICES] * factor).round(2)
    return replace(listed, bars=bars)


def spiked(listed: Listed, day: str, factor: float) -> Listed:
    """The same share with one wrong day."""
    bars = listed.bars.copy()
    bars.loc[day, PRICES] *= factor
    return replace(listed, bars=bars)


SPLIT = replace(scaled(plain(645.0), "2014-06-09", 1 / 7), splits={"2014-06-09": 7.0})
REVERSE = replace(scaled(plain(2.0), "2014-06-11", 10.0), splits={"2014-06-11": 0.1})
SPECIAL = replace(scaled(plain(80.0), "2014-06-10", 0.6), dividends={"2014-06-10": 32.0})
LATE_DIVIDEND = replace(plain(40.0), dividends={"2014-06-05": 0.82})
LATE_SPLIT = replace(scaled(plain(90.0), "2014-06-06", 1 / 3), splits={"2014-06-06": 3.0})
NEWS = scaled(plain(30.0), "2014-06-12", 0.6)
AUDUSD = currency_pair(
    pd.Series(0.93, index=pd.bdate_range("2014-05-01", "2014-06-30", name="date"))
)
TRUTH = {
    "SPLIT": SPLIT,
    "REVERSE": REVERSE,
    "SPECIAL": SPECIAL,
    "LATEDIV": LATE_DIVIDEND,
    "LATESPLIT": LATE_SPLIT,
    "NEWS": NEWS,
    "CALM": plain(61.0),
    "SPIKE": plain(25.0),
    "LATEBAR": plain(70.0),
    "BHP.AX": plain(37.5, "XASX"),
    "CBA.AX": plain(80.0, "XASX"),
}


def as_shown_on(session: str) -> dict[str, Listed]:
    """What the vendor shows after ``session``: its mistakes, until it mends them."""
    shown = {**TRUTH, "AUDUSD=X": AUDUSD}
    if session < "2014-06-10":
        shown["LATEDIV"] = replace(LATE_DIVIDEND, dividends={})
    if session < "2014-06-12":
        shown["LATESPLIT"] = replace(LATE_SPLIT, splits={})
    if session < "2014-06-17":
        shown["SPIKE"] = spiked(TRUTH["SPIKE"], "2014-06-13", 100.0)
    if session == "2014-06-16":
        late = TRUTH["LATEBAR"]
        shown["LATEBAR"] = replace(late, bars=late.bars.drop(pd.Timestamp("2014-06-16")))
    return shown


@dataclass
class Vendor:
    """The server and both clocks."""

    server: YahooServer
    patch: pytest.MonkeyPatch

    def move_to(self, session: str) -> None:
        """The morning after ``session``: 01:45 UTC of the next day."""
        moment = pd.Timestamp(session, tz="UTC") + pd.Timedelta(days=1, hours=1, minutes=45)
        self.server.listed = as_shown_on(session)
        self.at(moment)

    def at(self, moment: pd.Timestamp) -> None:
        self.server.now = moment.to_pydatetime()
        self.patch.setattr(clock, "now", moment.to_pydatetime)


@pytest.fixture
def vendor(graph: Graph, tmp_path, monkeypatch) -> Iterator[Vendor]:
    rows = [
        f"{ticker},{ticker},{listed.market},{'AUD' if listed.market == 'XASX' else 'USD'},equity"
        for ticker, listed in TRUTH.items()
    ]
    universe = tmp_path / "mine.csv"
    universe.write_text("\n".join(["ticker,name,market,currency,asset_class", *rows]))
    with YahooServer(TRUTH) as server:
        for name, value in {
            **server.environment(),
            "PARAKEET_PRICE_SOURCE": "yahoo",
            "PARAKEET_UNIVERSE_FILE": str(universe),
            "PARAKEET_YAHOO_RPS": "500",
        }.items():
            monkeypatch.setenv(name, value)
        yield Vendor(server, monkeypatch)


def tick(graph: Graph, cursor: str | None = None) -> dg.SensorResult:
    """What the healing sensor answers now."""
    context = dg.build_sensor_context(
        instance=graph.instance, definitions=graph.definitions(), cursor=cursor
    )
    return healing_sensor(dg.DefaultSensorStatus.RUNNING).evaluate_tick(context)


def heal(graph: Graph) -> list[tuple[str, str]]:
    """Evaluate the sensor and run what it asks for, until it rests; returns the ranges."""
    asked = []
    while len(asked) < 10:
        requests = tick(graph).run_requests or []
        if not requests:
            return asked
        first, last = (requests[0].tags[tag] for tag in RANGE_TAGS)
        result = graph.run(first, last)
        assert result.success, failures(result)
        asked.append((first, last))
    raise AssertionError(f"it loops: {asked}")


@contextmanager
def database():
    opened = open_database(load_settings())
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def another_home(graph: Graph, folder: Path, database_url: str, patch) -> Iterator[Graph]:
    """An empty lake and an empty database, to fetch the same once more."""
    name = "at_once"
    with contextlib.closing(psycopg2.connect(database_url)) as administrator:
        administrator.autocommit = True
        administrator.cursor().execute(f"CREATE DATABASE {name}")
    with patch.context() as inner:
        inner.setenv("PARAKEET_HOME", str(folder))
        inner.setenv("NEON_DATABASE_URL", re.sub(r"/test_[0-9]+[?]", f"/{name}?", database_url))
        yield Graph(folder, graph.instance, graph.strategies)
    with contextlib.closing(psycopg2.connect(database_url)) as administrator:
        administrator.autocommit = True
        administrator.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


def stored(graph: Graph, asset: str, ticker: str) -> pd.DataFrame:
    frame = graph.lake.read(asset, DAYS)
    return frame[frame["ticker"] == ticker].set_index("date")


def test_day_by_day_ends_where_the_range_at_once_begins(
    graph, vendor, monkeypatch, tmp_path, database_url
):
    healed = {}
    for day in DAYS:
        vendor.move_to(day)
        result = graph.run(day)
        assert result.success, failures(result)
        ranges = heal(graph)
        if ranges:
            healed[day] = ranges
    assert healed == {
        "2014-06-09": [("2014-06-06", "2014-06-09")],
        "2014-06-10": [("2014-06-05", "2014-06-10")],
        "2014-06-12": [("2014-06-06", "2014-06-12")],
        "2014-06-17": [("2014-06-13", "2014-06-17")],
    }
    with another_home(graph, tmp_path / "once", database_url, monkeypatch) as once:
        result = once.run(FIRST, LAST)
        assert result.success, failures(result)
    for asset in ("raw_prices", "daily_returns"):
        assert bytes_of(graph.home / "lake" / asset) == bytes_of(tmp_path / "once/lake" / asset)
    for ticker, listed in TRUTH.items():
        prices = stored(graph, "raw_prices", ticker)
        expected = listed.bars.loc[prices.index]
        assert prices[PRICES].to_numpy().tolist() == expected[PRICES].to_numpy().tolist()
        assert prices["volume"].tolist() == expected["volume"].tolist()
        assert len(prices) == len(sessions_of(listed.market, FIRST, LAST))
    news = stored(graph, "raw_prices", "NEWS")["data_quality"]
    assert news[news == "suspect"].index.strftime("%Y-%m-%d").tolist() == ["2014-06-12"]
    with database() as opened:
        assert opened.open_corrections().empty
        assert opened.open_quarantine().empty
        reasons = opened.corrections(pd.Timestamp(FIRST).date(), pd.Timestamp(LAST).date())
    assert reasons.groupby("ticker")["date"].agg(["count", "min"]).to_dict("index").keys() == {
        "LATEDIV",
        "LATESPLIT",
        "SPIKE",
        "LATEBAR",
    }


def test_a_week_of_outage_heals_in_one_range(graph, vendor):
    """And a dead ticker costs one request a run."""
    vendor.move_to("2014-06-10")
    assert graph.run("2014-06-10").success
    vendor.move_to("2014-06-17")
    dead = vendor.server.listed.pop("CALM")
    before = vendor.server.requests["CALM"]
    assert heal(graph) == [("2014-06-11", "2014-06-17")]
    assert vendor.server.requests["CALM"] == before + 1
    assert graph.lake.sessions("daily_returns") == calendar.between("2014-06-10", "2014-06-17")
    with database() as opened:
        failed = opened.open_failures()
    assert set(zip(failed["ticker"], failed["error_class"], strict=True)) == {("CALM", "DELISTED")}
    assert failed["session"].nunique() == 5
    vendor.server.listed["CALM"] = dead
    assert heal(graph) == []  # what is delisted is asked for by the next day's run


def test_a_day_that_never_comes_is_asked_for_again_and_then_accepted(graph, vendor):
    vendor.move_to("2014-06-11")
    assert graph.run("2014-06-11").success
    vendor.move_to("2014-06-12")
    missing = pd.Timestamp("2014-06-12")
    for ticker in ("BHP.AX", "CBA.AX"):
        late = TRUTH[ticker]
        vendor.server.listed[ticker] = replace(late, bars=late.bars.drop(missing))
    told = failures(graph.run("2014-06-12"))["raw_prices"]
    assert told.startswith("blocked, nothing written: 2014-06-12 XASX: 0 of 2 expected tickers")

    asked = 0
    for hours in range(0, 240, 6):
        vendor.at(pd.Timestamp("2014-06-13 01:45", tz="UTC") + pd.Timedelta(hours=min(hours, 23)))
        asked += len(tick(graph).run_requests or [])
    assert asked == 5  # at 01:45, 07:45, 13:45, 19:45 and 00:45, the pauses being shorter

    with database() as opened:
        opened.accept_session(missing.date(), "XASX", "exchange outage")
    result = graph.run("2014-06-12")
    assert result.success, failures(result)
    for asset in ("raw_prices", "daily_returns"):
        shown = metadata_of(result, asset, "2014-06-12")
        assert shown["accepted_by_hand"] == "2014-06-12 XASX: exchange outage"
    stored = graph.lake.read("daily_returns", ["2014-06-12"]).set_index("ticker")
    assert not stored.loc["BHP.AX", "traded"]


def test_on_the_sample_nothing_heals_for_ever(graph, monkeypatch):
    monkeypatch.setattr(clock, "now", pd.Timestamp("2023-03-01 02:00", tz="UTC").to_pydatetime)
    assert graph.run("2022-12-27").success
    assert heal(graph) == [("2022-12-28", "2022-12-28")]
    assert heal(graph) == []


def test_the_monthly_comparison_finds_what_came_after_ten_sessions(graph, vendor):
    vendor.move_to("2014-06-17")
    vendor.server.listed["CALM"] = TRUTH["CALM"]
    assert graph.run("2014-05-20", "2014-06-17").success
    assert verify_history(load_settings(), "2014-05-20", "2014-06-17").empty
    vendor.server.listed["CALM"] = replace(TRUTH["CALM"], dividends={"2014-05-22": 0.5})
    job = graph.definitions().resolve_job_def("monthly_verification")
    assert job.execute_in_process(instance=graph.instance).success
    with database() as opened:
        (found,) = opened.open_corrections().to_dict("records")
    assert (found["ticker"], found["date"], found["reason"]) == (
        *("CALM", pd.Timestamp("2014-05-22"), "dividend listed late: 0.5"),
    )
    assert heal(graph) == [("2014-05-22", "2014-06-17")]
    closes = TRUTH["CALM"].bars["close"]
    row = graph.lake.read("daily_returns", ["2014-05-22"]).set_index("ticker").loc["CALM"]
    assert row["return_local"] == pytest.approx(
        (closes["2014-05-22"] + 0.5) / closes["2014-05-21"] - 1, rel=1e-12
    )


def test_a_back_fill_asks_each_ticker_once_whatever_its_chunks(graph, vendor):
    vendor.move_to("2014-06-17")
    del vendor.server.listed["CALM"]
    vendor.server.requests.clear()
    for piece in backfill.chunks([backfill.Span("2014-06-10", "2014-06-17")], 2):
        runs.run(graph.definitions(), graph.instance, piece, "once")
    asked = {name: vendor.server.requests[name] for name in [*TRUTH, "AUDUSD=X"]}
    assert set(asked.values()) == {1}, asked


def test_what_a_back_fill_that_was_killed_left_unadjusted_the_sensor_mends(graph, vendor):
    vendor.move_to("2014-06-17")
    for piece in backfill.chunks([backfill.Span("2014-06-05", "2014-06-17")], 2):
        runs.run(graph.definitions(), graph.instance, piece, "never ended")
    with database() as opened:
        assert {"SPLIT", "SPECIAL"} <= set(opened.stale_adjusted_closes())
        tick(graph)
        assert opened.stale_adjusted_closes() == []
        known = opened.market_data_as_of(pd.Timestamp.now(tz="UTC")).set_index(["ticker", "date"])
        with opened.transaction("look") as connection:
            now = pd.read_sql_table("market_data", connection, parse_dates=["date"])
    now = now.set_index(["ticker", "date"])["adjusted_close"].sort_index()
    assert now.to_numpy() == pytest.approx(known["adjusted_close"].sort_index().to_numpy(), 1e-12)


def test_when_nothing_more_is_asked_for_a_check_fails_once(graph, monkeypatch):
    now = pd.Timestamp("2023-03-01 02:00", tz="UTC").to_pydatetime()
    monkeypatch.setattr(clock, "now", lambda: now)
    assert graph.run("2022-12-27").success
    day = pd.Timestamp("2022-12-28").date()
    with database() as opened:
        for _ in range(REQUESTS):
            opened.record_healing(day, day, "1 without prices", now)
    first = tick(graph)
    (alert,) = first.asset_events
    assert (alert.check_name, alert.passed) == ("healed", False)
    assert alert.metadata["needs_you"].value.startswith("2022-12-28 was asked for 8 times")
    assert tick(graph, first.cursor).asset_events == []
