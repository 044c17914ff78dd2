"""The rules that a bar must obey. What breaks one is quarantined, not stored."""

import numpy as np
import pandas as pd

PRICES = ["open", "high", "low", "close"]
ORDER_TOLERANCE = 1e-6

MOVE = "move"
HUNDREDFOLD = "x100"
REBASED = "rebased"
DOUBTFUL = (MOVE, HUNDREDFOLD, REBASED)
"""Rules about a bar beside others (``strategy.moves``, ``strategy.reconciliation``): what breaks
one is possible, and may be released by later bars, by an action that arrives, or by hand."""

BAR_RULES = ("price", "order", "volume", *DOUBTFUL)
"""Rules about prices and volume: a dividend or split in a row that breaks one may be sound."""

ACTION_RULE = "action"
"""The rule about dividends and splits: without a sound action no return can be computed."""


def broken_rule(bars: pd.DataFrame) -> pd.Series:
    """The first mechanical rule that each row breaks, or an empty string.

    Rules: ``duplicate`` (a second row of one ticker and date), ``price`` (a price that is missing,
    infinite or not positive beside one that is there), ``order`` (low above, or high below, another
    price by more than 1e-6 relative), ``volume`` (negative), ``action`` (a dividend that is
    negative, a split ratio that is not positive, or one of them missing or infinite). A row whose
    prices are all NaN is an action without a bar: only its action is judged.

    Args:
        bars: columns date, ticker, open, high, low, close, volume, dividend, split_ratio.

    Returns:
        str, index of ``bars``.
    """
    prices = bars[PRICES].to_numpy(dtype=float)
    is_bar = ~np.isnan(prices).all(axis=1)
    with np.errstate(invalid="ignore"):
        sound = np.isfinite(prices).all(axis=1) & (prices > 0).all(axis=1)
        slack = 1 + ORDER_TOLERANCE
        ordered = (prices[:, 1] * slack >= prices.max(axis=1)) & (
            prices[:, 2] <= prices.min(axis=1) * slack
        )
    dividend = bars["dividend"].to_numpy(dtype=float)
    split = bars["split_ratio"].to_numpy(dtype=float)
    action = np.isfinite(dividend) & (dividend >= 0) & np.isfinite(split) & (split > 0)
    rules = [
        (bars.duplicated(["date", "ticker"]).to_numpy(), "duplicate"),
        (~action, ACTION_RULE),
        (is_bar & ~sound, "price"),
        (is_bar & ~ordered, "order"),
        ((bars["volume"] < 0).to_numpy(), "volume"),
    ]
    conditions, names = zip(*rules, strict=True)
    return pd.Series(np.select(conditions, names, default=""), index=bars.index, dtype="str")


def actions_alone(rows: pd.DataFrame) -> pd.DataFrame:
    """The dividends and splits of bars that broke a rule in ``BAR_RULES``, without prices.

    They are sound, and without them the return of the ticker's next bar would be wrong.

    Args:
        rows: columns as ``broken_rule``, and ``rule``.
    """
    has_action = (rows["dividend"] != 0) | (rows["split_ratio"] != 1)
    alone = rows[rows["rule"].isin(BAR_RULES) & has_action]
    return alone.assign(**dict.fromkeys(PRICES, np.nan), volume=0)
