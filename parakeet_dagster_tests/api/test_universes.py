"""``/v1/universes``: those fetched last, and the members of one on a session."""

from datetime import date

import pandas as pd
import pytest

from parakeet_api.paging import encode
from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.lakes import DAYS, MEMBER, row, store


@pytest.fixture(scope="module")
def api(module_api):
    lists = pd.DataFrame(
        [
            (DAYS[0], "OLD", "bundled", DAYS[0], True, 3),
            (DAYS[1], "SPX500", "bundled", "2023-12-29", True, 2),
            (DAYS[1], "CUSTOM", "file", DAYS[1], False, 1),
        ],
        columns=["session", "universe", "source", "as_of", "point_in_time", "members"],
    ).astype({"session": "datetime64[us]", "as_of": "datetime64[us]"})
    days = [date.fromisoformat(day) for day in DAYS[:2]]
    module_api.database.record_universe_lists(lists, days, ["OLD", "SPX500", "CUSTOM"])
    store(
        module_api.services.lake,
        "ticker_universe",
        DAYS[:2],
        row(DAYS[0], "AAA", universe="SPX500", **MEMBER),
        row(DAYS[1], "AAA", universe="SPX500", **MEMBER),
        row(DAYS[1], "BBB", universe="SPX500", **MEMBER | {"name": "B, Inc."}),
        row(DAYS[1], "AAA", universe="CUSTOM", **MEMBER | {"asset_class": "etf"}),
    )
    return module_api


def test_the_universes_of_the_newest_session(api):
    assert api.rows("/v1/universes") == [
        {
            "key": "CUSTOM",
            "session": DAYS[1],
            "source": "file",
            "as_of": DAYS[1],
            "point_in_time": False,
            "members": 1,
        },
        {
            "key": "SPX500",
            "session": DAYS[1],
            "source": "bundled",
            "as_of": "2023-12-29",
            "point_in_time": True,
            "members": 2,
        },
    ]


def test_members_by_ticker(api):
    rows = api.rows("/v1/universes/SPX500/members")
    assert [(each["ticker"], each["name"]) for each in rows] == [("AAA", "A"), ("BBB", "B, Inc.")]
    assert api.rows("/v1/universes/CUSTOM/members") == [
        {"date": DAYS[1], "universe": "CUSTOM", "ticker": "AAA", **MEMBER, "asset_class": "etf"}
    ]
    earlier = api.rows("/v1/universes/SPX500/members", session=DAYS[0])
    assert [(each["date"], each["ticker"]) for each in earlier] == [(DAYS[0], "AAA")]


def test_pages(api):
    first = api.get("/v1/universes/SPX500/members", params={"limit": 1}).json()
    assert [each["ticker"] for each in first["data"]] == ["AAA"]
    asked = {"limit": 1, "cursor": first["next_cursor"]}
    rest = api.get("/v1/universes/SPX500/members", params=asked).json()
    assert ([each["ticker"] for each in rest["data"]], rest["next_cursor"]) == (["BBB"], None)


def test_pages_are_of_the_session_of_the_first_one(api):
    asked = {"cursor": encode([DAYS[0], "A"])}
    rows = api.get("/v1/universes/SPX500/members", params=asked).json()["data"]
    assert [(each["date"], each["ticker"]) for each in rows] == [(DAYS[0], "AAA")]
    refused = api.get("/v1/universes/SPX500/members", params={**asked, "session": DAYS[1]})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/universes/FTSE/members", f"FTSE: no members are stored on {DAYS[1]}"),
        (f"/v1/universes/CUSTOM/members?session={DAYS[0]}", "CUSTOM: no members are stored on"),
        (f"/v1/universes/CUSTOM/members?session={DAYS[2]}", "ticker_universe: session 2024-01-04"),
    ],
)
def test_who_has_no_members(api, path, detail):
    answer = api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_stored")
    assert answer.json()["detail"].startswith(detail)
