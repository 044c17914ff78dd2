"""``/v1/orders``: what to trade, of the version that is asked for, also where that is nothing."""

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
from parakeet_dagster_tests.storage.bars import days

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"
COLUMNS = [
    *("date", "ticker", "side", "quantity"),
    *("price_estimate_aud", "cost_estimate_aud", "reason"),
]
A_MOMENT = timedelta(microseconds=1)
HINT = "; GET /v1/orders lists every strategy's newest"


def write(api, strategy: str, session: str, *rows: tuple[str, str, float]) -> None:
    """Orders as (ticker, side, quantity); none is a version, too."""
    orders = pd.DataFrame(
        [(session, *row, 95.5, 3.5, "enter: 0 to 10.0%") for row in rows], columns=COLUMNS
    ).astype({"date": "datetime64[us]"})
    assert api.database.write_orders(strategy, orders, days(session)) == 1


@pytest.fixture(scope="module")
def api(module_api):
    """``momentum``: Tuesday had orders and has none any more; on Wednesday there is nothing to do.

    They are written in the order Monday, Tuesday, Wednesday, Tuesday again.
    """
    write(module_api, "momentum", MONDAY, ("VAS", "sell", 2.0), ("VAS", "buy", 5.0))
    write(module_api, "momentum", TUESDAY, ("VGS", "buy", 7.0))
    write(module_api, "momentum", WEDNESDAY)
    write(module_api, "momentum", TUESDAY)
    write(module_api, "quality", MONDAY, ("SPY", "buy", 1.0))
    write(module_api, "value", MONDAY, ("BHP", "buy", 1.0))
    write(module_api, "value", TUESDAY, ("BHP", "sell", 1.0), ("ANZ", "buy", 3.0))
    return module_api


def told(rows) -> list[tuple]:
    return [(row["session"], row["ticker"], row["side"], row["quantity"]) for row in rows]


ON_MONDAY = [(MONDAY, "VAS", "buy", 5.0), (MONDAY, "VAS", "sell", 2.0)]
ON_TUESDAY_AT_FIRST = [(TUESDAY, "VGS", "buy", 7.0)]


def just_before_the_last(api) -> str:
    """A moment before Tuesday's second version, and after Wednesday's only one."""
    later = api.rows("/v1/orders/quality")[0]["known_at"]
    with api.database.transaction("look") as connection:
        moment = connection.exec_driver_sql(
            "SELECT max(known_at) FROM order_versions"
            f" WHERE strategy = 'momentum' AND session = '{TUESDAY}'"
        ).scalar()
    assert moment < datetime.fromisoformat(later)
    return (moment - A_MOMENT).isoformat()


def test_the_newest_of_every_strategy(api):
    """``momentum`` has nothing to do."""
    rows = api.rows("/v1/orders")
    assert [row["strategy"] for row in rows] == ["quality", "value", "value"]
    assert told(rows) == [
        (MONDAY, "SPY", "buy", 1.0),
        (TUESDAY, "ANZ", "buy", 3.0),
        (TUESDAY, "BHP", "sell", 1.0),
    ]


def test_all_of_an_order(api):
    (row,) = api.rows("/v1/orders/quality")
    assert datetime.fromisoformat(row.pop("known_at")).utcoffset() == timedelta(0)
    assert row == {
        "strategy": "quality",
        "session": MONDAY,
        "ticker": "SPY",
        "side": "buy",
        "quantity": 1.0,
        "price_estimate_aud": 95.5,
        "cost_estimate_aud": 3.5,
        "reason": "enter: 0 to 10.0%",
    }


def test_a_session(api):
    assert told(api.rows("/v1/orders/momentum", session=MONDAY)) == ON_MONDAY
    assert api.rows("/v1/orders/momentum", session=TUESDAY) == []  # any more
    assert api.rows("/v1/orders/momentum") == []  # Wednesday's


def test_nothing_to_do_has_its_columns_in_csv(api):
    answer = api.get("/v1/orders/momentum?format=csv")
    header = "strategy,session,ticker,side,quantity,price_estimate_aud,cost_estimate_aud"
    assert answer.text == f"{header},reason,known_at\r\n"


def test_a_session_as_it_was_known(api):
    before = just_before_the_last(api)
    rows = api.rows("/v1/orders/momentum", session=TUESDAY, as_of=before)
    assert told(rows) == ON_TUESDAY_AT_FIRST
    assert api.rows("/v1/orders/momentum", as_of=before) == []  # Wednesday's
    of_monday = api.rows("/v1/orders/momentum", session=MONDAY)[0]["known_at"]
    assert told(api.rows("/v1/orders/momentum", as_of=of_monday)) == ON_MONDAY


