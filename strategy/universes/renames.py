"""Tickers that changed their symbol: one company, one history.

``renames.csv`` beside this module is the reviewed table: the S&P 500's since 2005, written from
public knowledge; those of 2026 are as two packages have them, pitindex and index-constitution.
It leaves out companies whose old shares were cancelled or exchanged in a merger, since what the
new symbol traded is not what the old one did. A date may be some days late where it is not known
exactly, never early: no row can be under the old symbol after it.
"""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError

Places = npt.NDArray[np.int64]

RENAME_COLUMNS = ["old", "new", "date", "reused_by"]


def validate_renames(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, sorted by (date, old).

    Args:
        table: columns ``RENAME_COLUMNS``: the old and the new symbol (str); the first session under
            the new one (datetime64[us]); the company that has the old symbol now (str, empty where
            nobody has).

    Raises:
        StrategyError: a symbol changes into itself or twice on one day, or becomes one that another
            company has given up by then: a row before the change could not be told from that
            company's.
    """
    _require(table["old"] != table["new"], table, "changes into itself")
    _require(~table.duplicated(["old", "date"]), table, "changes twice on one day")
    given_up = table.merge(table, left_on="new", right_on="old", suffixes=("", "_earlier"))
    is_free = given_up["date_earlier"] > given_up["date"]
    _require(is_free, given_up, "changes into a symbol that was given up before")
    return table[RENAME_COLUMNS].sort_values(["date", "old"], ignore_index=True)


def _require(fits: "pd.Series[bool]", table: pd.DataFrame, what: str) -> None:
    if not fits.all():
        row = table[~fits].iloc[0]
        change = f"{row['old']} to {row['new']} on {row['date']:%Y-%m-%d}"
        raise StrategyError(f"renames: {change} {what}")


def of_free_symbols(renames: pd.DataFrame) -> pd.DataFrame:
    """The renames whose old symbol nobody has taken over.

    For rows that were fetched under today's symbols: there a reused symbol is the company that has
    it now, also before the change (Yahoo shows Gardner Denver's past under ``IR``).
    """
    return renames[renames["reused_by"] == ""].reset_index(drop=True)


def symbols_ever(tickers: Collection[str], renames: pd.DataFrame) -> frozenset[str]:
    """The symbols under which rows of today's ``tickers`` can be stored.

    Some may be another company's on another day: what is found is to be ``renamed``.
    """
    found: frozenset[str] = frozenset(tickers)
    while True:
        earlier = frozenset(renames.loc[renames["new"].isin(found), "old"])
        if earlier <= found:
            return found
        found |= earlier


def newest_symbols(
    tickers: "pd.Series[str]", dates: "pd.Series[pd.Timestamp]", renames: pd.DataFrame
) -> "pd.Series[str]":
    """The newest symbol of the company that had each ticker on its date.

    A company that has ``old`` before the change has ``new`` from then on, and so on through later
    changes; who has ``old`` on that day or after it is another company and keeps it.

    Args:
        tickers: symbols of their day.
        dates: the same index, datetime64; a ticker on NaT keeps its symbol.
        renames: as ``validate_renames`` returns them.
    """
    links = _followed(renames)
    link = _link_of(tickers, dates, links)
    return _newest(tickers, link, links)


def renamed(frame: pd.DataFrame, renames: pd.DataFrame, date: str = "date") -> pd.DataFrame:
    """The rows, each with its company's newest symbol, see ``newest_symbols``.

    Where the new symbol has a row of the same date (and the same ``universe``, where there is such
    a column) already, that one stays and the old one goes; of two old symbols, the later one stays.

    Renaming twice changes nothing more, and the order of neither table matters.

    Args:
        frame: columns ticker, ``date`` (datetime64, NaT is never renamed) and more.
        renames: as ``validate_renames`` returns them.
        date: the name of the column of dates.

    Returns:
        The rows that stay, in their order, with a new index.
    """
    if not frame["ticker"].isin(renames["old"]).any():
        return frame.reset_index(drop=True)
    links = _followed(renames)
    link = _link_of(frame["ticker"], frame[date], links)
    if (link < 0).all():
        return frame.reset_index(drop=True)
    named = frame.assign(ticker=_newest(frame["ticker"], link, links))
    age = np.where(link < 0, len(links), link)
    one_row = [date, "ticker", *(["universe"] if "universe" in frame else [])]
    concerned = named["ticker"].isin(links["newest"]).to_numpy()
    youngest = named[concerned].assign(_age=age[concerned]).groupby(one_row, dropna=False)["_age"]
    stays = np.ones(len(frame), dtype=bool)
    stays[concerned] = age[concerned] == youngest.transform("max").to_numpy()
    return named[stays].reset_index(drop=True)


def _followed(renames: pd.DataFrame) -> pd.DataFrame:
    """``renames`` sorted by (date, old), and the symbol at the end of each chain: ``newest``."""
    links = renames[["old", "new", "date"]].sort_values(["date", "old"], ignore_index=True)
    newest, reached = links["new"], links["date"]
    while True:
        following = _link_of(newest, reached, links)
        goes_on = following >= 0
        if not goes_on.any():
            return links.assign(newest=newest)
        newest = newest.mask(goes_on, links["new"].take(following).set_axis(links.index))
        reached = reached.mask(goes_on, links["date"].take(following).set_axis(links.index))


def _newest(tickers: "pd.Series[str]", link: Places, links: pd.DataFrame) -> "pd.Series[str]":
    if links.empty:
        return tickers
    newest = pd.Series(links["newest"].to_numpy(dtype=object)[link], index=tickers.index)
    return tickers.mask(link >= 0, newest.astype(tickers.dtype))


def _link_of(
    ticker: "pd.Series[str]", date: "pd.Series[pd.Timestamp]", links: pd.DataFrame
) -> Places:
    """The place in ``links`` of each row's next change of symbol, -1 where there is none.

    links: columns old and date.
    """
    symbols = pd.Index(links["old"].unique())
    ordered = np.argsort(_keys(links["old"], links["date"], symbols), kind="stable")
    keys = _keys(links["old"], links["date"], symbols)[ordered]
    wanted = _keys(ticker, date, symbols)
    place = np.searchsorted(keys, wanted, side="right")
    following = np.append(ordered, -1)[place]
    same = np.append(keys // _DAYS, -1)[place] == wanted // _DAYS
    return np.where(same & date.notna().to_numpy(), following, -1)


_DAYS = 10_000_000
"""More than a calendar has."""


def _keys(
    ticker: "pd.Series[str]", date: "pd.Series[pd.Timestamp]", symbols: "pd.Index[str]"
) -> Places:
    """One number for a symbol and a day; in order of both. Symbols that are none come first."""
    days = date.fillna(_EPOCH).to_numpy().astype("datetime64[D]") - _BEFORE
    return (symbols.get_indexer(pd.Index(ticker)) + 1) * _DAYS + days.astype(np.int64)


_EPOCH = pd.Timestamp("1970-01-01")
_BEFORE = np.datetime64("0001-01-01", "D")
