"""Writing what a person enters: on which conditions, against which tickers; and the answers."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Header
from pydantic_core import to_json
from starlette.responses import Response

from parakeet_api.answers import CACHE_CONTROL, etag, has
from parakeet_api.log import log
from parakeet_api.problems import ProblemError, documented, unavailable
from parakeet_api.services import Services
from parakeet_dagster.errors import LakeError, SettingsError, UniverseError

if TYPE_CHECKING:
    import pandas as pd


T = TypeVar("T")

IfMatch = Annotated[
    str | None,
    Header(description="The ETag of what is to be replaced, as GET told it: 412 where it changed."),
]
IfNoneMatch = Annotated[
    str | None, Header(description="`*`: only where there is none yet, else 412.")
]

_ETAG = {"ETag": {"description": "Of what is stored now.", "schema": {"type": "string"}}}
_LOCATION = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
PUT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is stored so, now or already.", "headers": _ETAG},
    **documented(
        HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    ),
}
"""What else a request to store something may get, and 201."""

DELETE: dict[int | str, dict[str, Any]] = {
    204: {"description": "There is none, now or already."},
    **documented(HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED),
}
"""What else a request to delete something may get."""


def created(model: type[object]) -> dict[int | str, dict[str, Any]]:
    """What a request to store something gets where there was none."""
    return {
        201: {"description": "Created.", "model": model, "headers": {**_ETAG, **_LOCATION}},
    }


def tag_of(stored: Mapping[str, Any] | None) -> str | None:
    """The ETag under which GET tells of what is stored."""
    return None if stored is None else etag(to_json(stored, inf_nan_mode="null"))


def require_absent(what: str, tag: str | None, if_none_match: str | None) -> None:
    """Refuse to store where a client wants to be the first, and is not.

    Raises:
        ProblemError: 412.
    """
    if tag is not None and if_none_match is not None and has(if_none_match, tag):
        raise _failed(f"{what}: is stored already, and If-None-Match says that it must not be")


def require_known(what: str, tag: str | None, if_match: str | None) -> None:
    """Refuse to replace what a client does not know.

    Raises:
        ProblemError: 412: it is not what ``If-Match`` says. 409: something is stored, and there is
            no ``If-Match``.
    """
    require_match(what, tag, if_match)
    if if_match is None and tag is not None:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            "stored_otherwise",
            f"{what}: is stored with other content; to replace it, send its ETag as If-Match",
        )


def require_match(what: str, tag: str | None, if_match: str | None) -> None:
    """Refuse where something else is stored than ``If-Match`` says, if it says something.

    It compares strongly, as RFC 9110 wants: a weak tag matches nothing.

    Raises:
        ProblemError: 412.
    """
    if if_match is None:
        return
    tags = [one.strip() for one in if_match.split(",")]
    if tag is None or (tag not in tags and tags != ["*"]):
        how = "is not stored" if tag is None else "was changed since, or the tag is none of its"
        raise _failed(f"{what}: {how}; If-Match says {if_match[:80]!a}: read it again")


def answered(stored: Mapping[str, Any], location: str | None) -> Response:
    """What is stored now: 201 where it was created at ``location``, else 200."""
    body = to_json(stored, inf_nan_mode="null")
    headers = {"ETag": etag(body), "Cache-Control": CACHE_CONTROL}
    if location is None:
        return Response(body, HTTPStatus.OK, headers, "application/json")
    return Response(body, HTTPStatus.CREATED, {**headers, "Location": location}, "application/json")


def nothing_left() -> Response:
    """204."""
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})


async def judged(given: Services, check: Callable[["pd.DataFrame"], T]) -> T:
    """What ``check`` finds, called with the tickers that may be held, beside the event loop.

    Raises:
        ProblemError: 503: the tickers cannot be had.
    """
    try:
        return await given.in_thread(lambda: check(_known(given)))
    except LakeError as error:
        log.warning("cannot read the tickers: %s", error)
        raise unavailable("lake_unavailable", "the lake cannot be read; ask again later") from None
    except (UniverseError, SettingsError) as error:
        log.warning("cannot read the tickers: %s", error)
        raise unavailable(
            "tickers_unavailable",
            "which tickers there are cannot be told now; parakeet doctor tells why",
        ) from None


def _known(given: Services) -> "pd.DataFrame":
    from parakeet_dagster.choices import check_universes
    from parakeet_dagster.connect import active_universe
    from parakeet_dagster.known_tickers import known_tickers

    check_universes(given.settings)
    return known_tickers(
        given.lake,
        active_universe(given.settings),
        lambda error: log.warning("without today's members: %s", error),
    )


def _failed(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.PRECONDITION_FAILED, "precondition_failed", detail)
