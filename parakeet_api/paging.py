"""Cursors: where a page ended, as a client hands it back.

A cursor holds the sort key of the last row, so that rows which come or go meanwhile shift nothing.
It is no secret and gives no right: what is in it is checked as any input.
"""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from parakeet_api.problems import ProblemError, invalid

Row = Sequence[Any]


def encode(key: Sequence[object]) -> str:
    """A cursor that stands behind the row with this key."""
    told = json.dumps(key, default=str, ensure_ascii=False)
    return base64.urlsafe_b64encode(told.encode()).rstrip(b"=").decode()


def decode(cursor: str | None, *types: Callable[[Any], Any]) -> list[Any] | None:
    """The key in a cursor, a value of each of ``types``; None where there is no cursor.

    Raises:
        ProblemError: 422: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(types):
            raise _not_ours()
        if not all(isinstance(value, str | int) for value in values):
            raise _not_ours()
        return [of(value) for of, value in zip(types, values, strict=True)]
    except (ValueError, OverflowError, RecursionError):
        raise _not_ours() from None


def day(value: object) -> date:
    """A date of a cursor.

    Raises:
        ValueError: it is none.
    """
    return date.fromisoformat(str(value))


def moment(value: object) -> datetime:
    """A moment of a cursor, in UTC.

    Raises:
        ValueError: it is none, or has no time zone.
        OverflowError: in UTC it is before the year 1 or after 9999.
    """
    told = datetime.fromisoformat(str(value))
    if told.tzinfo is None:
        raise ValueError("no time zone")
    return told.astimezone(UTC)


def word(value: object) -> str:
    """A text of a cursor, which may be anything but what PostgreSQL cannot hold.

    Raises:
        ValueError: it holds a NUL, or half of a surrogate pair.
    """
    text = str(value)
    text.encode()
    if "\0" in text:
        raise ValueError("a NUL")
    return text


def require_same(asked: object, told: object) -> None:
    """Refuse a cursor of another request: its page would be of something else.

    Args:
        asked: what the request names; None where it names nothing.
        told: what the cursor says.

    Raises:
        ProblemError: 422.
    """
    if asked is not None and asked != told:
        raise invalid(f"cursor: is not of {asked}; ask for the first page again")


def number(value: object) -> int:
    """A whole number of a cursor that PostgreSQL can hold.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError("no number of a row")
    return value


def page(rows: Sequence[Row], limit: int, *key: int) -> tuple[Sequence[Row], str | None]:
    """The rows of a page, of which one more was asked for, and the cursor of the next one.

    Args:
        rows: up to ``limit`` + 1.
        limit: of a page.
        key: the places of the sort key in a row.
    """
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode([last[place] for place in key])


def _not_ours() -> ProblemError:
    return invalid("cursor: is none that this API gave; ask for the first page again")
