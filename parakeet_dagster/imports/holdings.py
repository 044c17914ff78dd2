"""The file of opening holdings: one line a parcel, and one for cash."""

from datetime import date

import pandas as pd

from parakeet_dagster.imports.cells import (
    dates,
    malformed_date,
    not_positive,
    numbers,
    shown,
    unknown_ticker,
    wrong_currency,
)
from parakeet_dagster.imports.csv_file import Lines, told
from strategy.universes.members import BASE_CURRENCY, CASH

COLUMNS = ("ticker", "quantity", "currency", "acquired", "price")


def check_holdings(lines: Lines, known: pd.DataFrame, as_of: date, today: date) -> Lines:
    """The parcels of a file, and everything that is wrong with it.

    Args:
        lines: columns ``COLUMNS``, text.
        known: columns ticker (unique) and currency.
        as_of: the day of the snapshot; nothing is acquired after it.
        today: on or after ``as_of``.

    Returns:
        Rows without a problem: ticker, quantity (float64), currency, acquired (datetime64[us]),
        price (float64). Of ``CASH``, acquired and price are missing.
    """
    rows = lines.rows
    is_cash = rows["ticker"] == CASH
    cash, shares = rows[is_cash], rows[~is_cash]
    problems = told(
        [
            lines.problems,
            not_positive(rows, "quantity"),
            _of_cash(cash),
            unknown_ticker(shares, known),
            wrong_currency(shares, known),
            _two_currencies(shares[~shares["ticker"].isin(known["ticker"])]),
            malformed_date(shares, "acquired"),
            _acquired_later(shares, as_of, today),
            not_positive(shares, "price"),
        ]
    )
    parcels = rows.assign(
        quantity=numbers(rows["quantity"]),
        acquired=dates(rows["acquired"]),
        price=numbers(rows["price"]).mask(is_cash),
    )
    return Lines(parcels[~parcels.index.isin(problems.index)], problems)


def _of_cash(cash: pd.DataFrame) -> "pd.Series[str]":
    again = pd.Series(f"{CASH} stands twice: write the sum on one line", index=cash.index)
    foreign = shown(cash, "currency") + f": cash is held in {BASE_CURRENCY}; convert it"
    dated = shown(cash, "acquired") + ": leave it blank"
    priced = shown(cash, "price") + ": leave it blank"
    is_priced = (cash["price"] != "") & (numbers(cash["price"]) != 1)
    return told(
        [
            again[cash["ticker"].duplicated()],
            foreign[cash["currency"] != BASE_CURRENCY],
            dated[cash["acquired"] != ""],
            priced[is_priced],
        ]
    )


def _two_currencies(shares: pd.DataFrame) -> "pd.Series[str]":
    """Of tickers that are known, ``wrong_currency`` says which one is right."""
    first = shares.groupby("ticker")["currency"].transform("first")
    words = shown(shares, "currency") + ", which stands in " + first + " before: a ticker has one"
    return words[shares["currency"] != first]


def _acquired_later(shares: pd.DataFrame, as_of: date, today: date) -> "pd.Series[str]":
    day, cell = dates(shares["acquired"]), shown(shares, "acquired")
    ahead = cell + f" is in the future: today is {today}"
    later = cell + f" is after the day of the snapshot, {as_of}: give a later --as-of"
    is_ahead = day > pd.Timestamp(today)
    return told([ahead[is_ahead], later[~is_ahead & (day > pd.Timestamp(as_of))]])
