"""SPX500 since 2005, from the files of the package pitindex.

They are read directly. The package's own functions prefer a user's cache directory, so the same
version could say different things on two machines.
"""

import json
from functools import cache
from importlib import metadata, resources

import pandas as pd

from parakeet_dagster.universe_sources.files import renames
from parakeet_dagster.universe_sources.rosters import Roster
from strategy.universes.members import MEMBER_COLUMNS
from strategy.universes.renames import newest_symbols

PACKAGE = "pitindex"
INDEX = "sp500"


@cache
def sp500_history() -> Roster:
    """Every member since 2004-12-30 under the symbol that its company has today."""
    about = json.loads(_text("build_metadata.json"))["indices"][INDEX]
    changes, current = _table("changes"), _table("current")
    then = intervals(_table("seed"), changes)
    tickers = newest_symbols(then["ticker"], then["start"], renames())
    named = then.assign(ticker=tickers.str.replace(".", "-", regex=False))
    whole = named.assign(
        name=named["ticker"].map(_names(current, changes)).fillna(named["ticker"]),
        market="XNYS",
        currency="USD",
        asset_class="equity",
    )
    return Roster(
        whole[[*MEMBER_COLUMNS, "start", "end"]].astype(dict.fromkeys(MEMBER_COLUMNS, "str")),
        f"{PACKAGE} {metadata.version(PACKAGE)}",
        as_of=pd.Timestamp(about["end_date"]).as_unit("us"),
        known_from=pd.Timestamp(about["start_date"]).as_unit("us"),
    )


def intervals(seed: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Membership intervals from the first members and every change since.

    Of two changes of a ticker on one day the removal counts first. What changes nothing, the
    addition of a member or the removal of none, is skipped.

    Args:
        seed: columns effective_date (ISO, the same everywhere) and ticker.
        changes: columns date (ISO), action (``added`` or ``removed``) and ticker.

    Returns:
        Columns ticker (as the package writes it), start, end (datetime64[us], NaT for today's
        members), sorted by (ticker, start).
    """
    first = seed.rename(columns={"effective_date": "date"}).assign(action="added")
    events = pd.concat([first, changes])[["date", "action", "ticker"]]
    events = events.assign(
        date=pd.to_datetime(events["date"]).dt.as_unit("us"), joins=events["action"] == "added"
    ).sort_values(["ticker", "date", "joins"], ignore_index=True)
    was_member = events.groupby("ticker")["joins"].shift(fill_value=False)
    turns = events[events["joins"] != was_member]
    spans = turns.assign(end=turns.groupby("ticker")["date"].shift(-1))
    joined = spans[spans["joins"]].rename(columns={"date": "start"})
    return joined[["ticker", "start", "end"]].reset_index(drop=True)


def _names(current: pd.DataFrame, changes: pd.DataFrame) -> "pd.Series[str]":
    """Names by ticker: today's, else as they were in the last change that had one."""
    known = pd.concat([changes[["ticker", "name"]], current[["ticker", "name"]]])
    known = known[known["name"] != ""]
    symbols = known["ticker"].str.replace(".", "-", regex=False)
    names: pd.Series[str] = known["name"].set_axis(pd.Index(symbols))
    return names[~names.index.duplicated(keep="last")]


def _table(what: str) -> pd.DataFrame:
    """All str: pandas would take the ticker ``NA`` for a missing value."""
    with (resources.files(PACKAGE) / "data" / f"{INDEX}_{what}.csv").open() as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False)


def _text(name: str) -> str:
    return (resources.files(PACKAGE) / "data" / name).read_text()
