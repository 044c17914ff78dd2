"""Parameter grids: the few variants of a strategy among which a walk-forward analysis chooses."""

from collections.abc import Mapping
from itertools import product
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    PlainSerializer,
    ValidationError,
)

from strategy.universes.covered import BEFORE

if TYPE_CHECKING:
    from strategy.strategy import Strategy

MOST = 12
"""Candidates of a grid: every further one is another chance to be lucky in training."""


def _lists_of_numbers(written: object) -> object:
    """Refuse what is no list of numbers: TOML reads a key without quotes as a path of tables."""
    for key, values in written.items() if isinstance(written, Mapping) else ():
        if isinstance(values, Mapping):
            whole = f"{key}.{next(iter(values), 'lookback')}"
            raise ValueError(f'{key} is a table: write the key in quotes, "{whole}" = [...]')
        if not (isinstance(values, list | tuple) and values and all(map(_is_number, values))):
            raise ValueError(f'{key}={values}: accepted is a list of numbers, "{key}" = [4, 8]')
    return written


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Grid = Annotated[
    Mapping[str, tuple[int | float, ...]],
    BeforeValidator(_lists_of_numbers),
    AfterValidator(MappingProxyType),
    PlainSerializer(dict),
]
"""By key ("signal.places", "allocation.lookback"), the values to choose from; read-only."""


def candidates(strategy: "Strategy") -> dict[str, "Strategy"]:
    """Every combination of the values of a strategy's grid.

    Returns:
        By label ("signal.places=4, signal.lookback=126") the strategy with these values and without
        a grid, in the grid's order, the last key changing first; none without a grid.

    Raises:
        ValueError: a combination is not accepted by a component; one line that names it.
    """
    rows = product(*strategy.grid.values()) if strategy.grid else ()
    combinations = [dict(zip(strategy.grid, row, strict=True)) for row in rows]
    return {_label(values): _with(strategy, values) for values in combinations}


def own_label(strategy: "Strategy") -> str:
    """The label of the candidate that has the strategy's own parameters."""
    return _label({key: _own(strategy, key) for key in strategy.grid})


def check_grid(strategy: "Strategy") -> None:
    """Check that a walk-forward analysis can choose from the strategy's grid.

    Raises:
        ValueError: there is no such parameter, a value stands twice or is not accepted, the
            strategy's own is not among them, there are more than ``MOST`` candidates, or one looks
            back further than prices are kept; one line that names it.
    """
    for key, values in strategy.grid.items():
        _check_key(strategy, key)
        if len(set(values)) < len(values):
            raise ValueError(f"grid.{key}: a value stands twice in {_listed(values)}")
        if _own(strategy, key) not in values:
            raise ValueError(
                f"grid.{key}: the strategy's own value, {_own(strategy, key)}, must be one of"
                f" {_listed(values)}"
            )
    count = prod(map(len, strategy.grid.values()))
    if count > MOST:
        raise ValueError(f"grid: it makes {count} candidates; accepted are up to {MOST}")
    for label, one in candidates(strategy).items():
        if one.history > BEFORE:
            raise ValueError(
                f"grid: with {label} it looks back {one.history} sessions; accepted are up to"
                f" {BEFORE}"
            )


def _check_key(strategy: "Strategy", key: str) -> None:
    part, field = _place(key)
    component = strategy.parts.get(part)
    if component is None:
        parts = ", ".join(name for name, one in strategy.parts.items() if one)
        raise ValueError(f"grid.{key}: accepted are parameters of its {parts}")
    fields = type(component).model_fields
    if field not in fields:
        accepted = ", ".join(f"{part}.{name}" for name in fields)
        raise ValueError(f"grid.{key}: accepted are {accepted}")


def _own(strategy: "Strategy", key: str) -> Any:  # noqa: ANN401 - a component's field may be of any type
    """The strategy's own value of a parameter: written as the grid writes it, if it is there."""
    part, field = _place(key)
    own = getattr(strategy.parts[part], field)
    return next((value for value in strategy.grid[key] if value == own), own)


def _with(strategy: "Strategy", values: Mapping[str, float]) -> "Strategy":
    """The strategy with other parameters, validated, and without a grid."""
    by_part: dict[str, dict[str, float]] = {}
    for key, value in values.items():
        part, field = _place(key)
        by_part.setdefault(part, {})[field] = value
    try:
        parts = {part: _rebuilt(strategy.parts[part], changes) for part, changes in by_part.items()}
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = "".join(f"{each}: " for each in problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"grid: with {_label(values)}: {place}{reason}") from None
    return strategy.model_copy(update={**parts, "grid": MappingProxyType({})})


def _rebuilt(component: BaseModel | None, changes: Mapping[str, float]) -> BaseModel:
    if component is None:
        raise TypeError("a parameter of a component that is not there")
    return type(component)(**{**dict(component), **changes})


def _place(key: str) -> tuple[str, str]:
    part, _, field = key.partition(".")
    return part, field


def _label(values: Mapping[str, float]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(map(str, values))
