"""Parameter grids: what is accepted, and the candidates that they make."""

import tomllib

import pytest
from pydantic import ValidationError

from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.catalog import CATALOG, entry
from strategy.errors import StrategyError
from strategy.grid import MOST, candidates, own_label
from strategy.overlays.regime import Regime
from strategy.signals.momentum import Momentum
from strategy.signals.olmar import Olmar
from strategy.signals.quallamaggie import Quallamaggie
from strategy.strategy import Strategy

MINE = {
    "description": "Mine",
    "signal": {"kind": "momentum", "lookback": 126, "places": 5},
    "allocation": {"kind": "hrp", "lookback": 60, "smallest": 0.02},
}


def strategy(grid, **parts):
    whole = {"signal": Momentum(lookback=126, places=5), "allocation": EqualWeight()} | parts
    return Strategy(description="Mine", grid=grid, **whole)


def test_candidates_are_all_combinations_in_the_grid_s_order():
    made = candidates(strategy({"signal.places": (4, 5), "signal.lookback": (126, 63, 21)}))
    assert list(made) == [
        "signal.places=4, signal.lookback=126",
        "signal.places=4, signal.lookback=63",
        "signal.places=4, signal.lookback=21",
        "signal.places=5, signal.lookback=126",
        "signal.places=5, signal.lookback=63",
        "signal.places=5, signal.lookback=21",
    ]
    assert made["signal.places=4, signal.lookback=63"] == strategy(
        {}, signal=Momentum(lookback=63, places=4)
    )


def test_a_grid_may_be_of_several_parts():
    mixed = strategy(
        {"overlay.turbulent_exposure": (0.0, 0.5), "allocation.largest": (0.25, 1.0)},
        overlay=Regime(lookback=200),
        allocation=HierarchicalRiskParity(lookback=60),
    )
    made = candidates(mixed)
    assert len(made) == 4
    assert made["overlay.turbulent_exposure=0.5, allocation.largest=0.25"] == strategy(
        {},
        overlay=Regime(lookback=200, turbulent_exposure=0.5),
        allocation=HierarchicalRiskParity(lookback=60, largest=0.25),
    )


def test_a_strategy_without_a_grid_has_no_candidates():
    assert candidates(strategy({})) == {}


def test_the_own_parameters_are_a_candidate_of_the_same_strategy():
    made = strategy({"signal.places": (4, 5), "signal.lookback": (126, 63)})
    assert own_label(made) == "signal.places=5, signal.lookback=126"
    assert candidates(made)[own_label(made)] == strategy({})


def test_a_number_is_labelled_as_the_grid_writes_it():
    olmar = strategy({"signal.epsilon": (10, 20)}, signal=Olmar(epsilon=10))
    assert olmar.signal.epsilon == 10.0
    assert own_label(olmar) == "signal.epsilon=10"
    assert own_label(olmar) in candidates(olmar)


def test_a_grid_cannot_be_changed():
    grid = {"signal.places": [4, 5]}
    made = strategy(grid)
    grid["signal.lookback"] = [63]
    assert made.grid == {"signal.places": (4, 5)}
    with pytest.raises(TypeError, match="does not support item assignment"):
        made.grid["signal.places"] = (5,)
    with pytest.raises(ValidationError, match="frozen"):
        made.grid = {}


def test_a_grid_is_written_as_plain_values():
    made = strategy({"signal.places": (4, 5)})
    assert made.model_dump()["grid"] == {"signal.places": (4, 5)}
    assert made.model_dump(mode="json")["grid"] == {"signal.places": [4, 5]}
    assert made.model_dump_json().endswith('"grid":{"signal.places":[4,5]}}')


