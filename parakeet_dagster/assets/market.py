"""The market that an account meets, from what the lake holds."""

from collections.abc import Collection, Iterator, Sequence

import pandas as pd

from parakeet_dagster.storage.lake import Lake
from strategy.portfolio.market import Market, market_of

BATCH = 250
"""Sessions read at once, so that memory holds the tickers wanted and not the whole market."""

OF_RETURNS = [
    *("date", "ticker", "market", "currency", "close", "traded", "open_ratio", "return_aud")
]
OF_ACTIONS = ["date", "ticker", "dividend", "split_ratio"]
OF_RATES = ["date", "currency", "aud_per_unit"]
"""The columns that a market is made of."""


def read_market(lake: Lake, keys: list[str], tickers: Collection[str]) -> Market:
    """The market of the sessions ``keys``, of some tickers.

    Args:
        lake: where it is stored.
        keys: consecutive session keys.
        tickers: those that an account holds or wants.

    Raises:
        HoleError: a session is not stored.
        StrategyError: a session lacks an exchange rate.
    """
    wanted = list(tickers)
    returns, prices = (
        pd.concat(
            [frame[frame["ticker"].isin(wanted)] for frame in in_batches(lake, asset, keys, of)],
            ignore_index=True,
        )
        for asset, of in (("daily_returns", OF_RETURNS), ("raw_prices", OF_ACTIONS))
    )
    rates = lake.read("fx_rates", keys, OF_RATES)
    return market_of(returns, prices, rates, pd.DatetimeIndex(keys).as_unit("us"))


def in_batches(
    lake: Lake, asset: str, keys: Sequence[str], columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """The partitions of ``keys``, ``BATCH`` at a time; some columns of them, or all."""
    for batch in batches(keys):
        yield lake.read(asset, batch, columns)


def batches(keys: Sequence[str]) -> Iterator[list[str]]:
    """``BATCH`` keys at a time."""
    for place in range(0, len(keys), BATCH):
        yield list(keys[place : place + BATCH])
