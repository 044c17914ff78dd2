"""The application: which resources, under which rules."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from parakeet_api import problems
from parakeet_api.access import Reader, known_parameters
from parakeet_api.answers import PROBLEMS, document
from parakeet_api.middleware import Guard
from parakeet_api.problems import Problem
from parakeet_api.services import Services

MARKET_DATA = ("universes", "prices", "returns")
STRATEGIES = ("strategies", "signals", "allocations", "orders", "performance")
TRADES = ("trades", "holdings", "audit")
EVERYTHING = (*MARKET_DATA, *STRATEGIES, *TRADES, "status", "page")

PREFIX = "/v1"
OPENAPI = f"{PREFIX}/openapi.json"
ABOUT = """What Parakeet computed: prices, returns, signals, allocations and orders.

Every answer is of the sessions as corrected so far, so an `ETag` comes with `no-cache`. Money is in
AUD where nothing else is said; dates are sessions, `YYYY-MM-DD`; moments are in UTC."""

ANONYMOUS = ("health", "page")
"""The routers that need no key."""


def create_app(services: Services, routers: Sequence[str] = EVERYTHING) -> FastAPI:
    """The application.

    Args:
        services: what it reads from; closed when the application is shut down.
        routers: the modules of ``parakeet_api.routers`` that it serves, beside ``health``. Others
            are not imported: a Lambda starts faster.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await services.close()

    app = FastAPI(
        title="Parakeet",
        version="1",
        description=ABOUT,
        lifespan=lifespan,
        openapi_url=None,  # it needs a key, as everything but health and the page
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    problems.install(app)
    for name in dict.fromkeys(("health", *routers)):
        module = import_module(f"parakeet_api.routers.{name}")
        needed = [] if name in ANONYMOUS else [Reader]
        prefix = "" if name == "page" else PREFIX
        app.include_router(
            module.router,
            prefix=prefix,
            tags=[name],
            dependencies=[*needed, Depends(known_parameters)],
            responses=PROBLEMS,
        )
    app.include_router(_description(app))
    if services.settings.api_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=services.settings.api_origins,
            allow_methods=["GET", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(Guard)
    return app


def description(app: FastAPI) -> dict[str, Any]:
    """The application as OpenAPI describes it."""
    told = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {}) | {"Problem": schema}
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we do not send
        schemas.pop(name, None)
    return told


def _description(app: FastAPI) -> APIRouter:
    router = APIRouter()

    @router.get(OPENAPI, include_in_schema=False, dependencies=[Reader])
    async def openapi(request: Request) -> Response:
        if app.openapi_schema is None:
            app.openapi_schema = description(app)
        return document(request, app.openapi_schema)

    return router
