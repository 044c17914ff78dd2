"""Tables as JSON or CSV, with an ETag.

Sessions can be corrected, so nothing may be used without asking: ``no-cache`` with an ETag makes
asking cheap. Rows go into JSON as they come from the database; that they are what the models
promise is what the tests hold against them, not every answer.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import Header, Query, Request
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

from parakeet_api.paging import Row
from parakeet_api.problems import documented

CACHE_CONTROL = "private, no-cache"
_CSV, _JSON = "text/csv", "application/json"
_WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

R = TypeVar("R")


class Page(BaseModel, Generic[R]):
    """A part of a table."""

    data: list[R]
    next_cursor: str | None = Field(
        description="Where the next page begins; null on the last one.", examples=[None]
    )


Format = Annotated[
    Literal["json", "csv"] | None,
    Query(alias="format", description="Default: as the header Accept says, else JSON."),
]
IfNoneMatch = Annotated[
    str | None, Header(description="An ETag: 304 where the answer is still the same.")
]

PROBLEMS = documented(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""What every request may get."""

_HEADERS = {
    "ETag": {"description": "Of this content.", "schema": {"type": "string"}},
    "Link": {"description": 'The next page, rel="next".', "schema": {"type": "string"}},
}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is what the client has."}}
TABLE: dict[int | str, dict[str, Any]] = {
    200: {"content": {_CSV: {"schema": {"type": "string"}}}, "headers": _HEADERS},
    **UNCHANGED,
}
"""What else a request for a table may get."""

NOT_FOUND = documented(HTTPStatus.NOT_FOUND)


def table(
    request: Request, columns: Sequence[str], rows: Sequence[Row], next_cursor: str | None = None
) -> Response:
    """A page of a table, as the client wants it.

    Args:
        request: its ``format`` or ``Accept`` says whether JSON or CSV.
        columns: the names.
        rows: a value for each. What is no finite number becomes null.
        next_cursor: see ``paging.page``.
    """
    headers = {}
    if next_cursor:
        again = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
        query = urlencode([*again, ("cursor", next_cursor)])
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    if _wants_csv(request):
        return tagged(request, _csv(columns, rows), f"{_CSV}; charset=utf-8", headers)
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    return document(request, {"data": data, "next_cursor": next_cursor}, headers)


def document(
    request: Request, content: object, headers: Mapping[str, str] | None = None
) -> Response:
    """Anything that is no table, as JSON."""
    body = to_json(content, inf_nan_mode="null")
    return tagged(request, body, _JSON, headers or {})


def tagged(request: Request, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """A body with its ETag, or 304 where the client has it already.

    A CSV says in ``Link`` only that there is more: the tag is of both.
    """
    tag = etag(body + headers.get("Link", "").encode())
    told = {**headers, "ETag": tag, "Cache-Control": CACHE_CONTROL, "Vary": "Accept, Authorization"}
    if has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=told)
    return Response(body, HTTPStatus.OK, told, media_type)


def etag(body: bytes) -> str:
    """The strong ETag of a body."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def has(if_none_match: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names a tag.

    RFC 9110 compares weakly: a proxy that compresses marks our tag as weak.
    """
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return tag in tags or tags == ["*"]


def _wants_csv(request: Request) -> bool:
    named = request.query_params.get("format")
    if named is not None:
        return named == "csv"
    accept = request.headers.get("accept", "")
    return _quality(accept, _CSV) > 0 and _quality(accept, _CSV) >= _quality(accept, _JSON)


def _quality(accept: str, media_type: str) -> float:
    """How much ``Accept`` wants a media type that it names: 0 to 1; 0 where it does not name it."""
    for one in accept.lower().split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        if name == media_type:
            weights = [_WEIGHT.fullmatch(part) for part in parameters]
            return next((float(found[1]) for found in weights if found), 1.0)
    return 0.0


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return sink.getvalue().encode()


def _cell(value: object) -> object:
    """As spreadsheets read it; a text that one would take for a formula is told as text."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")  # as in JSON
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict | list):
        return to_json(value).decode()
    return value
