"""What a vendor says now of sessions that are stored, where it differs."""

import numpy as np
import pandas as pd

from strategy.keys import KEYS, is_among
from strategy.moves import without_prices
from strategy.price_rules import PRICES
from strategy.rebasing import FOUND, STORED, now_at_another_level, rescaled
from strategy.reconciliation import COLUMNS, reconcile, same_dividend, same_split

EQUAL_PRICES = 1e-6
MOST_TELLING_FIRST = ["close", "open", "high", "low"]
NO_ACTION = {
    f"dividend{STORED}": 0.0,
    f"dividend{FOUND}": 0.0,
    f"split_ratio{STORED}": 1.0,
    f"split_ratio{FOUND}": 1.0,
}
VALUES = [*PRICES, "dividend", "split_ratio", "data_quality"]


def verify(
    stored: pd.DataFrame, found: pd.DataFrame, asked: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The corrections that the vendor's answer calls for.

    Prices are equal within 1e-6; volume drifts and is no difference; dividends and splits may
    differ by rounding. What ``reconcile`` keeps as stored is no correction: a day that the vendor
    dropped, a split that it lost, a history that it re-based, nor are the new bars that go with
    such a history (``rebased``). The reason names every difference: a bar or an action that came
    late, a price, dividend or split that changed, a dividend that was withdrawn, prices re-based
    for a split that is listed now, a mark that changed.

    Args:
        stored: rows of ``raw_prices``; a ticker and date occur once.
        found: the sound rows of the vendor's answer, marked good or suspect, for the same
            sessions and tickers; columns as ``reconcile``. Later rows tell of later splits.
        asked: columns ticker, date: the rows that are asked about; None: all of both.

    Returns:
        Columns ticker, date, reason, row, sorted by (ticker, date). ``row`` is what is to be
        stored instead, as compact JSON: open, high, low, close (null without a bar), dividend,
        split_ratio, data_quality. The same values give the same text.
    """
    had_bar = is_among(found, stored[stored["close"].notna()])
    levels = rescaled(stored, found)
    of_rebased = found["ticker"].isin(now_at_another_level(levels))
    unfit = of_rebased & found["close"].notna() & ~had_bar
    acts = (found["dividend"] != 0) | (found["split_ratio"] != 1)
    fit = without_prices(found, pd.Series(unfit, index=found.index))[~unfit | acts]
    now = reconcile(stored, fit, levels)
    both = stored[COLUMNS].merge(now, on=KEYS, how="outer", suffixes=(STORED, FOUND))
    both = both.fillna(NO_ACTION)
    both = both[_differ_in_bits(both)]
    both = both if asked is None else both[is_among(both, asked)]
    reasons = _reasons(both, levels)
    differing = both[reasons != ""].reset_index(drop=True)
    values = differing[[f"{name}{FOUND}" for name in VALUES]].set_axis(VALUES, axis="columns")
    return differing[KEYS].assign(
        reason=reasons[reasons != ""].to_numpy(),
        row=as_json(values.fillna({"data_quality": "good"})),
    )


def vanished(stored: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The stored bars that the vendor does not show now, with the columns of ``stored``.

    No correction: a vendor drops days for hours.
    """
    bars = stored[stored["close"].notna()]
    return bars[~is_among(bars, found[found["close"].notna()])]


def rebased(stored: pd.DataFrame, found: pd.DataFrame) -> set[str]:
    """The tickers whose whole history the vendor shows at another level, without a listed split.

    Their new bars do not fit what is stored: a return between the two would be wrong by the
    factor. Arguments as ``rescaled``.
    """
    return now_at_another_level(rescaled(stored, found))


def as_json(rows: pd.DataFrame) -> pd.Series:
    """Each row as compact JSON with at most 6 decimals; NaN is null, a date is ISO 8601."""
    text = rows.to_json(orient="records", lines=True, date_format="iso", double_precision=6)
    lines = [line for line in text.splitlines() if line]
    return pd.Series(lines, index=rows.index, dtype="str")


def _differ_in_bits(both: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a row is worth a closer look: next to none is, and words are slow to write."""
    stored = both[[f"{name}{STORED}" for name in VALUES]].set_axis(VALUES, axis="columns")
    found = both[[f"{name}{FOUND}" for name in VALUES]].set_axis(VALUES, axis="columns")
    return ((stored != found) & (stored.notna() | found.notna())).any(axis="columns")


def _reasons(both: pd.DataFrame, levels: pd.DataFrame) -> pd.Series:
    """Every difference of each row in words, joined; empty where there is none."""
    had_bar, has_bar = both["close_stored"].notna(), both["close_found"].notna()
    both_bars = had_bar & has_bar
    explained = pd.Series(is_among(both, levels[levels["explained"]]), index=both.index)
    marks = both["data_quality_stored"] != both["data_quality_found"]
    differences = [
        (~had_bar & has_bar, "bar came late: close " + _text(both["close_found"])),
        (both_bars & explained, pd.Series("prices re-based", index=both.index)),
        (both_bars & ~explained, _price_corrected(both)),
        (~same_split(both), _action_changed(both, "split", "split_ratio", 1.0)),
        (~same_dividend(both), _action_changed(both, "dividend", "dividend", 0.0)),
        (both_bars & marks, "mark changed: " + _change(both, "data_quality")),
    ]
    reason = pd.Series("", index=both.index, dtype="str")
    for applies, words in differences:
        reason = reason.where(~applies | (words == ""), reason + "; " + words)
    return reason.str.removeprefix("; ")


def _price_corrected(both: pd.DataFrame) -> pd.Series:
    """The first price that differs, of the close and the others."""
    words = pd.Series("", index=both.index, dtype="str")
    for name in reversed(MOST_TELLING_FIRST):
        ratio = both[f"{name}{FOUND}"] / both[f"{name}{STORED}"]
        differs = (ratio - 1).abs() > EQUAL_PRICES
        words = words.mask(differs, f"{name} corrected: " + _change(both, name))
    return words


def _action_changed(both: pd.DataFrame, kind: str, column: str, none: float) -> pd.Series:
    before, now = both[f"{column}{STORED}"], both[f"{column}{FOUND}"]
    words = np.select(
        [before == none, now == none],
        [f"{kind} listed late: " + _text(now), f"{kind} withdrawn: " + _text(before)],
        default=f"{kind} changed: " + _change(both, column),
    )
    return pd.Series(words, index=both.index, dtype="str")


def _change(both: pd.DataFrame, column: str) -> pd.Series:
    return _text(both[f"{column}{STORED}"]) + " -> " + _text(both[f"{column}{FOUND}"])


def _text(values: pd.Series) -> pd.Series:
    """Numbers as people write them: 7, 0.82, 12.3."""
    if values.dtype != "float64":
        return values.astype("str")
    return values.map("{:.12g}".format).astype("str")
