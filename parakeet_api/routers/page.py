"""``/``: the page, a static shell. Needs no key; it asks for one, and reads the API with it."""

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from parakeet_api.access import anonymous
from parakeet_api.answers import tagged

router = APIRouter(include_in_schema=False)

FILES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "chart.js": "text/javascript",
    "words.js": "text/javascript",
}
"""What the page is made of, and as what it is served."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere: a text of the database cannot become a script."""


@cache
def _content(name: str) -> bytes:
    return files("parakeet_api.page").joinpath(name).read_bytes()


def _serving(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        answer = tagged(request, _content(name), f"{FILES[name]}; charset=utf-8", headers)
        if request.method == "HEAD":
            answer.body = b""  # its Content-Length stays
        return answer

    return serve


for _name in FILES:
    router.add_api_route(
        "/" if _name == "index.html" else f"/{_name}",
        _serving(_name),
        methods=["GET", "HEAD"],
        dependencies=[Depends(anonymous)],
        name=_name,
    )
