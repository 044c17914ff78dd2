"""Whether a market's data is complete enough to be believed."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.keys import is_among
from strategy.price_rules import ACTION_RULE

LEAST_COVERAGE = 0.8
MOST_HALTS = 0.2
COLUMNS = ["date", "market", "listed", "did_not_trade", "bars", "coverage", "blocked", "accepted"]


def coverage(
    members: pd.DataFrame,
    bars: pd.DataFrame,
    quarantined: pd.DataFrame,
    listing: pd.DataFrame,
    open_on: pd.DataFrame,
    accepted: pd.DataFrame,
    silent: frozenset[str],
    gone: frozenset[str],
) -> pd.DataFrame:
    """How many of the tickers listed on a session have a bar, per open market.

    A member counts as listed unless the source knows its first bar to be later, or it is believed
    delisted and has no bar. A member without a bar is not expected to have one where its later
    bars are known (a halt), where the vendor knows it and shows no bar of it, and where its bar is
    in quarantine, as long as such members are together at most one, or 20 %, of the market: more
    are a vendor's gap. A member that the source could not deliver is expected. A market is blocked
    below 80 %; when none of several listed members has a bar; when the session has no bar at all;
    and when a dividend or split is impossible, since no return could be computed. What a person
    accepted is not blocked.

    Args:
        members: columns date, ticker, market: who was a member on each session.
        bars: columns date, ticker: the sound bars.
        quarantined: columns date, ticker, rule: the rows that broke a rule.
        listing: index ticker; columns first_bar, last_bar; missing for a ticker that failed.
        open_on: columns date, market: the markets open on each session.
        accepted: columns date, market: what is to be stored however incomplete it is.
        silent: tickers that the vendor knows, without a bar in its answer.
        gone: tickers that are believed delisted.

    Returns:
        Columns ``COLUMNS``, one row per session and open market that has a listed member, sorted.
        ``did_not_trade``: the members not expected. ``accepted``: it would have been blocked.
    """
    unique = members[["date", "ticker", "market"]].drop_duplicates()
    expected = unique.merge(open_on, on=["date", "market"])
    has_bar = is_among(expected, bars)
    spans = listing.reindex(expected["ticker"]).set_axis(expected.index, axis=0)
    later = (spans["last_bar"] > expected["date"]) | expected["ticker"].isin(silent)
    unsound = quarantined["rule"] == ACTION_RULE
    in_quarantine = is_among(expected, quarantined[~unsound])
    counted = expected.assign(
        listed=1,
        bars=has_bar,
        did_not_trade=(later | in_quarantine) & ~has_bar,
        impossible=is_among(expected, quarantined[unsound]),
    )
    unlisted = (spans["first_bar"] > expected["date"]) | (expected["ticker"].isin(gone) & ~has_bar)
    counts = ["listed", "did_not_trade", "impossible", "bars"]
    table = counted[~unlisted].groupby(["date", "market"], as_index=False)[counts].sum()
    return _judged(table, accepted)


def _judged(table: pd.DataFrame, accepted: pd.DataFrame) -> pd.DataFrame:
    """The counts of each session and market, and whether they suffice."""
    halts_at_most = (table["listed"] * MOST_HALTS).clip(lower=1)
    is_halt = table["did_not_trade"] <= halts_at_most
    halted = table["did_not_trade"].where(is_halt, 0)
    wanted = table["listed"] - halted
    share = (table["bars"] / wanted.where(wanted > 0)).fillna(1.0)
    alone = table.groupby("date")["bars"].transform("sum") == 0
    nothing = (table["bars"] == 0) & ((table["listed"] > 1) | alone)
    lacking = (share < LEAST_COVERAGE) | nothing | (table["impossible"] > 0)
    agreed = _is_pair_of(table, accepted)
    return table.assign(
        did_not_trade=halted,
        coverage=share,
        blocked=lacking & ~agreed,
        accepted=lacking & agreed,
    )[COLUMNS]


def blocked_by_action(
    table: pd.DataFrame, unsound: pd.DataFrame, accepted: pd.DataFrame
) -> pd.DataFrame:
    """``table``, with the markets in which a dividend or split of anybody is impossible blocked.

    Also of one who is no member: no return over that day can be computed.

    Args:
        table: see ``coverage``.
        unsound: columns date, market: where there is such an action.
        accepted: columns date, market.
    """
    pairs = unsound[["date", "market"]].drop_duplicates()
    is_hit = _is_pair_of(table, pairs)
    alone = pairs[~_is_pair_of(pairs, table)].assign(
        listed=0, did_not_trade=0, bars=0, coverage=1.0, blocked=False, accepted=False
    )
    whole = pd.concat([table.assign(hit=is_hit), alone.assign(hit=True)], ignore_index=True)
    agreed = _is_pair_of(whole, accepted)
    hit = whole["hit"].to_numpy(dtype=bool)
    whole["blocked"] = whole["blocked"].astype(bool) | (hit & ~agreed)
    whole["accepted"] = whole["accepted"].astype(bool) | (hit & agreed)
    return whole[COLUMNS].sort_values(["date", "market"], ignore_index=True)


def _is_pair_of(rows: pd.DataFrame, others: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each row's date and market occur in ``others``."""
    pairs = others[["date", "market"]].drop_duplicates()
    found = rows[["date", "market"]].merge(pairs, how="left", indicator="found")["found"]
    return (found == "both").to_numpy(dtype=bool)
