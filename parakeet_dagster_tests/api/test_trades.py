"""``/v1/trades``: entered once, corrected by who knows what is stored, deleted; all on record."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from urllib.parse import quote

import pandas as pd
import pytest
from typer.testing import CliRunner

from parakeet_api import entries
from parakeet_dagster.cli import app
from parakeet_dagster.errors import LakeError, UniverseError
from parakeet_dagster_tests.api.entering import (  # noqa: F401 - fixtures
    BUY,
    api,
    changes,
    delete,
    failed,
    known_really,
    on_the_command_line,
    one_api,
    put,
)

T1 = "/v1/trades/T1"
STORED = {"id": "T1", **BUY}


def without_moment(answer) -> dict:
    return {name: value for name, value in answer.json().items() if name != "imported_at"}


class TestPut:
    def test_a_new_one(self, api):
        answer = put(api, T1, BUY)
        assert (answer.status_code, answer.headers["location"]) == (201, T1)
        assert without_moment(answer) == STORED
        assert next(iter(answer.json())) == "id"
        read = api.get(T1)
        assert (read.status_code, read.json()) == (200, answer.json())
        assert read.headers["etag"] == answer.headers["etag"]
        assert not read.headers["etag"].startswith("W/")
        assert api.rows("/v1/trades") == [read.json()]

    def test_what_may_be_left_out(self, api):
        short = {name: BUY[name] for name in BUY if name not in ("fee", "aud_per_unit")}
        stored = {**STORED, "fee": 0, "aud_per_unit": None}
        assert without_moment(put(api, T1, short)) == stored
        assert put(api, T1, {**short, "fee": 0, "aud_per_unit": None}).status_code == 200

    def test_the_same_again_changes_nothing(self, api):
        first = put(api, T1, BUY)
        for headers in ({}, {"If_Match": first.headers["etag"]}, {"If_Match": '"other"'}):
            again = put(api, T1, {**BUY, "quantity": 10.0}, **headers)
            assert (again.status_code, again.json()) == (200, first.json())
            assert again.headers["etag"] == first.headers["etag"]
            assert "location" not in again.headers
        assert changes(api) == [("create", "T1")]

    def test_another_content_needs_to_know_the_one_before(self, api):
        tag = put(api, T1, BUY).headers["etag"]
        other = {**BUY, "quantity": 11}
        assert failed(put(api, T1, other)) == (
            409,
            "stored_otherwise",
            "trade 'T1': is stored with other content; to replace it, send its ETag as If-Match",
        )
        for stale in ('"other"', f"W/{tag}", tag.strip('"'), ""):
            assert failed(put(api, T1, other, If_Match=stale))[:2] == (412, "precondition_failed")
        assert without_moment(api.get(T1)) == STORED

        corrected = put(api, T1, other, If_Match=f'"older", {tag}')
        assert (corrected.status_code, without_moment(corrected)) == (200, {**STORED, **other})
        assert corrected.headers["etag"] == api.get(T1).headers["etag"] != tag
        assert failed(put(api, T1, BUY, If_Match=tag))[0] == 412
        assert put(api, T1, BUY, If_Match="*").status_code == 200
        assert changes(api) == [("create", "T1"), ("update", "T1"), ("update", "T1")]

    def test_only_where_there_is_none(self, api):
        assert put(api, T1, BUY, If_None_Match="*").status_code == 201
        for content in (BUY, {**BUY, "fee": 0}):
            assert failed(put(api, T1, content, If_None_Match="*"))[0] == 412
        assert failed(put(api, "/v1/trades/T2", BUY, If_Match='"any"'))[0] == 412
        assert failed(put(api, "/v1/trades/T2", BUY, If_Match="*"))[0] == 412
        assert changes(api) == [("create", "T1")]

    def test_who_may_only_read_changes_nothing(self, api):
        refused = (403, "scope_missing", "the API key 'reader' has not the scope write")
        assert failed(put(api, T1, BUY, key="reader")) == refused
        put(api, T1, BUY)
        assert failed(delete(api, T1, key="reader")) == refused
        assert failed(put(api, T1, {**BUY, "fee": 1}, key="reader", If_Match="*")) == refused
        assert failed(put(api, T1, BUY, key="nobody's"))[0] == 401
        assert failed(api.ask("PUT", T1, None, content=b"{"))[0] == 401
        assert without_moment(api.get(T1)) == STORED
        assert changes(api) == [("create", "T1")]

    def test_at_once_one_creates(self, api):
        contents = [BUY, BUY, {**BUY, "fee": 1}, {**BUY, "fee": 2}]
        for n in range(5):
            with ThreadPoolExecutor(len(contents)) as pool:
                path = f"/v1/trades/at-once-{n}"
                answers = list(pool.map(lambda one, to=path: put(api, to, one), contents))
            codes = sorted(answer.status_code for answer in answers)
            assert codes[-2:] == [409, 409] or codes[-3:] == [409, 409, 409]
            assert codes.count(201) == 1
            assert set(codes) <= {200, 201, 409}
        assert len(changes(api)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ticker": "SPYY"}, "ticker 'SPYY' is unknown: is it SPY? Else add it to a universe"),
        ({"ticker": "CASH"}, "CASH is not traded: deposits and dividends come with a new snapshot"),
        ({"currency": "AUD", "aud_per_unit": None}, "currency 'AUD' of SPY: it trades in USD"),
        ({"date": "2024-03-07"}, "date '2024-03-07' of SPY is in the future: today is 2024-03-06"),
        ({"date": "2024-03-02"}, "date '2024-03-02' of SPY (Saturday): XNYS was closed, correct"),
        ({"date": "1950-03-02"}, "date '1950-03-02' of SPY is before the first session, "),
        (
            {"ticker": "VAS.AX", "currency": "AUD"},
            "aud_per_unit '1.53' of VAS.AX, which trades in AUD: leave it blank",
        ),
        (
            {"currency": "AUD", "date": "2024-03-07", "aud_per_unit": None},
            "date '2024-03-07' of SPY is in the future: today is 2024-03-06; currency 'AUD' of SPY",
        ),
    ],
)
def test_what_the_import_refuses_is_refused_in_its_words(api, change, said):
    status, code, detail = failed(put(api, T1, {**BUY, **change}))
    assert (status, code) == (422, "invalid_request")
    assert detail.startswith(said)
    assert changes(api) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1.5}, "quantity"),
        ({"quantity": "10"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"price": None}, "price"),
        ({"price": [1]}, "price"),
        ({"fee": -0.01}, "fee"),
        ({"fee": None}, "fee"),
        ({"aud_per_unit": 0}, "aud_per_unit"),
        ({"side": "short"}, "side"),
        ({"side": 1}, "side"),
        ({"ticker": "SP Y"}, "ticker"),
        ({"ticker": "SPY\u0000"}, "ticker"),
        ({"ticker": 7}, "ticker"),
        ({"currency": "usd"}, "currency"),
        ({"date": "20240304"}, "date"),
        ({"date": 1709510400}, "date"),
        ({"date": "2024-02-30"}, "date"),
        ({"date": "2024-03-04T00:00:00"}, "date"),
        ({"id": "T2"}, "id"),
        ({"imported_at": None}, "imported_at"),
        ({"x" * 5000: 1}, "x" * 80),
    ],
)
def test_what_is_no_trade(api, change, where):
    answer = put(api, T1, {**BUY, **change})
    assert failed(answer)[:2] == (422, "invalid_request")
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert changes(api) == []


def test_every_member_that_lacks_is_told(api):
    answer = put(api, T1, {})
    assert {error["where"] for error in answer.json()["errors"]} == {
        *("date", "ticker", "side", "quantity", "price", "currency")
    }


TEXT = json.dumps(BUY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (TEXT.replace("510.25", "NaN"), "body: is not JSON in UTF-8 as RFC 8259 says it: NaN is"),
        (TEXT.replace("510.25", "-Infinity"), "body: is not JSON"),
        (TEXT.replace("510.25", "1e400"), "price: "),
        (TEXT.replace("510.25", "9" * 400), "price: "),
        (TEXT.replace("510.25", "9" * 100_000), "price: "),
        (TEXT.replace("510.25", "-1e400"), "price: "),
        (TEXT.replace("510.25", "1e-400"), "price: "),
        (TEXT.replace("510.25", "0" * 3 + "1"), "body: is not JSON"),
        (TEXT[:-1] + ', "price": 1}', "body: the member 'price' stands twice; keep one"),
        (TEXT[:-1] + ', "price": 510.25}', "body: the member 'price' stands twice; keep one"),
        (TEXT[:-1] + ', "\\ud800": 1}', "body: is not JSON"),
        (TEXT.replace('"SPY"', '"\\ud800"'), "ticker: "),
        (TEXT.replace('"buy"', "[" * 100_000), "body: nests too deep"),
        (TEXT.replace('"buy"', '{"a":' * 30_000), "body: nests too deep"),
        (TEXT + "x", "body: is not JSON"),
        ("", "body: is not JSON"),
        ("null", "body: "),
        ("[]", "body: "),
        ('"text"', "body: "),
        (b"\xff\xfe{", "body: is not JSON"),
    ],
)
def test_what_is_no_json(api, body, said):
    headers = {"Content-Type": "application/json"}
    answer = api.ask("PUT", T1, "writer", content=body, headers=headers)
    status, code, detail = failed(answer)
    assert (status, code, detail[: len(said)]) == (422, "invalid_request", said)
    assert len(answer.content) < 2000
    assert changes(api) == []


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("APPLICATION/JSON", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json-patch+json", 415),
        ("", 415),
    ],
)
def test_only_json_is_read(api, media_type, status):
    headers = {"Content-Type": media_type}
    assert api.ask("PUT", T1, "writer", content=TEXT, headers=headers).status_code == status


@pytest.mark.parametrize("number", [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308])
def test_no_digit_is_lost(api, number):
    answer = put(api, T1, {**BUY, "price": number})
    assert (answer.status_code, answer.json()["price"]) == (201, number)
    assert put(api, T1, {**BUY, "price": number}).status_code == 200
    assert api.database.trades()["price"].tolist() == [number]


class TestIds:
    @pytest.mark.parametrize(
        "name",
        [
            "a b",
            "Müller-1",
            "取引",
            "50%",
            "a?b#c",
            "a..b",
            "x" * 100,
            "'",
            '"',
            "🦜",
            "a+b",
        ],
    )
    def test_printable_ones_have_a_path(self, api, name):
        path = f"/v1/trades/{quote(name, safe='')}"
        created = put(api, path, BUY)
        assert (created.status_code, created.headers["location"]) == (201, path)
        assert created.json()["id"] == name
        assert api.get(path).json() == created.json()
        assert changes(api) == [("create", name)]
        assert delete(api, path).status_code == 204
        assert api.database.trades().empty

    @pytest.mark.parametrize(
        "name", ["a/b", "x" * 101, " a", "a ", "a  b", "a%00", "a%C2%A0b", "a%FF", "a%2Fb"]
    )
    def test_others_are_not_created(self, api, name):
        status, code, detail = failed(put(api, f"/v1/trades/{name}", BUY))
        assert (status, code, detail[:4]) == (422, "invalid_request", "id: ")
        assert changes(api) == []

    @pytest.mark.parametrize("name", ["%2E", "%2E%2E", "..", "."])
    def test_steps_of_a_path_are_none(self, api, name):
        assert put(api, f"/v1/trades/{name}", BUY).status_code in (404, 405, 422)
        assert changes(api) == []

    @pytest.mark.parametrize("name", ["2024/03/1", "x" * 300, "a/", "/a", "a/../b"])
    def test_what_an_import_recorded_is_reached_whatever_its_id(self, api, name):
        frame = pd.DataFrame([{"id": name, **BUY}])
        frame["date"] = pd.to_datetime(frame["date"]).dt.as_unit("us")
        api.database.record_trades(frame)
        path = f"/v1/trades/{quote(name, safe='')}"
        tag = api.get(path).headers["etag"]
        assert put(api, path, {**BUY, "fee": 0}, If_Match=tag).status_code == 200
        assert delete(api, path).status_code == 204
        assert changes(api) == [(what, name) for what in ("create", "update", "delete")]

    @pytest.mark.parametrize("end", ["%0A", "%0A%0A", "%0Ab"])
    def test_another_line_is_not_the_same_trade(self, api, end):
        assert put(api, T1, BUY).status_code == 201
        assert failed(api.get(T1 + end))[:2] == (404, "not_found")
        assert failed(put(api, T1 + end, BUY))[:2] == (404, "not_found")
        assert failed(delete(api, T1 + end))[:2] == (404, "not_found")
        assert api.get(T1).status_code == 200

    def test_none_at_all(self, api):
        assert failed(put(api, "/v1/trades/a%0Ab", BUY))[0] == 404  # of two lines
        assert failed(put(api, "/v1/trades/", BUY))[0] == 422
        assert failed(api.get("/v1/trades/" + "x" * 1001))[0] == 422


class TestDelete:
    def test_once_and_again(self, api):
        assert failed(delete(api, T1))[:2] == (404, "not_stored")
        put(api, T1, BUY)
        gone = delete(api, T1)
        assert (gone.status_code, gone.content) == (204, b"")
        assert delete(api, T1).status_code == 204
        assert failed(api.get(T1))[:2] == (404, "not_stored")
        assert changes(api) == [("create", "T1"), ("delete", "T1")]
        assert put(api, T1, {**BUY, "fee": 0}).status_code == 201
        assert [what for what, _ in changes(api)] == ["create", "delete", "create"]

    def test_only_what_one_knows(self, api):
        tag = put(api, T1, BUY).headers["etag"]
        assert failed(delete(api, T1, If_Match='"other"'))[:2] == (412, "precondition_failed")
        assert failed(delete(api, T1, If_Match=f"W/{tag}"))[0] == 412
        assert delete(api, T1, If_Match=tag).status_code == 204
        assert delete(api, T1, If_Match=tag).status_code == 204
        assert changes(api) == [("create", "T1"), ("delete", "T1")]


class TestList:
    @pytest.fixture
    def five(self, api):
        rows = [("b", "2024-03-04", "SPY"), ("a", "2024-03-05", "SPY"), ("B", "2024-03-04", "SPY"),
                ("c", "2024-03-04", "QQQ"), ("d", "2024-03-01", "SPY")]  # fmt: skip
        for name, day, ticker in rows:
            answer = put(api, f"/v1/trades/{name}", {**BUY, "date": day, "ticker": ticker})
            assert answer.status_code == 201, answer.text
        return api

    def test_by_date_ticker_and_id(self, five):
        assert [row["id"] for row in five.rows("/v1/trades")] == ["d", "c", "B", "b", "a"]

    @pytest.mark.parametrize("sign", ["x", "\u4e2d", "\U0001f99c", '"', "/"])
    def test_a_page_that_ends_with_a_long_id(self, api, sign):
        ids = [sign * 1000, sign * 999 + "~"]
        frame = pd.DataFrame([{"id": one, **BUY} for one in ids])
        frame["date"] = pd.to_datetime(frame["date"]).dt.as_unit("us")
        api.database.record_trades(frame)
        first = api.get("/v1/trades", params={"limit": 1})
        rest = api.get(first.headers["link"].partition(">")[0][1:])
        assert rest.status_code == 200, rest.text
        found = [row["id"] for page in (first, rest) for row in page.json()["data"]]
        assert sorted(found) == sorted(ids)

    def test_page_by_page(self, five):
        found, cursor = [], {}
        while cursor is not None:
            page = five.get("/v1/trades", params={"limit": 2, **cursor}).json()
            found.append([row["id"] for row in page["data"]])
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert found == [["d", "c"], ["B", "b"], ["a"]]

    def test_some(self, five):
        of_monday = five.rows("/v1/trades", **{"from": "2024-03-04", "to": "2024-03-04"})
        assert [row["id"] for row in of_monday] == ["c", "B", "b"]
        assert [row["id"] for row in five.rows("/v1/trades", ticker="QQQ")] == ["c"]
        assert [row["id"] for row in five.rows("/v1/trades", to="2024-03-03")] == ["d"]
        assert failed(five.get("/v1/trades?from=2024-03-05&to=2024-03-04"))[0] == 422
        assert failed(five.get("/v1/trades?cursor=WzFd"))[0] == 422

    def test_csv(self, five):
        lines = five.get("/v1/trades?format=csv&limit=1").text.splitlines()
        assert lines[0] == (
            "id,date,ticker,side,quantity,price,currency,fee,aud_per_unit,imported_at"
        )
        assert lines[1].startswith("d,2024-03-01,SPY,buy,10.0,510.25,USD,3.0,1.53,20")

    def test_unchanged(self, five):
        tag = five.get("/v1/trades/a").headers["etag"]
        again = five.get("/v1/trades/a", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")


def imported(tmp_path, *rows: str) -> tuple[int, str]:
    """The exit code of an import, and what it says."""
    file = tmp_path / "fills.csv"
    header = "id,date,ticker,side,quantity,price,currency,fee,aud_per_unit"
    file.write_text("\n".join([header, *rows]) + "\n")
    done = CliRunner().invoke(app, ["trades", "import", str(file)], terminal_width=300)
    return done.exit_code, done.stdout + done.stderr


def test_an_import_goes_on_from_what_the_api_wrote(api, tmp_path, monkeypatch):
    on_the_command_line(api, monkeypatch)
    row = "T1,2024-03-04,SPY,buy,10,510.25,USD,3,1.53"
    two = "T2,2024-03-05,SPY,sell,1,511,USD,3,"
    put(api, T1, BUY)
    assert imported(tmp_path, row, two)[1] == "2 trades: 1 new, 1 already known, 0 bad lines\n"

    put(api, T1, {**BUY, "fee": 0}, If_Match="*")
    code, said = imported(tmp_path, row, two)
    assert code == 1
    assert "line 2: id 'T1' is recorded with another fee: give this trade an id of its own" in said
    assert api.get(T1).json()["fee"] == 0

    delete(api, T1)
    assert imported(tmp_path, row, two)[1] == "2 trades: 1 new, 1 already known, 0 bad lines\n"
    actors = api.database.entry_audit()[["actor", "action", "key"]].to_numpy().tolist()
    assert actors == [
        ["writer", "create", "T1"],
        ["command line", "create", "T2"],
        ["writer", "update", "T1"],
        ["writer", "delete", "T1"],
        ["command line", "create", "T1"],
    ]


def test_the_tickers_are_those_of_the_import(api, monkeypatch):
    monkeypatch.setattr(entries, "_known", known_really)
    assert put(api, T1, BUY).status_code == 201


def test_tickers_that_cannot_be_had_now(api, monkeypatch):
    for error, code in (
        (LakeError("/secret/lake is gone"), "lake_unavailable"),
        (UniverseError("no list"), "tickers_unavailable"),
    ):

        def fails(_, raised=error):
            raise raised

        monkeypatch.setattr(entries, "_known", fails)
        answer = put(api, T1, BUY)
        assert failed(answer)[:2] == (503, code)
        assert "secret" not in answer.text


def test_today_is_the_newest_day_anywhere(api):
    day = date(2024, 3, 6)
    content = {**BUY, "ticker": "VAS.AX", "currency": "AUD", "aud_per_unit": None}
    assert put(api, T1, {**content, "date": str(day)}).status_code == 201
    assert put(api, "/v1/trades/T2", {**content, "date": str(day + timedelta(1))}).is_error
