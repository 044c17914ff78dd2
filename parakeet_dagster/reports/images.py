"""Charts as text: SVG inside a page, and inside Dagster's markdown."""

import base64
from dataclasses import replace

from parakeet_dagster.reports import svg
from parakeet_dagster.reports.canvas import WIDE, Chart, Format
from parakeet_dagster.reports.palette import LIGHT

IMAGE = replace(WIDE, points=750, stacked=300)
"""Of fewer bytes: they are kept with every run."""

DOTS_PER_POINT = 100 / 72


def as_svg(chart: Chart, form: Format = WIDE) -> str:
    """A chart as an ``svg`` element to be put into an HTML page.

    Only paths and texts: no name space, no identifier that a second chart on the page could have as
    well, no background. Texts have the font of the page.
    """
    return svg.drawn(chart, form, 'class="chart"')


def as_markdown(chart: Chart, alt: str) -> str:
    """A chart on light paper as an image in markdown that carries its own bytes.

    The Dagster UI shows an image of any kind, and nothing else inline.

    Args:
        chart: to show.
        alt: what it shows, for those who cannot see it; brackets and line breaks are dropped.
    """
    width, height = (
        round(points * DOTS_PER_POINT) for points in (IMAGE.width, IMAGE.height * chart.taller)
    )
    picture = svg.drawn(
        chart,
        IMAGE,
        f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' font-family="system-ui, sans-serif" style="background: {LIGHT["paper"]}"',
    )
    words = " ".join(alt.translate(str.maketrans("[]", "  ")).split())
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()})"
