"""``/v1/holdings``: a snapshot a date, whole; every problem of one that is refused has a place."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from parakeet_dagster.cli import app
from parakeet_dagster_tests.api.entering import (  # noqa: F401 - fixtures
    CASH,
    SHARES,
    api,
    changes,
    delete,
    failed,
    on_the_command_line,
    one_api,
    put,
)

MARCH = "/v1/holdings/2024-03-05"
CASH_STORED = {**CASH, "acquired": None, "price": None}
MORE = {**SHARES, "quantity": 3.5, "acquired": "2023-11-20"}


def of(*parcels: dict) -> dict:
    return {"parcels": list(parcels)}


class TestPut:
    def test_a_new_one(self, api):
        answer = put(api, MARCH, of(SHARES, MORE, CASH))
        assert (answer.status_code, answer.headers["location"]) == (201, MARCH)
        stored = answer.json()
        assert stored.pop("imported_at")
        assert stored == {"as_of": "2024-03-05", "parcels": [SHARES, MORE, CASH_STORED]}
        read = api.get(MARCH)
        assert (read.json(), read.headers["etag"]) == (answer.json(), answer.headers["etag"])

    def test_the_same_again_changes_nothing(self, api):
        first = put(api, MARCH, of(SHARES, CASH))
        priced = {**CASH, "price": 1}
        for content in (of(SHARES, CASH), of(SHARES, priced)):
            again = put(api, MARCH, content)
            assert (again.status_code, again.json()) == (200, first.json())
            assert again.headers["etag"] == first.headers["etag"]
        assert changes(api) == [("create", "2024-03-05")]

    def test_another_content_needs_to_know_the_one_before(self, api):
        tag = put(api, MARCH, of(SHARES, CASH)).headers["etag"]
        for other in (of(SHARES), of(CASH, SHARES), of(SHARES, SHARES, CASH)):
            assert failed(put(api, MARCH, other))[:2] == (409, "stored_otherwise")
            assert failed(put(api, MARCH, other, If_Match='"x"'))[:2] == (
                412,
                "precondition_failed",
            )
        assert failed(put(api, MARCH, of(SHARES), If_None_Match="*"))[0] == 412
        replaced = put(api, MARCH, of(MORE), If_Match=tag)
        assert (replaced.status_code, replaced.json()["parcels"]) == (200, [MORE])
        assert replaced.headers["etag"] != tag
        assert changes(api) == [("create", "2024-03-05"), ("update", "2024-03-05")]

    def test_who_may_only_read_changes_nothing(self, api):
        put(api, MARCH, of(SHARES))
        assert failed(put(api, MARCH, of(CASH), key="reader", If_Match="*"))[0] == 403
        assert failed(delete(api, MARCH, key="reader"))[0] == 403
        assert api.get(MARCH).json()["parcels"] == [SHARES]
        assert changes(api) == [("create", "2024-03-05")]

    def test_at_once_one_creates(self, api):
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda one: put(api, MARCH, of(one)), [SHARES, SHARES, MORE]))
        codes = sorted(answer.status_code for answer in answers)
        assert codes in ([200, 201, 409], [201, 409, 409])
        assert len(changes(api)) == 1

    def test_an_old_parcel(self, api):
        old = {**SHARES, "acquired": "1961-03-02"}
        assert put(api, MARCH, of(old)).json()["parcels"] == [old]


def test_every_problem_has_its_place(api):
    answer = put(
        api,
        MARCH,
        of(
            {**SHARES, "ticker": "SPYY"},
            SHARES,
            {**SHARES, "currency": "AUD", "acquired": "2024-03-06"},
            CASH,
            {**CASH, "currency": "USD", "acquired": "2021-05-03", "price": 2},
            {"ticker": "SPY", "quantity": 1, "currency": "USD"},
        ),
    )
    assert failed(answer)[:2] == (422, "invalid_request")
    found = [(error["where"], error["message"]) for error in answer.json()["errors"]]
    unknown = (
        "ticker 'SPYY' is unknown: is it SPY? Else add it to a universe that is fetched"
        " (PARAKEET_UNIVERSES, PARAKEET_UNIVERSE_FILE)"
    )
    assert found == [
        ("parcels.0", unknown),
        ("parcels.2", "currency 'AUD' of SPY: it trades in USD"),
        (
            "parcels.2",
            (
                "acquired '2024-03-06' of SPY is after the day of the snapshot, 2024-03-05: give a"
                " later --as-of"
            ),
        ),
        ("parcels.4", "CASH stands twice: write the sum on one line"),
        ("parcels.4", "currency 'USD' of CASH: cash is held in AUD; convert it"),
        ("parcels.4", "acquired '2021-05-03' of CASH: leave it blank"),
        ("parcels.4", "price '2.0' of CASH: leave it blank"),
        ("parcels.5", "acquired '' of SPY is not a date: write YYYY-MM-DD"),
        (
            "parcels.5",
            "price '' of SPY: write a plain number such as 1234.5, without thousands separators",
        ),
    ]
    assert failed(answer)[2] == f"parcels.0: {unknown}"
    assert changes(api) == []


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({}, "parcels"),
        ({"parcels": []}, "parcels"),
        ({"parcels": {}}, "parcels"),
        ({"parcels": [SHARES], "as_of": "2024-03-05"}, "as_of"),
        ({"parcels": [SHARES, 1]}, "parcels.1"),
        (of({**SHARES, "quantity": 0}), "parcels.0.quantity"),
        (of({**SHARES, "quantity": "1"}), "parcels.0.quantity"),
        (of({**SHARES, "price": -1}), "parcels.0.price"),
        (of({**SHARES, "acquired": "yesterday"}), "parcels.0.acquired"),
        (of({**SHARES, "note": "x"}), "parcels.0.note"),
    ],
)
def test_what_is_no_snapshot(api, content, where):
    answer = put(api, MARCH, content)
    assert failed(answer)[:2] == (422, "invalid_request")
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert changes(api) == []


def test_so_many_errors_and_no_more(api):
    answer = put(api, MARCH, of(*[{**SHARES, "price": 0}] * 1000))
    assert len(answer.json()["errors"]) == 100


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2024-03-07", "date: 2024-03-07 is in the future: today is 2024-03-06"),
        ("20240305", "date: '20240305' is not a date of 1970 to 2100: write YYYY-MM-DD"),
        ("2024-02-30", "date: "),
    ],
)
def test_a_snapshot_is_of_a_day_that_was(api, day, said):
    status, code, detail = failed(put(api, f"/v1/holdings/{day}", of(SHARES)))
    assert (status, code, detail[: len(said)]) == (422, "invalid_request", said)
    assert changes(api) == []


def test_deleted_once_and_again(api):
    assert failed(delete(api, MARCH))[:2] == (404, "not_stored")
    assert failed(api.get(MARCH))[:2] == (404, "not_stored")
    tag = put(api, MARCH, of(SHARES)).headers["etag"]
    assert failed(delete(api, MARCH, If_Match='"x"'))[0] == 412
    assert delete(api, MARCH, If_Match=tag).status_code == 204
    assert delete(api, MARCH).status_code == 204
    assert api.database.holdings().empty
    assert changes(api) == [("create", "2024-03-05"), ("delete", "2024-03-05")]
    assert put(api, MARCH, of(CASH)).status_code == 201


class TestList:
    @pytest.fixture
    def two(self, api):
        put(api, "/v1/holdings/2024-03-01", of(CASH))
        put(api, MARCH, of(MORE, SHARES, CASH))
        return api

    def test_the_newest_on_or_before_a_date(self, two):
        rows = two.rows("/v1/holdings")
        assert [(row["as_of"], row["parcel"], row["ticker"]) for row in rows] == [
            ("2024-03-05", 1, "SPY"), ("2024-03-05", 2, "SPY"), ("2024-03-05", 3, "CASH"),
        ]  # fmt: skip
        assert [row["quantity"] for row in rows] == [3.5, 12, 2350.75]
        before = two.rows("/v1/holdings", as_of_date="2024-03-04")
        assert [(row["as_of"], row["ticker"]) for row in before] == [("2024-03-01", "CASH")]
        assert two.rows("/v1/holdings", as_of_date="2024-02-29") == []

    def test_pages_are_of_one_snapshot(self, two):
        first = two.get("/v1/holdings?limit=2").json()
        put(two, "/v1/holdings/2024-03-06", of(CASH, SHARES, SHARES, MORE))
        rest = two.get("/v1/holdings", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert [(row["as_of"], row["parcel"]) for row in rest["data"]] == [("2024-03-05", 3)]
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize("cursor", ["WyIyMDI0LTAzLTA1Iiwt", "WzEsMV0", "abc"])
    def test_cursors_of_others(self, two, cursor):
        assert failed(two.get(f"/v1/holdings?cursor={cursor}"))[0] == 422

    def test_csv(self, two):
        assert two.get("/v1/holdings?format=csv").text.splitlines()[0] == (
            "as_of,parcel,ticker,quantity,currency,acquired,price,imported_at"
        )


def test_an_import_of_what_the_api_wrote_changes_nothing(api, tmp_path, monkeypatch):
    on_the_command_line(api, monkeypatch)
    first = put(api, MARCH, of(SHARES, CASH)).json()
    file = tmp_path / "holdings.csv"
    file.write_text(
        "ticker,quantity,currency,acquired,price\nSPY,12,USD,2021-05-03,417.3\nCASH,2350.75,AUD,,\n"
    )
    done = CliRunner().invoke(app, ["holdings", "import", str(file), "--as-of", "2024-03-05"])
    assert done.exit_code == 0, done.output
    assert api.get(MARCH).json() == first
    assert changes(api) == [("create", "2024-03-05")]


class TestAudit:
    def test_who_did_what(self, api):
        key_id = api.keys["writer"].split("_")[1]
        put(api, MARCH, of(CASH))
        put(api, MARCH, of({**CASH, "quantity": 5}), If_Match="*")
        delete(api, MARCH)
        rows = api.rows("/v1/audit")
        assert [row["action"] for row in rows] == ["delete", "update", "create"]
        assert {(row["actor"], row["key_id"]) for row in rows} == {("writer", key_id)}
        one, five = ([{**CASH_STORED, "quantity": n, "parcel": 1}] for n in (2350.75, 5))
        assert [(row["before"], row["after"]) for row in rows] == [
            (five, None), (one, five), (None, one),
        ]  # fmt: skip
        assert rows[0]["at"].endswith("Z")

    def test_of_one_thing_page_by_page(self, api):
        for day in (1, 4, 5):
            put(api, f"/v1/holdings/2024-03-0{day}", of(CASH))
        assert [row["key"] for row in api.rows("/v1/audit", key="2024-03-04")] == ["2024-03-04"]
        assert api.rows("/v1/audit", kind="trade") == []
        assert len(api.rows("/v1/audit", kind="holdings")) == 3
        first = api.get("/v1/audit?limit=2").json()
        rest = api.get("/v1/audit", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        keys = [row["key"] for row in first["data"] + rest["data"]]
        assert (keys, rest["next_cursor"]) == (["2024-03-05", "2024-03-04", "2024-03-01"], None)
        for wrong in (
            "kind=orders",
            "key=%00",
            "cursor=WyJhIl0",
            "cursor=Wy0xXQ",
            "key=" + "x" * 1001,
        ):
            assert failed(api.get(f"/v1/audit?{wrong}"))[0] == 422, wrong

    def test_csv(self, api):
        put(api, MARCH, of(CASH))
        header, row = api.get("/v1/audit?format=csv").text.splitlines()
        assert header == "id,at,actor,key_id,action,kind,key,before,after"
        after = row.partition('"')[2].removesuffix('"').replace('""', '"')
        assert json.loads(after)[0]["quantity"] == 2350.75

    def test_it_cannot_be_written(self, api):
        for method in ("PUT", "DELETE", "POST"):
            assert api.ask(method, "/v1/audit", "writer").status_code == 405
