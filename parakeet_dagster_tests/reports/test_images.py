"""Charts as text: small, the same each time, and at home on a page and in the Dagster UI."""

import base64
import re
import subprocess
import sys

import pytest
from lxml import etree

from parakeet_dagster.reports import charts, images
from parakeet_dagster.reports.palette import LIGHT
from parakeet_dagster_tests.reports.sheets import sheet

DRAWN = (
    charts.equity_chart,
    charts.drawdown_chart,
    charts.rolling_chart,
    charts.weights_chart,
)


@pytest.fixture(scope="module")
def made():
    return sheet()


def image_of(told, alt):
    start = f"![{alt}](data:image/svg+xml;base64,"
    assert told.startswith(start)
    return base64.b64decode(told.removeprefix(start).removesuffix(")")).decode()


def test_the_same_sheet_gives_the_same_text(made):
    for chart in DRAWN:
        assert images.as_svg(chart(made)) == images.as_svg(chart(made))
        assert images.as_markdown(chart(made), "x") == images.as_markdown(chart(made), "x")


def test_svg_is_paths_and_texts_in_the_page_s_colours(made):
    for chart in DRAWN:
        source = images.as_svg(chart(made))
        root = etree.fromstring(source)
        assert {node.tag for node in root} == {"path", "text"}
        assert root.get("viewBox").startswith("0 0 5760 ")
        assert root.get("class") == "chart"
        assert "http" not in source
        assert " id=" not in source
        assert "font-family" not in source
        bare = re.sub(r"var\(--([\w-]+), (#\w{6})\)", "", source)
        assert "#" not in bare
        used = dict(re.findall(r"var\(--([\w-]+), (#\w{6})\)", source))
        assert used.items() <= LIGHT.items()
        assert "nan" not in source.lower()


@pytest.mark.parametrize("chart", DRAWN)
def test_markdown_carries_its_image(made, chart):
    told = images.as_markdown(chart(made), "growth [of A$100,000]\nover time")
    assert len(told) < 60_000
    root = etree.fromstring(image_of(told, "growth of A$100,000 over time"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "800"
    assert 300 <= int(root.get("height")) <= 400
    left, top, width, height = map(float, root.get("viewBox").split())
    assert (left, top) == (0, 0)
    assert int(root.get("height")) == pytest.approx(800 * height / width, abs=1)
    assert LIGHT["paper"] in root.get("style")


def test_drawing_needs_no_library_for_it():
    script = (
        "import sys; from parakeet_dagster.reports import charts, images, page;"
        "from parakeet_dagster_tests.reports.sheets import sheet;"
        "images.as_markdown(charts.equity_chart(sheet(sessions=30)), '');"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "assert not loaded & {'matplotlib', 'PIL', 'lxml', 'dagster'}, loaded"
    )
    root = __file__.split("/parakeet_dagster_tests/")[0]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
