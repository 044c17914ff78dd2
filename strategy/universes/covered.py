"""Whose prices are kept: members, those who were, and those who will be."""

import numpy as np
import pandas as pd

AFTER = 300
"""A member's prices are kept through so many sessions, its last as a member counted: it is sold at
the next rebalance, which is at most 66 sessions away, and a report looks at it for a year."""

BEFORE = 800
"""A member's prices are kept from so many sessions before it joined: no strategy of the catalog
looks back further, so that a newcomer is judged by its whole history at once."""

LISTING = ["ticker", "market", "currency"]


def covered(
    members: pd.DataFrame, sessions: pd.DatetimeIndex, calendar: pd.DatetimeIndex
) -> pd.DataFrame:
    """The tickers whose prices are kept on each session, a row each.

    What a strategy sees of them is another matter: its signals see the members of their day.

    Args:
        members: columns date, ticker, market, currency: who was a member, on the sessions from
            ``AFTER`` before the first wanted to ``BEFORE`` after the last, as far as it is known.
        sessions: those wanted.
        calendar: every session there is, ascending.

    Returns:
        Columns date, ticker, market, currency, sorted by (date, ticker); a ticker's listing is the
        one of its newest membership given.
    """
    listings = (
        members.sort_values("date", kind="stable")[LISTING]
        .drop_duplicates("ticker", keep="last")
        .sort_values("ticker", ignore_index=True)
    )
    wanted = calendar.get_indexer(sessions)
    start = wanted.min(initial=len(calendar)) - AFTER
    places = calendar.get_indexer(pd.Index(members["date"])) - start
    columns = pd.Index(listings["ticker"]).get_indexer(pd.Index(members["ticker"]))
    length = max(wanted.max(initial=0) + BEFORE - start + 1, 0)
    inside = (places >= 0) & (places < length)
    is_member = np.zeros((length + 1, len(listings)), dtype=np.int32)
    is_member[places[inside] + 1, columns[inside]] = 1
    until = is_member.cumsum(axis=0, dtype=np.int32)
    last, before_first = wanted - start + BEFORE + 1, wanted - start - AFTER + 1
    day, place = np.nonzero(until[last] > until[before_first])
    rows = listings.iloc[place].reset_index(drop=True)
    rows.insert(0, "date", sessions[day])
    return rows.sort_values(["date", "ticker"], kind="stable", ignore_index=True)
