"""How far below its highest close so far a curve was, and for how long."""

import numpy as np
import pandas as pd

ROUNDING = 1e-9
"""A fall not deeper than this is the rounding of sums: a ten-thousandth of a dollar of 100 000."""

COLUMNS = ["started", "lowest", "recovered", "depth", "sessions"]


def drawdowns(curves: pd.DataFrame) -> pd.DataFrame:
    """The part lost since the highest close so far; the first session is the first peak.

    Not ``skfolio.measures.get_drawdowns``: it adds returns up unless told to compound them, and
    the curve, not its returns, is at hand.

    Args:
        curves: AUD at each close, above 0 on the first session.

    Returns:
        The same index and columns: 0 at a peak, else negative, -1 where all is lost.
    """
    depth = curves / curves.cummax() - 1
    return depth.where(depth < -ROUNDING, 0.0)


def drawdown_table(curve: pd.Series) -> pd.DataFrame:
    """Every drawdown of one curve, the deepest first, of equals the earlier.

    Args:
        curve: index date, AUD at each close, above 0 on the first session.

    Returns:
        Columns started (the last session at the peak), lowest (the first of equals), recovered
        (the first session back at the peak or above; NaT while it lasts), depth (negative),
        sessions (int64, from started to recovered or to the last).
    """
    depth = drawdowns(curve.to_frame()).iloc[:, 0]
    below = depth < 0
    at = pd.DataFrame({"depth": depth.to_numpy(), "place": np.arange(len(depth))})
    spell = below.ne(below.shift()).cumsum().to_numpy()
    spells = at[below.to_numpy()].groupby(spell[below.to_numpy()])
    first, last = spells["place"].min().to_numpy(), spells["place"].max().to_numpy()
    is_over = last + 1 < len(depth)
    until = np.where(is_over, last + 1, last)
    dates = depth.index.to_series().reset_index(drop=True)
    return (
        pd.DataFrame(
            {
                "started": dates.iloc[first - 1].to_numpy(),
                "lowest": dates.iloc[spells["depth"].idxmin()].to_numpy(),
                "recovered": dates.iloc[until].where(is_over).to_numpy(),
                "depth": spells["depth"].min().to_numpy(),
                "sessions": until - (first - 1),
            }
        )
        .sort_values("depth", kind="stable", ignore_index=True)
        .reindex(columns=COLUMNS)
    )


def longest(curves: pd.DataFrame) -> pd.Series:
    """Sessions of the longest drawdown of each column, 0 where there is none. float64."""
    sessions = {name: drawdown_table(curve)["sessions"].max() for name, curve in curves.items()}
    return pd.Series(sessions, dtype="float64").fillna(0.0)
