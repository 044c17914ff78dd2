"""What is held on a day: the last snapshot of it, and what was traded and split since."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError
from strategy.universes.members import BASE_CURRENCY, CASH

SIGN = {"buy": 1.0, "sell": -1.0}

ROUNDING = 1e-9
"""Of all the shares of a ticker that ever moved: what is left of less is nothing."""


@dataclass(frozen=True)
class Held:
    """A portfolio at the end of a day.

    shares: float64, index ticker (str, sorted); every one above 0.
    cash: AUD; below 0 where trades cost more than the snapshot had.
    """

    shares: "pd.Series[float]"
    cash: float


def held_on(
    snapshot: pd.DataFrame,
    trades: pd.DataFrame,
    splits: pd.DataFrame,
    rates: pd.DataFrame,
    day: pd.Timestamp,
) -> Held:
    """The shares and the cash at the end of ``day``.

    Trades after the day of the snapshot count; those of that day are in it. A split acts before the
    trades of its ex-date, and is in a snapshot of that day. Shares are not rounded after a split.
    Cash changes by the trades only: dividends, interest and deposits come with the next snapshot.

    Args:
        snapshot: one as_of (datetime64[us], not after ``day``); columns as_of, ticker, quantity; a
            ticker may have several rows, ``CASH`` is one in AUD. Empty: nothing was held before the
            first trade.
        trades: columns date (datetime64[us]), ticker, side ("buy" or "sell"), quantity, price (per
            share, in the currency), currency, fee (AUD), aud_per_unit (NaN: the last of ``rates``
            on or before the date). In any order; those of one day count together. Later ones than
            ``day`` do not count.
        splits: columns date (ex-date), ticker, split_ratio (new shares per old share).
        rates: columns date, currency, aud_per_unit.
        day: at midnight.

    A renamed ticker must have one symbol in all of them.

    Raises:
        StrategyError: the snapshot is of a later day; more was sold than was held; or a trade's
            currency has no rate.
    """
    since = snapshot["as_of"].max()
    if since > day:
        raise StrategyError(f"a snapshot of {since:%Y-%m-%d} says nothing of {day:%Y-%m-%d}")
    is_counted = (trades["date"] <= day) & ~(trades["date"] <= since)
    counted = trades[is_counted].reset_index(drop=True)
    change = counted["quantity"] * counted["side"].map(SIGN).astype("float64")
    is_cash = snapshot["ticker"] == CASH
    moves = pd.concat(
        [
            snapshot.loc[~is_cash, ["as_of", "ticker", "quantity"]].rename(
                columns={"as_of": "date"}
            ),
            counted.assign(quantity=change)[["date", "ticker", "quantity"]],
        ],
        ignore_index=True,
    )
    moves["factor"] = _splits_since(moves, splits, day)
    balances = _balances(moves)
    _require_held(balances)
    last = balances.groupby("ticker").last()
    shares = last.loc[last["balance"] > ROUNDING * last["moved"], "balance"].rename("quantity")
    paid = change * counted["price"] * _aud_per_unit(counted, rates) + counted["fee"]
    return Held(shares, float(snapshot.loc[is_cash, "quantity"].sum() - paid.sum()))


def _splits_since(
    moves: pd.DataFrame, splits: pd.DataFrame, day: pd.Timestamp
) -> npt.NDArray[np.float64]:
    """What one share of each move has become by ``day``."""
    rows = moves[["date", "ticker"]].assign(row=np.arange(len(moves)))
    pairs = rows.merge(splits.rename(columns={"date": "ex_date"}), on="ticker")
    acting = pairs[(pairs["ex_date"] > pairs["date"]) & (pairs["ex_date"] <= day)]
    factors = acting.groupby("row")["split_ratio"].prod()
    return factors.reindex(rows["row"], fill_value=1.0).to_numpy(dtype=float)


def _balances(moves: pd.DataFrame) -> pd.DataFrame:
    """Per ticker and day with a move: balance and moved in shares of the end, sold in the day's.

    A split multiplies all shares alike, so a balance that is negative then is negative now.
    """
    today = moves["quantity"] * moves["factor"]
    per_day = (
        moves.assign(balance=today, moved=today.abs(), sold=(-moves["quantity"]).clip(lower=0))
        .groupby(["ticker", "date"])
        .agg({"balance": "sum", "moved": "sum", "sold": "sum", "factor": "first"})
    )
    running = per_day.groupby("ticker")[["balance", "moved"]].cumsum()
    return per_day.assign(balance=running["balance"], moved=running["moved"])


def _require_held(balances: pd.DataFrame) -> None:
    is_short = balances["balance"] < -ROUNDING * balances["moved"]
    if is_short.any():
        short = balances[is_short].reset_index().sort_values("date", kind="stable").iloc[0]
        held = short["balance"] / short["factor"] + short["sold"]
        raise StrategyError(
            f"{short['ticker']} on {short['date']:%Y-%m-%d}: {short['sold']:.10g} sold, but"
            f" {held:.10g} held: import a snapshot of what was held then, as of that day or later"
        )


def _aud_per_unit(trades: pd.DataFrame, rates: pd.DataFrame) -> "pd.Series[float]":
    """The rate of each trade: its own, else the last that is known on its date."""
    named = rates.dropna(subset="aud_per_unit").rename(columns={"aud_per_unit": "rate"})
    asked = trades.reset_index(names="row").sort_values("date", kind="stable")
    last = pd.merge_asof(
        asked,
        named[["date", "currency", "rate"]].sort_values("date", kind="stable"),
        on="date",
        by="currency",
    ).set_index("row")["rate"]
    is_base = trades["currency"] == BASE_CURRENCY
    found = trades["aud_per_unit"].fillna(last).mask(is_base, 1.0)
    if found.isna().any():
        trade = trades[found.isna()].iloc[0]
        raise StrategyError(
            f"no exchange rate of {trade['currency']} on or before {trade['date']:%Y-%m-%d}: give"
            f" the trade of {trade['ticker']} its aud_per_unit, or import a snapshot of holdings as"
            " of that day or later"
        )
    return found
