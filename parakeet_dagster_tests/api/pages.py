"""Tables, from their first page to the last."""

import csv
import io
from collections.abc import Callable
from typing import Any

from parakeet_dagster_tests.api.clients import Api

Row = dict[str, Any]


def every_page(
    api: Api, path: str, limit: int, between: Callable[[], object] = lambda: None, **filters: Any
) -> list[list[Row]]:
    """The pages of a table; ``between`` is called before each but the first."""
    pages: list[list[Row]] = []
    cursor = None
    while True:
        asked = {**filters, "limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = api.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        pages.append(found["data"])
        cursor = found["next_cursor"]
        has_link = 'rel="next"' in answer.headers.get("link", "")
        assert has_link == (cursor is not None)
        if cursor is None:
            return pages
        between()


def assert_pages_are_the_whole(api: Api, path: str, **filters: Any) -> None:
    """Pages of any size are together the table, and each but the last is full."""
    whole = api.rows(path, limit=10_000, **filters)
    assert len(whole) > 1
    for limit in range(1, len(whole) + 2):
        pages = every_page(api, path, limit, **filters)
        assert [row for page in pages for row in page] == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages[-1]) > 0


def assert_csv_is_json(api: Api, path: str, **filters: Any) -> None:
    """The CSV of a table has the columns and the values of its JSON."""
    rows = api.rows(path, **filters)
    answer = api.get(path, params={**filters, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    told = list(csv.DictReader(io.StringIO(answer.text)))
    assert told == [{name: _as_text(value) for name, value in row.items()} for row in rows]
    by_header = api.get(path, params=filters, headers={"Accept": "text/csv"})
    assert by_header.content == answer.content


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
