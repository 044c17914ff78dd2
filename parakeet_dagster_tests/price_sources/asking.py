"""Who is listed on the local server, and how its answers are asked for and looked at."""

from datetime import UTC, date, datetime

import pandas as pd

from parakeet_dagster.price_sources.yahoo import YahooSource
from parakeet_dagster.price_sources.yahoo_pace import Patience
from parakeet_dagster_tests.yahoo_server import (
    Listed,
    an_australian_share,
    apple_in_2020,
    halted_with_a_split,
    invented_bars,
    sessions_of,
)

PRICES = ["open", "high", "low", "close"]
FIRST, LAST = date(2020, 6, 1), date(2020, 10, 30)
AFTER_THE_LAST_CLOSE = datetime(2020, 10, 30, 21, 0, tzinfo=UTC)
HURRIED = Patience(
    timeout=2.0,
    wait_initial=0.01,
    wait_max=0.02,
    wait_jitter=0.01,
    cool_down=0.05,
    longest_cool_down=0.05,
    cool_downs=10,
)


def fund():
    """An ETF whose capital gain Yahoo also counts in the dividend."""
    bars = invented_bars(
        sessions_of("XNYS", "2020-06-01", "2020-10-30"), first_close=90.0, volume=9
    )
    return Listed(
        bars,
        dividends={"2020-09-21": 1.577391},
        capital_gains={"2020-09-21": 1.2},
        instrument_type="ETF",
    )


def split_and_dividend_at_once():
    bars = invented_bars(
        sessions_of("XNYS", "2020-06-01", "2020-10-30"), first_close=20.0, volume=9
    )
    return Listed(
        bars,
        dividends={"2020-07-15": 0.5},
        splits={"2020-07-15": 2.0, "2020-09-15": 3.0},
    )


LISTED = {
    "AAPL": apple_in_2020(),
    "HALT": halted_with_a_split(),
    "BHP.AX": an_australian_share(),
    "FUND": fund(),
    "BOTH": split_and_dividend_at_once(),
}


def new_source(yahoo, cache_dir, *, requests_per_second=1000.0, threads=8, patience=HURRIED):
    """A source whose clock is the server's."""
    return YahooSource(
        cache_dir, requests_per_second, threads, now=lambda: yahoo.now, patience=patience
    )


def members(*tickers):
    return pd.DataFrame(
        {
            "ticker": tickers,
            "market": ["XASX" if ticker.endswith(".AX") else "XNYS" for ticker in tickers],
            "currency": ["AUD" if ticker.endswith(".AX") else "USD" for ticker in tickers],
        }
    )


def bars_of(answer, ticker, last=LAST):
    """The bars of one ticker through ``last``, by date."""
    bars = answer.bars[answer.bars["ticker"] == ticker]
    bars = bars[bars["date"] <= pd.Timestamp(last)]
    return bars.set_index("date").drop(columns="ticker")


def reasons(answer):
    return {failure.ticker: failure.error_class.value for failure in answer.failures}
