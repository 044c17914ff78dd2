"""The charts show the sheet's data, all of it and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster.reports import charts
from parakeet_dagster.reports.canvas import Sentence
from parakeet_dagster.reports.palette import DARK, LIGHT, SHARES
from parakeet_dagster_tests.reports.sheets import sheet


@pytest.fixture(scope="module")
def made():
    return sheet()


@pytest.fixture(scope="module")
def short():
    """So short that every session is drawn."""
    return sheet(sessions=400)


def drawn(panel, colour):
    """The line of a colour."""
    [line] = [line for line in panel.lines if line.colour == colour]
    return line.over_time


def names(panel):
    return [line.name for line in panel.lines]


def test_the_palette_tells_its_colours_apart():
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert list(DARK) == list(LIGHT)


def test_equity_is_the_three_curves(short):
    chart = charts.equity_chart(short)
    [panel] = chart.panels
    for column, colour in charts.COLOURS.items():
        assert drawn(panel, colour).equals(short.curves[column])
    assert names(panel) == ["benchmark", "after tax", "strategy"]
    assert not panel.scale.is_logarithmic
    assert chart.dates.equals(short.curves.index)
    assert all(text.startswith("A$") for _, text in panel.scale.marks)


def test_growth_above_threefold_is_logarithmic(made):
    [panel] = charts.equity_chart(made).panels
    assert panel.scale.is_logarithmic
    assert panel.scale.low < made.curves.min().min() < made.curves.max().max() < panel.scale.high


def test_a_capital_that_is_lost_is_not_logarithmic(short):
    lost = short.curves.assign(strategy=np.linspace(100_000, 0, len(short.curves)))
    [panel] = charts.equity_chart(replace(short, curves=lost)).panels
    assert not panel.scale.is_logarithmic
    assert panel.scale.low < 0


def test_drawdown_by_hand(short):
    curves = short.curves.iloc[:5].assign(
        strategy=[100.0, 110, 99, 55, 110], benchmark=[100.0, 100, 100, 90, 80]
    )
    [panel] = charts.drawdown_chart(replace(short, curves=curves)).panels
    assert drawn(panel, "loss").tolist() == pytest.approx([0, 0, -0.1, -0.5, 0])
    assert drawn(panel, "benchmark").tolist() == pytest.approx([0, 0, 0, -0.1, -0.2])
    assert [line.shade for line in panel.lines] == [0, 0.2]
    assert (panel.scale.low, panel.scale.high) == pytest.approx((-0.52, 0))


def test_a_benchmark_without_values_is_left_out():
    made = sheet(sessions=300, benchmark=False)
    [panel] = charts.equity_chart(made).panels
    assert names(panel) == ["after tax", "strategy"]
    [panel] = charts.drawdown_chart(made).panels
    assert names(panel) == ["strategy"]


def test_rolling_has_a_panel_a_figure(short):
    chart = charts.rolling_chart(short)
    assert [panel.title for panel in chart.panels] == ["Return", "Volatility", "Sharpe ratio"]
    for panel, column in zip(chart.panels, short.rolling, strict=True):
        assert drawn(panel, "strategy").equals(short.rolling[column])
    assert chart.dates.equals(short.curves.index)
    last = short.rolling["sharpe"].iloc[-1]
    assert names(chart.panels[2]) == [f"{last:.2f}".replace("-", "\N{MINUS SIGN}")]


@pytest.mark.parametrize("rows", [0, 3])
def test_less_than_a_year(short, rows):
    empty = short.rolling.iloc[:rows] * np.nan
    assert charts.rolling_chart(replace(short, rolling=empty)).panels == (Sentence(charts.NO_YEAR),)
    assert "less than a year of sessions" in charts.NO_YEAR


def test_a_sharpe_ratio_without_meaning(short):
    still = short.rolling.assign(sharpe=np.nan)
    panels = charts.rolling_chart(replace(short, rolling=still)).panels
    assert panels[2] == Sentence(charts.NOTHING_MOVED, "Sharpe ratio")
    assert len(drawn(panels[0], "strategy")) == len(still)


def test_weights_are_areas_the_first_on_top(short):
    weights = pd.DataFrame(
        {"SPY": [0.5, 0.6], "BRK-B": [0.3, np.nan], "CASH": [0.2, 0.4]},
        index=short.curves.index[:2],
    )
    [panel] = charts.weights_chart(replace(short, weights=weights)).panels
    assert panel.stack.colours == {"SPY": "share-1", "BRK-B": "share-2", "CASH": "cash"}
    assert list(panel.stack.names.values()) == ["SPY", "BRK-B", "CASH"]
    assert panel.stack.layers.equals(weights.fillna(0.0))
    assert (panel.scale.low, panel.scale.high) == (0, 1)


def test_sixty_tickers_are_ten_and_the_others():
    made = sheet(sessions=300, tickers=tuple(f"T{place:02}.AX" for place in range(60)))
    [panel] = charts.weights_chart(made).panels
    named = [*made.weights.columns[:10], "other", "CASH"]
    assert list(panel.stack.colours) == list(panel.stack.layers) == named
    assert list(panel.stack.colours.values()) == [*SHARES, "other", "cash"]
    rest = made.weights.iloc[:, 10:-1].sum(axis=1)
    assert panel.stack.layers["other"].tolist() == pytest.approx(rest.tolist())


def test_a_long_name_fits(short):
    weights = short.weights.rename(columns={"SPY": "A-VERY-LONG-NAME.AX"})
    [panel] = charts.weights_chart(replace(short, weights=weights)).panels
    assert panel.stack.names["A-VERY-LONG-NAME.AX"] == "A-VE…E.AX"


def test_rounding_does_not_look_like_a_move(short):
    def limits(panel):
        return panel.scale.low, panel.scale.high

    still = 100_000 + np.arange(len(short.curves)) % 2 * 1e-10
    curves = short.curves.assign(strategy=still, after_tax=still, benchmark=np.nan)
    [panel] = charts.equity_chart(replace(short, curves=curves)).panels
    assert limits(panel) == pytest.approx((99_950, 100_050))
    [panel] = charts.drawdown_chart(replace(short, curves=curves)).panels
    assert limits(panel) == pytest.approx((-0.0104, 0))
    rolling = short.rolling.assign(volatility=1e-12)
    volatility = charts.rolling_chart(replace(short, rolling=rolling)).panels[1]
    assert limits(volatility) == pytest.approx((0, 0.0105))
