"""The charts show the sheet's data, all of it and nothing else."""

from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from parakeet_dagster.reports import charts
from parakeet_dagster.reports.canvas import NARROW, days
from parakeet_dagster.reports.palette import DARK, LIGHT, SHARES
from parakeet_dagster_tests.reports.sheets import sheet


@pytest.fixture(scope="module")
def made():
    return sheet()


@pytest.fixture(scope="module")
def short():
    """So short that every session is drawn."""
    return sheet(sessions=400)


def drawn(axes, colour):
    """The line of a colour; the line at zero is none of the data."""
    [line] = [line for line in axes.lines if line.get_color() == LIGHT[colour]]
    return line.get_xydata()


def names(axes):
    return [text.get_text() for text in axes.texts]


def colours_of(patches):
    by_value = {colour: name for name, colour in LIGHT.items()}
    return [by_value[to_hex(patch.get_facecolor())] for patch in patches]


def test_the_palette_tells_its_colours_apart():
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert list(DARK) == list(LIGHT)


def test_equity_is_the_three_curves(short):
    [axes] = charts.equity_chart(short).axes
    for column, colour in charts.COLOURS.items():
        expected = np.column_stack([days(short.curves.index), short.curves[column]])
        assert drawn(axes, colour) == pytest.approx(expected)
    assert names(axes) == ["benchmark", "after tax", "strategy"]
    assert axes.get_yscale() == "linear"
    assert days(short.curves.index)[0] == (short.first - pd.Timestamp("1970-01-01")).days
    assert all(label.get_text().startswith("A$") for label in axes.get_yticklabels())


def test_growth_above_threefold_is_logarithmic_and_thinned(made):
    [axes] = charts.equity_chart(made).axes
    assert axes.get_yscale() == "log"
    for column, colour in charts.COLOURS.items():
        values = drawn(axes, colour)[:, 1]
        curve = made.curves[column]
        assert len(values) <= 1500 < len(curve)
        ends = [curve.iloc[0], curve.iloc[-1], curve.min(), curve.max()]
        assert [values[0], values[-1], values.min(), values.max()] == ends
    [axes] = charts.equity_chart(made, NARROW).axes
    assert len(drawn(axes, "strategy")) <= 500


def test_a_capital_that_is_lost_is_not_logarithmic(short):
    lost = short.curves.assign(strategy=np.linspace(100_000, 0, len(short.curves)))
    [axes] = charts.equity_chart(replace(short, curves=lost)).axes
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] < 0


def test_drawdown_by_hand(short):
    curves = short.curves.iloc[:5].assign(
        strategy=[100.0, 110, 99, 55, 110], benchmark=[100.0, 100, 100, 90, 80]
    )
    [axes] = charts.drawdown_chart(replace(short, curves=curves)).axes
    assert drawn(axes, "loss")[:, 1] == pytest.approx([0, 0, -0.1, -0.5, 0])
    assert drawn(axes, "benchmark")[:, 1] == pytest.approx([0, 0, 0, -0.1, -0.2])
    [area] = axes.patches
    assert area.get_xy()[:5, 1] == pytest.approx([0, 0, -0.1, -0.5, 0])
    assert axes.get_ylim() == pytest.approx((-0.52, 0))


def test_a_benchmark_without_values_is_left_out():
    made = sheet(sessions=300, benchmark=False)
    [axes] = charts.equity_chart(made).axes
    assert names(axes) == ["after tax", "strategy"]
    [axes] = charts.drawdown_chart(made).axes
    assert names(axes) == ["strategy"]


def test_rolling_has_a_panel_a_figure(short):
    panels = charts.rolling_chart(short).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Return",
        "Volatility",
        "Sharpe ratio",
    ]
    for axes, column in zip(panels, short.rolling, strict=True):
        expected = np.column_stack([days(short.rolling.index), short.rolling[column]])
        assert drawn(axes, "strategy") == pytest.approx(expected)
        assert axes.get_xlim() == tuple(days(short.curves.index)[[0, -1]])
    last = short.rolling["sharpe"].iloc[-1]
    assert names(panels[2]) == [f"{last:.2f}".replace("-", "\N{MINUS SIGN}")]


