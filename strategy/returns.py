"""Total returns: the one place where prices, dividends, splits and currencies meet."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError

COLUMNS = [
    "date",
    "ticker",
    "market",
    "currency",
    "close",
    "traded",
    "open_ratio",
    "high_ratio",
    "low_ratio",
    "value_traded_aud",
    "return_local",
    "return_aud",
]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def bar_returns(prices: pd.DataFrame) -> pd.Series:
    """Total return of each bar since the ticker's previous bar, however long ago.

    ``(close · S + D) / close_prev - 1``, where S is the product of every split and D the sum of
    every dividend that went ex after the previous bar and up to this one, a dividend counted for
    the shares that one share had become before that day's split. Without actions in a gap this is
    ``(close · split + dividend) / close_prev - 1``, the exact return of a holder who sells nothing
    (a vendor's ``close / (prev - dividend)`` differs by 3e-5 to 1e-4).

    Args:
        prices: sorted by (ticker, date); columns ticker, close (NaN in a row that is an action
            without a bar), dividend (per share held before that day's split), split_ratio.

    Returns:
        float64 on the index of ``prices``: NaN for a ticker's first bar and for rows without one.
        Every group is computed by itself, so the same bar gives the same bits in any frame.
    """
    is_bar = prices["close"].notna()
    bars_before = is_bar.groupby(prices["ticker"]).cumsum() - is_bar.astype(int)
    gap = prices.groupby([prices["ticker"], bars_before], sort=False)
    shares = gap["split_ratio"].cumprod()
    cash = prices["dividend"] * (shares / prices["split_ratio"])
    cash_in_gap = cash.groupby([prices["ticker"], bars_before], sort=False).transform("sum")
    closes = prices["close"].where(is_bar)
    previous = closes.groupby(prices["ticker"]).ffill().groupby(prices["ticker"]).shift()
    return ((closes * shares + cash_in_gap) / previous - 1).rename("return_local")


def total_returns(
    raw_prices: pd.DataFrame,
    fx_rates: pd.DataFrame,
    carried: pd.DataFrame,
    covered: pd.DataFrame,
    sessions: pd.DatetimeIndex,
) -> pd.DataFrame:
    """The complete panel of total returns, local and in AUD: every covered ticker, every session.

    A return never changes once its dividend and split are known, so it can live in a daily
    partition; an adjusted price cannot.

    Args:
        raw_prices: the lake's columns; as-traded bars of ``sessions``, and for tickers that did
            not trade on the session before also their actions since their last bar (rows with NaN
            prices and an earlier date).
        fx_rates: columns date, currency, aud_per_unit and aud_per_unit_before: AUD per unit on
            each of ``sessions`` and on the session before it, both from one source, so that a
            change of source between two sessions never enters a return.
        carried: ``daily_returns`` of the session before; empty where history starts.
        covered: columns date, ticker: whose prices are kept, on each of ``sessions``.
        sessions: ascending, without a gap.

    Returns:
        Columns ``COLUMNS``, sorted by (date, ticker). Where a ticker did not trade, ``traded`` is
        False, the local return 0, the AUD return that of the currency, the last close carried,
        the ratios 1 and the value 0. The returns of a ticker's first bar are NaN; a ticker that is
        covered again after a time without starts anew.

    Raises:
        StrategyError: a currency has no rate on a session that needs one.
    """
    base = carried[["ticker", "market", "currency", "close"]].assign(
        date=pd.Timestamp(0).as_unit("us"), dividend=0.0, split_ratio=1.0
    )
    rows = pd.concat([base, raw_prices] if len(base) else [raw_prices], ignore_index=True)
    rows = rows.sort_values(["ticker", "date"], kind="stable", ignore_index=True)
    rows["return_local"] = bar_returns(rows)
    listings = rows.groupby("ticker")[["market", "currency"]].last()
    tickers = pd.Index(listings.index)

    bars = rows[rows["close"].notna() & (rows["date"] >= sessions[0])]
    row_of = sessions.get_indexer(pd.Index(bars["date"]))
    column_of = tickers.get_indexer(pd.Index(bars["ticker"]))
    shape = (len(sessions), len(tickers))

    def spread(values: pd.Series, empty: float) -> Floats:
        dense = np.full(shape, empty)
        dense[row_of, column_of] = values
        return dense

    kept = np.zeros(shape, dtype=bool)
    wanted = covered[covered["ticker"].isin(tickers)]
    kept[sessions.get_indexer(pd.Index(wanted["date"])), tickers.get_indexer(wanted["ticker"])] = (
        True
    )
    traded = kept & spread(bars["close"].notna(), 0).astype(bool)
    last_closes = carried.set_index("ticker")["close"].reindex(tickers).to_numpy(dtype=float)
    close = pd.DataFrame(np.vstack([last_closes, spread(bars["close"], np.nan)])).ffill()
    is_carried = ~np.isnan(last_closes)
    present, is_first = _present(kept, traded, is_carried)
    present_before = np.vstack([is_carried, present[:-1]])
    currencies = listings["currency"]
    rates = _rates(fx_rates, "aud_per_unit", sessions, currencies)
    _require_rates(present & np.isnan(rates), "on", sessions, currencies)
    rates_before = _rates(fx_rates, "aud_per_unit_before", sessions, currencies)
    earning = present & present_before
    _require_rates(earning & np.isnan(rates_before), "on the session before", sessions, currencies)
    earned = np.where(is_first, np.nan, spread(bars["return_local"], np.nan))
    return_local = np.where(traded, earned, 0.0)
    panel = {
        "close": close.to_numpy()[1:],
        "traded": traded,
        "open_ratio": spread(bars["open"] / bars["close"], 1.0),
        "high_ratio": spread(bars["high"] / bars["close"], 1.0),
        "low_ratio": spread(bars["low"] / bars["close"], 1.0),
        "value_traded_aud": spread(bars["close"] * bars["volume"], 0.0) * rates,
        "return_local": return_local,
        "return_aud": (1 + return_local) * (rates / rates_before) - 1,
    }
    day, place = np.nonzero(present)
    frame = pd.DataFrame({name: values[present] for name, values in panel.items()}).assign(
        date=sessions[day],
        ticker=tickers[place],
        market=listings["market"].to_numpy()[place],
        currency=listings["currency"].to_numpy()[place],
    )
    return frame[COLUMNS]


def _present(kept: Bools, traded: Bools, is_carried: Bools) -> tuple[Bools, Bools]:
    """Which tickers have a close on which session, and where their first bar is.

    A ticker has one from its first bar on, since it was covered without a break; one that is
    carried has it from the start. sessions x tickers, but for ``is_carried``: tickers.
    """
    begins = kept & ~np.vstack([is_carried, kept[:-1]])
    since = np.maximum.accumulate(np.where(begins, np.arange(len(kept))[:, None], -1), axis=0)
    bars = np.vstack([np.zeros_like(is_carried, dtype=int), traded.cumsum(axis=0)])
    of_spell = bars[1:] - np.take_along_axis(bars, np.maximum(since, 0), axis=0)
    goes_on = is_carried & (since < 0)
    return kept & (goes_on | (of_spell > 0)), traded & ~goes_on & (of_spell == 1)


def _rates(
    fx_rates: pd.DataFrame, column: str, sessions: pd.DatetimeIndex, currencies: pd.Series
) -> Floats:
    """One column of ``fx_rates`` as sessions x tickers, from the currency of each ticker."""
    table = fx_rates.set_index(["date", "currency"])[column].unstack()  # noqa: PD010 - no pivot_table: a second rate of one day must fail, not be averaged
    return table.reindex(sessions).reindex(columns=currencies).to_numpy()


def _require_rates(
    lacking: Bools, when: str, sessions: pd.DatetimeIndex, currencies: pd.Series
) -> None:
    if lacking.any():
        day, place = np.argwhere(lacking)[0]
        raise StrategyError(
            f"no exchange rate of {currencies.iloc[place]} {when} {sessions[day]:%Y-%m-%d}:"
            f" materialise fx_rates of {sessions[day]:%Y-%m-%d} again"
        )
