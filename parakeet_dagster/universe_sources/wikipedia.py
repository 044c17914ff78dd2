"""Constituent tables of Wikipedia. The right table is known by its columns, not by its place."""

import io
import re

import pandas as pd
from lxml.etree import LxmlError

from parakeet_dagster.universe_sources.web import UnusableListError
from strategy.universes.members import ASX_SUFFIX, listing

SYMBOL_COLUMNS = ("Symbol", "Ticker", "Ticker symbol", "Code", "ASX code")
NAME_COLUMNS = ("Security", "Company", "Company name", "Name")
_FOOTNOTE = re.compile(r"\[[^\]]*\]")
_EXCHANGE = r"^(?:NYSE|NASDAQ|ASX)\s*:\s*"


def us_members(page: str) -> pd.DataFrame:
    """Members of a US index, columns ``MEMBER_COLUMNS``, in the table's order.

    Raises:
        UnusableListError: the page has no table of constituents.
    """
    table = constituents(page)
    symbols = table["symbol"].str.replace(".", "-", regex=False)
    return _listing(symbols, table["name"], "XNYS")


def asx_members(page: str) -> pd.DataFrame:
    """As ``us_members``, of an Australian index."""
    table = constituents(page)
    symbols = table["symbol"].str.removesuffix(ASX_SUFFIX) + ASX_SUFFIX
    return _listing(symbols, table["name"], "XASX")


def constituents(page: str) -> pd.DataFrame:
    """The symbols and names of the longest table that has both: columns symbol and name, str.

    A page has others: changes (two rows of headings), weights, returns by year.

    Raises:
        UnusableListError: there is none.
    """
    found = [named for table in _tables(page) if (named := _symbols_and_names(table)) is not None]
    if not found:
        raise UnusableListError(
            "the page has no table with a column Symbol, Ticker or Code and a column Security,"
            " Company or Name"
        )
    return max(found, key=len)


def _tables(page: str) -> list[pd.DataFrame]:
    try:
        return pd.read_html(io.StringIO(page), flavor="lxml", keep_default_na=False)
    except (ValueError, LxmlError):
        return []


def _symbols_and_names(table: pd.DataFrame) -> pd.DataFrame | None:
    if isinstance(table.columns, pd.MultiIndex):
        return None
    plain = table.set_axis([_FOOTNOTE.sub("", str(name)).strip() for name in table], axis="columns")
    symbol = [name for name in SYMBOL_COLUMNS if name in plain]
    name = [name for name in NAME_COLUMNS if name in plain]
    if not symbol or not name:
        return None
    return pd.DataFrame(
        {
            "symbol": _clean(plain[symbol[0]]).str.replace(_EXCHANGE, "", regex=True),
            "name": _clean(plain[name[0]]),
        }
    )


def _clean(column: "pd.Series[str]") -> "pd.Series[str]":
    text = column.astype("str").str.replace(_FOOTNOTE.pattern, "", regex=True)
    return text.str.replace("\xa0", " ", regex=False).str.strip()


def _listing(symbols: "pd.Series[str]", names: "pd.Series[str]", market: str) -> pd.DataFrame:
    return listing(list(zip(symbols, names, strict=True)), market, "equity").astype("str")
