"""What went wrong, as RFC 9457 says it: ``application/problem+json``.

A problem never holds what only the log may: no trace, no host, no SQL. The member ``request_id``
leads from one to the other.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
_METHODS = ("GET", "DELETE", "PATCH", "POST", "PUT")
_SHOWN = 80


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="The parameter, or the place in the body.", examples=["limit"])
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="Always about:blank: the code tells problems apart.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    code: str = Field(description="For programs; it does not change.", examples=["not_stored"])
    detail: str = Field(description="For people: what was wrong, and what to do.")
    request_id: str = Field(description="Names the request in the log.")
    errors: list[Wrong] = Field(default=[], description="All that is wrong with the request.")


class ProblemError(Exception):
    """Ends a request with a problem.

    Args:
        status: the HTTP status.
        code: for programs, one of ``docs/api.md``.
        detail: for people, one line: the thing, the value and what to do.
        headers: that go with it.
        errors: where more than one thing is wrong.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: "list[Wrong] | None" = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors or []


def not_stored(detail: str) -> ProblemError:
    """404: there is no such thing."""
    return ProblemError(HTTPStatus.NOT_FOUND, "not_stored", detail)


def invalid(detail: str, errors: "list[Wrong] | None" = None) -> ProblemError:
    """422: the request is understood, and cannot be meant."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail, errors=errors)


def unavailable(code: str, detail: str) -> ProblemError:
    """503: it is not the request's fault, and may pass."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers that are problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {int(status): {"description": status.phrase, "content": content} for status in statuses}


def answer(request: Request, error: ProblemError) -> Response:
    """The response that tells of a problem."""
    problem = Problem(
        type="about:blank",
        title=error.status.phrase,
        status=error.status,
        code=error.code,
        detail=error.detail,
        request_id=request.scope.get("request_id", ""),
        errors=error.errors,
    )
    return Response(
        to_json(problem.model_dump(exclude_defaults=True)),
        error.status,
        {"Cache-Control": "no-store", **error.headers},
        MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem; what nobody foresaw becomes one in the middleware."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)  # noqa: S101 - for the type checker
        return answer(request, error)

    async def on_status(request: Request, error: Exception) -> Response:
        """What the router itself refuses: no such path, no such method."""
        assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
        status = HTTPStatus(error.status_code)
        detail = f"{request.method} {request.url.path[:_SHOWN]}: {status.phrase.lower()}"
        code = status.phrase.lower().replace(" ", "_")
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request))
        return answer(request, ProblemError(status, code, detail, headers))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
        errors = [wrong(one) for one in error.errors()]
        return answer(request, invalid(f"{errors[0].where}: {errors[0].message}", errors))

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(HTTPException, on_status)
    app.add_exception_handler(RequestValidationError, on_invalid)


def wrong(error: Mapping[str, Any]) -> Wrong:
    """Pydantic's words, with the value that was given, unless that is a whole body."""
    where = ".".join(str(part) for part in error["loc"][1:])[:_SHOWN] or str(error["loc"][0])
    given = error.get("input")
    shown = f"{given!r:.{_SHOWN}} " if isinstance(given, str | int | float) else ""
    return Wrong(where=where, message=f"{shown}{error['msg'].removeprefix('Value error, ')}")


def _methods(request: Request) -> list[str]:
    """What the path can do; the router tells of the first operation that has the path only."""
    found = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
    return ["GET", "HEAD", *found[1:]] if found[:1] == ["GET"] else found
