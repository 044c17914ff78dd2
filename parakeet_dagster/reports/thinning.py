"""Fewer points of a line, without losing what the eye looks for."""

import math

import numpy as np
import pandas as pd


def thinned(line: pd.Series, most: int) -> pd.Series:
    """The lowest and the highest point of each of as many equal stretches as fit.

    The first and the last point stay, and so does where a line breaks off: the first NaN of each
    gap, beyond ``most``.

    Args:
        line: in the order of drawing.
        most: points to keep, at least 4.

    Returns:
        Some of its points, all of them if there are no more than ``most``.
    """
    if len(line) <= most:
        return line
    values = pd.Series(line.to_numpy(dtype="float64"))
    known = values.dropna()
    is_gap = values.isna()
    breaks = np.flatnonzero(is_gap & ~is_gap.shift(fill_value=False))
    if known.empty:
        return line.iloc[breaks]
    stretches = (most - 2) // 2
    by_stretch = known.groupby(known.index * stretches // len(values))
    kept = np.concatenate(
        [[0, len(values) - 1], by_stretch.idxmin(), by_stretch.idxmax(), breaks]
    ).astype(int)
    return line.iloc[np.unique(kept)]


def sampled(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Every so many rows, counted from the last, and the first: each is kept whole.

    Args:
        rows: in the order of drawing.
        most: rows to keep, at least 3.
    """
    if len(rows) <= most:
        return rows
    step = math.ceil((len(rows) - 1) / (most - 2))
    kept = np.arange(len(rows) - 1, -1, -step)
    return rows.iloc[np.union1d(kept, [0])]
