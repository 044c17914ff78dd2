"""``python -m benchmarks.chaos_command ...``: ``benchmarks.command``, with a vendor that corrects.

``CHAOS_CORRECTED`` names a ticker, a session and a factor: so many times its close is what this
process is told of it.
"""

from dataclasses import replace
from datetime import date

import pandas as pd

from benchmarks.market import SyntheticSource
from benchmarks.world import ENVIRONMENT, use
from parakeet_dagster.price_sources.base import PriceAnswer

CORRECTED = "CHAOS_CORRECTED"


def correct(source: SyntheticSource, told: str) -> None:
    """Let the source tell another close of one bar."""
    ticker, day, factor = told.split()
    fetch = source.fetch

    def corrected(
        members: pd.DataFrame, start: date, end: date, batch: str | None = None
    ) -> PriceAnswer:
        answer = fetch(members, start, end, batch)
        is_it = (answer.bars["ticker"] == ticker) & (answer.bars["date"] == pd.Timestamp(day))
        prices = answer.bars.columns.isin(["open", "high", "low", "close"])
        bars = answer.bars.copy()
        bars.loc[is_it, prices] = (bars.loc[is_it, prices] * float(factor)).round(3)
        return replace(answer, bars=bars)

    source.fetch = corrected  # type: ignore[method-assign]  # this process's vendor


if __name__ == "__main__":
    asked = use()
    if told := ENVIRONMENT.get(CORRECTED):
        correct(asked, told)
    from parakeet_dagster.cli import main

    main()
