"""Whether a market's data is complete enough to be believed."""

import pandas as pd

LEAST_COVERAGE = 0.8
COLUMNS = ["date", "market", "listed", "did_not_trade", "bars", "coverage", "blocked"]


def coverage(
    members: pd.DataFrame, bars: pd.DataFrame, listing: pd.DataFrame, open_on: pd.DataFrame
) -> pd.DataFrame:
    """How many of the tickers listed on a session have a bar, per open market.

    A member counts as listed unless the source knows its first bar to be later. A member without a
    bar whose later bars are known did not trade that day (a halt) and is not expected to have one;
    a member that the source could not deliver is expected. A market is blocked below 80 %, and
    whatever the reason when none of several listed members has a bar, or the session has no bar
    at all.

    Args:
        members: columns date, ticker, market: who was a member on each session.
        bars: columns date, ticker: the sound bars.
        listing: index ticker; columns first_bar, last_bar; missing for a ticker that failed.
        open_on: columns date, market: the markets open on each session.

    Returns:
        Columns ``COLUMNS``, one row per session and open market that has a listed member, sorted.
    """
    unique = members[["date", "ticker", "market"]].drop_duplicates()
    expected = unique.merge(open_on, on=["date", "market"])
    spans = listing.reindex(expected["ticker"]).set_axis(expected.index, axis=0)
    expected = expected[~(spans["first_bar"] > expected["date"])]
    has_bar = expected.merge(
        bars[["date", "ticker"]].drop_duplicates(),
        on=["date", "ticker"],
        how="left",
        indicator=True,
    )["_merge"].eq("both")
    later = (spans["last_bar"].reindex(expected.index) > expected["date"]).to_numpy()
    counted = expected.assign(
        bars=has_bar.to_numpy(), did_not_trade=later & ~has_bar.to_numpy(), listed=1
    )
    table = counted.groupby(["date", "market"], as_index=False)[
        ["listed", "did_not_trade", "bars"]
    ].sum()
    wanted = table["listed"] - table["did_not_trade"]
    share = (table["bars"] / wanted.where(wanted > 0)).fillna(1.0)
    alone = table.groupby("date")["bars"].transform("sum") == 0
    silent = (table["bars"] == 0) & ((table["listed"] > 1) | alone)
    return table.assign(coverage=share, blocked=(share < LEAST_COVERAGE) | silent)[COLUMNS]
