"""The page: every figure at its place, nothing from elsewhere, and it stands odd sheets."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lxml import html

from parakeet_dagster.reports import charts, tables, wording
from parakeet_dagster.reports.formatting import DASH, MINUS
from parakeet_dagster.reports.page import page
from parakeet_dagster_tests.reports.sheets import NOTES, SURVIVORSHIP, sheet


@pytest.fixture(scope="module")
def made():
    whole = sheet(sessions=700)
    figures = whole.figures.copy()
    figures.loc["CAGR", ["strategy", "after_tax", "benchmark"]] = [0.0842, 0.071, 0.0655]
    figures.loc["maximum drawdown", ["strategy", "benchmark"]] = [-0.2189, -0.337]
    figures.loc["Sharpe ratio", ["strategy", "benchmark"]] = [0.613, 0.4]
    return replace(whole, figures=figures)


@pytest.fixture(scope="module")
def source(made):
    return page(made)


@pytest.fixture(scope="module")
def root(source):
    return html.document_fromstring(source)


def texts(nodes):
    return [" ".join(node.text_content().split()) for node in nodes]


def rows(root, section):
    """The table of a section without its head."""
    body = root.xpath(f"//section[@class='{section}']//tbody/tr")
    return [texts(row.xpath("th|td")) for row in body]


def test_the_head(root, made):
    assert texts(root.xpath("//h1")) == ["dual_momentum"]
    assert texts(root.xpath("//header/p[@class='lead']")) == [made.description]
    assert texts(root.xpath("//*[@class='period']")) == [wording.period(made)]
    assert texts(root.xpath("//*[@class='outcome']")) == [wording.outcome(made)]
    assert root.xpath("string(//title)") == f"dual_momentum: tear sheet to {made.last:%Y-%m-%d}"
    assert root.get("lang") == "en-AU"


def test_notes_stand_above_the_first_chart(source, root):
    assert texts(root.xpath("//aside[@class='notes']//li")) == list(NOTES)
    assert source.index(SURVIVORSHIP) < source.index("<svg")
    assert not root.xpath("//svg/following::aside")
    assert not root.xpath("//details")
    assert "font-size: 1" not in re.search(r"\.notes li \{[^}]*\}", source).group()


def test_the_headline(root):
    values = texts(root.xpath("//dl[@class='tiles']//dd[@class='value']"))
    assert values == ["8.42%", "7.10%", f"{MINUS}21.9%", "0.61", "0.91%"]
    assert texts(root.xpath("//dl[@class='tiles']//dt")) == [
        "CAGR",
        "CAGR after tax",
        "Maximum drawdown",
        "Sharpe ratio",
        "Costs a year",
    ]
    beneath = texts(root.xpath("//dl[@class='tiles']//dd[@class='beneath']"))
    assert beneath == [
        "benchmark 6.55%",
        "tax A$23,456 in all",
        f"benchmark {MINUS}33.7%",
        "benchmark 0.40",
        "turnover 241.3%",
    ]


def test_every_figure_is_in_its_row_and_column(root, made):
    told = tables.texts(made.figures)
    expected = [
        [name, *told.loc[key]]
        for key, name in zip(told.index, tables.labels(made.figures["unit"]), strict=True)
    ]
    assert rows(root, "figures") == expected
    assert texts(root.xpath("//section[@class='figures']//thead//th")) == [
        "Figure",
        "strategy",
        "after tax",
        "benchmark",
    ]


def test_chance(root, made):
    assert texts(root.xpath("//section[@class='chance']/p")) == [
        wording.chance_sentence(made.chance)
    ]
    names = texts(root.xpath("//section[@class='chance']//dt"))
    values = texts(root.xpath("//section[@class='chance']//dd"))
    told = dict(zip(names, values, strict=True))
    assert told["probabilistic Sharpe ratio"] == "97.2%"
    assert told["deflated Sharpe ratio"] == "71.3%"
    assert told["minimum track record (sessions)"] == "1,873"
    assert told["sessions"] == "699"


def test_months(root, made):
    expected = [
        [year, *(month.text for month in months), whole]
        for year, months, whole in tables.month_rows(made.monthly)
    ]
    assert rows(root, "months") == expected
    gain = root.xpath("//section[@class='months']//td[@class='gain']")[0]
    text = float(gain.text)
    heat = float(gain.get("style").removeprefix("--heat: "))
    assert heat == pytest.approx(min(text / 8, 1), abs=0.02)


def test_drawdowns_years_and_terms(root, made):
    assert rows(root, "drawdowns") == [list(row) for row in tables.drawdown_rows(made.drawdowns)]
    assert rows(root, "years") == [[year, *cells] for year, cells in tables.year_rows(made.years)]
    terms = texts(root.xpath("//dl[@class='terms']/*"))
    assert terms[:4] == ["Capital", "A$100,000 in cash at the start.", "Fee",
                         "A$3.00 for every trade, whatever its size."]  # fmt: skip
    assert terms[-1] == f"{made.benchmark}; no costs, no tax."


def test_sections_in_the_order_of_reading(root):
    assert root.xpath("//section/@class") == [
        "equity",
        "drawdown",
        "figures",
        "chance",
        "months",
        "drawdowns",
        "rolling",
        "weights",
        "years",
        "assumed",
    ]
    assert len(root.xpath("//svg")) == 8
    assert all(root.xpath("//div[@role='img']/@aria-label"))


def test_nothing_comes_from_elsewhere(source, root):
    assert "http" not in source
    assert "url(" not in source
    assert "@import" not in source
    outside = "//script|//link|//img|//iframe|//object|//use|//@href|//@src|//@onload"
    assert not root.xpath(outside)
    assert not root.xpath("//@id")


def test_the_same_sheet_gives_the_same_page(source, made):
    assert page(made) == source


def test_text_is_escaped(made):
    nasty = "<b>AT&T</b> \"x\" <script>alert('1')</script>"
    tickers = ("<S&P>", "</svg>")
    odd = replace(
        made,
        strategy=nasty,
        description=nasty,
        benchmark=nasty,
        notes=(nasty,),
        curves=made.curves.iloc[:40],
        rolling=made.rolling.iloc[:0],
        weights=made.weights.iloc[:40].rename(
            columns=dict(zip(made.weights, tickers, strict=False))
        ),
    )
    written = page(odd)
    root = html.document_fromstring(written)
    assert not root.xpath("//script|//b[text()='AT&T']")
    assert texts(root.xpath("//h1|//header/p[@class='lead']|//aside//li")) == [nasty] * 3
    assert set(tickers) <= set(texts(root.xpath("//svg//text")))


def test_a_month_of_sessions():
    made = sheet(sessions=20)
    root = html.document_fromstring(page(made))
    assert texts(root.xpath("//section[@class='rolling']/p")) == [charts.NO_YEAR]
    assert not root.xpath("//section[@class='rolling']//svg")
    assert len(rows(root, "months")) == 1


def test_cash_alone():
    made = sheet(sessions=300, tickers=())
    still = replace(made, drawdowns=made.drawdowns.iloc[:0], notes=())
    root = html.document_fromstring(page(still))
    assert "None" in root.xpath("string(//section[@class='drawdowns']/p)")
    assert not root.xpath("//section[@class='drawdowns']//table|//aside")
    assert charts.NOTHING_MOVED in texts(root.xpath("//section[@class='rolling']//svg//text"))
    assert DASH in texts(root.xpath("//dl[@class='tiles']//dd[@class='value']"))


def test_no_benchmark():
    made = sheet(sessions=80, benchmark=False)
    nothing = made.monthly.iloc[:0]
    root = html.document_fromstring(page(replace(made, monthly=nothing)))
    assert "benchmark" not in texts(root.xpath("//svg//text"))
    assert {row[3] for row in rows(root, "figures")} == {DASH}
    assert "no month" in root.xpath("string(//section[@class='months'])")


def test_twenty_years_of_fifty_tickers_are_small():
    made = sheet(sessions=5040, tickers=tuple(f"T{place:02}.AX" for place in range(50)))
    assert len(page(made).encode()) < 300_000


def test_not_a_number_is_never_written(root):
    words = set(" ".join(texts(root.xpath("//body"))).split())
    assert words.isdisjoint({"nan", "NaN", "NaT", "None", "inf", "-"})
    assert not re.search(r"[\s>]-\d", " ".join(texts(root.xpath("//td|//dd"))))


def test_a_year_of_which_a_month_is_missing(made):
    holes = made.monthly.copy()
    holes.iloc[0, 2] = np.nan
    assert tables.month_rows(holes)[0][1][2].text == ""
    assert pd.isna(holes.iloc[0, 2])
