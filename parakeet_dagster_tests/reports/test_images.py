"""Charts as SVG and PNG: small, the same each time, and at home on a page."""

import base64
import io
import re
import subprocess
import sys

import pytest
from lxml import etree
from PIL import Image

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


@pytest.mark.parametrize("chart", DRAWN)
def test_a_png_is_small(made, chart):
    content = images.as_png(chart(made))
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG"
    assert picture.width == 800
    assert 300 <= picture.height <= 400
    assert len(content) < 60_000
    assert picture.convert("RGB").getpixel((0, 0)) == (253, 252, 250)


def test_the_same_sheet_gives_the_same_bytes(made):
    for chart in (charts.equity_chart, charts.weights_chart):
        assert images.as_png(chart(made)) == images.as_png(chart(made))
        assert images.as_svg(chart(made)) == images.as_svg(chart(made))


def test_svg_is_paths_and_texts_in_the_page_s_colours(made):
    for chart in DRAWN:
        source = images.as_svg(chart(made))
        root = etree.fromstring(source)
        assert {node.tag for node in root} == {"path", "text"}
        assert root.get("viewBox").startswith("0 0 576 ")
        assert "http" not in source
        assert " id=" not in source
        assert "font-family" not in source
        bare = re.sub(r"var\(--([\w-]+), (#\w{6})\)", "", source)
        assert "#" not in bare
        used = dict(re.findall(r"var\(--([\w-]+), (#\w{6})\)", source))
        assert used.items() <= LIGHT.items()
        assert "NaN" not in source
        assert "nan" not in source


def test_svg_says_what_the_figure_says(made):
    figure = charts.equity_chart(made)
    texts = [node.text for node in etree.fromstring(images.as_svg(figure)).iter("text")]
    assert {"strategy", "after tax", "benchmark", "A$100,000", "2020"} <= set(texts)


def test_a_path_is_its_line():
    made = sheet(sessions=30)
    figure = charts.equity_chart(made)
    [axes] = figure.axes
    [line] = [line for line in axes.lines if line.get_color() == LIGHT["strategy"]]
    root = etree.fromstring(images.as_svg(figure))
    [path] = [
        node
        for node in root.iter("path")
        if "var(--strategy" in node.get("style") and node.get("d").count(" ") > 20
    ]
    places = [float(word) for word in path.get("d").split() if word != "M"]
    to_points = 72 / figure.dpi
    expected = axes.transData.transform(line.get_xydata()) * to_points
    height = figure.get_figheight() * 72
    drawn = list(zip(places[::2], places[1::2], strict=True))
    assert drawn[0] == pytest.approx((expected[0, 0], height - expected[0, 1]), abs=0.1)
    assert drawn[-1] == pytest.approx((expected[-1, 0], height - expected[-1, 1]), abs=0.1)
    assert min(y for _, y in drawn) == pytest.approx(height - expected[:, 1].max(), abs=0.1)


def test_markdown_carries_its_image(made):
    figure = charts.equity_chart(made)
    told = images.as_markdown(figure, "growth [of A$100,000]\nover time")
    start = "![growth of A$100,000 over time](data:image/png;base64,"
    assert told.startswith(start)
    assert base64.b64decode(told.removeprefix(start).removesuffix(")")) == images.as_png(figure)


def test_drawing_imports_matplotlib_late_and_never_pyplot():
    script = (
        "import sys; from parakeet_dagster.reports import charts, images, page;"
        "assert 'matplotlib' not in sys.modules;"
        "assert not any(name.split('.')[0] == 'dagster' for name in sys.modules);"
        "from parakeet_dagster_tests.reports.sheets import sheet;"
        "images.as_png(charts.equity_chart(sheet(sessions=30)));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    root = __file__.split("/parakeet_dagster_tests/")[0]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
