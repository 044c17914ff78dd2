"""What a strategy is compared with: what its holder could have bought and kept."""

import numpy as np
import pandas as pd

FUNDS = ("VGS.AX", "VAS.AX", "SPY")
"""World shares, Australian shares, US shares: the first that was there all the time."""


def choose(
    funds: pd.DataFrame, mean: pd.Series, held: int, capital: float
) -> tuple[str, pd.Series]:
    """The benchmark of a period: a fund of ``FUNDS``, or else the mean of the members.

    The mean is rebalanced every session and costs nothing.

    Args:
        funds: index date, the sessions of the period; columns those of ``FUNDS`` that there are;
            ``return_aud`` of ``daily_returns``, NaN where one has no return yet.
        mean: ``mean_return`` of ``member_returns``, on the same sessions.
        held: how many tickers are in it after the first session.
        capital: AUD at the first close.

    Returns:
        Its name in words, and index date, AUD at each close. The fund's return is there on every
        session after the first; where no member has one, nothing is earned.
    """
    after = funds.iloc[1:]
    complete = [name for name in FUNDS if name in after.columns and after[name].notna().all()]
    if complete:
        name = f"{complete[0]} (total return in AUD)"
        returns = after[complete[0]]
    else:
        name = f"equal weight of all {held} tickers, rebalanced every session, before costs"
        returns = mean.iloc[1:].fillna(0.0)
    growth = (1 + returns).cumprod().reindex(funds.index, fill_value=1.0)
    return name, (capital * growth).rename("benchmark")


def member_returns(returns_aud: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """The returns of those who were members on the session before; NaN elsewhere.

    Who would join was not known to their holder.

    Args:
        returns_aud: index date, consecutive sessions; columns ticker; ``return_aud`` of
            ``daily_returns``, NaN where a ticker is not covered or has no return yet.
        members: columns date, ticker; who was a member on each of these sessions, and on the one
            before them, without which the first has no members. A ticker may stand twice.
    """
    rows = returns_aud.index.searchsorted(members["date"], side="right")
    columns = returns_aud.columns.get_indexer(pd.Index(members["ticker"]))
    known = (rows < len(returns_aud)) & (columns >= 0)
    is_member = np.zeros(returns_aud.shape, dtype=bool)
    is_member[rows[known], columns[known]] = True
    return returns_aud.where(is_member)


def mean_return(held: pd.DataFrame) -> pd.Series:
    """The mean of each row of what is known; NaN where nothing is.

    The tickers are added one after the other, in the order of the columns: neither a ticker that is
    NaN nor how many rows there are moves a bit.

    Args:
        held: index date, columns ticker.
    """
    values = held.to_numpy()
    rows, columns = np.nonzero(~np.isnan(values))
    count = np.bincount(rows, minlength=len(held))
    total = np.bincount(rows, weights=values[rows, columns], minlength=len(held))
    return pd.Series(total, index=held.index).div(count)
