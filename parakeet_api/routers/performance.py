"""``/v1/performance``: what a strategy would have earned, after costs and tax; the tear sheets."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from parakeet_api import paging
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
    tagged,
)
from parakeet_api.fields import Cursor, From, Limit, StrategyName, To, require_range
from parakeet_api.lake_tables import rows_of
from parakeet_api.paging import Row
from parakeet_api.problems import ProblemError, not_stored

if TYPE_CHECKING:
    import pandas as pd

    from parakeet_dagster.storage.lake import Lake

router = APIRouter()

_DAY = ["2024-01-03"]
_AUD = [104_250.5]
_DRAWDOWN = [-0.031]
_A_YEAR = "a year, a fraction: 0.05 is 5 %"


class Compared(BaseModel):
    """A strategy in the figures by which strategies are compared, after costs."""

    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    first: Annotated[
        date,
        Field(alias="from", description="Its first session, that of its capital.", examples=_DAY),
    ]
    last: Annotated[date, Field(alias="to", description="Its last session.", examples=_DAY)]
    cagr: float | None = Field(description=f"Growth {_A_YEAR}, before tax.", examples=[0.07])
    cagr_after_tax: float | None = Field(
        description=f"Growth {_A_YEAR}, after Australian tax.", examples=[0.05]
    )
    volatility: float | None = Field(
        description=f"Standard deviation of returns {_A_YEAR}.", examples=[0.12]
    )
    sharpe_ratio: float | None = Field(description="Of a year.", examples=[0.55])
    sortino_ratio: float | None = Field(description="Of a year.", examples=[0.8])
    maximum_drawdown: float | None = Field(
        description="The deepest fall from a high, a fraction, negative.", examples=[-0.18]
    )
    calmar_ratio: float | None = Field(
        description="Growth a year by the deepest fall.", examples=[0.39]
    )
    turnover_a_year: float | None = Field(
        description=f"Traded of the mean equity {_A_YEAR}.", examples=[1.9]
    )
    costs_a_year: float | None = Field(
        description=f"Costs of the mean equity {_A_YEAR}.", examples=[0.004]
    )
    deflated_sharpe_ratio: float | None = Field(
        description=(
            "How sure one can be that it is more than the luck of the best of all strategies here,"
            " a fraction."
        ),
        examples=[0.71],
    )


Unit = Annotated[
    Literal["fraction", "ratio", "aud", "sessions", "number"],
    Field(description="A fraction of 0.05 is 5 %.", examples=["fraction"]),
]


class Figure(BaseModel):
    """A figure of the strategy, of the strategy after tax and of its benchmark."""

    figure: str = Field(description="In words.", examples=["CAGR"])
    unit: Unit
    strategy: float | None = Field(description="Before tax.", examples=[0.07])
    after_tax: float | None = Field(description="After Australian tax.", examples=[0.05])
    benchmark: float | None = Field(description="Without costs and tax.", examples=[0.06])


class Chance(BaseModel):
    """A figure of how likely it is that the Sharpe ratio is no luck."""

    figure: str = Field(description="In words.", examples=["deflated Sharpe ratio"])
    unit: Unit
    value: float | None = Field(description="In the unit.", examples=[0.71])


class Performance(BaseModel):
    """A tear sheet in figures; what has no meaning is null."""

    strategy: str = Field(description="Its name.", examples=["dual_momentum"])
    first: Annotated[
        date,
        Field(alias="from", description="Its first session, that of its capital.", examples=_DAY),
    ]
    last: Annotated[date, Field(alias="to", description="Its last session.", examples=_DAY)]
    figures: list[Figure]
    chance: list[Chance]


class Point(BaseModel):
    """What the capital had become at a session's close, and how far that is below a high."""

    date: Annotated[date, Field(description="The session.", examples=_DAY)]
    strategy: float = Field(description="AUD, after costs, before tax.", examples=_AUD)
    after_tax: float = Field(description="AUD, after costs and Australian tax.", examples=_AUD)
    benchmark: float = Field(description="AUD, without costs and tax.", examples=_AUD)
    drawdown: float = Field(
        description="Of strategy below its highest close so far, a fraction, 0 or negative.",
        examples=_DRAWDOWN,
    )
    drawdown_after_tax: float = Field(description="As drawdown.", examples=_DRAWDOWN)
    drawdown_benchmark: float = Field(description="As drawdown.", examples=_DRAWDOWN)


