"""What a portfolio meets on each session: prices as they traded, actions, and currencies."""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError
from strategy.universes.members import BASE_CURRENCY

OPENS_AFTER_THE_DECISION = "XNYS"

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Market:
    """Sessions x tickers, dense; a ticker without a row on a session is not ``present`` there.

    sessions: datetime64[us], ascending, without a gap.
    tickers: str, sorted.
    is_foreign: per ticker, whether its currency is not AUD.
    is_us: per ticker, whether its market opens after the data of the session before is complete.
    present: whether ``daily_returns`` has the ticker that day, traded or not.
    traded: whether it traded.
    untraded: for how many sessions up to this one it has not traded; 0 where it did.
    close, open: in its currency, as traded; the last close where it did not trade, 0 where it is
        not present and never was.
    split, dividend: per share held before the session, ``close · split + dividend`` is what the
        close of the session before became. Actions on sessions without a bar come with the next
        bar, as they do in ``daily_returns``.
    aud_per_unit: of the ticker's currency.
    returns: the AUD return; NaN where it is not known.
    """

    sessions: pd.DatetimeIndex
    tickers: pd.Index
    is_foreign: Bools
    is_us: Bools
    present: Bools
    traded: Bools
    untraded: npt.NDArray[np.int64]
    close: Floats
    open: Floats
    split: Floats
    dividend: Floats
    aud_per_unit: Floats
    returns: Floats

    @property
    def price_aud(self) -> Floats:
        """The close in AUD."""
        return self.close * self.aud_per_unit

    def until(self, last: pd.Timestamp) -> "Market":
        """The same market without the sessions after ``last``."""
        count = int(self.sessions.searchsorted(last, side="right"))
        by_session = {
            field.name: getattr(self, field.name)[:count]
            for field in fields(self)
            if field.name not in ("tickers", "is_foreign", "is_us")
        }
        return replace(self, **by_session)


def market_of(
    returns: pd.DataFrame, prices: pd.DataFrame, fx_rates: pd.DataFrame, sessions: pd.DatetimeIndex
) -> Market:
    """The market from the lake's frames.

    Args:
        returns: ``daily_returns`` of ``sessions``: date, ticker, market, currency, close, traded,
            open_ratio, return_aud. Of some tickers, or all.
        prices: ``raw_prices`` of ``sessions``, at least the rows that have an action: date, ticker,
            dividend, split_ratio. Other tickers than those of ``returns`` do not count.
        fx_rates: of ``sessions``: date, currency, aud_per_unit.
        sessions: ascending, without a gap.

    Raises:
        StrategyError: a currency has no rate on a session.
    """
    listings = returns.groupby("ticker")[["market", "currency"]].last()
    tickers = pd.Index(listings.index, dtype="str")
    shape = (len(sessions), len(tickers))
    rows = sessions.get_indexer(pd.Index(returns["date"]))
    columns = tickers.get_indexer(pd.Index(returns["ticker"]))

    def spread(values: pd.Series, empty: float) -> Floats:
        dense = np.full(shape, empty)
        dense[rows, columns] = values.to_numpy(dtype=float)
        return dense

    present = spread(pd.Series(data=True, index=returns.index), 0).astype(bool)
    traded = spread(returns["traded"], 0).astype(bool)
    close = pd.DataFrame(spread(returns["close"], np.nan)).ffill().fillna(0.0).to_numpy()
    day = np.arange(len(sessions))[:, None]
    last_trade = np.maximum.accumulate(np.where(traded, day, -1), axis=0)
    split, dividend = _actions(prices, sessions, tickers, traded)
    return Market(
        sessions=sessions,
        tickers=tickers,
        is_foreign=(listings["currency"] != BASE_CURRENCY).to_numpy(),
        is_us=(listings["market"] == OPENS_AFTER_THE_DECISION).to_numpy(),
        present=present,
        traded=traded,
        untraded=day - last_trade,
        close=close,
        open=close * spread(returns["open_ratio"], 1.0),
        split=split,
        dividend=dividend,
        aud_per_unit=_rates(fx_rates, sessions, listings["currency"]),
        returns=spread(returns["return_aud"], np.nan),
    )


def _actions(
    prices: pd.DataFrame, sessions: pd.DatetimeIndex, tickers: pd.Index, traded: Bools
) -> tuple[Floats, Floats]:
    """Splits and dividends at the next bar: sessions x tickers; 1 and 0 where there is none."""
    split, dividend = np.ones(traded.shape), np.zeros(traded.shape)
    acts = (prices["dividend"] != 0) | (prices["split_ratio"] != 1)
    known = acts & prices["ticker"].isin(tickers) & prices["date"].isin(sessions)
    if not known.any():
        return split, dividend
    actions = prices[known].sort_values(["ticker", "date"], kind="stable")
    rows = sessions.get_indexer(pd.Index(actions["date"]))
    columns = tickers.get_indexer(pd.Index(actions["ticker"]))
    day = np.arange(len(sessions))[:, None]
    never = len(sessions)
    next_bar = np.minimum.accumulate(np.where(traded, day, never)[::-1], axis=0)[::-1]
    at = next_bar[rows, columns]
    gap = pd.DataFrame({"column": columns, "at": at})
    shares = actions["split_ratio"].groupby([gap["column"].to_numpy(), at]).cumprod()
    gap["split"] = shares.to_numpy()
    gap["cash"] = (actions["dividend"] * shares / actions["split_ratio"]).to_numpy()
    whole = gap[gap["at"] < never].groupby(["at", "column"]).agg({"split": "last", "cash": "sum"})
    places = (whole.index.get_level_values(0), whole.index.get_level_values(1))
    split[places], dividend[places] = whole["split"], whole["cash"]
    return split, dividend


def _rates(fx_rates: pd.DataFrame, sessions: pd.DatetimeIndex, currencies: pd.Series) -> Floats:
    table = fx_rates.set_index(["date", "currency"])["aud_per_unit"].unstack()  # noqa: PD010 - no pivot_table: a second rate of one day must fail, not be averaged
    wanted = table.reindex(index=sessions, columns=sorted(set(currencies)))
    if wanted.isna().to_numpy().any():
        day, place = np.argwhere(wanted.isna().to_numpy())[0]
        raise StrategyError(
            f"no exchange rate of {wanted.columns[place]} on {sessions[day]:%Y-%m-%d}:"
            f" materialise fx_rates of {sessions[day]:%Y-%m-%d} again"
        )
    return wanted.reindex(columns=currencies).to_numpy()
