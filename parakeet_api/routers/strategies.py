"""``/v1/strategies``: the catalog, and which of it is computed."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from parakeet_api.access import Given
from parakeet_api.answers import (
    NOT_FOUND,
    TABLE,
    UNCHANGED,
    Format,
    IfNoneMatch,
    Page,
    document,
    table,
)
from parakeet_api.fields import StrategyName
from parakeet_api.problems import not_stored

router = APIRouter()

PARTS = ("signal", "overlay", "allocation")


class _Entry(BaseModel):
    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    description: str = Field(description="What it does.", examples=["The 5 strongest members"])
    universe: str = Field(
        description="Whose members it chooses from; active: all that are fetched.",
        examples=["active"],
    )
    rebalance: str = Field(description="When its target is decided anew.", examples=["monthly"])
    lookback: int = Field(description="Sessions of returns in its longest window.", examples=[252])
    enabled: bool = Field(description="Whether it is computed.", examples=[True])
    left_out: str | None = Field(
        description="Why it cannot be computed with these settings; null where it can.",
        examples=[None],
    )


class StrategyRow(_Entry):
    """A strategy of the catalog; of its parts only the kinds."""

    signal: str = Field(description="The kind of its signal.", examples=["dual_momentum"])
    overlay: str | None = Field(
        description="The kind of what scales its exposure; null where nothing does.",
        examples=[None],
    )
    allocation: str = Field(description="How it weighs what it holds.", examples=["hrp"])


class Part(BaseModel):
    """A part of a strategy, and its parameters."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="Of the part.", examples=["dual_momentum"])
    lookback: int = Field(description="Sessions that it looks back on.", examples=[252])


class StrategyEntry(_Entry):
    """A strategy of the catalog with all its parameters."""

    signal: Part = Field(description="What it thinks of each member.")
    overlay: Part | None = Field(description="What scales its exposure; null where nothing does.")
    allocation: Part = Field(description="How it weighs what it holds.")
    grid: dict[str, list[Any]] = Field(
        description="The values among which a walk-forward analysis chooses, by parameter.",
        examples=[{"signal.places": [4, 8]}],
    )
    source: str = Field(description="Where its parts are published.")


COLUMNS = tuple(StrategyRow.model_fields)


@router.get("/strategies", response_model=Page[StrategyRow], responses=TABLE)
async def catalog(
    request: Request,
    given: Given,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """Every strategy of the catalog, in its order: all of them, on one page."""
    kinds = [
        {**row, **{part: row[part] and row[part]["kind"] for part in PARTS}}
        for row in await given.catalog()
    ]
    return table(request, COLUMNS, [[row[name] for name in COLUMNS] for row in kinds])


@router.get("/strategies/{strategy}", response_model=StrategyEntry, responses=UNCHANGED | NOT_FOUND)
async def of_name(
    request: Request,
    given: Given,
    strategy: StrategyName,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """A strategy with its parameters."""
    for row in await given.catalog():
        if row["strategy"] == strategy:
            return document(request, {name: row[name] for name in StrategyEntry.model_fields})
    raise not_stored(f"{strategy}: no such strategy; GET /v1/strategies lists them")
