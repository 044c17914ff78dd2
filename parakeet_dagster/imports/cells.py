"""Numbers, dates and tickers as a person writes them, and what to say where they are not."""

import difflib

import numpy as np
import pandas as pd

from parakeet_dagster.imports.csv_file import told

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE = r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"
_PLAIN = ": write a plain number such as 1234.5, without thousands separators"


def numbers(text: "pd.Series[str]") -> "pd.Series[float]":
    """float64; NaN where it is not a plain finite number."""
    values = text.where(text.str.fullmatch(_NUMBER), "nan").astype("float64")
    return values.where(np.isfinite(values))


def dates(text: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """datetime64[us]; NaT where it is not a date since 1900 written YYYY-MM-DD."""
    fitting = text.where(text.str.fullmatch(_DATE), "")
    return pd.to_datetime(fitting, format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")


def shown(rows: pd.DataFrame, column: str) -> "pd.Series[str]":
    """A cell as messages name it: "price '0' of AAPL"."""
    whose = (" of " + rows["ticker"]).where(rows["ticker"] != "", "")
    return column + " '" + rows[column] + "'" + whose


def not_positive(rows: pd.DataFrame, column: str) -> "pd.Series[str]":
    """What is wrong where a cell is no number above 0."""
    values, cell = numbers(rows[column]), shown(rows, column)
    return told(
        [(cell + _PLAIN)[values.isna()], (cell + " is not above 0: correct it")[values <= 0]]
    )


def negative(rows: pd.DataFrame, column: str) -> "pd.Series[str]":
    """What is wrong where a cell is neither blank nor a number of at least 0."""
    values, cell = numbers(rows[column]), shown(rows, column)
    is_wrong = values.isna() & (rows[column] != "")
    return told([(cell + _PLAIN)[is_wrong], (cell + " is below 0: correct it")[values < 0]])


def malformed_date(rows: pd.DataFrame, column: str) -> "pd.Series[str]":
    """What is wrong where a cell is no date."""
    cell = shown(rows, column) + " is not a date: write YYYY-MM-DD"
    return cell[dates(rows[column]).isna()]


def unknown_ticker(rows: pd.DataFrame, known: pd.DataFrame) -> "pd.Series[str]":
    """What is wrong where nobody knows the ticker, with those that look alike."""
    tickers = rows.loc[~rows["ticker"].isin(known["ticker"]), "ticker"]
    choices = known["ticker"].tolist()
    advice = {ticker: _advice(ticker, choices) for ticker in tickers.unique()}
    return "ticker '" + tickers + "' is unknown: " + tickers.map(advice).astype("str")


def _advice(ticker: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(ticker.upper(), choices)
    did_you_mean = f"is it {' or '.join(near)}? Else " if near else ""
    return (
        f"{did_you_mean}add it to a universe that is fetched (PARAKEET_UNIVERSES,"
        " PARAKEET_UNIVERSE_FILE)"
    )


def wrong_currency(rows: pd.DataFrame, known: pd.DataFrame) -> "pd.Series[str]":
    """What is wrong where a known ticker trades in another currency."""
    right = rows["ticker"].map(known.set_index("ticker")["currency"])
    is_wrong = right.notna() & (rows["currency"] != right)
    return (shown(rows, "currency") + ": it trades in " + right.astype("str"))[is_wrong]
