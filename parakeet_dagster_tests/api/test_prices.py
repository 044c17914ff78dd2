"""``/v1/prices``: bars by ticker and by session, page by page, as known at a moment."""

import pytest

from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of


@pytest.fixture(scope="module")
def api(module_api):
    rows = [
        bar("2024-01-02", "AAA", 10.0),
        bar("2024-01-03", "AAA", 11.0),
        bar("2024-01-03", "BBB", 5.0),
    ]
    module_api.database.merge_market_data(bars_of(*rows), days("2024-01-02", "2024-01-03"), "test")
    return module_api


def test_a_ticker_by_date(api):
    rows = api.rows("/v1/prices/AAA")
    found = [(row["date"], row["close"]) for row in rows]
    assert found == [("2024-01-02", 10.0), ("2024-01-03", 11.0)]


def test_pages(api):
    first = api.get("/v1/prices/AAA", params={"limit": 1}).json()
    assert [row["date"] for row in first["data"]] == ["2024-01-02"]
    rest = api.get("/v1/prices/AAA", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert ([row["date"] for row in rest["data"]], rest["next_cursor"]) == (["2024-01-03"], None)


def test_a_cross_section(api):
    assert [row["ticker"] for row in api.rows("/v1/prices")] == ["AAA", "BBB"]
    assert [row["ticker"] for row in api.rows("/v1/prices", session="2024-01-02")] == ["AAA"]
    assert [row["ticker"] for row in api.rows("/v1/prices", ticker=["BBB", "CCC"])] == ["BBB"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/prices/ZZZ", 404, "not_stored"),
        ("/v1/prices?sesion=2024-01-02", 422, "invalid_request"),
        ("/v1/prices?session=20240102", 422, "invalid_request"),
        ("/v1/prices?session=2024-01-02&session=2024-01-03", 422, "invalid_request"),
        ("/v1/prices?cursor=abc", 422, "invalid_request"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_what_cannot_be_answered(api, path, status, code):
    answer = api.get(path)
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_unchanged(api):
    answer = api.get("/v1/prices/AAA")
    again = api.get("/v1/prices/AAA", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_csv(api):
    answer = api.get("/v1/prices/AAA?format=csv&limit=1")
    assert answer.text.splitlines() == [
        "ticker,date,open,high,low,close,volume,adjusted_close,source,data_quality",
        "AAA,2024-01-02,10.0,10.0,10.0,10.0,1000,10.0,sample,good",
    ]


def test_as_of(api):
    assert api.rows("/v1/prices/AAA", as_of="2020-01-01T00:00:00Z") == []
    assert len(api.rows("/v1/prices/AAA", as_of="2099-01-01T00:00:00Z")) == 2
