"""The tear sheets of the strategies, as the lake has them: one strategy's, or all side by side."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.reports import read_table
from strategy.portfolio.comparison import comparison

PERFORMANCE = "performance"


class Performance(NamedTuple):
    """Of one strategy, see ``strategy.portfolio.tear_sheet.TearSheet``.

    figures: index figure; columns unit, strategy, after_tax, benchmark.
    chance: index figure; columns unit, value.
    curves: index date (``datetime.date``); columns strategy, after_tax, benchmark, in AUD.
    """

    figures: pd.DataFrame
    chance: pd.DataFrame
    curves: pd.DataFrame


def performance_path(name: str) -> str:
    """Where the tear sheet of a strategy is in the lake."""
    return f"{PERFORMANCE}/{name}"


def read_curves(lake: Lake, name: str) -> pd.DataFrame | None:
    """The curves of a strategy, see ``Performance``; None where no tear sheet is stored."""
    return read_table(lake, performance_path(name), "curves", "date")


def read_performance(lake: Lake, name: str) -> Performance | None:
    """The tear sheet of a strategy; None where none, or only a part, is stored."""
    figures = read_table(lake, performance_path(name), "figures", "figure")
    chance = read_table(lake, performance_path(name), "chance", "figure")
    curves = read_curves(lake, name)
    if figures is None or chance is None or curves is None:
        return None
    return Performance(figures, chance, curves)


def read_performances(lake: Lake, names: Iterable[str]) -> dict[str, Performance]:
    """The tear sheets of those strategies that have one, in the order given."""
    found = {name: read_performance(lake, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def compared(performances: Mapping[str, Performance]) -> pd.DataFrame:
    """As ``comparison``, with the columns ``from`` and ``to`` before: YYYY-MM-DD."""
    table = comparison({name: (one.figures, one.chance) for name, one in performances.items()})
    for place, (column, row) in enumerate({"from": 0, "to": -1}.items()):
        days = {name: str(one.curves.index[row]) for name, one in performances.items()}
        table.insert(place, column, pd.Series(days, dtype="str"))
    return table
