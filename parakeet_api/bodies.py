"""Bodies of requests: JSON that says one thing only, as a model; what pydantic would let pass.

A member that stands twice is read differently by different programs, and ``NaN`` is no JSON: both
are refused, as is what nests deeper than anything that is meant.
"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, WithJsonSchema

from parakeet_api.problems import ProblemError, invalid, wrong

MOST_ERRORS = 100
"""So many of a body that is not as its model says are told."""

_JSON = "application/json"
_DATE = re.compile(r"(19|20)\d{2}-\d{2}-\d{2}", re.ASCII)

M = TypeVar("M", bound=BaseModel)


def _written_date(value: Any) -> Any:  # noqa: ANN401 - pydantic's validators get anything
    """Pydantic would take a number for seconds since 1970."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("is not a date since 1900: write YYYY-MM-DD")
    return value


Date = Annotated[
    date, BeforeValidator(_written_date), WithJsonSchema({"type": "string", "format": "date"})
]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


def body_of(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the body as ``model``: after the key is found to be good.

    FastAPI's own way would read it before.
    """

    async def read(request: Request) -> M:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != _JSON:
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                f"Content-Type {media_type[:80] or 'is missing'}: send {_JSON}",
            )
        try:
            return model.model_validate(_content(await request.body()))
        except ValidationError as error:
            found = error.errors(include_url=False)[:MOST_ERRORS]
            errors = [wrong({**one, "loc": ("body", *one["loc"])}) for one in found]
            raise invalid(f"{errors[0].where}: {errors[0].message}", errors) from None

    return read


def documented_body(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of an operation with such a body."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    content = {_JSON: {"schema": _inlined(schema, definitions)}}
    return {"requestBody": {"required": True, "content": content}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(part, definitions) for name, part in schema.items()}


def _content(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON can say
    """What the body says. Numbers are floats, so that none is too long to be read."""
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_int=float,
        )
    except RecursionError:
        raise invalid("body: nests too deep") from None
    except ValueError as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else error.args[0]
        raise invalid(f"body: is not JSON in UTF-8 as RFC 8259 says it: {reason}") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"body: the member {twice[:80]!a} stands twice; keep one")
    for name in members:
        name.encode()  # half of a surrogate pair is a ValueError
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
