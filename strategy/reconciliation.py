"""Which row of a session stands: the one that is stored, or what the vendor says now."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.keys import KEYS, is_among
from strategy.price_rules import PRICES
from strategy.rebasing import FOUND, ROUNDED_RATIO, STORED

BAR = [*PRICES, "volume"]
COLUMNS = [*KEYS, *BAR, "dividend", "split_ratio", "data_quality"]

Bools = npt.NDArray[np.bool_]


def reconcile(stored: pd.DataFrame, found: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """One row per ticker and date: the vendor's, except where what is stored must not be lost.

    What is stored stands

    * whole, where the vendor shows nothing on its day: vendors drop days for hours. Only a stored
      dividend without a bar goes, where the vendor shows bars on both sides of it and not it;
    * whole, where the vendor lost the split of a stored bar: vendors lose splits for days;
    * in its prices and its mark, where the vendor shows an action without a bar, or where the
      vendor's history is re-based (``strategy.rebasing``) and no listed split explains it;
    * in its prices, where they differ by the rounding of a ratio;
    * in a dividend or split that differs by rounding, and in a split that the vendor lost.

    Reconciled again with ``stored``, the outcome is itself.

    Args:
        stored: columns of ``raw_prices``; a ticker and date occur once.
        found: columns ``COLUMNS``; a ticker and date occur once.
        levels: ``rescaled`` of the two.

    Returns:
        Columns ``COLUMNS`` and ``kept`` (bool: the prices are the stored ones, because the
        vendor's are none or not to be had at this level), sorted by (ticker, date), index 0, 1, …
    """
    both = _beside(stored, found, levels)
    has_row, had_bar = both["has_row"], both["close_stored"].notna()
    lost_split = has_row & (both["split_ratio_stored"] != 1) & (both["split_ratio_found"] == 1)
    whole = ~has_row | (lost_split & had_bar)
    not_shown = whole | (had_bar & both["close_found"].isna()) | both["rebased"]
    prices = not_shown | both["rounding"]
    kept_of = {
        **dict.fromkeys(BAR, prices),
        "dividend": whole | same_dividend(both),
        "split_ratio": whole | lost_split | same_split(both),
        "data_quality": not_shown,
    }
    chosen = {
        name: both[f"{name}{STORED}"].where(of_stored, both[f"{name}{FOUND}"])
        for name, of_stored in kept_of.items()
    }
    settled = both[KEYS].assign(**chosen, kept=prices)[~_withdrawn(both, found)]
    new = found.loc[~is_among(found, both), COLUMNS].assign(kept=False)
    rows = pd.concat([new, settled.astype({"volume": "int64"})], ignore_index=True)
    return rows.sort_values(KEYS, kind="stable", ignore_index=True)


def same_dividend(both: pd.DataFrame) -> pd.Series:
    """Whether two dividends differ by rounding: below 1e-3 of the amount and 1e-5 of the close."""
    before, now = both["dividend_stored"], both["dividend_found"]
    difference = (before - now).abs()
    close = both["close_found"].fillna(both["close_stored"])
    least = np.fmin(before.where(before > now, now) * 1e-3, close * 1e-5)
    return (difference == 0) | (difference < least)


def same_split(both: pd.DataFrame) -> pd.Series:
    """Whether two split ratios differ by rounding (1.998 against 2)."""
    ratio = both["split_ratio_found"] / both["split_ratio_stored"]
    return (ratio - 1).abs() <= ROUNDED_RATIO


def _beside(stored: pd.DataFrame, found: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """The stored rows, what is found on their day, and how it differs in level."""
    both = stored[COLUMNS].merge(
        found[COLUMNS], on=KEYS, how="left", suffixes=(STORED, FOUND), indicator="has_row"
    )
    return both.assign(
        has_row=(both["has_row"] == "both").to_numpy(dtype=bool),
        rounding=is_among(both, levels[levels["rounding"]]),
        rebased=is_among(both, levels[levels["rebased"]]),
    )


def _withdrawn(both: pd.DataFrame, found: pd.DataFrame) -> Bools:
    """Stored dividends without a bar, of which the vendor shows the days around, and not them."""
    spans = found[found["close"].notna()].groupby("ticker")["date"].agg(["min", "max"])
    around = spans.reindex(both["ticker"]).set_axis(both.index, axis=0)
    inside = (around["min"] < both["date"]) & (both["date"] < around["max"])
    alone = both["close_stored"].isna() & (both["split_ratio_stored"] == 1)
    return (inside & alone & ~both["has_row"]).to_numpy(dtype=bool)