def test_a_history(api):
    """A version without orders hides the one before it."""
    path = "/v1/orders/momentum/history"
    assert told(api.rows(path)) == ON_MONDAY
    assert api.rows(path, **{"from": TUESDAY}) == []
    of_value = told(api.rows("/v1/orders/value/history"))
    assert of_value == [
        (MONDAY, "BHP", "buy", 1.0),
        (TUESDAY, "ANZ", "buy", 3.0),
        (TUESDAY, "BHP", "sell", 1.0),
    ]
    assert told(api.rows("/v1/orders/value/history", to=MONDAY)) == of_value[:1]


def test_a_history_as_it_was_known(api):
    path = "/v1/orders/momentum/history"
    rows = api.rows(path, as_of=just_before_the_last(api))
    assert told(rows) == [*ON_MONDAY, *ON_TUESDAY_AT_FIRST]
    assert api.rows(path, as_of="2020-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (
            "/v1/orders/nobody",
            404,
            f"nobody: no orders are stored{HINT}",
        ),
        (
            "/v1/orders/momentum?session=2024-01-11",
            404,
            f"momentum: no orders of 2024-01-11 are stored{HINT}",
        ),
        (
            "/v1/orders/momentum?as_of=2020-01-01T00:00:00Z",
            404,
            f"momentum: no orders known at 2020-01-01T00:00:00+00:00 are stored{HINT}",
        ),
        (
            "/v1/orders/nobody/history",
            404,
            f"nobody: no orders are stored{HINT}",
        ),
        (
            "/v1/orders/momentum/history?from=2024-01-09&to=2024-01-08",
            422,
            "from: 2024-01-09 is after to, 2024-01-08; swap them",
        ),
    ],
)
def test_what_cannot_be_answered(api, path, status, detail):
    answer = api.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


ALL_TABLES = [
    ("/v1/orders", {}),
    ("/v1/orders/momentum", {"session": MONDAY}),
    ("/v1/orders/value/history", {}),
]


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_all_pages_are_the_whole(api, path, filters):
    assert_pages_are_the_whole(api, path, **filters)


def test_all_pages_are_the_whole_as_it_was_known(api):
    as_of = just_before_the_last(api)
    assert_pages_are_the_whole(api, "/v1/orders/momentum/history", as_of=as_of)


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_csv(api, path, filters):
    assert_csv_is_json(api, path, **filters)


@pytest.mark.parametrize(("path", "filters"), ALL_TABLES)
def test_unchanged(api, path, filters):
    answer = api.get(path, params=filters)
    tag = answer.headers["etag"]
    assert api.get(path, params=filters, headers={"If-None-Match": tag}).status_code == 304


A_TO_C = [("A", "buy"), ("A", "sell"), ("C", "sell")]


@pytest.mark.parametrize(
    ("path", "meanwhile", "found"),
    [
        ("/v1/orders/s", MONDAY, A_TO_C),
        ("/v1/orders/s", TUESDAY, A_TO_C),
        ("/v1/orders", MONDAY, A_TO_C),
        ("/v1/orders", TUESDAY, A_TO_C),
        ("/v1/orders/s/history", MONDAY, A_TO_C),
        ("/v1/orders/s/history", TUESDAY, [*A_TO_C, ("B", "buy"), ("D", "buy")]),
    ],
)
@pytest.mark.parametrize("is_empty", [False, True])
def test_a_version_that_comes_while_somebody_pages(empty_api, path, meanwhile, found, is_empty):
    """The pages of a session are of one version, that of the first page; a newer may be empty."""
    write(empty_api, "s", MONDAY, *((ticker, side, 1.0) for ticker, side in A_TO_C))
    newer = [] if is_empty else [("B", "buy", 1.0), ("D", "buy", 1.0)]
    versions = iter([newer])

    def write_once() -> None:
        for rows in versions:
            write(empty_api, "s", meanwhile, *rows)

    pages = every_page(empty_api, path, 1, between=write_once)
    expected = [one for one in found if one in A_TO_C] if is_empty else found
    assert [(row["ticker"], row["side"]) for page in pages for row in page] == expected


def test_nothing_is_stored(empty_api):
    assert empty_api.rows("/v1/orders") == []
