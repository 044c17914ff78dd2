"""A drawing is where its data says: read back from the paths and texts, in tenths of a point."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from parakeet_dagster.reports.canvas import (
    NARROW,
    WIDE,
    Chart,
    Line,
    Panel,
    Scale,
    Sentence,
    Stack,
    growth_scale,
)
from parakeet_dagster.reports.formatting import money
from parakeet_dagster.reports.svg import drawn

FORM = replace(WIDE, width=100, height=84, left=10, right=20)
"""The panel is 70 wide, from 10 on, and 50 high, from 16 on."""

DAYS = pd.date_range("2024-01-01", periods=8).astype("datetime64[us]")
TO_ONE = Scale(0.0, 1.0, ((0.0, "0%"), (0.5, "50%"), (1.0, "100%")))


def over(values, days=DAYS):
    return pd.Series(values, index=days[: len(values)], dtype="float64")


def of(*panels, dates=DAYS, form=FORM, taller=1.0):
    return etree.fromstring(drawn(Chart(dates, panels, taller), form, 'class="chart"'))


def one(*lines, scale=TO_ONE):
    return of(Panel(scale, lines))


def paths(root, kind, colour):
    """The data of the paths that are a ``stroke`` or a ``fill`` in a colour."""
    start = f"{kind}: var(--{colour}, "
    return [node.get("d") for node in root.iter("path") if node.get("style").startswith(start)]


def places(data):
    """The points of each unbroken part of a path."""
    parts = []
    for start, rest in re.findall(r"M(-?\d+ ?-?\d+)(?:l([\d -]*))?", data):
        steps = [int(word) for word in re.findall(r"-?\d+", f"{start} {rest}")]
        parts.append(np.cumsum(np.reshape(steps, (-1, 2)), axis=0).tolist())
    return parts


def texts(root):
    return {node.text: (int(node.get("x")), int(node.get("y"))) for node in root.iter("text")}


def test_a_line_by_hand():
    root = one(Line(over([0, 1, 0.5, 0.5, 0.5, 0.25, 0, 1]), "strategy", 1.3))
    [path] = paths(root, "stroke", "strategy")
    assert path == "M100 660l100-500 100 250 100 0 100 0 100 125 100 125 100-500"
    [style] = [node.get("style") for node in root.iter("path") if node.get("d") == path]
    assert style == "stroke: var(--strategy, #1d5b8f); stroke-width: 13"
    assert root.get("viewBox") == "0 0 1000 840"
    assert root.get("fill") == "none"


def test_a_line_breaks_off_where_it_is_not_known():
    [path] = paths(
        one(Line(over([np.nan, 0, 1, np.nan, np.nan, 1, 1, 0]), "loss", 1)), "stroke", "loss"
    )
    assert places(path) == [[[200, 660], [300, 160]], [[600, 160], [700, 160], [800, 660]]]


def test_a_point_alone_is_a_dot():
    """The first session that ends a year, or an account's first."""
    root = one(Line(over([np.nan, 0.5, np.nan, 1, 0]), "loss", 1))
    assert paths(root, "stroke", "loss") == ["M200 410l0 0M400 160l100 500"]
    assert root.get("stroke-linecap") == "round"


def test_a_line_without_a_point_is_nothing():
    assert paths(one(Line(over([np.nan] * 8), "loss", 1)), "stroke", "loss") == [""]


def test_a_shade_reaches_to_zero():
    scale = Scale(-1.0, 0.0, ())
    root = one(Line(over([0, -1, -0.5]), "loss", 1, shade=0.2), scale=scale)
    [path] = paths(root, "fill", "loss")
    assert path.endswith("z")
    assert places(path) == [
        [[100, 160], [200, 160], [300, 160], [300, 410], [200, 660], [100, 160]]
    ]
    assert [node.get("style") for node in root.iter("path")].count(
        "fill: var(--loss, #b24a2e); opacity: 0.2"
    ) == 1


def test_the_last_line_is_on_top_and_the_marks_are_beneath():
    root = one(Line(over([0, 1]), "benchmark", 1), Line(over([1, 0]), "strategy", 1))
    order = re.findall(r"stroke: var\(--([a-z]+)", etree.tostring(root).decode())
    assert order == ["line", "benchmark", "strategy"]


def test_marks():
    root = of(Panel(TO_ONE))
    [grid] = paths(root, "stroke", "line")
    assert grid == "M100 660h700M100 410h700M100 160h700"
    told = texts(root)
    assert {text: at for text, at in told.items() if "%" in text} == {
        "0%": (50, 690),
        "50%": (50, 440),
        "100%": (50, 190),
    }
    assert told["2024-01-01"] == (100, 791)
    assert told["2024-01-07"] == (700, 791)


def test_zero_is_marked_only_inside():
    inside = of(Panel(Scale(-1.0, 1.0, ())))
    assert paths(inside, "stroke", "zero") == ["M100 410h700"]
    for scale in (TO_ONE, Scale(-1.0, 0.0, ())):
        assert paths(of(Panel(scale)), "stroke", "zero") == []


