"""What a person chose: the universes that are fetched, the strategies that are computed."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.price_sources.base import LACKS
from parakeet_dagster.settings import Settings
from strategy.catalog import ALL, CATALOG, CORE, entry, kind_of
from strategy.errors import StrategyError
from strategy.strategy import ACTIVE, Strategy
from strategy.universes import CUSTOM, KEYS, LIVE_ONLY, MEMBER_COLUMNS, validate_members
from strategy.universes.keys import parts_of


def check_universes(settings: Settings) -> None:
    """Refuse universes that can be known to be wrong without asking anybody.

    Raises:
        SettingsError: a key is unknown, needs what is not set, or the user's file cannot be used.
    """
    for key in settings.universe_keys:
        if key not in KEYS:
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: unknown universe; accepted are {', '.join(KEYS)}"
            )
        if key == CUSTOM and not settings.universe_file:
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV"
            )
        if key in LIVE_ONLY and settings.universe_source != "live":
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: no list of it ships with Parakeet; set"
                " PARAKEET_UNIVERSE_SOURCE=live"
            )
    if settings.universe_file and CUSTOM in settings.universe_keys:
        read_universe(settings.universe_file)


def read_universe(file: Path) -> pd.DataFrame:
    """The members in the user's own file, columns ``MEMBER_COLUMNS``.

    Raises:
        SettingsError: it is not there, or not such a table.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
        return validate_members(table)
    except FileNotFoundError:
        raise SettingsError(
            f"PARAKEET_UNIVERSE_FILE={file}: there is no such file; write a CSV with the header"
            f" {','.join(MEMBER_COLUMNS)}"
        ) from None
    except (StrategyError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"PARAKEET_UNIVERSE_FILE={file}: {reason}") from None


def catalog(settings: Settings) -> dict[str, Strategy]:
    """The catalog: the built-in strategies and the user's own, which override.

    Raises:
        SettingsError: the user's file cannot be used.
    """
    if settings.strategies_file is None:
        return CATALOG
    try:
        tables = tomllib.loads(settings.strategies_file.read_text())
        own = {name: entry(name, table) for name, table in tables.items()}
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"PARAKEET_STRATEGIES_FILE={settings.strategies_file}: {reason}"
        ) from None
    return {**CATALOG, **own}


def enabled_strategies(settings: Settings) -> dict[str, Strategy]:
    """The strategies that become assets: those chosen that can be computed.

    Raises:
        SettingsError: a name is not in the catalog, or one that was chosen by name cannot be
            computed.
    """
    known = catalog(settings)
    names = chosen_names(settings, known)
    impossible = {name: why for name in names if (why := why_impossible(settings, known[name]))}
    if impossible and names == settings.strategies:
        name, why = next(iter(impossible.items()))
        raise SettingsError(f"PARAKEET_STRATEGIES={name}: {why}")
    _check_live(settings, [name for name in names if name not in impossible])
    return {name: known[name] for name in names if name not in impossible}


def _check_live(settings: Settings, names: Collection[str]) -> None:
    if settings.live_strategy and settings.live_strategy not in names:
        raise SettingsError(
            f"PARAKEET_LIVE_STRATEGY={settings.live_strategy}: not enabled; accepted are"
            f" {', '.join(names)}, or enable it in PARAKEET_STRATEGIES"
        )


def chosen_names(settings: Settings, known: Mapping[str, Strategy]) -> tuple[str, ...]:
    """The strategies of ``PARAKEET_STRATEGIES``, or the core ones.

    Raises:
        SettingsError: a name, or the universe of an entry, is unknown.
    """
    chosen = settings.strategies or CORE
    names = tuple(known) if ALL in chosen else chosen
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(
            f"PARAKEET_STRATEGIES={unknown[0]}: unknown strategy;"
            f" accepted are all, {', '.join(known)}"
        )
    for name in names:
        if known[name].universe not in (ACTIVE, *KEYS):
            raise SettingsError(
                f"PARAKEET_STRATEGIES_FILE: {name}.universe={known[name].universe}: unknown;"
                f" accepted are {ACTIVE}, {', '.join(KEYS)}"
            )
    return names


def why_impossible(settings: Settings, strategy: Strategy) -> str | None:
    """Why a strategy cannot be computed with these settings, and what to do; None where it can."""
    fetched = (ACTIVE, *settings.universe_keys)
    unions = [key for key in settings.universe_keys if strategy.universe in parts_of(key)]
    if strategy.universe not in fetched and unions:
        return (
            f"its universe {strategy.universe} is fetched as a part of {unions[0]} only; name it:"
            f" PARAKEET_UNIVERSES={','.join(settings.universe_keys)},{strategy.universe}"
        )
    if strategy.universe not in fetched:
        return (
            f"its universe {strategy.universe} is not fetched; add it to"
            f" PARAKEET_UNIVERSES={','.join(settings.universe_keys)}"
        )
    lacking = [
        what
        for what, fields in LACKS[settings.price_source].items()
        if not strategy.fields.isdisjoint(fields)
    ]
    if lacking:
        return (
            f"it needs {' and '.join(lacking)}, which PARAKEET_PRICE_SOURCE={settings.price_source}"
            " does not have; choose another source"
        )
    return None


def told_catalog(settings: Settings) -> list[dict[str, Any]]:
    """Every strategy of the catalog as plain values, and whether it is computed, or why it is not.

    Raises:
        SettingsError: the user's file cannot be used, or a name is unknown.
    """
    known = catalog(settings)
    chosen = chosen_names(settings, known)
    return [_told(settings, name, one, is_chosen=name in chosen) for name, one in known.items()]


def _told(settings: Settings, name: str, one: Strategy, *, is_chosen: bool) -> dict[str, Any]:
    plain = one.model_dump(mode="json")
    impossible = why_impossible(settings, one)
    return {
        "strategy": name,
        "enabled": is_chosen and impossible is None,
        "left_out": impossible,
        "universe": one.universe,
        "rebalance": one.rebalance,
        **{
            part: component and {"kind": kind_of(component), **plain[part]}
            for part, component in one.parts.items()
        },
        "grid": plain["grid"],
        "lookback": max(one.signal.lookback, one.target_lookback),
        "description": one.description,
        "source": "; ".join(component.source for component in one.parts.values() if component),
    }
