"""A tear sheet as one HTML page that needs nothing but itself."""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from markupsafe import Markup

from parakeet_dagster.reports import charts, palette, tables, wording
from parakeet_dagster.reports.canvas import NARROW, WIDE, Chart
from parakeet_dagster.reports.formatting import money
from parakeet_dagster.reports.images import as_svg
from strategy.portfolio.tear_sheet import TearSheet

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "tear_sheet.html.j2"

CHARTS = {
    "equity": charts.equity_chart,
    "drawdown": charts.drawdown_chart,
    "rolling": charts.rolling_chart,
    "weights": charts.weights_chart,
}


class Tile(NamedTuple):
    """A figure in large type, and what stands beneath it."""

    label: str
    text: str
    beneath: str


def page(sheet: TearSheet) -> str:
    """The whole tear sheet: about 200 kB of HTML with styles and charts inside, and no script.

    It refers to nothing outside, follows the light or dark of the screen, and prints on A4. The
    same sheet gives the same text.

    Raises:
        KeyError: the sheet lacks a figure that has a place of its own (``tables.KEY``, those of
            the tiles and of ``wording.chance_sentence``).
    """
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            sheet=sheet,
            light=palette.LIGHT,
            dark=palette.DARK,
            channels=palette.channels,
            period=wording.period(sheet),
            outcome=wording.outcome(sheet),
            capital=money(sheet.terms.capital),
            tiles=_tiles(tables.texts(sheet.figures)),
            charts={name: _both_widths(CHARTS[name](sheet)) for name in _drawn(sheet)},
            no_year=charts.NO_YEAR,
            columns=list(tables.COLUMNS.values()),
            figures=tables.figure_rows(sheet),
            chance_sentence=wording.chance_sentence(sheet.chance),
            chance=tables.chance_rows(sheet.chance),
            month_names=tables.MONTHS,
            months=tables.month_rows(sheet.monthly),
            drawdowns=tables.drawdown_rows(sheet.drawdowns),
            year_columns=[name for name, _ in tables.YEARS.values()],
            years=tables.year_rows(sheet.years),
            terms=wording.terms_in_words(sheet.terms),
        )
    )


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # when there is a page to make

    return jinja2.Environment(
        loader=jinja2.PackageLoader("parakeet_dagster.reports", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _tiles(texts: pd.DataFrame) -> list[Tile]:
    """The headline: five figures, each with what it is to be seen beside."""

    def text(name: str, column: str) -> str:
        return str(texts.loc[name, column])

    def beside_benchmark(name: str, label: str) -> Tile:
        return Tile(label, text(name, "strategy"), f"benchmark {text(name, 'benchmark')}")

    return [
        beside_benchmark("CAGR", "CAGR"),
        Tile(
            "CAGR after tax",
            text("CAGR", "after_tax"),
            f"tax {text('tax', 'after_tax')} in all",
        ),
        beside_benchmark("maximum drawdown", "Maximum drawdown"),
        beside_benchmark("Sharpe ratio", "Sharpe ratio"),
        Tile(
            "Costs a year",
            text("costs a year", "strategy"),
            f"turnover {text('turnover a year', 'strategy')}",
        ),
    ]


def _drawn(sheet: TearSheet) -> list[str]:
    """The charts that have something to show."""
    empty = {"rolling"} if sheet.rolling.isna().all(axis=None) else set()
    return [name for name in CHARTS if name not in empty]


def _both_widths(chart: Chart) -> dict[str, Markup]:
    """A chart for a wide screen and for a narrow one: as SVG, escaped by its writer."""
    formats = {"wide": WIDE, "narrow": NARROW}
    return {width: Markup(as_svg(chart, form)) for width, form in formats.items()}  # noqa: S704
