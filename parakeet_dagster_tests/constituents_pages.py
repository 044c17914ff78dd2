"""Pages shaped like those that publish constituents: Wikipedia's, and the holdings of IWM."""

import csv
import io
from collections.abc import Iterable
from html import escape

import pandas as pd

Rows = Iterable[tuple[str, str]]


def table(head: list[str], rows: Iterable[Iterable[str]], name: str = "constituents") -> str:
    """One of Wikipedia's tables."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}\n</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<table class="wikitable sortable" id="{name}"><tbody><tr>{top}</tr>{body}</tbody></table>'
    )


def page(*tables: str, title: str = "List") -> str:
    """A page with an info box before and a navigation box after its tables."""
    box = '<table class="infobox"><tr><th>Founded</th><td>1957</td></tr></table>'
    navigation = '<table class="navbox"><tr><td>Indices</td><td>Markets</td></tr></table>'
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{box}"
        f"{''.join(tables)}{navigation}</body></html>"
    )


CHANGES = """<table class="wikitable" id="changes"><thead>
<tr><th rowspan="2">Effective Date</th><th colspan="2">Added</th><th colspan="2">Removed</th></tr>
<tr><th>Ticker</th><th>Security</th><th>Ticker</th><th>Security</th></tr></thead><tbody>"""
CHANGES += "<tr><td>June 22, 2026</td><td>AAA</td><td>New</td><td>ZZZ</td><td>Old</td></tr>" * 700
CHANGES += "</tbody></table>"


def sp500_page(members: Rows, symbol: str = "Symbol", name: str = "Security") -> str:
    """``List_of_S%26P_500_companies``: a longer table of changes follows."""
    head = [symbol, name, "GICS Sector", "GICS Sub-Industry", "Headquarters Location", "CIK"]
    rows = (
        (
            ticker.replace("-", "."),
            title,
            "Industrials",
            "Conglomerates",
            "Saint Paul",
            "0000066740",
        )
        for ticker, title in members
    )
    return page(table(head, rows), CHANGES)


def nasdaq100_page(members: Rows) -> str:
    """``Nasdaq-100``: years and their returns come first, headings have footnotes."""
    years = ((str(year), f"{year % 7}.{year % 10}%") for year in range(1985, 2026))
    head = ["Ticker[14]", "Company", 'ICB Industry<sup class="reference">[14]</sup>']
    rows = ((ticker, f"{title}[b]", "Technology") for ticker, title in members)
    return page(table(["Year", "Return"], years, "returns"), table(head, rows), CHANGES)


def asx200_page(members: Rows) -> str:
    """``S%26P/ASX_200``: codes without a suffix."""
    head = ["Code", "Company", "Sector", "Market Capitalisation", "Headquarters"]
    rows = (
        (ticker.removesuffix(".AX"), title, "Materials", "1,234,567,890", "Perth, WA")
        for ticker, title in members
    )
    return page(table(head, rows))


PREAMBLE = [
    ["iShares Russell 2000 ETF"],
    ["Fund Holdings as of", "Nov 20, 2026"],
    ["Inception Date", "May 22, 2000"],
    ["Shares Outstanding", "288,750,000.00"],
    ["Stock", "-"],
    ["Bond", "-"],
    ["Cash", "-"],
    ["Other", "-"],
    ["\xa0"],
]
HOLDING_COLUMNS = [
    "Ticker",
    "Name",
    "Sector",
    "Asset Class",
    "Market Value",
    "Weight (%)",
    "Quantity",
    "Price",
    "Location",
    "Exchange",
    "Currency",
]


def iwm_holdings(shares: Rows, *others: tuple[str, str, str]) -> str:
    """The CSV of IWM; others are rows of (ticker, name, asset class)."""
    text = io.StringIO()
    text.write("\ufeff")
    rows = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    rows.writerows(PREAMBLE)
    rows.writerow(HOLDING_COLUMNS)
    figures = ["1,234.50", "0.05", "100.00", "12.35", "United States", "NASDAQ", "USD"]
    for ticker, name in shares:
        rows.writerow([ticker, name, "Industrials", "Equity", *figures])
    for ticker, name, asset_class in others:
        rows.writerow([ticker, name, "Cash and/or Derivatives", asset_class, *figures])
    rows.writerow(["\xa0"])
    rows.writerow(["The content contained herein is owned or licensed by its owner."])
    return text.getvalue()


def invented(count: int, start: int = 0) -> list[tuple[str, str]]:
    """So many symbols of four letters, and names."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    symbols = (
        "".join(letters[number // 26**place % 26] for place in (3, 2, 1, 0))
        for number in range(start, start + count)
    )
    return [(symbol, f"Company {symbol}") for symbol in symbols]


def pairs(members: pd.DataFrame) -> list[tuple[str, str]]:
    """(ticker, name) of a frame of members."""
    return list(members[["ticker", "name"]].itertuples(index=False, name=None))
