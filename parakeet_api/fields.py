"""What clients may write in a query or a path, and the types of what they get."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BeforeValidator, Field, WithJsonSchema

from parakeet_api.problems import Wrong, invalid

FIRST_YEAR, LAST_YEAR = 1970, 2100
MAX_LIMIT = 10_000

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII
)


def _iso_date(value: Any) -> Any:  # noqa: ANN401 - pydantic's validators get anything
    """Dates as people write them only: pydantic would take seconds since 1970, too."""
    if isinstance(value, str) and (
        not _DATE.fullmatch(value) or not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR
    ):
        raise ValueError(f"is not a date of {FIRST_YEAR} to {LAST_YEAR}: write YYYY-MM-DD")
    return value


def _iso_moment(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, str) and (
        not _MOMENT.fullmatch(value) or not FIRST_YEAR < int(value[:4]) < LAST_YEAR
    ):
        raise ValueError(
            "is not a moment with a time zone: write 2024-03-01T09:30:00Z (a + is %2B in a URL)"
        )
    return value


Day = Annotated[
    date,
    BeforeValidator(_iso_date),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_iso_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

TICKER = r"^[A-Za-z0-9][A-Za-z0-9.^=-]{0,19}$"
NAME = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"

Ticker = Annotated[
    str, Path(pattern=TICKER, description="As Yahoo writes it.", examples=["BHP.AX"])
]
StrategyName = Annotated[
    str, Path(pattern=NAME, description="A strategy's name.", examples=["dual_momentum"])
]

Tickers = Annotated[
    list[Annotated[str, Field(pattern=TICKER)]] | None,
    Query(alias="ticker", max_length=100, description="Only these; may be given again and again."),
]
Session = Annotated[
    Day | None,
    Query(
        alias="session", description="A session, YYYY-MM-DD. Default: the newest that is stored."
    ),
]
From = Annotated[Day | None, Query(alias="from", description="The first date, inclusive.")]
To = Annotated[Day | None, Query(alias="to", description="The last date, inclusive.")]
AsOf = Annotated[
    Moment | None,
    Query(description="What was known at this moment, with a time zone. Default: now."),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="So many rows at most.")]
LONGEST_CURSOR = 8000
"""As base64; of the longest id of a trade, 1000 signs of up to 4 bytes, and a date and a ticker."""

Cursor = Annotated[
    str | None,
    Query(
        max_length=LONGEST_CURSOR,
        pattern=r"^[A-Za-z0-9_=-]*$",
        description="`next_cursor` of the page before; with the same filters.",
    ),
]


def require_range(first: date | None, last: date | None) -> None:
    """Refuse a range that ends before it begins: its empty answer would hide a slip.

    Raises:
        ProblemError: 422.
    """
    if first is not None and last is not None and first > last:
        message = f"{first} is after to, {last}; swap them"
        raise invalid(f"from: {message}", [Wrong(where="from", message=message)])
