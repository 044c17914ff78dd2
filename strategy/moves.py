"""Bars judged by their neighbours: jumps that do not hold, large moves, stale repeats."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.price_rules import HUNDREDFOLD, MOVE, PRICES
from strategy.returns import bar_returns

SPLIT_RATIOS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50])
"""The new shares per old one of a plausible split; a reverse split has the inverse."""

SPLIT_TOLERANCE = 0.03
HUNDREDFOLD_TOLERANCE = 0.1
LARGE_MOVE = 0.35
"""In logarithms: a total return below -29.5 % or above +41.9 %."""

BARS_THAT_CONFIRM = {MOVE: 1, HUNDREDFOLD: 5}
MOST_THAT_CONFIRM = max(BARS_THAT_CONFIRM.values())

Floats = npt.NDArray[np.float64]


def judge_moves(rows: pd.DataFrame, trusted: pd.Series) -> pd.DataFrame:
    """Which bars are set aside for their move, and which are only marked.

    A *jump* is a bar whose total return since the ticker's bar before equals a plausible split
    that nobody listed (rule ``move``), or a factor of 100 (rule ``x100``). Price alone cannot tell
    a defect from news, but the bars that follow can: a jump is confirmed when 1 more bar (``x100``:
    5 more) stays nearer to the new level than to the old one. Until then the bar is set aside, and
    for ``x100`` the bars that follow it at its level too. A jump's return is measured from the last
    bar that was not set aside, with every action since: so the day on which a spike ends is clean,
    and a jump with a listed split is none.

    Of the bars that remain, those with a total return beyond ``LARGE_MOVE`` are suspect, and
    stale repeats: open, high, low, close and a volume above 0 all equal to the bar before. A
    ticker's first bar is not judged.

    Args:
        rows: sound rows sorted by (ticker, date); columns ticker, open, high, low, close (NaN in
            an action without a bar), volume, dividend, split_ratio.
        trusted: bool, index of ``rows``: bars that are never set aside.

    Returns:
        Index of ``rows``; columns ``rule`` ("", "move" or "x100"), ``suspect`` (bool), and
        ``confirmed`` (bool: a jump that later bars confirm).
    """
    is_bar = rows["close"].notna().to_numpy()
    bars = rows[is_bar]
    moves: Floats = _log_returns(rows)[is_bar]
    ahead = _levels_ahead(moves, bars["ticker"])
    rule = pd.Series("", index=rows.index, dtype="str")
    while len(refused := _first_unconfirmed(moves, ahead, bars["ticker"], trusted[is_bar])):
        rule[refused.index] = refused
        again = rows["ticker"].isin(bars.loc[refused.index, "ticker"])
        left = without_prices(rows[again], rule != "")
        anew = pd.Series(_log_returns(left), index=left.index).reindex(bars.index)
        moves = np.asarray(anew, dtype=np.float64)
    left = without_prices(rows, rule != "")
    large, repeats = large_moves(left), stale_repeats(left)
    jumps = pd.Series(_jump_rules(_log_returns(left)) != "", index=rows.index)
    return pd.DataFrame({"rule": rule, "suspect": large | repeats, "confirmed": jumps & ~trusted})


def large_moves(rows: pd.DataFrame) -> pd.Series:
    """Whether each bar's total return is beyond ``LARGE_MOVE``; arguments as ``judge_moves``."""
    return pd.Series(np.abs(_log_returns(rows)) > LARGE_MOVE, index=rows.index)


def stale_repeats(rows: pd.DataFrame) -> pd.Series:
    """Whether each bar traded and repeats its ticker's bar before exactly, volume and all."""
    bars = rows.loc[rows["close"].notna(), ["ticker", *PRICES, "volume"]]
    before = bars.shift()
    same = (bars == before).all(axis=1) & (bars["volume"] > 0)
    return same.reindex(rows.index, fill_value=False)


def without_prices(rows: pd.DataFrame, which: pd.Series) -> pd.DataFrame:
    """The rows, of which those in ``which`` (bool, by index) keep only their action."""
    masked = rows[PRICES].mask(which.reindex(rows.index))
    return rows.assign(**{name: masked[name] for name in PRICES})


def _first_unconfirmed(
    moves: Floats, ahead: Floats, ticker: pd.Series, trusted: pd.Series
) -> pd.Series:
    """The rule of the bars of each ticker's first jump that does not hold; no other bars.

    All arguments have a row per bar; ``moves`` is NaN where a bar was refused before.
    """
    rules = _jump_rules(moves)
    jumps = np.flatnonzero((rules != "") & ~trusted.to_numpy())
    holds = np.abs(ahead[jumps]) < np.abs(moves[jumps, None]) / 2
    holding = holds.cumprod(axis=1).sum(axis=1)
    of_hundred = rules[jumps] == HUNDREDFOLD
    needed = np.where(of_hundred, BARS_THAT_CONFIRM[HUNDREDFOLD], BARS_THAT_CONFIRM[MOVE])
    doubtful = np.flatnonzero(holding < needed)
    first = doubtful[~ticker.iloc[jumps[doubtful]].duplicated().to_numpy()]
    length = np.where(of_hundred[first], 1 + holding[first], 1)
    nth = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    refused = np.repeat(jumps[first], length) + nth
    names = np.repeat(rules[jumps[first]], length)
    free = ~trusted.to_numpy()[refused]
    return pd.Series(names[free], index=ticker.index[refused[free]], dtype="str")


def _levels_ahead(moves: Floats, ticker: pd.Series) -> Floats:
    """Log of the total return from each bar to each of the 5 after it; NaN beyond the last."""
    steps = pd.Series(moves, index=ticker.index)
    ahead = [steps.groupby(ticker).shift(-later) for later in range(1, MOST_THAT_CONFIRM + 1)]
    return np.asarray(np.column_stack(ahead).cumsum(axis=1), dtype=np.float64)


def _log_returns(rows: pd.DataFrame) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(bar_returns(rows)), dtype=np.float64)


def _jump_rules(moves: Floats) -> npt.NDArray[np.str_]:
    """The rule of each move that is a jump, an empty string for every other."""
    size = np.abs(moves)
    least = np.flatnonzero(size > np.log(SPLIT_RATIOS[0]) - SPLIT_TOLERANCE)
    off = np.abs(size[least, None] - np.log(SPLIT_RATIOS)).min(axis=1)
    hundredfold = np.abs(size[least] - np.log(100)) <= HUNDREDFOLD_TOLERANCE
    rules = np.full(len(moves), "", dtype="<U4")
    rules[least] = np.select([off <= SPLIT_TOLERANCE, hundredfold], [MOVE, HUNDREDFOLD], default="")
    return rules
