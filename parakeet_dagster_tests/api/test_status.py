"""``/v1/status``: how far everything reaches, and what is not settled."""

import json
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from parakeet_api.routers import status
from parakeet_dagster import clock
from parakeet_dagster.cli_status import by_ticker
from parakeet_dagster.storage.schemas import SCHEMAS
from parakeet_dagster_tests.api.clients import api  # noqa: F401 - a fixture
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"
EMPTY = {"first": None, "last": None, "sessions": 0}


def told(api) -> dict:
    answer = api.get("/v1/status")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fail(api, *failures: tuple[str, str, str, str], fetch: str = "one") -> None:
    """Failures as (ticker, session, class, message)."""
    columns = ["ticker", "session", "error_class", "message"]
    rows = pd.DataFrame(list(failures), columns=columns).astype({"session": "datetime64[us]"})
    monday, wednesday = days(MONDAY, WEDNESDAY)
    api.database.record_failures(rows, monday, wednesday, [], fetch)


def correct(api, *corrections: tuple[str, str]) -> None:
    rows = pd.DataFrame(list(corrections), columns=["ticker", "date"])
    rows = rows.assign(row=json.dumps({"close": 2.0}), reason="the close differs")
    api.database.record_corrections(rows.astype({"date": "datetime64[us]"}))


