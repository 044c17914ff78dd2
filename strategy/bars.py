"""From a vendor's bars to the rows that are stored: who counts, what is sound, what is complete."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from strategy.coverage import coverage
from strategy.price_rules import BAR_RULES, PRICES, broken_rule

GOOD = "good"


@dataclass(frozen=True)
class SortedBars:
    """The outcome of ``sort_bars``.

    good: rows to store; columns of ``raw_prices``. Where a bar is impossible but its dividend or
        split is sound, the action stays, as a row without prices: without it the next bar's
        return would be wrong.
    bad: rows to quarantine; columns ticker, date, ``row`` (the vendor's row as JSON), and
        ``rule``, the rule that it breaks.
    coverage: see ``strategy.coverage``.
    """

    good: pd.DataFrame
    bad: pd.DataFrame
    coverage: pd.DataFrame

    @property
    def good_only(self) -> pd.DataFrame:
        """Columns ticker, date: what came through with no row of it in quarantine."""
        keys = ["ticker", "date"]
        both = self.good[keys].merge(self.bad[keys], on=keys, how="left", indicator="found")
        return both.loc[both["found"] == "left_only", keys]


def sort_bars(
    bars: pd.DataFrame,
    listing: pd.DataFrame,
    members: pd.DataFrame,
    open_on: pd.DataFrame,
    source: str,
) -> SortedBars:
    """Keep the bars of each session's members, set aside what is mechanically impossible.

    Args:
        bars: columns date, ticker, open, high, low, close, volume, dividend, split_ratio.
        listing: index ticker; first_bar, last_bar.
        members: columns date, ticker, market, currency: who was a member on each session.
        open_on: columns date, market: the markets open on each session.
        source: the vendor's name, stored with every row.
    """
    unique = members[["date", "ticker", "market", "currency"]].drop_duplicates()
    rules = broken_rule(bars)
    of_members = bars.assign(rule=rules).merge(unique, on=["date", "ticker"])
    sound = of_members["rule"] == ""
    kept = pd.concat([of_members[sound], _actions_alone(of_members)], ignore_index=True)
    good = kept.drop(columns="rule").assign(source=source, data_quality=GOOD)
    bad = of_members.loc[~sound, ["ticker", "date", "rule"]]
    vendor_rows = of_members.loc[~sound, list(bars.columns)]
    as_json = vendor_rows.to_json(orient="records", lines=True, date_format="iso")
    lines = [line for line in as_json.splitlines() if line]
    bad = bad.assign(row=pd.Series(lines, index=bad.index, dtype="str"))
    traded = good[good["close"].notna()]
    return SortedBars(good, bad, coverage(unique, traded, bad, listing, open_on))


def _actions_alone(rows: pd.DataFrame) -> pd.DataFrame:
    """The dividends and splits of impossible bars, as rows without prices."""
    has_action = (rows["dividend"] != 0) | (rows["split_ratio"] != 1)
    alone = rows[rows["rule"].isin(BAR_RULES) & has_action]
    return alone.assign(**dict.fromkeys(PRICES, np.nan), volume=0)
