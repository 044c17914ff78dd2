"""What a book held, as parts of the whole."""

import pandas as pd

from strategy.universes.members import CASH


def weights(positions: pd.DataFrame) -> pd.DataFrame:
    """The parts of the equity at each close.

    Args:
        positions: columns date, ticker (``CASH`` among them), value_aud.

    Returns:
        Index date; columns the tickers worth anything at any time, by greatest mean weight, of
        equals by name, and ``CASH`` last. Rows sum to 1; NaN where there was no equity.
    """
    values = positions.pivot_table(
        index="date", columns="ticker", values="value_aud", aggfunc="sum", fill_value=0.0
    )
    equity = values.sum(axis=1)
    parts = values.div(equity.where(equity > 0), axis=0)
    shares = parts.drop(columns=CASH, errors="ignore").loc[:, lambda held: (held != 0).any()]
    order = shares.mean().sort_values(ascending=False, kind="stable").index
    return parts.reindex(columns=[*order, CASH], fill_value=0.0).rename_axis(columns=None)