def test_equal_growth_is_equally_high():
    scale = growth_scale(100.0, 400.0, money)
    assert scale.parts([100, 200, 400]) == pytest.approx([0, 0.5, 1])
    [path] = paths(
        one(Line(over([100, 200, 400]), "strategy", 1), scale=scale), "stroke", "strategy"
    )
    assert places(path) == [[[100, 660], [200, 410], [300, 160]]]


def test_names_stand_at_their_ends_but_not_over_each_other():
    high, low = (
        Line(over([0, end]), "strategy", 1, name) for name, end in (("b", 0.6), ("a", 0.58))
    )
    root = one(high, low, Line(over([0, 0.1, np.nan]), "loss", 1, "c"))
    told = texts(root)
    assert told["c"] == (920, 660 - 50 + 21)
    assert told["a"][1] - told["b"][1] == pytest.approx(110, abs=1)
    middle = (660 - 300 + 660 - 290) / 2 + 21
    assert (told["a"][1] + told["b"][1]) / 2 == pytest.approx(middle, abs=1)
    [_, stroke] = paths(root, "stroke", "loss")
    assert places(stroke) == [[[800, 610], [886, 610]]]


def test_areas_lie_on_each_other_and_are_listed():
    layers = pd.DataFrame({"a": [0.5, 0.6], "b": [0.3, 0.0], "c": [0.2, 0.4]}, index=DAYS[[0, -1]])
    colours = {"a": "share-1", "b": "share-2", "c": "cash"}
    stack = Stack(layers, colours, {"a": "A", "b": "B", "c": "Cash"})
    root = of(Panel(TO_ONE, stack=stack))
    areas = {name: paths(root, "fill", colour) for name, colour in colours.items()}
    assert {name: places(area)[0] for name, (area, _) in areas.items()} == {
        "c": [[100, 660], [800, 660], [800, 460], [100, 560]],
        "b": [[100, 560], [800, 460], [800, 460], [100, 410]],
        "a": [[100, 410], [800, 460], [800, 160], [100, 160]],
    }
    assert [areas[name][1] for name in "abc"] == [
        "M810 160h72v66h-72z",
        "M810 276h72v66h-72z",
        "M810 392h72v66h-72z",
    ]
    told = texts(root)
    assert [told[name] for name in ("A", "B", "Cash")] == [(922, 221), (922, 337), (922, 453)]


def test_panels_stand_below_each_other_over_the_same_dates():
    tall = of(Panel(TO_ONE, title="first"), Panel(TO_ONE, title="second"), taller=1.5)
    assert tall.get("viewBox") == "0 0 1000 1260"
    assert paths(tall, "stroke", "line") == [
        "M100 500h700M100 330h700M100 160h700",
        "M100 1080h700M100 910h700M100 740h700",
    ]
    told = texts(tall)
    assert told["first"] == (100, 100)
    assert told["second"] == (100, 680)
    assert [node.text for node in tall.iter("text")].count("2024-01-07") == 1
    assert told["2024-01-07"] == (700, 1211)


def test_a_sentence_stands_in_place_of_a_panel():
    assert texts(of(Sentence("nothing"))) == {"nothing": (100, 431)}
    below = texts(of(Panel(TO_ONE), Sentence("nothing", "of it")))
    assert {"0%", "nothing", "of it", "2024-01-07"} <= set(below)


def test_one_session_is_drawn():
    root = of(Panel(TO_ONE, (Line(over([0.5]), "strategy", 1, "s"),)), dates=DAYS[:1])
    assert paths(root, "stroke", "strategy")[0] == "M100 410l0 0"
    assert texts(root)["2024-01-01"] == (100, 791)


def test_text_is_escaped():
    assert "<S&P>" in texts(of(Sentence("<S&P>")))


def test_what_is_drawn_is_thinned():
    days = pd.bdate_range("2004-01-01", periods=5000).astype("datetime64[us]")
    values = over(np.random.default_rng(3).uniform(0, 1, 5000), days)
    line = Panel(TO_ONE, (Line(values, "strategy", 1, shade=0.5),))
    layers = pd.DataFrame({"a": values, "b": 1 - values})
    colours = {"a": "share-1", "b": "share-2"}
    stack = Panel(TO_ONE, stack=Stack(layers, colours, colours))
    for form in (WIDE, NARROW):
        root = of(line, dates=days, form=form)
        [[drawn_line]] = map(places, paths(root, "stroke", "strategy"))
        assert len(drawn_line) <= form.points
        [[shade]] = map(places, paths(root, "fill", "strategy"))
        assert shade[len(shade) // 2 :] == drawn_line[::-1]
        [area, _] = paths(of(stack, dates=days, form=form), "fill", "share-1")
        assert len(places(area)[0]) <= 2 * form.stacked


@given(values=st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=2, max_size=8))
def test_every_known_value_is_within_a_tenth_of_a_point_of_its_place(values):
    [path] = paths(one(Line(over(values), "strategy", 1)), "stroke", "strategy")
    points = [point for part in places(path) for point in dict.fromkeys(map(tuple, part))]
    expected = [
        (100 + 100 * at, 660 - 500 * value) for at, value in enumerate(values) if value == value
    ]
    assert np.reshape(points, (-1, 2)) == pytest.approx(np.reshape(expected, (-1, 2)), abs=0.51)