def test_a_grid_from_toml():
    table = tomllib.loads('[mine.grid]\n"signal.places" = [4, 5]\n"allocation.largest" = [0.5, 1]')
    made = entry("mine", MINE | table["mine"])
    assert made.grid == {"signal.places": (4, 5), "allocation.largest": (0.5, 1)}
    assert len(candidates(made)) == 4
    assert own_label(made) == "signal.places=5, allocation.largest=1"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            '"signal.plces" = [4, 5]',
            "mine: Value error, grid.signal.plces: accepted are signal.lookback, signal.places",
        ),
        (
            '"overlay.lookback" = [200]',
            (
                "mine: Value error, grid.overlay.lookback: accepted are parameters of its signal,"
                " allocation"
            ),
        ),
        (
            "universe = [1]",
            "mine: Value error, grid.universe: accepted are parameters of its signal, allocation",
        ),
        (
            "signal.places = [4, 5]",
            (
                "mine.grid: Value error, signal is a table: write the key in quotes,"
                ' "signal.places" = [...]'
            ),
        ),
        (
            '"signal.places" = 4',
            (
                "mine.grid: Value error, signal.places=4: accepted is a list of numbers,"
                ' "signal.places" = [4, 8]'
            ),
        ),
        (
            '"signal.places" = []',
            (
                "mine.grid: Value error, signal.places=[]: accepted is a list of numbers,"
                ' "signal.places" = [4, 8]'
            ),
        ),
        (
            '"signal.places" = [true, 5]',
            (
                "mine.grid: Value error, signal.places=[True, 5]: accepted is a list of numbers,"
                ' "signal.places" = [4, 8]'
            ),
        ),
        (
            '"signal.places" = [4, 8]',
            (
                "mine: Value error, grid.signal.places: the strategy's own value, 5, must be one of"
                " 4, 8"
            ),
        ),
        (
            '"signal.places" = [4, 5, 4]',
            "mine: Value error, grid.signal.places: a value stands twice in 4, 5, 4",
        ),
        (
            '"signal.places" = [0, 5]',
            "mine: Value error, grid: with signal.places=0: places: Input should be greater than 0",
        ),
        (
            '"allocation.largest" = [0.01, 1.0]',
            (
                "mine: Value error, grid: with allocation.largest=0.01: smallest must not exceed"
                " largest"
            ),
        ),
        (
            '"signal.lookback" = [126, 777, 778]',
            (
                "mine: Value error, grid: with signal.lookback=778 it looks back 801 sessions;"
                " accepted are up to 800"
            ),
        ),
        (
            '"signal.places" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]',
            f"mine: Value error, grid: it makes 13 candidates; accepted are up to {MOST}",
        ),
        (
            '"signal.places" = [3, 4, 5, 6, 7]\n"signal.lookback" = [42, 63, 126]',
            f"mine: Value error, grid: it makes 15 candidates; accepted are up to {MOST}",
        ),
    ],
)
def test_a_wrong_grid_is_refused_with_one_line_that_names_it(toml, message):
    with pytest.raises(StrategyError) as caught:
        entry("mine", MINE | tomllib.loads(f"[grid]\n{toml}"))
    assert str(caught.value) == message


def test_a_parameter_that_is_no_number_has_no_grid():
    with pytest.raises(ValidationError, match=r"own value, \(21, 63\), must be one of 21, 63"):
        strategy({"signal.momentum": (21, 63)}, signal=Quallamaggie(momentum=(21, 63)))


def test_twelve_candidates_and_800_sessions_are_accepted():
    most = strategy({"signal.places": tuple(range(1, MOST + 1)), "signal.lookback": (126,)})
    assert len(candidates(most)) == MOST
    longest = strategy({"signal.lookback": (126, 777)})
    assert max(one.history for one in candidates(longest).values()) == 800


@pytest.mark.parametrize("name", [name for name in CATALOG if name != "equal_weight"])
def test_the_grids_of_the_catalog_are_small(name):
    made = candidates(CATALOG[name])
    assert 4 <= len(made) <= 9
    assert made[own_label(CATALOG[name])] == CATALOG[name].model_copy(update={"grid": {}})


def test_the_baseline_has_nothing_to_choose():
    assert CATALOG["equal_weight"].grid == {}
