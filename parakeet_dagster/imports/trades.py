"""The file of trades: one line each, with an id that never changes."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.imports.cells import (
    dates,
    malformed_date,
    negative,
    not_positive,
    numbers,
    shown,
    unknown_ticker,
    wrong_currency,
)
from parakeet_dagster.imports.csv_file import Lines, told
from strategy.universes.members import BASE_CURRENCY, CASH

REQUIRED = ("id", "date", "ticker", "side", "quantity", "price", "currency")
OPTIONAL = ("fee", "aud_per_unit")
SIDES = ("buy", "sell")


def check_trades(lines: Lines, known: pd.DataFrame, today: date) -> Lines:
    """The trades of a file that can be recorded, and what is wrong with the other lines.

    An id that stands twice with the same content is one trade; with other content, the later line
    is wrong.

    Args:
        lines: columns ``REQUIRED`` and ``OPTIONAL``, text.
        known: columns ticker (unique), market and currency.
        today: no trade is of a later date.

    Returns:
        Rows id, date (datetime64[us]), ticker, side, quantity, price, currency, fee (AUD, 0 where
        it is blank), aud_per_unit (NaN where it is blank); a trade that stands twice is there
        twice. One problem a line, of all that is wrong with it.
    """
    rows = lines.rows
    is_cash = rows["ticker"] == CASH
    problems = told(
        [
            lines.problems,
            pd.Series("there is no id: give the trade one", index=rows.index)[rows["id"] == ""],
            malformed_date(rows, "date"),
            _not_traded(rows, known, today),
            _of_cash(rows[is_cash]),
            unknown_ticker(rows[~is_cash], known),
            (shown(rows, "side") + f": accepted are {' and '.join(SIDES)}")[
                ~rows["side"].isin(SIDES)
            ],
            not_positive(rows, "quantity"),
            not_positive(rows, "price"),
            wrong_currency(rows, known),
            negative(rows, "fee"),
            not_positive(rows[rows["aud_per_unit"] != ""], "aud_per_unit"),
            _base_currency_rate(rows),
        ]
    )
    trades = rows.assign(
        date=dates(rows["date"]),
        quantity=numbers(rows["quantity"]),
        price=numbers(rows["price"]),
        fee=numbers(rows["fee"].where(rows["fee"] != "", "0")),
        aud_per_unit=numbers(rows["aud_per_unit"]),
    )
    good = trades[~trades.index.isin(problems.index)]
    problems = told([problems, _other_content(good)])
    return Lines(
        good[~good.index.isin(problems.index)],
        problems.groupby(level="line").agg("; ".join).astype("str"),
    )


def refused(rows: pd.DataFrame, differs: Mapping[str, str]) -> "pd.Series[str]":
    """What is wrong where an id is recorded with other content already.

    Args:
        rows: of ``check_trades``.
        differs: by id, the names of what differs.
    """
    others = rows.loc[rows["id"].isin(list(differs)), "id"]
    return _taken(others, pd.Series("is recorded", index=others.index), others.map(dict(differs)))


def _taken(
    trade: "pd.Series[str]", where: "pd.Series[str]", differs: "pd.Series[str]"
) -> "pd.Series[str]":
    advice = ": give this trade an id of its own"
    words = "id '" + trade + "' " + where + " with another " + differs.astype("str") + advice
    return words.astype("str")


def _not_traded(rows: pd.DataFrame, known: pd.DataFrame, today: date) -> "pd.Series[str]":
    """What is wrong where the ticker's market was not open on the date."""
    day, cell = dates(rows["date"]), shown(rows, "date")
    market = rows["ticker"].map(known.set_index("ticker")["market"])
    first = calendar.calendar()[0]
    is_early, is_ahead = day < first, day > pd.Timestamp(today)
    is_judged = day.notna() & market.notna() & ~is_early & ~is_ahead
    was_closed = pd.Series(
        [
            not (calendar.is_session(text) and calendar.is_open(where, text))
            for text, where in zip(rows["date"][is_judged], market[is_judged], strict=True)
        ],
        index=rows.index[is_judged],
        dtype="bool",
    )
    closed = cell + " (" + day.dt.day_name().astype("str") + "): " + market.astype("str")
    return told(
        [
            (cell + f" is in the future: today is {today}")[is_ahead],
            (cell + f" is before the first session, {calendar.key(first)}")[is_early],
            (closed + " was closed, correct it")[is_judged][was_closed],
        ]
    )


def _of_cash(rows: pd.DataFrame) -> "pd.Series[str]":
    words = (
        f"{CASH} is not traded: deposits and dividends come with a new snapshot, parakeet holdings"
        " import"
    )
    return pd.Series(words, index=rows.index, dtype="str")


def _base_currency_rate(rows: pd.DataFrame) -> "pd.Series[str]":
    rate = numbers(rows["aud_per_unit"])
    is_wrong = (rows["currency"] == BASE_CURRENCY) & (rate > 0) & (rate != 1)
    return (shown(rows, "aud_per_unit") + f", which trades in {BASE_CURRENCY}: leave it blank")[
        is_wrong
    ]


def _other_content(trades: pd.DataFrame) -> "pd.Series[str]":
    """What is wrong where an earlier line has the id, and says something else."""
    content = trades.assign(line=trades.index).set_index("id")
    first = content[~content.index.duplicated()].reindex(content.index).set_axis(trades.index)
    content = content.set_axis(trades.index)
    is_other = (content != first) & ~(content.isna() & first.isna())
    found = is_other.drop(columns="line").melt(var_name="what", ignore_index=False)
    named = found.loc[found["value"], "what"].groupby(level="line").agg(", ".join)
    where = "stands on line " + first["line"].astype("str")
    return _taken(trades["id"][named.index], where[named.index], named)
