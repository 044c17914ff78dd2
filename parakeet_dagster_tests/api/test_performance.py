"""``/v1/performance``: the tear sheets that are stored, in figures, as curves and as a page."""

import re

import pandas as pd
import pytest

from parakeet_api.routers.performance import COMPARED
from parakeet_dagster.reports.page import page
from parakeet_dagster.storage.reports import write_report
from parakeet_dagster_tests.api.clients import module_api  # noqa: F401 - a fixture
from parakeet_dagster_tests.api.lakes import DAYS
from parakeet_dagster_tests.reports.sheets import sheet
from strategy.portfolio.comparison import COMPARED as FIGURES
from strategy.portfolio.comparison import UNITS
from strategy.portfolio.compose import FIGURES as ALL_FIGURES
from strategy.portfolio.sharpe import CHANCE

SHEET = sheet(300)


def tables(days, strategy, figure=0.5, sharpe=0.05):
    index = pd.DatetimeIndex(days, name="date").as_unit("us")
    curves = pd.DataFrame({"strategy": strategy}, index=index, dtype="float64")
    curves["after_tax"] = curves["strategy"] - 10
    curves["benchmark"] = 100.0
    figures = pd.DataFrame(
        {"unit": ALL_FIGURES, "strategy": figure, "after_tax": figure - 0.25, "benchmark": None}
    ).astype({"benchmark": "float64"})
    chance = pd.DataFrame({"unit": CHANCE, "value": 1.0})
    chance.loc["Sharpe ratio of a session", "value"] = sharpe
    chance.loc["sessions", "value"] = 300.0
    chance.loc["kurtosis of excess returns", "value"] = 3.0
    chance.loc["skewness of excess returns", "value"] = 0.0
    return {
        "curves": curves,
        "figures": figures.rename_axis("figure"),
        "chance": chance.rename_axis("figure"),
    }


@pytest.fixture(scope="module")
def api(module_api):
    lake = module_api.services.lake
    write_report(
        lake, "performance/dual_momentum", page(SHEET), tables(DAYS[:4], [100, 120, 90, 150])
    )
    write_report(lake, "performance/equal_weight", "<p>b", tables(DAYS[:2], [100, 50], -1.0, 0.01))
    write_report(lake, "performance/olmar", "<p>c", tables(DAYS, 5 * [1.0]))  # is not enabled
    return module_api


def test_the_columns_are_those_of_the_comparison():
    named = [name.lower().replace(" ", "_") for name in UNITS]
    assert list(COMPARED) == ["strategy", "from", "to", *named]
    assert len(FIGURES) + 4 == len(COMPARED)


def test_side_by_side(api):
    rows = {row["strategy"]: row for row in api.rows("/v1/performance")}
    assert list(rows) == ["dual_momentum", "equal_weight"]
    one, other = rows.values()
    assert (one["from"], one["to"]) == (DAYS[0], DAYS[3])
    assert (other["from"], other["to"]) == (DAYS[0], DAYS[1])
    assert (one["cagr"], one["cagr_after_tax"], one["sharpe_ratio"]) == (0.5, 0.25, 0.5)
    assert (other["cagr"], other["maximum_drawdown"]) == (-1.0, -1.0)
    assert 0 < other["deflated_sharpe_ratio"] < one["deflated_sharpe_ratio"] < 1


def test_the_figures_of_one_with_their_units(api):
    told = api.get("/v1/performance/dual_momentum").json()
    assert (told["strategy"], told["from"], told["to"]) == ("dual_momentum", DAYS[0], DAYS[3])
    figures = {each["figure"]: each for each in told["figures"]}
    assert list(figures) == list(ALL_FIGURES)
    assert figures["CAGR"] == {
        "figure": "CAGR",
        "unit": "fraction",
        "strategy": 0.5,
        "after_tax": 0.25,
        "benchmark": None,
    }
    assert (figures["tax"]["unit"], figures["Sharpe ratio"]["unit"]) == ("aud", "ratio")
    chance = {each["figure"]: each for each in told["chance"]}
    assert chance["sessions"] == {"figure": "sessions", "unit": "sessions", "value": 300.0}
    assert {each["unit"] for each in told["figures"]} == {
        "fraction",
        "ratio",
        "aud",
        "sessions",
        "number",
    }


def test_curves_and_drawdowns(api):
    rows = api.rows("/v1/performance/dual_momentum/curves")
    assert rows[2] == {
        "date": DAYS[2],
        "strategy": 90.0,
        "after_tax": 80.0,
        "benchmark": 100.0,
        "drawdown": 90 / 120 - 1,
        "drawdown_after_tax": pytest.approx(80 / 110 - 1),
        "drawdown_benchmark": 0.0,
    }
    assert [row["drawdown"] for row in rows] == [0.0, 0.0, -0.25, 0.0]


def test_a_part_of_the_curves_is_below_the_highs_of_all(api):
    asked = {"from": DAYS[2], "to": DAYS[3]}
    rows = api.get("/v1/performance/dual_momentum/curves", params=asked).json()["data"]
    assert [(row["date"], row["drawdown"]) for row in rows] == [(DAYS[2], -0.25), (DAYS[3], 0.0)]


def test_pages_of_curves(api):
    path = "/v1/performance/dual_momentum/curves"
    first = api.get(path, params={"limit": 3}).json()
    rest = api.get(path, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    dates = [[row["date"] for row in part["data"]] for part in (first, rest)]
    assert (dates, rest["next_cursor"]) == ([DAYS[:3], DAYS[3:4]], None)


def test_csv_of_curves(api):
    lines = api.get("/v1/performance/equal_weight/curves?format=csv").text.splitlines()
    assert lines[0].startswith("date,strategy,after_tax,benchmark,drawdown,")
    assert lines[2].startswith("2024-01-03,50.0,40.0,100.0,-0.5,")


def test_the_page(api):
    answer = api.get("/v1/performance/dual_momentum/report")
    assert answer.text == page(SHEET)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    sent = answer.headers.get_list("content-security-policy")
    assert sent == [f"{policy} frame-ancestors 'none'; sandbox"]
    tag = {"If-None-Match": answer.headers["etag"]}
    assert api.get("/v1/performance/dual_momentum/report", headers=tag).status_code == 304


def test_the_page_needs_no_more_than_its_policy_allows(api):
    text = api.get("/v1/performance/dual_momentum/report").text
    assert (
        re.findall(r"<(script|link|img|iframe|object|embed|form|base|font)\b|@import", text) == []
    )
    assert re.findall(r"url\((?!['\"]?#)[^)]*\)|\b(?:src|href)=['\"](?!#)", text) == []
    assert "<style>" in text


@pytest.mark.parametrize("below", ["", "/curves", "/report"])
@pytest.mark.parametrize("name", ["astrology", "momentum_21"])
def test_without_a_report(api, name, below):
    answer = api.get(f"/v1/performance/{name}{below}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_stored")
    assert answer.json()["detail"].startswith(f"{name}: no report is stored")


def test_a_range_that_ends_before_it_begins(api):
    asked = {"from": DAYS[1], "to": DAYS[0]}
    answer = api.get("/v1/performance/dual_momentum/curves", params=asked)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "from")


def test_half_a_report_is_none(api):
    lake = api.services.lake
    lake.store.remove("performance/olmar/chance.parquet")
    assert api.get("/v1/performance/olmar").status_code == 404
    assert len(api.rows("/v1/performance/olmar/curves")) == 5
