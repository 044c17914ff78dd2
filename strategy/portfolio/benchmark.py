"""What a strategy is compared with: what its holder could have bought and kept."""

import numpy as np
import numpy.typing as npt
import pandas as pd

FUNDS = ("VGS.AX", "VAS.AX", "SPY")
"""World shares, Australian shares, US shares: the first that was there all the time."""


def choose(
    returns_aud: pd.DataFrame, members: pd.DataFrame, capital: float
) -> tuple[str, pd.Series]:
    """The benchmark of a period: a fund of ``FUNDS``, or else the mean of the members.

    The mean of a session is that of the members of the session before: who would join was not
    known to its holder. It is rebalanced every session and costs nothing.

    Args:
        returns_aud: index date, the sessions of the period; columns ticker; ``return_aud`` of
            ``daily_returns``, NaN where a ticker is not covered or has no return yet.
        members: columns date, ticker; who was a member on each session. A ticker may stand twice.
        capital: AUD at the first close.

    Returns:
        Its name in words, and index date, AUD at each close. The fund's return is there on every
        session after the first; where no member has one, nothing is earned.
    """
    after = returns_aud.iloc[1:]
    complete = [name for name in FUNDS if name in after.columns and after[name].notna().all()]
    if complete:
        name = f"{complete[0]} (total return in AUD)"
        returns = after[complete[0]]
    else:
        held = after.where(_held(returns_aud, members))
        count = int(held.notna().any().sum())
        name = f"equal weight of all {count} tickers, rebalanced every session, before costs"
        returns = held.mean(axis=1).fillna(0.0)
    growth = (1 + returns).cumprod().reindex(returns_aud.index, fill_value=1.0)
    return name, (capital * growth).rename("benchmark")


def _held(returns_aud: pd.DataFrame, members: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether a ticker was a member on the session before: bool, sessions - 1 x tickers."""
    rows = returns_aud.index.get_indexer(pd.Index(members["date"]))
    columns = returns_aud.columns.get_indexer(pd.Index(members["ticker"]))
    known = (rows >= 0) & (columns >= 0)
    is_member = np.zeros(returns_aud.shape, dtype=bool)
    is_member[rows[known], columns[known]] = True
    return is_member[:-1]
