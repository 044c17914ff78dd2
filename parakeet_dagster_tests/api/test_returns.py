"""``/v1/returns``: by ticker and by session, from the lake."""

import pytest

from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.lakes import DAYS, RETURN, row, store
from parakeet_dagster_tests.storage.bars import bar, days
from parakeet_dagster_tests.storage.bars import frame as bars_of

BEFORE, AFTER = "2022-06-08", "2022-06-09"
"""Around the day on which FB became META."""


@pytest.fixture(scope="module")
def api(module_api):
    lake = module_api.services.lake
    first = RETURN | {"return_local": None, "return_aud": None}
    store(
        lake,
        "daily_returns",
        DAYS,
        row(DAYS[0], "AAA", **first),
        row(DAYS[1], "AAA", **RETURN),
        row(DAYS[1], "BBB", **first),
        row(DAYS[3], "AAA", **RETURN | {"close": 11.0, "traded": False}),
        row(DAYS[3], "BBB", **RETURN | {"close": 5.0, "currency": "AUD", "market": "XASX"}),
        row(DAYS[3], "CCC", **RETURN | {"close": 7.0}),
    )
    store(lake, "daily_returns", [DAYS[4]], row(DAYS[4], "BBB", **RETURN | {"close": 5.5}))
    module_api.database.merge_market_data(bars_of(bar(DAYS[0], "DDD", 1.0)), days(DAYS[0]), "test")
    return module_api


def test_a_ticker_by_date(api):
    rows = api.rows("/v1/returns/AAA")
    assert [each["date"] for each in rows] == [DAYS[0], DAYS[1], DAYS[3]]
    assert rows[0] == {
        "ticker": "AAA",
        "date": "2024-01-02",
        "market": "XNYS",
        "currency": "USD",
        "close": 10.0,
        "traded": True,
        "open_ratio": 0.99,
        "high_ratio": 1.02,
        "low_ratio": 0.98,
        "value_traded_aud": 15_000.0,
        "return_local": None,
        "return_aud": None,
    }
    assert [(each["return_local"], each["return_aud"]) for each in rows[1:]] == [(0.01, 0.02)] * 2
    assert [each["traded"] for each in rows] == [True, True, False]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"from": DAYS[1]}, [DAYS[1], DAYS[3]]),
        ({"to": DAYS[1]}, [DAYS[0], DAYS[1]]),
        ({"from": DAYS[1], "to": "2024-01-06"}, [DAYS[1], DAYS[3]]),
        ({"from": DAYS[2], "to": DAYS[2]}, []),
        ({"from": "2030-01-01"}, []),
        ({"to": "1999-01-01"}, []),
    ],
)
def test_a_span(api, span, expected):
    known = "AAA" if expected else "DDD"
    assert [each["date"] for each in api.rows(f"/v1/returns/{known}", **span)] == expected


def test_a_page_is_so_many_sessions_and_reads_no_other_file(api, monkeypatch):
    read, real = [], api.services.lake.store.read
    monkeypatch.setattr(
        api.services.lake.store, "read", lambda path: read.append(path) or real(path)
    )
    pages, cursor = [], None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get("/v1/returns/AAA", params=asked).json()
        pages.append([each["date"] for each in page["data"]])
        files = sorted(path.split("session=")[1][:10] for path in read)
        assert files == DAYS[2 * len(pages) - 2 : 2 * len(pages)]
        read.clear()
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [[DAYS[0], DAYS[1]], [DAYS[3]], []]


def test_a_cross_section(api):
    assert [each["ticker"] for each in api.rows("/v1/returns")] == ["BBB"]
    rows = api.rows("/v1/returns", session=DAYS[3])
    assert [(each["ticker"], each["close"]) for each in rows] == [
        ("AAA", 11.0),
        ("BBB", 5.0),
        ("CCC", 7.0),
    ]
    chosen = api.rows("/v1/returns", session=DAYS[3], ticker=["CCC", "AAA", "ZZZ"])
    assert [each["ticker"] for each in chosen] == ["AAA", "CCC"]
    assert api.rows("/v1/returns", session=DAYS[2]) == []


