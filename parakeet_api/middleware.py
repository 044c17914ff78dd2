"""What every request and every answer goes through, below FastAPI: pure ASGI, for it costs nothing.

A body is limited in size and in the time that it may take; an answer gets the security headers and
the number under which the log has the request; what nobody foresaw becomes a problem.
"""

import asyncio
import secrets
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parakeet_api.log import log, request_id
from parakeet_api.problems import ProblemError, answer
from parakeet_dagster.metrics import FIELDS

MAX_BODY_BYTES = 256 * 1024
BODY_SECONDS = 10.0

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Around the whole application; see above."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wants_body = scope["method"] != "HEAD"
        if not wants_body:
            scope = {**scope, "method": "GET"}  # RFC 9110: the same headers, and no body
        scope["request_id"] = secrets.token_hex(8)
        request_id.set(scope["request_id"])
        request = Request(scope)
        has_begun = False

        async def begin(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(raw=message["headers"])
                headers["X-Request-Id"] = scope["request_id"]
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif not wants_body:
                message = {**message, "body": b""}
            await send(message)

        try:
            body = await _whole_body(scope, receive)
            _require_one_line(scope["path"])
            await self._app(scope, body, begin)
        except ProblemError as error:
            await answer(request, error)(scope, receive, begin)
        except Exception:
            log.exception("a request failed", extra={FIELDS: {"path": scope["path"]}})
            if has_begun:
                raise
            unforeseen = ProblemError(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "internal_error",
                "something went wrong here; the log has it under the request_id",
            )
            await answer(request, unforeseen)(scope, receive, begin)


def _require_one_line(path: str) -> None:
    """Refuse a line feed: the router's patterns end before one, so ``a`` would answer for ``a%0A``.

    Raises:
        ProblemError: 404.
    """
    if "\n" in path:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "the path holds a line feed")


async def _whole_body(scope: Scope, receive: Receive) -> Receive:
    """The body, read as a whole before anything else is done; then what ``receive`` says.

    Raises:
        ProblemError: 413 or 408: it is too large, or comes too slowly.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return _replay(message, receive)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MAX_BODY_BYTES:
                    raise _too_large()
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise ProblemError(
            HTTPStatus.REQUEST_TIMEOUT,
            "body_too_slow",
            f"the body took over {BODY_SECONDS:.0f} s",
            {"Connection": "close"},
        ) from None
    whole = {"type": "http.request", "body": b"".join(parts), "more_body": False}
    return _replay(whole, receive)


def _replay(first: dict[str, Any] | Message, receive: Receive) -> Receive:
    waiting: list[Message] = [first]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _too_large() -> ProblemError:
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"the body has more than {MAX_BODY_BYTES} bytes",
        {"Connection": "close"},
    )
