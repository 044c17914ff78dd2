"""Whether a market's data is complete enough to be believed."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.price_rules import ACTION_RULE

LEAST_COVERAGE = 0.8
MOST_HALTS = 0.2
COLUMNS = ["date", "market", "listed", "did_not_trade", "bars", "coverage", "blocked"]


def coverage(
    members: pd.DataFrame,
    bars: pd.DataFrame,
    quarantined: pd.DataFrame,
    listing: pd.DataFrame,
    open_on: pd.DataFrame,
) -> pd.DataFrame:
    """How many of the tickers listed on a session have a bar, per open market.

    A member counts as listed unless the source knows its first bar to be later. A member without a
    bar whose later bars are known did not trade that day (a halt) and is not expected to have one,
    as long as such members are at most one, or 20 %, of the market: more are a vendor's gap. A
    member that the source could not deliver, or whose bar is in quarantine, is expected. A market
    is blocked below 80 %; when none of several listed members has a bar; when the session has no
    bar at all; and when a dividend or split is impossible, since no return could be computed.

    Args:
        members: columns date, ticker, market: who was a member on each session.
        bars: columns date, ticker: the sound bars.
        quarantined: columns date, ticker, rule: the rows that broke a rule.
        listing: index ticker; columns first_bar, last_bar; missing for a ticker that failed.
        open_on: columns date, market: the markets open on each session.

    Returns:
        Columns ``COLUMNS``, one row per session and open market that has a listed member, sorted.
    """
    unique = members[["date", "ticker", "market"]].drop_duplicates()
    expected = unique.merge(open_on, on=["date", "market"])
    spans = listing.reindex(expected["ticker"]).set_axis(expected.index, axis=0)
    expected = expected[~(spans["first_bar"] > expected["date"])]
    has_bar = _among(expected, bars)
    later = (spans["last_bar"].reindex(expected.index) > expected["date"]).to_numpy(dtype=bool)
    counted = expected.assign(
        listed=1,
        bars=has_bar,
        did_not_trade=later & ~has_bar & ~_among(expected, quarantined),
        impossible=_among(expected, quarantined[quarantined["rule"] == ACTION_RULE]),
    )
    counts = ["listed", "did_not_trade", "impossible", "bars"]
    table = counted.groupby(["date", "market"], as_index=False)[counts].sum()
    halts_at_most = (table["listed"] * MOST_HALTS).clip(lower=1)
    is_halt = table["did_not_trade"] <= halts_at_most
    table["did_not_trade"] = table["did_not_trade"].where(is_halt, 0)
    wanted = table["listed"] - table["did_not_trade"]
    share = (table["bars"] / wanted.where(wanted > 0)).fillna(1.0)
    alone = table.groupby("date")["bars"].transform("sum") == 0
    silent = (table["bars"] == 0) & ((table["listed"] > 1) | alone)
    blocked = (share < LEAST_COVERAGE) | silent | (table["impossible"] > 0)
    return table.assign(coverage=share, blocked=blocked)[COLUMNS]


def _among(expected: pd.DataFrame, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each expected member has one of ``rows`` on its day."""
    keys = ["date", "ticker"]
    joined = expected[keys].merge(
        rows[keys].drop_duplicates(), on=keys, how="left", indicator="found"
    )
    return (joined["found"] == "both").to_numpy(dtype=bool)