@pytest.mark.parametrize("rows", [0, 3])
def test_less_than_a_year(short, rows):
    empty = short.rolling.iloc[:rows] * np.nan
    [axes] = charts.rolling_chart(replace(short, rolling=empty)).axes
    assert names(axes) == [charts.NO_YEAR]
    assert "less than a year of sessions" in charts.NO_YEAR


def test_a_sharpe_ratio_without_meaning(short):
    still = short.rolling.assign(sharpe=np.nan)
    panels = charts.rolling_chart(replace(short, rolling=still)).axes
    assert names(panels[2]) == [charts.NOTHING_MOVED]
    assert len(drawn(panels[0], "strategy")) == len(still)


def test_weights_are_stacked_from_cash_up(short):
    weights = pd.DataFrame(
        {"SPY": [0.5, 0.6], "BRK-B": [0.3, 0.0], "CASH": [0.2, 0.4]}, index=short.curves.index[:2]
    )
    [axes] = charts.weights_chart(replace(short, weights=weights)).axes
    assert colours_of(axes.patches) == ["share-1", "share-2", "cash"]
    edges = [patch.get_xy()[:4, 1].tolist() for patch in axes.patches]
    assert edges[2] == pytest.approx([0, 0, 0.4, 0.2])
    assert edges[1] == pytest.approx([0.2, 0.4, 0.4, 0.5])
    assert edges[0] == pytest.approx([0.5, 0.4, 1, 1])
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["SPY", "BRK-B", "CASH"]


def test_sixty_tickers_are_ten_and_the_others():
    made = sheet(sessions=300, tickers=tuple(f"T{place:02}.AX" for place in range(60)))
    [axes] = charts.weights_chart(made).axes
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == [*made.weights.columns[:10], "other", "CASH"]
    assert colours_of(axes.patches) == [*SHARES, "other", "cash"]
    other = axes.patches[10].get_xy()
    cash = made.weights["CASH"]
    top = cash + made.weights.iloc[:, 10:-1].sum(axis=1)
    assert other[: len(cash), 1] == pytest.approx(cash)
    assert other[len(cash) : 2 * len(cash), 1] == pytest.approx(top[::-1])


def test_weights_of_many_sessions_are_sampled_whole(made):
    [axes] = charts.weights_chart(made).axes
    corners = axes.patches[0].get_xy()
    assert len(corners) <= 2 * 400 + 1
    across = corners[: len(corners) // 2, 0]
    held = made.weights["CASH"][np.isin(days(made.weights.index), across)]
    assert axes.patches[-1].get_xy()[len(across) : 2 * len(across), 1] == pytest.approx(held[::-1])


def test_a_long_name_fits(short):
    weights = short.weights.rename(columns={"SPY": "A-VERY-LONG-NAME.AX"})
    [axes] = charts.weights_chart(replace(short, weights=weights)).axes
    assert "A-VE…E.AX" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_rounding_does_not_look_like_a_move(short):
    still = 100_000 + np.arange(len(short.curves)) % 2 * 1e-10
    curves = short.curves.assign(strategy=still, after_tax=still, benchmark=np.nan)
    [axes] = charts.equity_chart(replace(short, curves=curves)).axes
    assert axes.get_ylim() == pytest.approx((99_950, 100_050))
    [axes] = charts.drawdown_chart(replace(short, curves=curves)).axes
    assert axes.get_ylim() == pytest.approx((-0.0104, 0))
    rolling = short.rolling.assign(volatility=1e-12)
    volatility = charts.rolling_chart(replace(short, rolling=rolling)).axes[1]
    assert volatility.get_ylim() == pytest.approx((0, 0.0105))


def test_one_session_is_drawn():
    made = sheet(sessions=1)
    for chart in (charts.equity_chart, charts.drawdown_chart, charts.weights_chart):
        [axes] = chart(made).axes
        assert axes.get_xlim()[1] - axes.get_xlim()[0] == 1


def test_the_global_state_of_matplotlib_stays(made):
    before = dict(matplotlib.rcParams)
    charts.equity_chart(made)
    assert dict(matplotlib.rcParams) == before
