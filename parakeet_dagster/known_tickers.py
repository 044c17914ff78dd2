"""The tickers that a person may hold and trade."""

from collections.abc import Callable

import pandas as pd

from parakeet_dagster.errors import UniverseError
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.universe_sources.active import ActiveUniverse
from strategy.universes.renames import newest_symbols

LISTING = ["ticker", "market", "currency"]


def known_tickers(
    lake: Lake, universe: ActiveUniverse, without_members: Callable[[UniverseError], None]
) -> pd.DataFrame:
    """The newest tickers of the lake, and the members of what is fetched.

    Args:
        lake: its newest returns and members, and the renames.
        universe: what is fetched.
        without_members: told why today's members cannot be had, where the lake's tickers do.

    Returns:
        Columns ticker (unique), market, currency.

    Raises:
        UniverseError: the members cannot be had, and the lake is empty.
        LakeError: the lake cannot be read.
    """
    newest = {asset: lake.sessions(asset)[-1:] for asset in ("daily_returns", "ticker_universe")}
    frames = [lake.read(asset, sessions)[LISTING] for asset, sessions in newest.items()]
    try:
        frames += [universe.source.members(key)[LISTING] for key in universe.keys]
    except UniverseError as error:
        if not any(newest.values()):
            raise
        without_members(error)
    known = pd.concat(frames).drop_duplicates("ticker", ignore_index=True)
    return _with_former_symbols(known, lake.renames)


def _with_former_symbols(known: pd.DataFrame, renames: pd.DataFrame) -> pd.DataFrame:
    """``known``, and the symbols that its tickers had before a change: an old file names them."""
    day_before = renames["date"] - pd.Timedelta(days=1)
    former = pd.DataFrame(
        {"former": renames["old"], "ticker": newest_symbols(renames["old"], day_before, renames)}
    ).merge(known, on="ticker")
    named = former.assign(ticker=former["former"])[LISTING]
    return pd.concat([known, named]).drop_duplicates("ticker", ignore_index=True)
