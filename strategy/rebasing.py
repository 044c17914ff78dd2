"""A vendor's history at another level than the stored one: re-based, and no split listed."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.keys import KEYS
from strategy.moves import SPLIT_RATIOS
from strategy.price_rules import PRICES

STORED, FOUND = "_stored", "_found"

ROUNDED_RATIO = 0.005
SAME_LEVEL = 1e-3
SAME_RATIO = 0.01
LASTING = 3

Floats = npt.NDArray[np.float64]


def rescaled(stored: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Where the vendor's prices are the stored ones times a factor, up to some date.

    A vendor divides its history by every split. It may do so days before it lists the split, or
    lose the split afterwards: then its bars before the split are all off by one factor, and no
    price was corrected. The bars that differ are looked at from a ticker's first one in both
    frames to the last one before a bar that agrees; a bar is off by a factor where its four prices
    are, up to their decimals. Of these

    * ``rounding``: up to 0.5 %, which is the rounding of a ratio (1.998 against 2);
    * ``rebased``: a plausible split ratio, or any factor that holds for 3 bars in a row, unless
      the splits that the vendor lists later and that are not stored make up the factor. One such
      bar makes all of the ticker's bars at the start that are off by more than 0.5 % ``rebased``;
    * ``explained``: they do make it up.

    Args:
        stored: columns of ``raw_prices``; a ticker and date occur once.
        found: columns date, ticker, open, high, low, close, split_ratio of the vendor's rows.

    Returns:
        A row per bar in both frames, sorted: ticker, date, rounding, rebased, explained (bool).
    """
    bars = _overlap(stored, found)
    ticker = bars["ticker"]
    ratios = np.log(_prices(bars, FOUND) / _prices(bars, STORED))
    slack = _decimals(bars)
    level = pd.Series(ratios[:, -1], index=bars.index)
    is_factor = (np.abs(ratios - ratios[:, -1:]) <= slack + slack[:, -1:]).all(axis=1)
    is_other = pd.Series(level.abs() > ROUNDED_RATIO)
    is_rounding = ~is_other & is_factor & (np.abs(ratios) > 0).any(axis=1)
    leading = (is_other | is_rounding).groupby(ticker).cummin()
    splits = bars["new_splits"]
    explained = is_other & is_factor & (splits != 0) & ((level - splits).abs() <= SAME_RATIO)
    lasting = _is_plausible(level) | _lasts(level, ticker, pd.Series(slack[:, -1]))
    unlisted = leading & is_other & is_factor & lasting & ~explained
    rebased = leading & is_other & unlisted.groupby(ticker).transform("any")
    return bars[KEYS].assign(
        rounding=leading & is_rounding, rebased=rebased, explained=explained & ~rebased
    )


def now_at_another_level(levels: pd.DataFrame) -> set[str]:
    """The tickers whose last bar in both frames is ``rebased``; ``levels``: of ``rescaled``."""
    last = levels.drop_duplicates("ticker", keep="last")
    return set(last.loc[last["rebased"], "ticker"])


def _overlap(stored: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The bars in both frames, beside ``new_splits``: log of the new splits after each one."""
    ordered = found.sort_values(KEYS, ignore_index=True)
    listed = ordered.merge(
        stored[[*KEYS, "split_ratio"]], on=KEYS, how="left", suffixes=("", STORED)
    )
    is_new = listed["split_ratio_stored"].fillna(1.0) == 1.0
    logs = pd.Series(np.where(is_new, np.log(listed["split_ratio"]), 0.0))
    by_ticker = logs.groupby(listed["ticker"])
    ordered["new_splits"] = by_ticker.transform("sum") - by_ticker.cumsum()
    bars = ordered.loc[ordered["close"].notna(), [*KEYS, *PRICES, "new_splits"]]
    traded = stored.loc[stored["close"].notna(), [*KEYS, *PRICES]]
    return traded.merge(bars, on=KEYS, suffixes=(STORED, FOUND)).sort_values(
        KEYS, ignore_index=True
    )


def _prices(bars: pd.DataFrame, of: str) -> Floats:
    return bars[[f"{name}{of}" for name in PRICES]].to_numpy(dtype=float)


def _decimals(bars: pd.DataFrame) -> Floats:
    """How far a ratio of two prices may be off because prices have 3 decimals, 4 below 1."""
    least = np.minimum(_prices(bars, STORED), _prices(bars, FOUND))
    return SAME_LEVEL / 10 + np.where(least < 1, 1e-4, 1e-3) / least


def _is_plausible(level: pd.Series) -> pd.Series:
    off = np.abs(np.abs(level.to_numpy()[:, None]) - np.log(SPLIT_RATIOS)).min(axis=1)
    return pd.Series(off <= SAME_RATIO, index=level.index)


def _lasts(level: pd.Series, ticker: pd.Series, slack: pd.Series) -> pd.Series:
    """Whether each bar is one of several in a row at one level."""
    step = level.groupby(ticker).diff().abs() - slack - slack.groupby(ticker).shift()
    run = (~(step <= SAME_LEVEL)).cumsum()
    return run.groupby(run).transform("size") >= LASTING