@pytest.fixture(autouse=True)
def _on_friday(monkeypatch):
    """Friday is not over: Thursday is the session that is due."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 1, 12, 20, tzinfo=UTC))


def test_how_old_the_prices_are(api):
    rows = bars_of(bar(MONDAY, "AAA", 1.0))
    api.database.merge_market_data(rows, days(MONDAY), "new")
    assert (told(api)["due"], told(api)["behind"]) == ("2024-01-11", 3)


def test_prices_of_a_session_that_is_not_over(api):
    rows = bars_of(bar("2024-01-12", "AAA", 1.0))
    api.database.merge_market_data(rows, days("2024-01-12"), "new")
    assert (told(api)["due"], told(api)["behind"]) == ("2024-01-11", 0)


def test_nothing_is_stored(api):
    assert told(api) == {
        "due": "2024-01-11",
        "behind": None,
        "assets": [
            {"asset": name} | EMPTY
            for name in ("daily_returns", "fx_rates", "market_data", "raw_prices")
        ]
        + [{"asset": "ticker_universe"} | EMPTY],
        "strategies": [],
        "failed": 0,
        "failures": [],
        "delisted": [],
        "quarantined": 0,
        "open_corrections": 0,
        "corrections": [],
        "stale_adjusted_closes": 0,
        "accepted": [],
    }


def test_how_far_the_assets_reach(api):
    rows = bars_of(bar(MONDAY, "AAA", 1.0), bar(WEDNESDAY, "AAA", 1.0))
    api.database.merge_market_data(rows, days(MONDAY, WEDNESDAY), "a test")
    lake = api.services.lake
    lake.write("raw_prices", rows, [MONDAY, TUESDAY, WEDNESDAY])
    none = pd.DataFrame({name: [] for name in SCHEMAS["signals"].names})
    lake.write("signals/momentum", none.astype({"date": "datetime64[us]"}), [TUESDAY])

    found = {row.pop("asset"): row for row in told(api)["assets"]}
    assert found == {
        "daily_returns": EMPTY,
        "fx_rates": EMPTY,
        "market_data": {"first": MONDAY, "last": WEDNESDAY, "sessions": 2},
        "raw_prices": {"first": MONDAY, "last": WEDNESDAY, "sessions": 3},
        "signals/momentum": {"first": TUESDAY, "last": TUESDAY, "sessions": 1},
        "ticker_universe": EMPTY,
    }


def test_every_asset_of_the_lake_is_told():
    assert {*status.OF_ALL, *status.OF_EACH_STRATEGY, "holdings"} == set(SCHEMAS)


def test_the_newest_of_every_strategy(api):
    weight = pd.DataFrame({"ticker": ["A"], "weight": [1.0], "rebalance": [True]})
    for strategy, session in (("both", MONDAY), ("both", TUESDAY), ("targets", MONDAY)):
        dated = weight.assign(date=pd.Series([session], dtype="datetime64[us]"))
        api.database.write_allocations(strategy, dated)
    none = pd.DataFrame({name: [] for name in SCHEMAS["orders"].names})
    none = none.astype({"date": "datetime64[us]"})
    api.database.write_orders("both", none, days(MONDAY))
    api.database.write_orders("orders", none, days(WEDNESDAY))

    assert told(api)["strategies"] == [
        {"strategy": "both", "allocations": TUESDAY, "orders": MONDAY},
        {"strategy": "orders", "allocations": None, "orders": WEDNESDAY},
        {"strategy": "targets", "allocations": MONDAY, "orders": None},
    ]


def test_failures_by_ticker_as_the_command_tells_them(api):
    fail(api, ("B", TUESDAY, "NO_DATA", "none"), ("A", MONDAY, "TIMEOUT", "late"))
    fail(api, ("A", TUESDAY, "TIMEOUT", "later"), ("A", WEDNESDAY, "TIMEOUT", "latest"))
    fail(api, ("A", MONDAY, "TIMEOUT", "late again"), fetch="two")

    found = told(api)
    assert found["failed"] == 2
    assert found["failures"] == [
        {
            "ticker": "A",
            "error_class": "TIMEOUT",
            "first": MONDAY,
            "last": WEDNESDAY,
            "sessions": 3,
            "attempts": 2,
            "message": "late again",
        },
        {
            "ticker": "B",
            "error_class": "NO_DATA",
            "first": TUESDAY,
            "last": TUESDAY,
            "sessions": 1,
            "attempts": 1,
            "message": "none",
        },
    ]
    of_command = by_ticker(api.database.open_failures())
    for name in ("first", "last"):
        of_command[name] = of_command[name].dt.strftime("%Y-%m-%d")
    assert of_command.to_dict("records") == found["failures"]


def test_what_is_resolved_is_no_failure(api):
    fail(api, ("A", MONDAY, "TIMEOUT", "late"))
    nothing = pd.DataFrame({name: [] for name in ("ticker", "session", "error_class", "message")})
    nothing = nothing.astype({"session": "datetime64[us]"})
    monday = date.fromisoformat(MONDAY)
    api.database.record_failures(nothing, monday, monday, ["A"], "two")
    api.database.resolve_failures("two")
    assert told(api)["failures"] == []


def test_what_is_not_settled(api):
    rows = bars_of(bar(MONDAY, "A", 1.0), bar(TUESDAY, "A", 1.0), bar(MONDAY, "B", 1.0))
    api.database.merge_market_data(rows, days(MONDAY, TUESDAY), "a test")
    correct(api, ("A", TUESDAY), ("B", MONDAY))
    bad = pd.DataFrame(
        {"ticker": ["A"], "date": [WEDNESDAY], "row": ['{"close": 0.0}'], "rule": ["positive"]}
    ).astype({"date": "datetime64[us]"})
    api.database.quarantine(bad)
    with_split = bars_of(bar(WEDNESDAY, "A", 1.0, split_ratio=2.0))
    api.database.merge_chunk(with_split, days(WEDNESDAY), "a test")
    for market in ("XNYS", "XASX"):
        api.database.accept_session(date.fromisoformat(MONDAY), market, "lost")
    api.database.withdraw_acceptance(date.fromisoformat(MONDAY), "XNYS")
    for session in (WEDNESDAY, "2024-01-11", "2024-01-12"):
        fail(api, ("GONE", session, "DELISTED", "is gone"))
    with api.database.transaction("let days pass") as connection:
        connection.exec_driver_sql(
            "UPDATE ingest_failures SET first_seen = first_seen - (session - DATE '2024-01-01')"
            " * interval '1 day'"
        )

    found = told(api)
    assert found["corrections"] == [
        {"ticker": "B", "date": MONDAY, "reason": "the close differs"},
        {"ticker": "A", "date": TUESDAY, "reason": "the close differs"},
    ]
    assert found["accepted"] == [{"session": MONDAY, "market": "XASX", "reason": "lost"}]
    counts = ("open_corrections", "quarantined", "stale_adjusted_closes")
    assert [found[name] for name in counts] == [2, 1, 1]
    assert found["delisted"] == ["GONE"]


def test_many_are_counted_and_the_first_are_told(api, monkeypatch):
    monkeypatch.setattr(status, "SHOWN", 2)
    fail(api, *((ticker, MONDAY, "TIMEOUT", "late") for ticker in "CABD"))
    correct(api, ("C", MONDAY), ("A", MONDAY), ("B", MONDAY))
    found = told(api)
    assert (found["failed"], found["open_corrections"]) == (4, 3)
    assert [row["ticker"] for row in found["failures"]] == ["A", "B"]
    assert [row["ticker"] for row in found["corrections"]] == ["A", "B"]


def test_unchanged(api):
    tag = api.get("/v1/status").headers["etag"]
    assert api.get("/v1/status", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(("seconds", "sessions"), [(0.0, 1), (1000.0, 0)])
def test_a_listing_of_the_lake_is_told_for_a_while(api, monkeypatch, seconds, sessions):
    monkeypatch.setattr(status, "LISTED_FOR_SECONDS", seconds)
    told(api)
    api.services.lake.write("raw_prices", bars_of(bar(MONDAY, "A", 1.0)), [MONDAY])
    (prices,) = (row for row in told(api)["assets"] if row["asset"] == "raw_prices")
    assert prices["sessions"] == sessions


def test_a_lake_that_cannot_be_read(api, tmp_path):
    api.services.lake.store.root = tmp_path / "file"
    (tmp_path / "file").write_text("no folder")
    answer = api.get("/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (503, "lake_unavailable")
    assert str(tmp_path) not in answer.text
    assert answer.headers["retry-after"] == "5"
