"""The catalog, and strategies from plain values."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel

from strategy import allocation, overlays, signals
from strategy.allocation.base import Allocation
from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.catalog import CATALOG, CORE, entry
from strategy.errors import StrategyError
from strategy.overlays.base import Overlay
from strategy.signals.always_on import AlwaysOn
from strategy.signals.base import Signal
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import ACTIVE, Strategy

MINE = {
    "description": "Mine",
    "universe": "CORE_ETFS",
    "signal": {"kind": "dual_momentum", "lookback": 126, "defensive": ["BND"]},
    "allocation": {"kind": "hrp", "lookback": 60, "largest": 0.5},
    "rebalance": "weekly",
}


def test_dual_momentum_is_what_the_issue_says():
    assert CATALOG["dual_momentum"].model_dump(exclude={"description", "grid"}) == {
        "universe": ACTIVE,
        "overlay": None,
        "signal": {
            "lookback": 252,
            "places": 8,
            "hurdle": 0.04,
            "defensive": ("TLT", "IEF", "BND", "VAF.AX"),
        },
        "allocation": {"lookback": 126, "smallest": 0.02, "largest": 0.30},
        "rebalance": "monthly",
    }


def test_the_baseline_is_equal_weight_of_everything():
    baseline = CATALOG["equal_weight"]
    assert isinstance(baseline.signal, AlwaysOn)
    assert isinstance(baseline.allocation, EqualWeight)
    assert baseline.rebalance == "monthly"


def test_the_core_is_at_most_five_of_the_catalog():
    assert set(CORE) <= set(CATALOG)
    assert len(CORE) <= 5


@pytest.mark.parametrize("name", CATALOG)
def test_every_part_says_where_it_is_published(name):
    assert CATALOG[name].signal.source
    assert CATALOG[name].allocation.source
    assert CATALOG[name].description


def test_an_entry_from_plain_values():
    assert entry("mine", MINE) == Strategy(
        description="Mine",
        universe="CORE_ETFS",
        signal=DualMomentum(lookback=126, defensive=("BND",)),
        allocation=HierarchicalRiskParity(lookback=60, largest=0.5),
        rebalance="weekly",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"signal": {"kind": "astrology"}},
            "mine.signal.kind=astrology: accepted are always_on, dual_momentum",
        ),
        ({"signal": {}}, "mine.signal.kind=None: accepted are always_on, dual_momentum"),
        ({"signal": {"kind": "base"}}, "mine.signal.kind=base: accepted are"),
        (
            {"allocation": {"kind": "luck"}},
            "mine.allocation.kind=luck: accepted are equal_weight, hrp",
        ),
        (
            {"signal": "dual_momentum"},
            'mine.signal=dual_momentum: accepted is a table, { kind = "always_on" }',
        ),
        ({"allocation": ["hrp"]}, "mine.allocation=['hrp']: accepted is a table"),
        (
            {"signal": {"kind": "dual_momentum", "lookbak": 126}},
            (
                "mine.signal.lookbak: Extra inputs are not permitted;"
                " its keys are lookback, places, hurdle, defensive"
            ),
        ),
        (
            {"signal": {"kind": "dual_momentum", "lookback": 0}},
            "mine.signal.lookback: Input should be greater than 0",
        ),
        (
            {"allocation": {"kind": "hrp", "smallest": 0.5, "largest": 0.1}},
            "mine.allocation: Value error, smallest must not exceed largest",
        ),
        ({"rebalance": "hourly"}, "mine.rebalance: Input should be 'daily', 'weekly'"),
        ({"colour": "green"}, "mine.colour: Extra inputs are not permitted; its keys are"),
        ({"description": None}, "mine.description: Input should be a valid string"),
    ],
)
def test_a_wrong_entry_is_refused_with_one_line_that_names_it(changes, message):
    with pytest.raises(StrategyError) as caught:
        entry("mine", MINE | changes)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_entry_that_is_no_table_is_refused():
    with pytest.raises(StrategyError, match=r"^mine=momentum: accepted is a table"):
        entry("mine", "momentum")


@pytest.mark.parametrize("key", ["description", "signal", "allocation"])
def test_a_key_that_is_missing_is_named(key):
    with pytest.raises(StrategyError, match=rf"^mine\.{key}"):
        entry("mine", {name: value for name, value in MINE.items() if name != key})


@pytest.mark.parametrize(
    ("module", "base"),
    [
        (f"{package.__name__}.{found.name}", base)
        for package, base in ((signals, Signal), (allocation, Allocation), (overlays, Overlay))
        for found in iter_modules(package.__path__)
        if found.name != "base"
    ],
)
def test_a_component_s_module_has_one_class(module, base):
    """That is how ``kind`` finds it."""
    found = vars(import_module(module)).values()
    own = [item for item in found if isinstance(item, type) and item.__module__ == module]
    assert [issubclass(item, base) for item in own if issubclass(item, BaseModel)] == [True]
