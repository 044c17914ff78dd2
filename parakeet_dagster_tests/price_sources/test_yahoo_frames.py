"""Answers become frames. Nobody is asked."""

from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.price_sources.yahoo_answer import NO_BARS, Answer, Member
from parakeet_dagster.price_sources.yahoo_chart import NO_ACTIONS, Chart
from parakeet_dagster.price_sources.yahoo_frames import price_answer

APPLE = Member("AAPL", "XNYS", "USD", "America/New_York")
BHP = Member("BHP.AX", "XASX", "AUD", "Australia/Sydney")
ASKED_AT = pd.Timestamp("2020-10-29 21:00", tz="UTC")
"""The 29th, after the close, in New York; the 30th, before the opening, in Sydney."""
DAYS = (date(2020, 10, 28), date(2020, 10, 29))


def answer(member, *, closes, splits=()):
    """``closes`` on the last days through the 29th; ``splits`` are (ex-date, ratio)."""
    days = pd.DatetimeIndex(DAYS[len(DAYS) - len(closes) :]).as_unit("us")
    prices = dict.fromkeys(["open", "high", "low", "close"], closes)
    bars = pd.DataFrame({"date": days, **prices, "volume": 100.0})
    actions = pd.DataFrame(
        [(pd.Timestamp(day), 0.0, ratio) for day, ratio in splits], columns=NO_ACTIONS.columns
    )
    chart = Chart(
        member.ticker, member.currency, member.time_zone, None, bool(len(bars)),
        actions.astype(NO_ACTIONS.dtypes.to_dict()), (),
    )  # fmt: skip
    return Answer(member, DAYS[0], ASKED_AT, chart, bars.astype(NO_BARS.dtypes.to_dict()))


def closes_of(found):
    return found.bars.pivot_table(index="date", columns="ticker", values="close").to_dict("list")


@pytest.mark.parametrize("ex", ["2020-10-30", "2020-11-02"])
def test_a_split_that_is_announced_is_not_in_the_prices(ex):
    found = price_answer([answer(APPLE, closes=[10.0, 11.0], splits=[(ex, 2.0)])], [], *DAYS)
    assert closes_of(found) == {"AAPL": [10.0, 11.0]}


def test_today_is_the_exchange_s():
    """On a split's day prices are adjusted for it: in Sydney it is the 30th already."""
    split = [("2020-10-30", 2.0)]
    found = price_answer(
        [
            answer(APPLE, closes=[10.0, 11.0], splits=split),
            answer(BHP, closes=[20.0, 21.0], splits=split),
        ],
        [],
        *DAYS,
    )
    assert closes_of(found) == {"AAPL": [10.0, 11.0], "BHP.AX": [40.0, 42.0]}


def test_every_row_is_its_own_ticker_s_however_many_rows_each_has():
    found = price_answer(
        [
            answer(BHP, closes=[20.0, 21.0]),
            answer(Member("NONE", "XNYS", "USD", "America/New_York"), closes=[]),
            answer(APPLE, closes=[11.0]),
        ],
        [],
        *DAYS,
    )
    rows = found.bars[["ticker", "date", "close"]].to_records(index=False).tolist()
    assert [(ticker, close) for ticker, _, close in rows] == [
        ("AAPL", 11.0),
        ("BHP.AX", 20.0),
        ("BHP.AX", 21.0),
    ]
    assert [failure.ticker for failure in found.failures] == ["NONE"]


def test_without_answers_there_are_no_rows():
    found = price_answer([], [], *DAYS)
    assert found.bars.empty
    assert found.listing.empty
