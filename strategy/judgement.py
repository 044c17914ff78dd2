"""The vendor's bars judged one by one, by their neighbours, and beside what is stored."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from strategy.keys import KEYS, is_among
from strategy.moves import judge_moves, without_prices
from strategy.price_rules import REBASED, actions_alone, broken_rule
from strategy.rebasing import now_at_another_level, rescaled
from strategy.reconciliation import COLUMNS, reconcile
from strategy.verification import EQUAL_PRICES

GOOD, SUSPECT = "good", "suspect"
NOT_JUDGED = ""


@dataclass(frozen=True)
class Judgement:
    """What the vendor's bars come to.

    rows: what may stand, sorted by (ticker, date); columns ``reconciliation.COLUMNS``, ``kept``,
        ``confirmed`` (bool: a jump that later bars confirm) and ``first`` (bool: the ticker's first
        bar here, which could not be judged).
    refused: the vendor's rows that break a rule, as it sent them, and ``rule``.
    """

    rows: pd.DataFrame
    refused: pd.DataFrame


def judge_bars(
    bars: pd.DataFrame, stored: pd.DataFrame, decisions: pd.DataFrame, in_doubt: pd.DataFrame
) -> Judgement:
    """Apply every rule: first those of a bar alone, then those of a bar among others.

    A bar that was released by hand is never refused again, and suspect; one that was rejected stays
    refused; both as long as its close is the one that was decided upon. Where a bar is refused and
    another is stored on its day, the stored one stands, and the neighbours are judged by that.

    Args:
        bars: the vendor's rows; columns as ``broken_rule``.
        stored: columns of ``raw_prices``; a ticker and date occur once.
        decisions: columns ticker, date, rule, close, decision ("released" or "rejected").
        in_doubt: columns ticker, date: bars that are not stored although their session is. Before
            a ticker's first stored bar nothing tells whether they were refused or absent: they are
            left out there, or else the first bar, which is not judged, might be a refused one.
    """
    ruled = _ruled_before_moves(bars, stored, decisions)
    had_bar = stored[stored["close"].notna()]
    while True:
        sound = _sound(ruled)
        rows = reconcile(stored, sound, rescaled(stored, sound))
        rows = rows[~_unanchored(rows, had_bar, in_doubt)].reset_index(drop=True)
        released = _decided(rows, decisions, "released") != ""
        verdict = judge_moves(rows, released | rows["kept"])
        refused = rows[KEYS].assign(rule=verdict["rule"])[verdict["rule"] != ""]
        replaceable = refused[is_among(refused, had_bar)]
        if replaceable.empty:
            break
        ruled = _with_rules(ruled, replaceable)
    ruled = _with_rules(ruled, refused)
    standing = _marked(rows, verdict, released, had_bar)
    return Judgement(standing, ruled.loc[ruled["rule"] != "", [*bars.columns, "rule"]])


def _ruled_before_moves(
    bars: pd.DataFrame, stored: pd.DataFrame, decisions: pd.DataFrame
) -> pd.DataFrame:
    """The vendor's rows, sorted, with the rule of what is impossible, rejected, or re-based."""
    ordered = bars.sort_values(KEYS, kind="stable", ignore_index=True)
    rule = broken_rule(ordered)
    rule = rule.where(rule != "", _decided(ordered, decisions, "rejected"))
    ruled = ordered.assign(rule=rule, data_quality=NOT_JUDGED)
    tickers = now_at_another_level(rescaled(stored, _sound(ruled)))
    new_bar = ordered["close"].notna() & ~is_among(ordered, stored[stored["close"].notna()])
    released = _decided(ordered, decisions, "released") != ""
    unfit = new_bar & ordered["ticker"].isin(tickers) & (rule == "") & ~released
    return ruled.assign(rule=rule.mask(unfit, REBASED))


def _sound(ruled: pd.DataFrame) -> pd.DataFrame:
    sound = ruled[ruled["rule"] == ""]
    return pd.concat([sound, actions_alone(ruled)], ignore_index=True)[COLUMNS]


def _with_rules(ruled: pd.DataFrame, refused: pd.DataFrame) -> pd.DataFrame:
    """The rows, where sound ones on the keys of ``refused`` get its rule."""
    named = ruled[KEYS].merge(refused, on=KEYS, how="left")["rule"].fillna("")
    return ruled.assign(rule=ruled["rule"].where(ruled["rule"] != "", named))


def _decided(rows: pd.DataFrame, decisions: pd.DataFrame, decision: str) -> pd.Series:
    """The rule of each bar on which that was decided, by hand, at this close; else ``""``."""
    made = decisions[decisions["decision"] == decision]
    both = rows[[*KEYS, "close"]].reset_index().merge(made, on=KEYS, suffixes=("", "_decided"))
    same = (both["close"] / both["close_decided"] - 1).abs() <= EQUAL_PRICES
    rules = both[same].drop_duplicates("index").set_index("index")["rule"]
    return rules.reindex(rows.index, fill_value="").astype("str")


def _unanchored(rows: pd.DataFrame, had_bar: pd.DataFrame, in_doubt: pd.DataFrame) -> pd.Series:
    """Bars in doubt at the start of a ticker that has stored bars after them."""
    bars = rows[rows["close"].notna()]
    doubtful = pd.Series(is_among(bars, in_doubt), index=bars.index)
    leading = doubtful.groupby(bars["ticker"]).cummin()
    anchored = bars["ticker"].isin(had_bar["ticker"])
    return (leading & anchored).reindex(rows.index, fill_value=False)


def _marked(
    rows: pd.DataFrame, verdict: pd.DataFrame, released: pd.Series, had_bar: pd.DataFrame
) -> pd.DataFrame:
    """The rows with their marks; of refused bars only the action, where there is one."""
    is_bar = rows["close"].notna()
    first = is_bar & ~rows["ticker"].where(is_bar).duplicated()
    stored_mark = rows[KEYS].merge(had_bar[[*KEYS, "data_quality"]], on=KEYS, how="left")
    known = first & stored_mark["data_quality"].notna() & ~released
    suspect = verdict["suspect"] | released
    judged = np.where(suspect, SUSPECT, GOOD)
    mark = stored_mark["data_quality"].where(known, judged)
    refused = verdict["rule"] != ""
    marked = rows.assign(
        data_quality=rows["data_quality"].where(rows["data_quality"] != NOT_JUDGED, mark),
        volume=rows["volume"].mask(refused, 0),
        confirmed=verdict["confirmed"],
        first=first,
    )
    acts = (rows["dividend"] != 0) | (rows["split_ratio"] != 1)
    return without_prices(marked, refused)[~refused | acts]
