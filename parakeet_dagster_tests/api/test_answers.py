"""Tables as JSON and as CSV, and the tag of each."""

import csv
import io
import json
import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from parakeet_api.answers import document, etag, table

COLUMNS = ("text", "number")


def asked(query: str = "", **headers: str) -> Request:
    """A request for ``/v1/things``."""
    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/v1/things",
            "query_string": query.encode(),
            "headers": pairs,
            "server": ("x", 80),
            "scheme": "http",
        }
    )


def content(response: Response) -> str:
    return bytes(response.body).decode()


def cells(*values: object) -> list[str]:
    """The values as CSV tells them."""
    names = [str(place) for place in range(len(values))]
    text = content(table(asked("format=csv"), names, [values]))
    _, row = csv.reader(io.StringIO(text, newline=""))
    return row


def test_json():
    rows = [("a", 1.5), ("b", None)]
    response = table(asked(), COLUMNS, rows, "next")
    assert json.loads(content(response)) == {
        "data": [{"text": "a", "number": 1.5}, {"text": "b", "number": None}],
        "next_cursor": "next",
    }
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["vary"] == "Accept, Authorization"


def test_nothing_has_its_columns_in_csv():
    assert content(table(asked("format=csv"), COLUMNS, [])) == "text,number\r\n"
    assert json.loads(content(table(asked(), COLUMNS, []))) == {"data": [], "next_cursor": None}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null_and_empty(number):
    rows = [("a", number)]
    assert json.loads(content(table(asked(), COLUMNS, rows)))["data"][0]["number"] is None
    assert cells(number, 1.0) == ["", "1.0"]
    assert json.loads(content(document(asked(), {"number": number}))) == {"number": None}


def test_days_moments_and_truths_are_the_same_in_both():
    values = (date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 600, tzinfo=UTC), True, False)
    told = json.loads(content(table(asked(), list("abcd"), [values])))["data"][0]
    assert list(told.values()) == ["2024-01-02", "2024-01-02T03:04:05.000600Z", True, False]
    assert cells(*values) == ["2024-01-02", "2024-01-02T03:04:05.000600Z", "true", "false"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1"])
def test_a_text_is_no_formula(text):
    assert cells(text, -1.5) == [f"'{text}", "-1.5"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False))
def test_every_value_comes_back_from_csv(text, number):
    told, amount = cells(text, number)
    assert told.removeprefix("'") == text.removeprefix("'")
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert amount == ("" if math.isinf(number) else repr(number))


@pytest.mark.parametrize(
    ("query", "accept", "is_csv"),
    [
        ("", "", False),
        ("", "*/*", False),
        ("", "application/json", False),
        ("", "text/csv", True),
        ("", "Text/CSV; header=present", True),
        ("", "application/json, text/csv", True),
        ("", "application/json, text/csv;q=0.5", False),
        ("", "application/json;q=0.4, text/csv;q=0.5", True),
        ("", "text/csv;q=0", False),
        ("", "text/csv-schema", False),
        ("", "text/csv;q=x", True),
        ("format=csv", "application/json", True),
        ("format=json", "text/csv", False),
    ],
)
def test_which_of_the_two(query, accept, is_csv):
    response = table(asked(query, accept=accept), COLUMNS, [])
    media = "text/csv; charset=utf-8" if is_csv else "application/json"
    assert response.headers["content-type"] == media


def test_the_next_page_keeps_the_filters():
    query = "ticker=A&ticker=B%26C&limit=1&cursor=old&format=csv"
    response = table(asked(query), COLUMNS, [], "new")
    rest = "ticker=A&ticker=B%26C&limit=1&format=csv&cursor=new"
    assert response.headers["link"] == f'</v1/things?{rest}>; rel="next"'
    assert "link" not in table(asked(query), COLUMNS, []).headers


@pytest.mark.parametrize(
    ("sent", "is_the_same"),
    [
        ("TAG", True),
        ("W/TAG", True),
        ('"other", TAG', True),
        ('"other",W/TAG', True),
        ("*", True),
        ('"other"', False),
        ("", False),
        ("*, TAGS", False),
    ],
)
def test_unchanged(sent, is_the_same):
    tag = table(asked(), COLUMNS, [("a", 1.0)]).headers["etag"]
    request = asked(if_none_match=sent.replace("TAGS", '"x"').replace("TAG", tag))
    response = table(request, COLUMNS, [("a", 1.0)])
    assert (response.status_code, len(response.body)) == ((304, 0) if is_the_same else (200, 55))
    assert response.headers["etag"] == tag
    assert response.headers["cache-control"] == "private, no-cache"


def test_another_content_has_another_tag():
    tags = {
        table(asked(), COLUMNS, [("a", 1.0)]).headers["etag"],
        table(asked(), COLUMNS, [("a", 1.1)]).headers["etag"],
        table(asked(), COLUMNS, [("a", 1.0)], "more").headers["etag"],
        table(asked("format=csv"), COLUMNS, [("a", 1.0)]).headers["etag"],
        table(asked("format=csv"), COLUMNS, [("a", 1.0)], "more").headers["etag"],
    }
    assert len(tags) == 5
    assert etag(b"") == '"cae66941d9efbd404e4d88758ea67670"'
