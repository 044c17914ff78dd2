"""The sample source: skfolio's real closes, and what it says it cannot know."""

from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.base import (
    BAR_COLUMNS,
    STRAY_COLUMNS,
    FailureClass,
    TickerFailure,
)
from parakeet_dagster.price_sources.sample import (
    FIRST_SESSION,
    LAST_SESSION,
    SampleSource,
    sample_closes,
)
from parakeet_dagster.sessions import between, is_open
from strategy.universes import UNIVERSES

MEMBERS = UNIVERSES["SAMPLE"]()


def fetch(*tickers, start=date(2022, 4, 11), end=date(2022, 4, 20), batch=None):
    members = pd.DataFrame({"ticker": tickers, "market": "XNYS", "currency": "USD"})
    return SampleSource().fetch(members, start, end, batch)


def test_the_closes_are_those_of_skfolio_s_own_loaders():
    from skfolio.datasets import load_factors_dataset, load_sp500_dataset

    closes = sample_closes()
    for loaded in (load_sp500_dataset(), load_factors_dataset()):
        ours = closes.loc[loaded.index[0] :, loaded.columns].dropna(how="all")
        pd.testing.assert_frame_equal(
            ours, loaded, check_exact=True, check_names=False, check_index_type=False,
            check_freq=False, check_column_type=False,
        )  # fmt: skip
    assert sorted(closes.columns) == MEMBERS["ticker"].tolist()


def test_the_sample_spans_what_it_says():
    closes = sample_closes()
    assert closes.index[0].date() == FIRST_SESSION == date(1990, 1, 2)
    assert closes.index[-1].date() == LAST_SESSION == date(2022, 12, 28)
    assert SampleSource().last_session == LAST_SESSION


def test_it_has_a_close_on_every_session_of_new_york():
    days = sample_closes().loc["2005":].index.strftime("%Y-%m-%d").tolist()
    assert days == [day for day in between("2005-01-03", "2022-12-28") if is_open("XNYS", day)]


def test_open_high_and_low_are_the_close_and_there_is_no_volume():
    bars = fetch("AAPL", "MTUM").bars
    assert tuple(bars.columns) == BAR_COLUMNS
    for price in ("open", "high", "low"):
        assert bars[price].equals(bars["close"].rename(price))
    assert bars["volume"].tolist() == [0] * len(bars)
    assert bars["dividend"].tolist() == [0.0] * len(bars)
    assert bars["split_ratio"].tolist() == [1.0] * len(bars)
    assert bars.dtypes.astype(str).tolist() == [
        "datetime64[us]", "str", *["float64"] * 4, "int64", "float64", "float64",
    ]  # fmt: skip


def until(bars, day):
    return bars[bars["date"] <= day]


def test_bars_are_sorted_and_begin_with_the_range():
    """Good Friday, 2022-04-15, has none."""
    bars = until(fetch("XOM", "AAPL").bars, "2022-04-20")
    days = ["2022-04-11", "2022-04-12", "2022-04-13", "2022-04-14"]
    days += ["2022-04-18", "2022-04-19", "2022-04-20"]
    assert bars["ticker"].tolist() == ["AAPL"] * 7 + ["XOM"] * 7
    assert bars["date"].dt.strftime("%Y-%m-%d").tolist() == days * 2


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (date(2022, 4, 20), "2022-05-10"),
        (date(2022, 6, 14), "2022-07-01"),  # the 4th is a holiday
        (date(2022, 12, 27), "2022-12-28"),
    ],
)
def test_bars_reach_twenty_days_beyond_the_range(end, last):
    assert fetch("AAPL", end=end).bars["date"].max() == pd.Timestamp(last)


def test_nobody_has_to_be_asked():
    plain, batch = fetch("AAPL"), fetch("AAPL", batch="a back-fill")
    pd.testing.assert_frame_equal(plain.bars, batch.bars)
    assert batch.strays.empty
    assert tuple(batch.strays.columns) == STRAY_COLUMNS
    source = SampleSource()
    source.forget("a back-fill")
    assert source.exchange_rates("AUDUSD=X", date(2022, 4, 11), date(2022, 4, 20)) is None


def test_a_close_by_hand():
    bars = fetch("AAPL", start=date(1990, 1, 2), end=date(1990, 1, 2)).bars
    assert bars["close"].iloc[0] == sample_closes().at[pd.Timestamp("1990-01-02"), "AAPL"]


def test_a_listing_spans_all_that_is_known_whatever_is_asked():
    listing = fetch("AAPL", "MTUM", end=date(2022, 4, 11)).listing
    assert listing.index.name == "ticker"
    assert listing.astype("str").to_dict("index") == {
        "AAPL": {"first_bar": "1990-01-02", "last_bar": "2022-12-28"},
        "MTUM": {"first_bar": "2014-01-02", "last_bar": "2022-12-28"},
    }
    assert listing.dtypes.astype(str).tolist() == ["datetime64[us]"] * 2


def test_a_ticker_has_no_bar_before_its_first():
    answer = fetch("MTUM", "AAPL", start=date(2013, 12, 30), end=date(2014, 1, 2))
    bars = until(answer.bars, "2014-01-02")
    assert bars["ticker"].value_counts().to_dict() == {"AAPL": 3, "MTUM": 1}
    assert answer.failures == ()


def test_a_ticker_that_the_sample_does_not_hold_is_a_failure_and_no_more():
    answer = fetch("AAPL", "TSLA", "TSLA")
    assert answer.failures == (
        TickerFailure("TSLA", FailureClass.NO_DATA, "the sample does not hold this ticker"),
    )
    assert answer.bars["ticker"].unique().tolist() == ["AAPL"]
    assert answer.listing.index.tolist() == ["AAPL"]


@pytest.mark.parametrize("tickers", [(), ("TSLA",)])
def test_an_answer_without_a_ticker_is_empty_and_typed(tickers):
    answer = fetch(*tickers)
    assert answer.bars.empty
    assert tuple(answer.bars.columns) == BAR_COLUMNS
    assert answer.listing.empty
    assert answer.listing.columns.tolist() == ["first_bar", "last_bar"]
    assert len(answer.failures) == len(tickers)


def test_a_session_on_which_new_york_is_closed_has_no_bar():
    answer = fetch("AAPL", start=date(2022, 6, 20), end=date(2022, 6, 20))
    assert until(answer.bars, "2022-06-20").empty
    assert answer.listing.index.tolist() == ["AAPL"]


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (
            date(2022, 12, 28),
            date(2022, 12, 29),
            (
                "2022-12-29 is after the sample's last session 2022-12-28: choose sessions from"
                " 1990-01-02 to 2022-12-28, or set PARAKEET_PRICE_SOURCE=yahoo"
            ),
        ),
        (
            date(1990, 1, 1),
            date(1990, 1, 5),
            (
                "1990-01-01 is before the sample's first session 1990-01-02: choose sessions from"
                " 1990-01-02 to 2022-12-28, or set PARAKEET_PRICE_SOURCE=yahoo"
            ),
        ),
    ],
)
def test_a_session_outside_the_sample_is_refused(start, end, message):
    with pytest.raises(PriceSourceError) as caught:
        fetch("AAPL", start=start, end=end)
    assert caught.value.message == message
