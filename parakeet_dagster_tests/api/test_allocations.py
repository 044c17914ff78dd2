"""``/v1/allocations``: target weights, of the version that is asked for."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from parakeet_dagster_tests.api.clients import api as empty_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.pages import (
    assert_csv_is_json,
    assert_pages_are_the_whole,
    every_page,
)

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"
HINT = "; GET /v1/allocations lists every strategy's newest"


def weights(session: str, rebalance: bool = True, **of_ticker: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.Series([session] * len(of_ticker), dtype="datetime64[us]"),
            "ticker": list(of_ticker),
            "weight": list(of_ticker.values()),
            "rebalance": rebalance,
        }
    )


@pytest.fixture(scope="module")
def api(module_api):
    """``momentum`` with two versions of Tuesday and one of two other sessions; ``value`` with one.

    They are written in the order Monday, Tuesday, Wednesday, Tuesday again.
    """
    write = module_api.database.write_allocations
    write("momentum", weights(MONDAY, VAS=0.6, CASH=0.4))
    write("momentum", weights(TUESDAY, rebalance=False, VAS=0.7, CASH=0.3))
    write("momentum", weights(WEDNESDAY, VAS=1.0))
    write("momentum", weights(TUESDAY, VAS=0.5, VGS=0.5))
    write("value", weights(MONDAY, BHP=1.0))
    return module_api


def told(rows) -> list[tuple]:
    return [(row["session"], row["ticker"], row["weight"]) for row in rows]


ON_MONDAY = [(MONDAY, "CASH", 0.4), (MONDAY, "VAS", 0.6)]
ON_TUESDAY_AT_FIRST = [(TUESDAY, "CASH", 0.3), (TUESDAY, "VAS", 0.7)]
ON_TUESDAY = [(TUESDAY, "VAS", 0.5), (TUESDAY, "VGS", 0.5)]
ON_WEDNESDAY = [(WEDNESDAY, "VAS", 1.0)]


def known_at(api, session: str, *, less: timedelta = timedelta(0)) -> str:
    """When the newest version of a session of ``momentum`` was written."""
    row = api.rows("/v1/allocations/momentum", session=session)[0]
    return (datetime.fromisoformat(row["known_at"]) - less).isoformat()


A_MOMENT = timedelta(microseconds=1)


def test_the_newest_of_every_strategy(api):
    rows = api.rows("/v1/allocations")
    assert [row["strategy"] for row in rows] == ["momentum", "value"]
    assert told(rows) == [*ON_WEDNESDAY, (MONDAY, "BHP", 1.0)]


def test_a_session(api):
    assert told(api.rows("/v1/allocations/momentum")) == ON_WEDNESDAY
    assert told(api.rows("/v1/allocations/momentum", session=MONDAY)) == ON_MONDAY
    rows = api.rows("/v1/allocations/momentum", session=TUESDAY)
    assert told(rows) == ON_TUESDAY
    assert [row["rebalance"] for row in rows] == [True, True]
    assert {row["strategy"] for row in rows} == {"momentum"}


def test_a_session_as_it_was_known(api):
    """Tuesday's second version was written after Wednesday's only one."""
    asked = {"session": TUESDAY}
    at_once = known_at(api, TUESDAY)
    before = known_at(api, TUESDAY, less=A_MOMENT)
    assert told(api.rows("/v1/allocations/momentum", as_of=at_once, **asked)) == ON_TUESDAY
    rows = api.rows("/v1/allocations/momentum", as_of=before, **asked)
    assert told(rows) == ON_TUESDAY_AT_FIRST
    assert [row["rebalance"] for row in rows] == [False, False]
    assert told(api.rows("/v1/allocations/momentum", as_of=before)) == ON_WEDNESDAY
    earlier = known_at(api, WEDNESDAY, less=A_MOMENT)
    assert told(api.rows("/v1/allocations/momentum", as_of=earlier)) == ON_TUESDAY_AT_FIRST


def test_a_history(api):
    path = "/v1/allocations/momentum/history"
    assert told(api.rows(path)) == [*ON_MONDAY, *ON_TUESDAY, *ON_WEDNESDAY]
    assert told(api.rows(path, **{"from": TUESDAY})) == [*ON_TUESDAY, *ON_WEDNESDAY]
    assert told(api.rows(path, to=TUESDAY)) == [*ON_MONDAY, *ON_TUESDAY]
    assert api.rows(path, **{"from": "2024-01-11"}) == []


def test_a_history_as_it_was_known(api):
    path = "/v1/allocations/momentum/history"
    before = known_at(api, TUESDAY, less=A_MOMENT)
    then = [*ON_MONDAY, *ON_TUESDAY_AT_FIRST, *ON_WEDNESDAY]
    assert told(api.rows(path, as_of=before)) == then
    earlier = known_at(api, WEDNESDAY, less=A_MOMENT)
    assert told(api.rows(path, as_of=earlier)) == [*ON_MONDAY, *ON_TUESDAY_AT_FIRST]
    assert api.rows(path, as_of="2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (
            "/v1/allocations/nobody",
            404,
            f"nobody: no allocations are stored{HINT}",
        ),
        (
            "/v1/allocations/momentum?session=2024-01-11",
            404,
            f"momentum: no allocations of 2024-01-11 are stored{HINT}",
        ),
        (
            "/v1/allocations/momentum?as_of=2020-01-01T00:00:00Z",
            404,
            f"momentum: no allocations known at 2020-01-01T00:00:00+00:00 are stored{HINT}",
        ),
        (
            "/v1/allocations/nobody/history",
            404,
            f"nobody: no allocations are stored{HINT}",
        ),
        (
            "/v1/allocations/momentum/history?from=2024-01-09&to=2024-01-08",
            422,
            "from: 2024-01-09 is after to, 2024-01-08; swap them",
        ),
        (
            "/v1/allocations/momentum?cursor=WyJhIl0",
            422,
            "cursor: is none that this API gave; ask for the first page again",
        ),
    ],
)
def test_what_cannot_be_answered(api, path, status, detail):
    answer = api.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/allocations/value", "value"),
        ("/v1/allocations/value/history", "value"),
        ("/v1/allocations/momentum?session=2024-01-09", "2024-01-09"),
    ],
)
def test_a_cursor_of_another_request(api, path, told):
    asked = {"session": MONDAY, "limit": 1}
    cursor = api.get("/v1/allocations/momentum", params=asked).json()["next_cursor"]
    answer = api.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
    detail = f"cursor: is not of {told}; ask for the first page again"
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


ALL_TABLES = [
    ("/v1/allocations", {}),
    ("/v1/allocations/momentum", {"session": MONDAY}),
    ("/v1/allocations/momentum/history", {}),
]


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_all_pages_are_the_whole(api, path, filters):
    assert_pages_are_the_whole(api, path, **filters)


@pytest.mark.parametrize("session", [TUESDAY, WEDNESDAY])
def test_all_pages_are_the_whole_as_it_was_known(api, session):
    as_of = known_at(api, session, less=A_MOMENT)
    assert_pages_are_the_whole(api, "/v1/allocations/momentum/history", as_of=as_of)
    assert_pages_are_the_whole(api, "/v1/allocations/momentum", as_of=as_of, session=TUESDAY)


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_csv(api, path, filters):
    assert_csv_is_json(api, path, **filters)


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_unchanged(api, path, filters):
    answer = api.get(path, params=filters)
    tag = answer.headers["etag"]
    assert api.get(path, params=filters, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("path", "meanwhile", "found"),
    [
        ("/v1/allocations/s", MONDAY, ["A", "B", "C"]),
        ("/v1/allocations/s", TUESDAY, ["A", "B", "C"]),
        ("/v1/allocations", MONDAY, ["A", "B", "C"]),
        ("/v1/allocations", TUESDAY, ["A", "B", "C"]),
        ("/v1/allocations/s/history", MONDAY, ["A", "B", "C"]),
        ("/v1/allocations/s/history", TUESDAY, ["A", "B", "C", "B", "D"]),
    ],
)
def test_a_version_that_comes_while_somebody_pages(empty_api, path, meanwhile, found):
    """The pages of a session are of one version: that of the first page."""
    write = empty_api.database.write_allocations
    write("s", weights(MONDAY, A=0.2, B=0.3, C=0.5))
    pages = every_page(
        empty_api, path, 1, between=lambda: write("s", weights(meanwhile, B=0.4, D=0.6))
    )
    assert [row["ticker"] for page in pages for row in page] == found
    assert [row["weight"] for page in pages for row in page][:3] == [0.2, 0.3, 0.5]


def test_a_strategy_that_comes_while_somebody_pages(empty_api):
    write = empty_api.database.write_allocations
    write("b", weights(MONDAY, A=0.2, B=0.8))
    begun = iter([("a", 1.0), ("c", 0.5), ("c", 1.0)])

    def write_another() -> None:
        name, weight = next(begun)
        write(name, weights(MONDAY, A=weight))

    pages = every_page(empty_api, "/v1/allocations", 1, between=write_another)
    rows = [row for page in pages for row in page]
    assert [(row["strategy"], row["ticker"], row["weight"]) for row in rows] == [
        ("b", "A", 0.2),
        ("b", "B", 0.8),
    ]


def test_nothing_is_stored(empty_api):
    assert empty_api.rows("/v1/allocations") == []
