"""The sample source: real adjusted closes that ship inside skfolio. To try things, not for money.

What is real: the closes of 20 large US stocks (1990 to 2022) and 5 factor ETFs (2014 to 2022).
What is not: they are adjusted for splits and dividends, so no price is what was paid that day, and
there are no separate dividends or splits; open, high and low equal the close; volume is 0.
"""

from datetime import date, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.base import (
    BAR_COLUMNS,
    FailureClass,
    OnAnswer,
    PriceAnswer,
    TickerFailure,
)

FILES = ("sp500_dataset.csv.gz", "factors_dataset.csv.gz")
FIRST_SESSION = date(1990, 1, 2)
LAST_SESSION = date(2022, 12, 28)
KNOWN_AFTERWARDS = timedelta(days=20)
"""How far the bars reach beyond the last day asked for."""


class SampleSource:
    """See ``PriceSource``. Needs no network and gives the same bars for ever."""

    name = "sample"
    last_session: date | None = LAST_SESSION
    on_answer: OnAnswer | None = None

    def fetch(
        self,
        members: pd.DataFrame,
        start: date,
        end: date,
        batch: str | None = None,  # noqa: ARG002 - nobody is asked, so nothing is kept
    ) -> PriceAnswer:
        """See ``PriceSource.fetch``. A ticker outside the sample is a failure of class NO_DATA.

        The bars reach 20 days beyond ``end``, at most through the last session.
        """
        if start < FIRST_SESSION or end > LAST_SESSION:
            side, limit = (
                ("first", FIRST_SESSION) if start < FIRST_SESSION else ("last", LAST_SESSION)
            )
            when = "before" if side == "first" else "after"
            outside = start if side == "first" else end
            raise PriceSourceError(
                f"{outside} is {when} the sample's {side} session {limit}: choose sessions from"
                f" {FIRST_SESSION} to {LAST_SESSION}, or set PARAKEET_PRICE_SOURCE=yahoo"
            )
        closes = sample_closes()
        wanted = members["ticker"].drop_duplicates()
        known = [ticker for ticker in wanted if ticker in closes.columns]
        failures = tuple(
            TickerFailure(ticker, FailureClass.NO_DATA, "the sample does not hold this ticker")
            for ticker in wanted
            if ticker not in closes.columns
        )
        bars = _bars(closes.loc[str(start) : str(end + KNOWN_AFTERWARDS), known])
        return PriceAnswer(bars, _listing(closes[known]), failures)

    def exchange_rates(self, pair: str, start: date, end: date, batch: str | None = None) -> None:
        """None: the sample has no exchange rates."""

    def forget(self, batch: str) -> None:
        """Nothing is kept."""


@cache
def sample_closes() -> pd.DataFrame:
    """Adjusted closes in USD: index datetime64[us] (XNYS sessions), a column per ticker.

    Read from skfolio's data files themselves: importing skfolio takes seconds.
    """
    spec = find_spec("skfolio")
    if spec is None or not spec.submodule_search_locations:
        raise PriceSourceError(
            "the sample needs the package skfolio: install Parakeet's dependencies"
        )
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    frames = [pd.read_csv(folder / name, index_col="Date", parse_dates=True) for name in FILES]
    closes = pd.concat(frames, axis=1)
    return closes.set_axis(pd.DatetimeIndex(closes.index).as_unit("us"), axis=0)


def _bars(closes: pd.DataFrame) -> pd.DataFrame:
    long = closes.rename_axis(index="date").reset_index()
    long = long.melt("date", var_name="ticker", value_name="close").dropna(subset="close")
    close = long["close"]
    bars = long.assign(
        ticker=long["ticker"].astype("str"),
        open=close,
        high=close,
        low=close,
        volume=0,
        dividend=0.0,
        split_ratio=1.0,
    )
    return bars.sort_values(["ticker", "date"], ignore_index=True)[list(BAR_COLUMNS)]


def _listing(closes: pd.DataFrame) -> pd.DataFrame:
    known = closes.notna()
    spans = {"first_bar": known.idxmax(), "last_bar": known.iloc[::-1].idxmax()}
    return pd.DataFrame(spans).astype("datetime64[us]").rename_axis(index="ticker")
