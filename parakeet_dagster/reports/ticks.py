"""Where an axis is marked, and how the marks read."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

CALENDAR = (1, 2, 3, 6)
"""Months from one mark to the next."""

YEARS = (1, 2, 5, 10, 20, 50)
DAYS = (1, 2)
WEEKS = (1, 2, 4)

MANTISSAS = ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))
"""Of the marks of a logarithmic axis: the first set that gives enough of them."""


def of_dates(
    first: pd.Timestamp, last: pd.Timestamp, most: int
) -> tuple[pd.DatetimeIndex, list[str]]:
    """The finest marks that are not too many: days, Mondays, months or years.

    Args:
        first: on the axis.
        last: on the axis.
        most: marks, at least 2; half as many whole dates, which are longer.

    Returns:
        The marks and their labels: "2021", "2021-04" or "2021-04-01".
    """
    days = pd.date_range(first, last)
    mondays = days[days.dayofweek == 0]
    months = days[days.day == 1]
    years = months[months.month == 1]
    wide = max(2, most // 2)
    choices = [(days[::step], "%Y-%m-%d", wide) for step in DAYS]
    choices += [(mondays[::step], "%Y-%m-%d", wide) for step in WEEKS]
    choices += [(months[(months.month - 1) % step == 0], "%Y-%m", most) for step in CALENDAR]
    choices += [(years[years.year % step == 0], "%Y", most) for step in YEARS]
    marks, pattern = next(
        (marks, pattern) for marks, pattern, room in choices if 0 < len(marks) <= room
    )
    return marks, list(marks.strftime(pattern))


def of_values(low: float, high: float, most: int) -> tuple[npt.NDArray[np.float64], int]:
    """Round marks a step of 1, 2 or 5 times a power of ten apart, and the decimals they need.

    Args:
        low: on the axis.
        high: on the axis, above ``low``.
        most: marks, at least 2.
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(
        step
        for step in (power * part for part in (1, 2, 5, 10, 20))
        if math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) < most
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return step * np.arange(first, last + 1, dtype="float64"), max(
        0, -math.floor(math.log10(step) + 1e-9)
    )


def of_growth(low: float, high: float) -> npt.NDArray[np.float64]:
    """Round marks of a logarithmic axis.

    Args:
        low: on the axis, above 0.
        high: on the axis.
    """
    powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    within = [
        marks[(marks >= low) & (marks <= high)]
        for marks in (np.sort(np.outer(powers, parts).ravel()) for parts in MANTISSAS)
    ]
    return next((marks for marks in within if len(marks) >= 4), within[-1])


def apart(places: Sequence[float], gap: float) -> npt.NDArray[np.float64]:
    """Labels pushed apart as little as needed, in their order, half of the way up and half down.

    Args:
        places: where each label belongs.
        gap: between two of them, at least.
    """
    wanted = np.asarray(places, dtype="float64")
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    loose = wanted[order] - steps
    up = np.maximum.accumulate(loose)
    down = np.minimum.accumulate(loose[::-1])[::-1]
    placed = np.empty_like(wanted)
    placed[order] = (up + down) / 2 + steps
    return placed