def test_pages_of_a_cross_section_are_of_its_session(api):
    first = api.get("/v1/returns", params={"session": DAYS[3], "limit": 2}).json()
    assert [each["ticker"] for each in first["data"]] == ["AAA", "BBB"]
    rest = api.get("/v1/returns", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [(each["date"], each["ticker"]) for each in rest["data"]] == [(DAYS[3], "CCC")]
    assert rest["next_cursor"] is None
    other = {"session": DAYS[1], "cursor": first["next_cursor"]}
    refused = api.get("/v1/returns", params=other)
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        f"cursor: is not of {DAYS[1]}; ask for the first page again",
    )


def test_csv(api):
    lines = api.get(f"/v1/returns/AAA?format=csv&to={DAYS[0]}").text.splitlines()
    assert lines[1:] == ["AAA,2024-01-02,XNYS,USD,10.0,true,0.99,1.02,0.98,15000.0,,"]


def test_unchanged_until_it_is_corrected(api):
    store(api.services.lake, "daily_returns", ["2024-01-09"], row("2024-01-09", "EEE", **RETURN))
    try:
        answer = api.get("/v1/returns?session=2024-01-09")
        tag = {"If-None-Match": answer.headers["etag"]}
        assert api.get("/v1/returns?session=2024-01-09", headers=tag).status_code == 304
        corrected = row("2024-01-09", "EEE", **RETURN | {"close": 9.0})
        store(api.services.lake, "daily_returns", ["2024-01-09"], corrected)
        again = api.get("/v1/returns?session=2024-01-09", headers=tag)
        assert (again.status_code, again.json()["data"][0]["close"]) == (200, 9.0)
    finally:
        api.services.lake.store.remove_folder("daily_returns/session=2024-01-09")


@pytest.mark.parametrize(
    ("path", "status", "code", "detail"),
    [
        ("/v1/returns/ZZZ", 404, "not_stored", "ZZZ: no bar is stored"),
        ("/v1/returns/FB", 404, "not_stored", "FB: no bar is stored"),
        ("/v1/returns?session=2024-01-06", 404, "not_stored", "2024-01-06: no market is open"),
        ("/v1/returns?session=2024-02-01", 404, "not_stored", "daily_returns: session 2024-02-01"),
        ("/v1/returns/AAA?limit=2001", 422, "invalid_request", "limit"),
        ("/v1/returns/AAA?from=2024-01-03&to=2024-01-02", 422, "invalid_request", "from"),
        ("/v1/returns/AAA?cursor=abc", 422, "invalid_request", "cursor"),
        ("/v1/returns?cursor=abc", 422, "invalid_request", "cursor"),
    ],
)
def test_what_cannot_be_answered(api, path, status, code, detail):
    answer = api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["detail"].startswith(detail)


def test_nothing_stored_is_told(api):
    answer = api.get("/v1/signals/nothing")
    assert answer.json()["detail"] == "signals/nothing: no session is stored"


def test_a_hole_is_told_by_the_page_that_has_it(api):
    lake = api.services.lake
    lake.store.remove_folder(f"daily_returns/session={DAYS[2]}")
    try:
        answer = api.get("/v1/returns/AAA")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_stored")
        assert answer.json()["detail"].startswith(f"daily_returns: session {DAYS[2]} is not in")
        rows = api.rows("/v1/returns/AAA", limit=2)
        assert [each["date"] for each in rows] == [DAYS[0], DAYS[1]]
    finally:
        store(lake, "daily_returns", [DAYS[2]])


def test_a_symbol_that_changed_has_one_history(module_api):
    lake = module_api.services.lake
    store(
        lake,
        "daily_returns",
        [BEFORE, AFTER],
        row(BEFORE, "FB", **RETURN | {"close": 196.0}),
        row(AFTER, "META", **RETURN | {"close": 184.0}),
    )
    try:
        rows = module_api.rows("/v1/returns/META", to=AFTER)
        assert [(each["date"], each["ticker"], each["close"]) for each in rows] == [
            (BEFORE, "META", 196.0),
            (AFTER, "META", 184.0),
        ]
        assert [
            each["ticker"] for each in module_api.rows("/v1/returns", session=BEFORE, ticker="META")
        ] == ["META"]
    finally:
        for day in (BEFORE, AFTER):
            lake.store.remove_folder(f"daily_returns/session={day}")
