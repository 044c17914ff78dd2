"""What a list of members must look like."""

import pandas as pd

from strategy.errors import StrategyError

MEMBER_COLUMNS = ["ticker", "name", "market", "currency", "asset_class"]
ACCEPTED = {
    "market": ("XNYS", "XASX"),
    "currency": ("USD", "AUD"),
    "asset_class": ("equity", "etf"),
}
ASX_SUFFIX = ".AX"
CASH = "CASH"
BASE_CURRENCY = "AUD"
"""What everything is valued in."""
TICKER_FORM = r"[A-Z0-9^][A-Z0-9.=^-]*"


def listing(rows: list[tuple[str, str]], market: str, asset_class: str) -> pd.DataFrame:
    """Members of one market and class from (ticker, name) rows."""
    currency = {"XNYS": "USD", "XASX": "AUD"}[market]
    return pd.DataFrame(rows, columns=["ticker", "name"]).assign(
        market=market, currency=currency, asset_class=asset_class
    )[MEMBER_COLUMNS]


def validate_members(members: pd.DataFrame) -> pd.DataFrame:
    """The same members, trimmed and sorted by ticker.

    Args:
        members: columns ``MEMBER_COLUMNS``, all str, missing values as empty strings.

    Raises:
        StrategyError: a column is missing, a value is not accepted, a ticker stands twice, or the
            list is empty.
    """
    missing = [column for column in MEMBER_COLUMNS if column not in members.columns]
    if missing:
        raise StrategyError(
            f"column {', '.join(missing)} is missing; the header must be {','.join(MEMBER_COLUMNS)}"
        )
    tidy: pd.DataFrame = members[MEMBER_COLUMNS].apply(lambda column: column.str.strip())
    if tidy.empty:
        raise StrategyError("there is no ticker in it; write one a line")
    _require(tidy, tidy["ticker"].str.fullmatch(TICKER_FORM), "ticker", "upper case, e.g. BHP.AX")
    _require(tidy, tidy["ticker"] != CASH, "ticker", f"any but {CASH}, which is the row of cash")
    for column, accepted in ACCEPTED.items():
        _require(tidy, tidy[column].isin(accepted), column, " or ".join(accepted))
    on_asx = tidy["ticker"].str.endswith(ASX_SUFFIX)
    fitting = on_asx == (tidy["market"] == "XASX")
    _require(tidy, fitting, "market", f"XASX exactly for tickers that end in {ASX_SUFFIX}")
    repeated = tidy["ticker"].duplicated()
    if repeated.any():
        raise StrategyError(
            f"line {_line(repeated)}: ticker {tidy['ticker'][repeated].iloc[0]} stands twice;"
            " keep one"
        )
    return tidy.sort_values("ticker", ignore_index=True)


def _require(members: pd.DataFrame, fits: pd.Series, column: str, accepted: str) -> None:
    if not fits.all():
        row = members[~fits].iloc[0]
        raise StrategyError(
            f"line {_line(~fits)}: {column} {row[column]!r} of {row['ticker'] or 'a row'};"
            f" accepted is {accepted}"
        )


def _line(wrong: pd.Series) -> int:
    header = 1
    return int(wrong.to_numpy().argmax()) + 1 + header
