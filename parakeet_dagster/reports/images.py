"""Figures as text and bytes: SVG inside a page, PNG inside Dagster's markdown."""

import base64
import io
import re
from typing import TYPE_CHECKING

from parakeet_dagster.reports import canvas
from parakeet_dagster.reports.palette import LIGHT

if TYPE_CHECKING:
    from lxml.etree import _Element
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100
COLOURS = 64

_NAMESPACE = re.compile(r' xmlns(:\w+)?="[^"]*"')
_NUMBER = re.compile(r"-?\d+\.\d+")
_FONT = re.compile(r"font-family: [^;\"]*;? ?")
_KEPT = ("d", "style", "x", "y")


def as_svg(figure: "Figure") -> str:
    """A figure of ``charts`` as an ``svg`` element to be put into an HTML page.

    Only its paths and texts: no name space, no identifier that a second chart on the page could
    have as well, no background. Coordinates are rounded to a tenth of a point. Each colour is a CSS
    variable with the name that the palette has for it, and texts have the font of the page.
    """
    from lxml import etree  # as matplotlib, when something is drawn

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with canvas.style():
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    source = buffer.getvalue()
    root = etree.fromstring(_NAMESPACE.sub("", source[source.index("<svg") :]))
    chart = etree.Element("svg", viewBox=root.get("viewBox"), **{"class": "chart"})
    for node in root.iter("path", "text"):
        if node.get("style") != "fill: none":  # an empty background
            chart.append(_reduced(node))
    return str(etree.tostring(chart, encoding="unicode"))


def _reduced(node: "_Element") -> "_Element":
    """The same path or text with what is needed to draw it."""
    kept = node.makeelement(node.tag)
    kept.text = node.text
    for name in _KEPT:
        if value := node.get(name):
            kept.set(name, value)
    kept.set("style", _FONT.sub("", _coloured(kept.get("style", ""))))
    for name in {"d", "x", "y"} & set(kept.keys()):
        kept.set(name, _rounded(kept.get(name)))
    return kept


def _coloured(css: str) -> str:
    for name, colour in LIGHT.items():
        css = css.replace(colour, f"var(--{name}, {colour})")
    return css


def _rounded(coordinates: str) -> str:
    """Tenths of a point, and no command where the one before holds on: lines follow a move."""
    shortened = _NUMBER.sub(lambda match: f"{float(match.group()):.1f}", coordinates)
    words = shortened.split()
    is_straight = set(words).isdisjoint("QC")
    return " ".join(word for word in words if not (is_straight and word == "L"))


def as_png(figure: "Figure") -> bytes:
    """A figure as a PNG on light paper, 100 dots an inch; the same figure gives the same bytes.

    With 64 colours, as the few hues of a chart and their edges need no more: a third of the size.
    """
    from PIL import Image  # matplotlib depends on it

    pixels = io.BytesIO()
    with canvas.style():
        figure.savefig(pixels, format="rgba", dpi=DOTS_PER_INCH)
    size = tuple(round(inches * DOTS_PER_INCH) for inches in figure.get_size_inches())
    picture = Image.frombytes("RGBA", size, pixels.getvalue()).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def as_markdown(figure: "Figure", alt: str) -> str:
    """A figure as an image in markdown that carries its own bytes.

    Args:
        figure: to show.
        alt: what it shows, for those who cannot see it; brackets and line breaks are dropped.
    """
    words = " ".join(alt.translate(str.maketrans("[]", "  ")).split())
    return f"![{words}](data:image/png;base64,{base64.b64encode(as_png(figure)).decode()})"
