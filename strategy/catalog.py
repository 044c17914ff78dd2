"""The named strategies. Adding one is a file in ``strategy/signals/`` and an entry here."""

import re
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from strategy import allocation, overlays, signals
from strategy.allocation.base import Allocation
from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.hrp import HierarchicalRiskParity
from strategy.allocation.inverse_volatility import InverseVolatility
from strategy.allocation.max_sharpe import MaxSharpe
from strategy.allocation.min_variance import MinVariance
from strategy.allocation.nco import NestedClusteredOptimisation
from strategy.allocation.risk_parity import RiskParity
from strategy.allocation.signal_strength import SignalStrength
from strategy.errors import StrategyError
from strategy.overlays.base import Overlay
from strategy.overlays.regime import Regime
from strategy.signals.always_on import AlwaysOn
from strategy.signals.base import Signal
from strategy.signals.dual_momentum import DualMomentum
from strategy.signals.momentum import Momentum
from strategy.signals.olmar import Olmar
from strategy.signals.quallamaggie import Quallamaggie
from strategy.signals.residual_momentum import ResidualMomentum
from strategy.signals.vol_scaled_momentum import VolScaledMomentum
from strategy.strategy import ACTIVE, Strategy
from strategy.universes.core_etfs import DEFENSIVE
from strategy.universes.covered import BEFORE
from strategy.universes.keys import CORE_ETFS, SPX500

ALL = "all"
NAME_FORM = "[a-z][a-z0-9_]*"

M = TypeVar("M", bound=BaseModel)

CATALOG: dict[str, Strategy] = {
    "dual_momentum": Strategy(
        description="The 8 strongest assets of a year that beat cash, by risk parity; else bonds",
        universe=ACTIVE,
        signal=DualMomentum(lookback=252, places=8, hurdle=0.04, defensive=DEFENSIVE),
        allocation=HierarchicalRiskParity(lookback=126, smallest=0.02, largest=0.30),
        rebalance="monthly",
        grid={"signal.lookback": (63, 126, 252), "signal.places": (4, 8)},
    ),
    "equal_weight": Strategy(
        description="The honest baseline: the same weight for every member",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=EqualWeight(),
        rebalance="monthly",
    ),
    "momentum_21": Strategy(
        description="The 5 strongest members of a month, in equal parts",
        universe=ACTIVE,
        signal=Momentum(lookback=21, places=5),
        allocation=EqualWeight(),
        rebalance="monthly",
        grid={"signal.places": (3, 5, 10, 20)},
    ),
    "momentum_63": Strategy(
        description="The 5 strongest members of a quarter, in equal parts",
        universe=ACTIVE,
        signal=Momentum(lookback=63, places=5),
        allocation=EqualWeight(),
        rebalance="monthly",
        grid={"signal.places": (3, 5, 10, 20)},
    ),
    "momentum_126": Strategy(
        description="The 5 strongest members of half a year, in equal parts",
        universe=ACTIVE,
        signal=Momentum(lookback=126, places=5),
        allocation=EqualWeight(),
        rebalance="monthly",
        grid={"signal.places": (3, 5, 10, 20)},
    ),
    "residual_momentum_spx": Strategy(
        description="The 50 stocks of the S&P 500 that rose most steadily beyond common factors",
        universe=SPX500,
        signal=ResidualMomentum(lookback=756, formation=12, skip=1, factors=3, places=50),
        allocation=EqualWeight(),
        rebalance="monthly",
        grid={"signal.formation": (6, 12), "signal.places": (25, 50, 100)},
    ),
    "vol_scaled_momentum": Strategy(
        description="The 10 winners of a year, held less while momentum is volatile; else cash",
        universe=ACTIVE,
        signal=VolScaledMomentum(lookback=378, formation=252, skip=21, target=0.12, places=10),
        allocation=EqualWeight(),
        rebalance="monthly",
        grid={"signal.target": (0.08, 0.12, 0.16), "signal.places": (5, 10, 20)},
    ),
    "quallamaggie": Strategy(
        description="Up to 10 leaders that break out of a base on volume, until the trend bends",
        universe=ACTIVE,
        signal=Quallamaggie(momentum=(21, 63, 126), leaders=0.05, base=10, places=10),
        allocation=EqualWeight(),
        rebalance="daily",
        grid={"signal.leaders": (0.05, 0.1), "signal.trailing": (10, 20)},
    ),
    "hrp_core": Strategy(
        description="The core funds by hierarchical risk parity",
        universe=CORE_ETFS,
        signal=AlwaysOn(),
        allocation=HierarchicalRiskParity(lookback=252, smallest=0.01, largest=0.25),
        rebalance="quarterly",
        grid={"allocation.lookback": (63, 126, 252), "allocation.largest": (0.15, 0.25)},
    ),
    "risk_parity_in_calm": Strategy(
        description="The core funds at equal risk, and three tenths of it in turbulent markets",
        universe=CORE_ETFS,
        signal=AlwaysOn(),
        overlay=Regime(lookback=504, turbulent_exposure=0.3),
        allocation=RiskParity(lookback=252, largest=0.25),
        rebalance="monthly",
        grid={"overlay.lookback": (378, 504), "overlay.turbulent_exposure": (0.0, 0.3, 0.6)},
    ),
    "risk_parity": Strategy(
        description="Every member bears the same risk",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=RiskParity(lookback=252, largest=0.25),
        rebalance="monthly",
        grid={"allocation.lookback": (63, 126, 252), "allocation.largest": (0.15, 0.25)},
    ),
    "inverse_volatility": Strategy(
        description="Every member in inverse proportion to its volatility",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=InverseVolatility(lookback=126, largest=0.25),
        rebalance="monthly",
        grid={"allocation.lookback": (63, 126, 252), "allocation.largest": (0.15, 0.25)},
    ),
    "min_variance": Strategy(
        description="The members so that the whole moves least",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=MinVariance(lookback=252, largest=0.25),
        rebalance="monthly",
        grid={"allocation.lookback": (126, 252), "allocation.largest": (0.15, 0.25, 0.4)},
    ),
    "max_sharpe": Strategy(
        description="The members by the best expected return for the risk, expectations shrunk",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=MaxSharpe(lookback=252, risk_free=0.04, largest=0.25),
        rebalance="monthly",
        grid={"allocation.lookback": (126, 252), "allocation.largest": (0.15, 0.25, 0.4)},
    ),
    "nco": Strategy(
        description="Clusters of like members, each and together of the least variance",
        universe=ACTIVE,
        signal=AlwaysOn(),
        allocation=NestedClusteredOptimisation(lookback=252, largest=0.25),
        rebalance="monthly",
        grid={"allocation.lookback": (126, 252), "allocation.largest": (0.15, 0.25)},
    ),
    "olmar": Strategy(
        description="The bet that prices return to their average of a week, held as in the paper",
        universe=ACTIVE,
        signal=Olmar(average=5, epsilon=10, lookback=23),
        allocation=SignalStrength(),
        rebalance="daily",
        grid={"signal.average": (3, 4, 5, 7)},
    ),
}

