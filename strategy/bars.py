"""From a vendor's bars to the rows that are stored: who counts, what is sound, what is complete."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from strategy.coverage import blocked_by_action, coverage
from strategy.judgement import Judgement, judge_bars
from strategy.keys import KEYS, is_among
from strategy.price_rules import ACTION_RULE, PRICES
from strategy.verification import as_json, verify

STORED_TYPES = {
    "date": "datetime64[us]",
    "ticker": "str",
    "market": "str",
    "currency": "str",
    **dict.fromkeys(PRICES, "float64"),
    "volume": "int64",
    "dividend": "float64",
    "split_ratio": "float64",
    "source": "str",
    "data_quality": "str",
}
DECISION_TYPES = {
    "ticker": "str",
    "date": "datetime64[us]",
    "rule": "str",
    "close": "float64",
    "decision": "str",
}
GUEST_TYPES = {"date": "datetime64[us]", "ticker": "str"}
ACCEPTED_TYPES = {"date": "datetime64[us]", "market": "str"}
CORRECTION_TYPES = {"ticker": "str", "date": "datetime64[us]", "reason": "str", "row": "str"}


def _empty(types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


@dataclass(frozen=True)
class Known:
    """What is known beside the vendor's answer. By default nothing.

    stored: rows of ``raw_prices`` that are stored: those of the sessions before the run that its
        fetch covers too, those of the run's own sessions where they are made again, and for a
        ticker without a bar among them its rows since its last bar, however long ago.
    decisions: columns ticker, date, rule, close, decision: the bars in quarantine that were
        "released" or "rejected" by hand.
    accepted: columns date, market: incomplete data that was accepted by hand.
    silent: tickers that the vendor knows and shows no bar of: they did not trade.
    gone: tickers that are believed delisted: no bar of them is expected.
    guests: columns date, ticker: who is covered on a session of the run without being a member on
        it. Their bars are kept; whether the session is complete is judged by the members alone.
    """

    stored: pd.DataFrame = field(default_factory=lambda: _empty(STORED_TYPES))
    decisions: pd.DataFrame = field(default_factory=lambda: _empty(DECISION_TYPES))
    accepted: pd.DataFrame = field(default_factory=lambda: _empty(ACCEPTED_TYPES))
    silent: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    guests: pd.DataFrame = field(default_factory=lambda: _empty(GUEST_TYPES))


NOTHING = Known()


@dataclass(frozen=True)
class SortedBars:
    """The outcome of ``sort_bars``.

    good: rows to store, of the run's sessions, sorted by (date, ticker); columns of
        ``raw_prices``. Where a bar is refused but its dividend or split is sound, the action stays,
        as a row without prices: without it the next bar's return would be wrong.
    bad: rows to quarantine, of the run's sessions; columns ticker, date, ``rule``, the rule that
        it breaks, and ``row`` (the vendor's row as JSON).
    coverage: see ``strategy.coverage``.
    corrections: what the vendor says otherwise now of the stored sessions before the run; columns
        as ``strategy.verification.verify``.
    kept: columns ticker, date: the rows of ``good`` whose prices are those stored before, because
        the vendor has no good ones now.
    good_only: columns ticker, date, ``resolution``: what came from the vendor and has no row in
        ``bad``; an earlier doubt about it is settled, for that reason.
    """

    good: pd.DataFrame
    bad: pd.DataFrame
    coverage: pd.DataFrame
    corrections: pd.DataFrame
    kept: pd.DataFrame
    good_only: pd.DataFrame


def sort_bars(
    bars: pd.DataFrame,
    listing: pd.DataFrame,
    covered: pd.DataFrame,
    open_on: pd.DataFrame,
    source: str,
    sessions: pd.DatetimeIndex,
    known: Known = NOTHING,
) -> SortedBars:
    """Keep the covered tickers' bars of the run's sessions, set aside what cannot be trusted.

    Nothing that is stored is lost: where a session is made again and the vendor has no good bar
    for a stored one now, the stored one stays (``strategy.reconciliation``).

    Args:
        bars: what the vendor shows, from the first session that is verified through what it knows
            after the run: a bar is judged by those before and after it. Columns date, ticker,
            open, high, low, close, volume, dividend, split_ratio; of any tickers, in any order.
        listing: index ticker; first_bar, last_bar.
        covered: columns date, ticker, market, currency: whose prices are kept, on each of the
            run's sessions and on each stored session that is verified.
        open_on: columns date, market: the markets open on each of the run's sessions.
        source: the vendor's name, stored with every row.
        sessions: the run's.
        known: what else is known.
    """
    unique = covered[["date", "ticker", "market", "currency"]].drop_duplicates()
    in_run = unique["date"].isin(sessions)
    of_run, verified = unique[in_run], unique[~in_run]
    judged = _judged(bars, verified, known)
    standing = judged.rows.merge(of_run, on=KEYS)
    standing = standing.sort_values(["date", "ticker"], ignore_index=True)
    good = standing.assign(source=source)[list(STORED_TYPES)]
    bad = judged.refused.merge(of_run[KEYS], on=KEYS)
    as_sent = as_json(bad[list(bars.columns)])
    bad = bad[[*KEYS, "rule"]].assign(row=as_sent)
    kept = standing.loc[standing["kept"], KEYS]
    lost = bad[~is_among(bad, kept)]
    table = coverage(
        of_run[~is_among(of_run, known.guests)],
        good[good["close"].notna()],
        lost,
        listing,
        open_on,
        known.accepted,
        known.silent,
        known.gone,
    )
    impossible = lost[lost["rule"] == ACTION_RULE]
    table = blocked_by_action(table, of_run[is_among(of_run, impossible)], known.accepted)
    return SortedBars(
        good=good,
        bad=bad,
        coverage=table,
        corrections=_corrections(judged.rows, known.stored, verified),
        kept=kept.reset_index(drop=True),
        good_only=_good_only(standing, bad),
    )


def find_corrections(bars: pd.DataFrame, members: pd.DataFrame, known: Known) -> pd.DataFrame:
    """What the vendor says otherwise now of stored sessions, where none is to be made.

    Args:
        bars: as in ``sort_bars``; best from some sessions before those of ``members``, since a
            ticker's first bar is not judged.
        members: columns date, ticker: who was a member, on each stored session that is verified.
        known: what else is known.

    Returns:
        Columns as ``strategy.verification.verify``.
    """
    return _corrections(_judged(bars, members, known).rows, known.stored, members)


def _judged(bars: pd.DataFrame, verified: pd.DataFrame, known: Known) -> Judgement:
    had_bar = known.stored[known.stored["close"].notna()]
    in_doubt = verified[~is_among(verified, had_bar)]
    return judge_bars(bars, known.stored, known.decisions, in_doubt)


def _corrections(rows: pd.DataFrame, stored: pd.DataFrame, verified: pd.DataFrame) -> pd.DataFrame:
    """What differs on the verified sessions, but for bars that could not be judged."""
    if verified.empty:
        return _empty(CORRECTION_TYPES)
    unjudged = rows["first"] & ~is_among(rows, stored)
    return verify(stored, rows[~unjudged], verified)


def _good_only(standing: pd.DataFrame, bad: pd.DataFrame) -> pd.DataFrame:
    sound = standing[~standing["kept"] & ~is_among(standing, bad)]
    reason = np.where(sound["confirmed"], "a second bar at the new level", "good in a later fetch")
    return sound[KEYS].assign(resolution=reason).reset_index(drop=True)
