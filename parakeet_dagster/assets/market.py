"""The market that an account meets, from what the lake holds."""

from collections.abc import Collection, Iterator, Sequence

import pandas as pd

from parakeet_dagster.storage.lake import Lake
from strategy.portfolio.market import Market, market_of

BATCH = 250
"""Sessions read at once, so that memory holds the tickers wanted and not the whole market."""


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
            [frame[frame["ticker"].isin(wanted)] for frame in in_batches(lake, asset, keys)],
            ignore_index=True,
        )
        for asset in ("daily_returns", "raw_prices")
    )
    return market_of(
        returns, prices, lake.read("fx_rates", keys), pd.DatetimeIndex(keys).as_unit("us")
    )


def in_batches(lake: Lake, asset: str, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The partitions of ``keys``, ``BATCH`` at a time."""
    for place in range(0, len(keys), BATCH):
        yield lake.read(asset, keys[place : place + BATCH])