CORE: tuple[str, ...] = ("dual_momentum", "equal_weight", "hrp_core")
"""What becomes assets unless the user chooses: at most five, every one costs bookkeeping."""


def entry(name: str, table: Mapping[str, Any]) -> Strategy:
    """A strategy from plain values, as a user's TOML file holds them.

    ``signal``, ``overlay`` (if any) and ``allocation`` are tables whose ``kind`` is a module of
    ``strategy/signals/``, ``strategy/overlays/`` or ``strategy/allocation/`` and whose other keys
    are its parameters. ``grid`` (if any) is a table of lists, see ``strategy.grid``.

    Raises:
        StrategyError: a key or a value is not accepted; the message names it.
    """
    if not re.fullmatch(NAME_FORM, name) or name == ALL:
        raise StrategyError(
            f"[{name}]: a strategy's name is of small letters, digits and _, and not {ALL}: it"
            " becomes the name of assets and folders"
        )
    if not isinstance(table, Mapping):
        raise StrategyError(f"{name}={table}: accepted is a table, [{name}] and its keys")
    parts = {
        "signal": _component(name, "signal", signals, Signal, table),
        "allocation": _component(name, "allocation", allocation, Allocation, table),
    }
    if "overlay" in table:
        parts["overlay"] = _component(name, "overlay", overlays, Overlay, table)
    strategy = _validated(name, Strategy, {**table, **parts})
    if strategy.history > BEFORE:
        raise StrategyError(
            f"{name}: it looks back {strategy.history} sessions; accepted are up to {BEFORE}, since"
            " a new member's prices are kept from so many sessions before it joins"
        )
    return strategy


def kind_of(component: BaseModel) -> str:
    """The ``kind`` by which a table names a component: its module."""
    return type(component).__module__.rpartition(".")[2]


def _component(
    name: str, key: str, package: ModuleType, base: type[BaseModel], table: Mapping[str, Any]
) -> BaseModel:
    kinds = [module.name for module in iter_modules(package.__path__) if module.name != "base"]
    written = table.get(key) or {}
    if not isinstance(written, Mapping):
        example = f'{{ kind = "{kinds[0]}" }}'
        raise StrategyError(f"{name}.{key}={written}: accepted is a table, {example}")
    given = dict(written)
    kind = given.pop("kind", None)
    if kind not in kinds:
        raise StrategyError(f"{name}.{key}.kind={kind}: accepted are {', '.join(kinds)}")
    module = import_module(f"{package.__name__}.{kind}")
    (model,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    )
    return _validated(f"{name}.{key}", model, given)


def _validated(name: str, model: type[M], values: Mapping[str, Any]) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in (name, *first["loc"]))
        is_key = first["type"] in {"extra_forbidden", "missing"}
        keys = f"; its keys are {', '.join(model.model_fields)}" if is_key else ""
        raise StrategyError(f"{place}: {first['msg']}{keys}") from None
