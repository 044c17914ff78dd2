"""``/v1/prices``: bars by ticker and by session, page by page, as known at a moment."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from parakeet_dagster_tests.api.clients import api as empty_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.pages import (
    assert_csv_is_json,
    assert_pages_are_the_whole,
    every_page,
)
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"
AT_FIRST = [
    bar(TUESDAY, "AAA", 10.0),
    bar(WEDNESDAY, "AAA", 8.0),
    bar(WEDNESDAY, "BBB", 5.0),
]
CORRECTED = [
    bar(TUESDAY, "AAA", 20.0),
    bar(WEDNESDAY, "AAA", 8.0, dividend=2.0),
    bar(WEDNESDAY, "BBB", 5.0),
]
AT_LAST = [
    bar(TUESDAY, "AAA", 20.0),
    bar(WEDNESDAY, "AAA", 8.0, dividend=1.0),
    bar(THURSDAY, "AAA", 4.0, split_ratio=2.0),
    bar(THURSDAY, "CCC", 7.0, dividend=0.5, split_ratio=3.0),
]
"""BBB never traded, as it turned out."""


@pytest.fixture(scope="module")
def api(module_api):
    return module_api


@pytest.fixture(scope="module")
def moments(api):
    """After each of the three merges: what was known then can be asked for."""

    def merged(rows, *sessions) -> str:
        api.database.merge_market_data(bars_of(*rows), days(*sessions), "a test")
        with api.database.transaction("look") as connection:
            return connection.scalar(text("SELECT clock_timestamp()")).isoformat()

    return (
        merged(AT_FIRST, TUESDAY, WEDNESDAY),
        merged(CORRECTED, TUESDAY, WEDNESDAY),
        merged(AT_LAST, TUESDAY, WEDNESDAY, THURSDAY),
    )


@pytest.fixture(autouse=True)
def _filled(moments):
    """Every test asks the same rows."""


def closes(rows) -> list[tuple]:
    return [(row["date"], row["close"], row["adjusted_close"]) for row in rows]


def tickers(rows) -> list[tuple]:
    return [(row["ticker"], row["date"]) for row in rows]


def actions(rows) -> list[tuple]:
    return [(row["ex_date"], row["kind"], row["value"]) for row in rows]


def test_a_ticker_by_date(api):
    """(8 + 1) / 8 = 1.125 for the dividend, 2 for the split: 20 / 1.125 / 2 = 8.888..."""
    assert closes(api.rows("/v1/prices/AAA")) == [
        (TUESDAY, 20.0, pytest.approx(80 / 9, rel=1e-12)),
        (WEDNESDAY, 8.0, 4.0),
        (THURSDAY, 4.0, 4.0),
    ]


def test_all_of_a_bar(api):
    (row,) = api.rows("/v1/prices/CCC")
    assert row == {
        "ticker": "CCC",
        "date": THURSDAY,
        "open": 7.0,
        "high": 7.0,
        "low": 7.0,
        "close": 7.0,
        "volume": 1000,
        "adjusted_close": 7.0,
        "source": "sample",
        "data_quality": "good",
    }


def test_a_ticker_as_it_was_known(api, moments):
    """(8 + 2) / 8 = 1.25 for the dividend as it was told first: 20 / 1.25 = 16."""
    first, second, third = (api.rows("/v1/prices/AAA", as_of=moment) for moment in moments)
    assert closes(first) == [(TUESDAY, 10.0, 10.0), (WEDNESDAY, 8.0, 8.0)]
    assert closes(second) == [(TUESDAY, 20.0, 16.0), (WEDNESDAY, 8.0, 8.0)]
    assert closes(third) == closes(api.rows("/v1/prices/AAA"))
    assert api.rows("/v1/prices/AAA", as_of="2020-01-01T00:00:00Z") == []


def test_a_withdrawn_ticker_is_known(api, moments):
    assert api.rows("/v1/prices/BBB") == []
    assert closes(api.rows("/v1/prices/BBB", as_of=moments[1])) == [(WEDNESDAY, 5.0, 5.0)]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (WEDNESDAY, None, [WEDNESDAY, THURSDAY]),
        (None, WEDNESDAY, [TUESDAY, WEDNESDAY]),
        (WEDNESDAY, WEDNESDAY, [WEDNESDAY]),
        (FRIDAY, None, []),
    ],
)
def test_a_range(api, moments, first, last, found):
    asked = {name: day for name, day in (("from", first), ("to", last)) if day}
    assert [row["date"] for row in api.rows("/v1/prices/AAA", **asked)] == found
    then = api.rows("/v1/prices/AAA", as_of=moments[2], **asked)
    assert [row["date"] for row in then] == found


def test_a_cross_section(api):
    assert tickers(api.rows("/v1/prices")) == [("AAA", THURSDAY), ("CCC", THURSDAY)]
    assert tickers(api.rows("/v1/prices", session=WEDNESDAY)) == [("AAA", WEDNESDAY)]
    assert tickers(api.rows("/v1/prices", ticker=["CCC", "ZZZ"])) == [("CCC", THURSDAY)]
    assert api.rows("/v1/prices", session=FRIDAY) == []


def test_a_cross_section_as_it_was_known(api, moments):
    """The newest session is the newest that was known then, of the tickers named."""
    both = {"ticker": ["BBB", "AAA"]}
    first = api.rows("/v1/prices", as_of=moments[0], **both)
    assert tickers(first) == [("AAA", WEDNESDAY), ("BBB", WEDNESDAY)]
    of_tuesday = api.rows("/v1/prices", as_of=moments[1], session=TUESDAY, **both)
    assert closes(of_tuesday) == [(TUESDAY, 20.0, 16.0)]
    assert tickers(api.rows("/v1/prices", as_of=moments[2], **both)) == [("AAA", THURSDAY)]
    assert api.rows("/v1/prices", as_of="2020-01-01T00:00:00Z", **both) == []


def test_a_cross_section_as_of_names_its_tickers(api, moments):
    nobody = api.get("/v1/prices", params={"as_of": moments[0]})
    assert nobody.status_code == 422
    assert nobody.json()["detail"] == "ticker: name 1 to 100 tickers where as_of is given"
    many = [f"T{place}" for place in range(101)]
    assert api.rows("/v1/prices", as_of=moments[0], ticker=many[:100]) == []
    too_many = api.get("/v1/prices", params={"as_of": moments[0], "ticker": many})
    assert (too_many.status_code, too_many.json()["errors"][0]["where"]) == (422, "ticker")


def test_actions(api, moments):
    found = [actions(api.rows("/v1/prices/AAA/actions", as_of=moment)) for moment in moments]
    at_last = [(WEDNESDAY, "dividend", 1.0), (THURSDAY, "split", 2.0)]
    assert found == [[], [(WEDNESDAY, "dividend", 2.0)], at_last]
    now = api.rows("/v1/prices/AAA/actions")
    assert actions(now) == at_last
    assert {row["ticker"] for row in now} == {"AAA"}
    assert {row["source"] for row in now} == {"sample"}
    after, before = (datetime.fromisoformat(moment) for moment in moments[1:])
    assert all(after < datetime.fromisoformat(row["known_at"]) < before for row in now)


def test_actions_of_a_range(api):
    assert actions(api.rows("/v1/prices/AAA/actions", **{"from": THURSDAY})) == [
        (THURSDAY, "split", 2.0)
    ]
    assert actions(api.rows("/v1/prices/AAA/actions", to=WEDNESDAY)) == [
        (WEDNESDAY, "dividend", 1.0)
    ]
    assert api.rows("/v1/prices/CCC/actions", to=WEDNESDAY) == []
    assert api.rows("/v1/prices/BBB/actions") == []  # it had bars


def test_a_dividend_and_a_split_of_one_day(api):
    both = [(THURSDAY, "dividend", 0.5), (THURSDAY, "split", 3.0)]
    assert actions(api.rows("/v1/prices/CCC/actions")) == both


def test_an_action_from_the_moment_on_at_which_it_is_known(api):
    (dividend, _) = api.rows("/v1/prices/AAA/actions")
    known_at = datetime.fromisoformat(dividend["known_at"])
    at_once = api.rows("/v1/prices/AAA/actions", to=WEDNESDAY, as_of=known_at.isoformat())
    assert actions(at_once) == [(WEDNESDAY, "dividend", 1.0)]
    before = (known_at - timedelta(microseconds=1)).isoformat()
    just_before = api.rows("/v1/prices/AAA/actions", to=WEDNESDAY, as_of=before)
    assert actions(just_before) == [(WEDNESDAY, "dividend", 2.0)]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/prices/ZZZ", 404, "not_stored"),
        ("/v1/prices/ZZZ/actions", 404, "not_stored"),
        ("/v1/prices/ZZZ?as_of=2024-01-02T00:00:00Z", 404, "not_stored"),
        ("/v1/prices/AAA/dividends", 404, "not_found"),
        ("/v1/prices?sesion=2024-01-02", 422, "invalid_request"),
        ("/v1/prices?session=20240102", 422, "invalid_request"),
        ("/v1/prices?session=2024-01-02&session=2024-01-03", 422, "invalid_request"),
        ("/v1/prices?as_of=2024-01-02T00:00:00Z", 422, "invalid_request"),
        ("/v1/prices?cursor=abc", 422, "invalid_request"),
        ("/v1/prices/AAA?cursor=WyI5OTk5LTEyLTMyIl0", 422, "invalid_request"),
        ("/v1/prices/AAA?from=2024-01-03&to=2024-01-02", 422, "invalid_request"),
        ("/v1/prices/AAA/actions?from=2024-01-03&to=2024-01-02", 422, "invalid_request"),
        ("/v1/nothing", 404, "not_found"),
    ],
)
def test_what_cannot_be_answered(api, path, status, code):
    answer = api.get(path)
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_of_another_session(api):
    cursor = api.get("/v1/prices?limit=1").json()["next_cursor"]
    assert tickers(api.rows("/v1/prices", session=THURSDAY, cursor=cursor)) == [("CCC", THURSDAY)]
    answer = api.get("/v1/prices", params={"session": WEDNESDAY, "cursor": cursor})
    told = f"cursor: is not of {WEDNESDAY}; ask for the first page again"
    assert (answer.status_code, answer.json()["detail"]) == (422, told)


def test_the_last_day_of_all_as_a_cursor(api):
    """There is no day behind it."""
    assert api.rows("/v1/prices/AAA", cursor="WyI5OTk5LTEyLTMxIl0") == []


ALL_TABLES = [
    ("/v1/prices/AAA", {}, False),
    ("/v1/prices/AAA", {}, True),
    ("/v1/prices", {"ticker": ["AAA", "CCC"]}, False),
    ("/v1/prices", {"ticker": ["AAA", "CCC"]}, True),
    ("/v1/prices", {}, False),
    ("/v1/prices/AAA/actions", {}, False),
    ("/v1/prices/AAA/actions", {}, True),
    ("/v1/prices/CCC/actions", {}, False),
    ("/v1/prices/CCC/actions", {}, True),
]


@pytest.mark.parametrize(("path", "filters", "is_then"), ALL_TABLES)
def test_all_pages_are_the_whole(api, moments, path, filters, is_then):
    known = {"as_of": moments[2]} if is_then else {}
    assert_pages_are_the_whole(api, path, **filters, **known)


@pytest.mark.parametrize(("path", "filters", "is_then"), ALL_TABLES)
def test_csv(api, moments, path, filters, is_then):
    known = {"as_of": moments[2]} if is_then else {}
    assert_csv_is_json(api, path, **filters, **known)


def test_csv_in_full(api):
    answer = api.get("/v1/prices/CCC?format=csv")
    assert answer.text.splitlines() == [
        "ticker,date,open,high,low,close,volume,adjusted_close,source,data_quality",
        f"CCC,{THURSDAY},7.0,7.0,7.0,7.0,1000,7.0,sample,good",
    ]


def test_unchanged(api):
    answer = api.get("/v1/prices/AAA")
    again = api.get("/v1/prices/AAA", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_bars_that_come_while_somebody_pages(empty_api):
    def merge(day: str, *names: str) -> None:
        rows = bars_of(*(bar(day, name, 1.0) for name in names))
        empty_api.database.merge_market_data(rows, days(day), "a test")

    merge(WEDNESDAY, "AAA", "CCC", "EEE")
    # A newer session, and in the one that was begun a row before the place and one behind it.
    begun = iter(
        [
            lambda: merge(THURSDAY, "AAA", "BBB", "CCC", "DDD"),
            lambda: merge(WEDNESDAY, "AAA", "BBB", "CCC", "DDD", "EEE"),
            lambda: None,
        ]
    )
    pages = every_page(empty_api, "/v1/prices", 1, between=lambda: next(begun)())
    found = [(row["ticker"], row["date"]) for page in pages for row in page]
    assert found == [(name, WEDNESDAY) for name in ("AAA", "CCC", "DDD", "EEE")]


def test_a_newer_bar_changes_the_tag(empty_api):
    def merge(close: float) -> None:
        rows = bars_of(bar(TUESDAY, "AAA", close))
        empty_api.database.merge_market_data(rows, days(TUESDAY), "a test")

    merge(1.0)
    tag = empty_api.get("/v1/prices/AAA").headers["etag"]
    merge(2.0)
    answer = empty_api.get("/v1/prices/AAA", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["data"][0]["close"]) == (200, 2.0)


def test_moments_are_of_any_zone(api, moments):
    there = datetime.fromisoformat(moments[0]).astimezone(timezone(timedelta(hours=10)))
    rows = api.rows("/v1/prices/AAA", as_of=there.isoformat())
    assert closes(rows) == [(TUESDAY, 10.0, 10.0), (WEDNESDAY, 8.0, 8.0)]
