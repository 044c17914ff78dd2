"""Who may do what: an API key with a scope, counted; and what a request may hold at all."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Annotated, cast, get_type_hints

from fastapi import Depends, Request
from fastapi.params import Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from parakeet_api.keys import Caller
from parakeet_api.problems import ProblemError, Wrong, invalid
from parakeet_api.services import Services

bearer = HTTPBearer(
    scheme_name="API key", description="`Authorization: Bearer pk_…`", auto_error=False
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def services(request: Request) -> Services:
    """What the application was made with."""
    return cast("Services", request.app.state.services)


Given = Annotated[Services, Depends(services)]


def _requires(scope: str) -> Callable[[Request, Given, Credentials], Awaitable[Caller]]:
    async def require(request: Request, given: Given, credentials: Credentials) -> Caller:
        """Whose key the request has, where it has the scope and is within its limit.

        Who has no valid key is counted by address, so that nobody makes us work for nothing. A
        valid key is never refused for its address: behind a proxy or a NAT it is shared, and anyone
        there could shut the others out. Nothing is gained by trying keys either way: a secret has
        256 bits, and a key that is not known costs no query of its own.
        """
        caller = await given.keys.caller(credentials.credentials) if credentials else None
        if caller is None:
            if not given.may_knock(_address(request)):
                raise _too_many()
            what = "this API key is not valid" if credentials else "an API key is needed"
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "no_valid_key",
                f"{what}: send Authorization: Bearer pk_… (parakeet keys create NAME makes one)",
                {"WWW-Authenticate": "Bearer"},
            )
        if not given.may_ask(caller.key_id):
            raise _too_many()
        if scope not in caller.scopes:
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                "scope_missing",
                f"the API key {caller.name!r} has not the scope {scope}",
            )
        request.state.caller = caller
        return caller

    return require


Reader = Depends(_requires("read"))
"""Of a router: whoever may read."""

Writer = Annotated[Caller, Depends(_requires("write"))]
"""Of an operation: whoever may write, and who that is."""


async def anonymous(request: Request, given: Given) -> None:
    """Of an operation that needs no key: within the limit of the address."""
    if not given.may_knock(_address(request)):
        raise _too_many()


def _address(request: Request) -> str:
    """Where a request comes from: an IPv4 address, or the /64 that one client of IPv6 has.

    All who have none share a count: a proxy that hands on what a client calls itself must neither
    let it be somebody else each time nor have us remember that.
    """
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:  # a socket of this machine, or X-Forwarded-For says something
        return "none"
    if isinstance(address, IPv4Address):
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


async def known_parameters(request: Request) -> None:
    """A parameter that is misspelt or given twice must not be ignored: the answer would be wrong.

    Raises:
        ProblemError: 422.
    """
    known = _query_parameters(request.scope["endpoint"])
    named = [name for name, _ in request.query_params.multi_items()]
    errors = [
        Wrong(where=name[:80], message=f"unknown parameter; known are {', '.join(known) or 'none'}")
        for name in dict.fromkeys(named)
        if name not in known
    ]
    errors += [
        Wrong(where=name, message="is given more than once")
        for name in dict.fromkeys(named)
        if name in known and not known[name] and named.count(name) > 1
    ]
    if errors:
        raise invalid(f"{errors[0].where}: {errors[0].message}", errors)


@cache
def _query_parameters(endpoint: Callable[..., object]) -> dict[str, bool]:
    """The query parameters of an operation; whether each may be given more than once."""
    annotated = get_type_hints(endpoint, include_extras=True)
    return {
        (told.alias or name): "list[" in str(hint)
        for name, hint in annotated.items()
        for told in getattr(hint, "__metadata__", ())
        if isinstance(told, Query)
    }


async def _reading(given: Given) -> AsyncIterator[AsyncSession]:
    async with given.database.reading("answer a request") as session:
        yield session


async def _writing(given: Given) -> AsyncIterator[AsyncSession]:
    async with given.database.writing("write what a request says") as session:
        yield session


Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
"""The session of a request that reads; it ends before the answer is sent."""

Writing = Annotated[AsyncSession, Depends(_writing, scope="function")]
"""The session of a request that writes, committed before the answer is sent."""


def _too_many() -> ProblemError:
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        "too many requests within a minute; ask again later",
        {"Retry-After": "10"},
    )
