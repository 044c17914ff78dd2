"""From a vendor's split-adjusted bars back to the prices of the day.

A vendor re-bases the whole past at every split, so what it shows for a day changes with the day it
is asked. This recipe takes the re-basing out again: with ``S(d)`` the product of all split ratios
with ex-date after ``d``, ``price = vendor price * S``, ``volume = vendor volume / S`` and
``dividend = vendor dividend * S``. Pure functions on frames, all tickers at once.

For hours or days a vendor may list a split that it has not re-based its history for. Such a split
is left out of ``S``: see ``_rebased_ratios``.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from parakeet_dagster.price_sources.base import BAR_COLUMNS

PRICES = ["open", "high", "low", "close"]
_FLOAT32 = 2.0**-24
_AMOUNT_QUANTUM = 0.5e-6
_MOST_AMOUNT_DECIMALS = 6
_TELLING_SPLIT = 0.4
_UNCHANGED = 0.15
_DTYPES = {
    "date": "datetime64[us]",
    "ticker": "str",
    **dict.fromkeys(PRICES, "float64"),
    "volume": "int64",
    "dividend": "float64",
    "split_ratio": "float64",
}


def as_traded(bars: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Bars and actions as they were on their day.

    Args:
        bars: vendor bars in any order: ticker, date, open, high, low, close (currency per share),
            volume (shares), the unfinished one included, because it shows whether the vendor has
            re-based for a split of its day. A row without a close is no bar; of two rows of one
            ticker and date the first counts.
        actions: every action from the first bar up to the day the vendor was asked, in any order:
            ticker, date, dividend (0.0 when none), split_ratio (1.0 when none). Amounts of one
            ticker and date add up, ratios multiply.

    Returns:
        ``BAR_COLUMNS`` sorted by (ticker, date). An action without a bar is a row whose prices are
        NaN and whose volume is 0.

    A dividend is taken to be adjusted for the splits after its ex-date only, so what comes back is
    the amount for each share held before a split of the same day. Whether Yahoo means that where
    both fall on one day has not been observed.
    """
    traded = bars.dropna(subset="close").drop_duplicates(["ticker", "date"])
    merged = traded.merge(per_day(actions), on=["ticker", "date"], how="outer")
    merged = merged.sort_values(["ticker", "date"], ignore_index=True)
    merged = merged.fillna({"volume": 0, "dividend": 0.0, "split_ratio": 1.0})
    rebased = merged.assign(split_ratio=_rebased_ratios(merged))
    later_splits = np.asarray(_later_splits(rebased), dtype=np.float64)
    restored = merged.assign(
        **{name: round_prices(merged[name].to_numpy() * later_splits) for name in PRICES},
        volume=np.rint(merged["volume"].to_numpy(dtype="float64") / later_splits),
        dividend=round_amounts(np.asarray(merged["dividend"], dtype=np.float64), later_splits),
    )
    return restored[list(BAR_COLUMNS)].astype(_DTYPES)


def per_day(actions: pd.DataFrame) -> pd.DataFrame:
    """One row per ticker and date: the sum of its dividends, the product of its splits."""
    return actions.groupby(["ticker", "date"], as_index=False).agg(
        {"dividend": "sum", "split_ratio": "prod"}
    )


def round_prices(prices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """To 3 decimals, 4 below 1: undoes the vendor's float32 between 0.001 and 5,000."""
    return np.where(np.abs(prices) < 1.0, np.round(prices, 4), np.round(prices, 3))


def round_amounts(
    vendor: npt.NDArray[np.float64], later_splits: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Dividends as declared: the shortest decimal that the vendor's number can stand for.

    A declared amount has between one and six decimals (3.29 a share, 0.192857 a unit), so no fixed
    number of decimals restores all of them. The vendor shows ``amount / S`` to six decimals in
    float32: off by at most half a millionth and 2**-24 of itself, which multiplying by ``S``
    magnifies. 0.094643, after splits of 7:1 and 4:1, stands for 2.650004 plus or minus 0.000014:
    the shortest decimal in there is the declared 2.65.
    """
    amounts = vendor * later_splits
    uncertainty = _AMOUNT_QUANTUM * later_splits + 2 * _FLOAT32 * np.abs(amounts)
    declared = np.round(amounts, _MOST_AMOUNT_DECIMALS)
    for decimals in range(_MOST_AMOUNT_DECIMALS - 1, 0, -1):
        shorter = np.round(amounts, decimals)
        declared = np.where(np.abs(shorter - amounts) <= uncertainty, shorter, declared)
    return declared


def _rebased_ratios(rows: pd.DataFrame) -> "pd.Series[float]":
    """Per row, the split ratio by which the vendor has re-based the prices before it.

    That is ``split_ratio``, or 1.0 where the vendor lists the split and shows the old prices still:
    then the shares of the bar before it, at the first bar at or after it, are worth what they were,
    dividends included, within 15 %. Where the prices before are re-based they seem to be worth a
    split more. A ratio between 2:3 and 3:2 does not tell the two apart, and counts as re-based; so
    does one without a bar on both sides. Splits with no bar between them are judged as one.

    rows: sorted by (ticker, date), one a day, prices as the vendor shows them.
    """
    traded = rows["close"].notna()
    # a row belongs to the first bar at or after it
    first_bar_from = traded[::-1].groupby(rows["ticker"][::-1]).cumsum()[::-1]
    until_a_bar = [rows["ticker"], first_bar_from]
    ratio = rows["split_ratio"].groupby(until_a_bar).transform("prod")
    dividends = rows["dividend"].groupby(until_a_bar).transform("sum")
    close_after = rows["close"].groupby(until_a_bar).transform("last")
    close_before = rows["close"].groupby(rows["ticker"]).ffill()
    close_before = close_before.groupby(rows["ticker"]).shift()
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(ratio)
        log_worth = np.log((close_after * ratio + dividends) / close_before)
    not_rebased = (np.abs(log_ratio) > _TELLING_SPLIT) & (np.abs(log_worth) < _UNCHANGED)
    return rows["split_ratio"].mask(not_rebased, 1.0)


def _later_splits(rows: pd.DataFrame) -> "pd.Series[float]":
    """Per row, the product of the ticker's split ratios with a later ex-date.

    rows: sorted by (ticker, date), one a day.
    """
    backwards = rows.iloc[::-1]
    from_here_on = backwards.groupby("ticker")["split_ratio"].cumprod().iloc[::-1]
    return from_here_on.groupby(rows["ticker"]).shift(-1, fill_value=1.0)