COMPARED = tuple(field.alias or name for name, field in Compared.model_fields.items())
POINTS = tuple(Point.model_fields)

REPORT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; sandbox"
}
"""The page has styles and charts inside, and nothing else; a script in it would not run."""

_REPORT = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **UNCHANGED}


@router.get("/performance", response_model=Page[Compared], responses=TABLE)
async def comparison(
    request: Request,
    given: Given,
    format: Format = None,  # noqa: A002, ARG001 - documented here, read in answers.table
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - documented here, read in answers.tagged
) -> Response:
    """The enabled strategies that have a report side by side, on one page."""
    names = [row["strategy"] for row in await given.catalog() if row["enabled"]]
    return table(request, COMPARED, await given.of_lake(_compared, names))


@router.get("/performance/{strategy}", response_model=Performance, responses=UNCHANGED | NOT_FOUND)
async def of_strategy(
    request: Request,
    given: Given,
    strategy: StrategyName,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The figures of a strategy, with their units, and whether they are luck."""
    return document(request, await given.of_lake(_performance, strategy))


@router.get(
    "/performance/{strategy}/curves", response_model=Page[Point], responses=TABLE | NOT_FOUND
)
async def curves(
    request: Request,
    given: Given,
    strategy: StrategyName,
    first: From = None,
    last: To = None,
    limit: Limit = 1000,
    cursor: Cursor = None,
    format: Format = None,  # noqa: A002, ARG001 - as above
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """What the capital became and its drawdowns, by date."""
    require_range(first, last)
    after = paging.decode(cursor, paging.day)
    begun = after[0] if after else date.min
    span = (first or date.min, last or date.max, begun)
    found = await given.of_lake(_curves, strategy, span, limit)
    rows, next_cursor = paging.page(found, limit, POINTS.index("date"))
    return table(request, POINTS, rows, next_cursor)


@router.get(
    "/performance/{strategy}/report",
    response_class=HTMLResponse,
    responses=_REPORT | NOT_FOUND,
)
async def report(
    request: Request,
    given: Given,
    strategy: StrategyName,
    if_none_match: IfNoneMatch = None,  # noqa: ARG001 - as above
) -> Response:
    """The tear sheet as a page of HTML that needs nothing but itself."""
    page = await given.of_lake(_report, strategy)
    return tagged(request, page.encode(), "text/html; charset=utf-8", REPORT_HEADERS)


def _compared(lake: "Lake", names: list[str]) -> list[Row]:
    from parakeet_dagster.storage.performance import compared, read_performances

    found = read_performances(lake, names)
    return list(compared(found).reset_index().itertuples(index=False, name=None)) if found else []


def _performance(lake: "Lake", strategy: str) -> dict[str, object]:
    from parakeet_dagster.storage.performance import read_performance

    found = read_performance(lake, strategy)
    if found is None:
        raise _no_report(strategy)
    return {
        "strategy": strategy,
        "from": found.curves.index[0],
        "to": found.curves.index[-1],
        "figures": _figures(found.figures),
        "chance": _figures(found.chance),
    }


def _figures(frame: "pd.DataFrame") -> list[dict[str, object]]:
    told = frame.assign(unit=frame["unit"].replace("percent", "fraction")).reset_index()
    return [dict(zip(told.columns, row, strict=True)) for row in rows_of(told, list(told.columns))]


def _curves(lake: "Lake", strategy: str, span: tuple[date, date, date], limit: int) -> list[Row]:
    """The rows from the first day of ``span`` to the second, and after the third."""
    from parakeet_dagster.storage.performance import read_curves
    from strategy.portfolio.drawdowns import drawdowns

    found = read_curves(lake, strategy)
    if found is None:
        raise _no_report(strategy)
    first, last, after = span
    fallen = drawdowns(found).set_axis(POINTS[-3:], axis=1)
    days = found.index
    rows = found.join(fallen)[(days >= first) & (days <= last) & (days > after)]
    return list(rows.head(limit + 1).reset_index()[list(POINTS)].itertuples(index=False, name=None))


def _report(lake: "Lake", strategy: str) -> str:
    from parakeet_dagster.storage.performance import performance_path
    from parakeet_dagster.storage.reports import read_page

    page = read_page(lake, performance_path(strategy))
    if page is None:
        raise _no_report(strategy)
    return page


def _no_report(strategy: str) -> ProblemError:
    return not_stored(f"{strategy}: no report is stored; GET /v1/performance lists those that are")
