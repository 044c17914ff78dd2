"""Exchange rates: London days of Yahoo's currency pairs."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from parakeet_dagster_tests.price_sources.asking import new_source
from parakeet_dagster_tests.yahoo_server import Fault, currency_pair

PAIR = "AUDUSD=X"
WEEKDAYS = pd.bdate_range("2020-10-01", "2020-10-30", unit="us")
CLOSES = pd.Series(0.7 + 0.0013 * np.arange(len(WEEKDAYS)), WEEKDAYS)
ASKED = date(2020, 10, 19), date(2020, 10, 30)


@pytest.fixture
def pair(yahoo):
    """A server on which the Australian dollar is traded too."""
    yahoo.listed[PAIR] = currency_pair(CLOSES)
    return yahoo


@pytest.fixture
def rates(pair, tmp_path):
    def ask(start=ASKED[0], end=ASKED[1], batch=None, pair_name=PAIR):
        return source.exchange_rates(pair_name, start, end, batch)

    source = new_source(pair, tmp_path)
    return ask


def test_a_rate_for_each_london_day_over_the_change_of_its_clocks(rates, pair):
    """Summer time ended on 2020-10-25."""
    pair.now = datetime(2020, 10, 31, 0, 0, tzinfo=UTC)
    found = rates()
    assert found.dtypes.astype(str).to_dict() == {"date": "datetime64[us]", "close": "float64"}
    assert found["date"].tolist() == WEEKDAYS[WEEKDAYS >= "2020-10-19"].tolist()
    shown = CLOSES["2020-10-19":].to_numpy().astype("float32").astype("float64")
    assert found["close"].tolist() == shown.tolist()
    assert found.index.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2020-10-22 22:59:59", "2020-10-21"),  # London is an hour ahead
        ("2020-10-22 23:00:00", "2020-10-22"),
        ("2020-10-29 23:59:59", "2020-10-28"),  # and no longer
        ("2020-10-30 00:00:00", "2020-10-29"),
    ],
)
def test_a_day_is_finished_at_the_next_midnight_in_london(rates, pair, now, last):
    pair.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert rates()["date"].iloc[-1] == pd.Timestamp(last)


def test_one_request_that_needs_no_time_zone_probe(rates, pair):
    rates()
    assert pair.requests[PAIR] == 1
    assert pd.Timestamp(pair.windows[PAIR][0], unit="s") == pd.Timestamp("2020-10-18 23:00")


def test_nulls_are_no_rates(rates, pair):
    holes = CLOSES.copy()
    holes["2020-10-20"] = np.nan
    pair.listed[PAIR] = currency_pair(holes)
    assert pd.Timestamp("2020-10-20") not in set(rates()["date"])


@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        (Fault.DELISTED, "DELISTED"),
        (Fault.EMPTY, "NO_DATA"),
        (Fault.SERVER_ERROR, "NETWORK"),
        (Fault.HTML, "BAD_DATA"),
        (Fault.RATE_LIMIT, "RATE_LIMIT"),
    ],
)
def test_a_failure_is_classified_like_a_ticker_s(rates, pair, fault, error_class):
    pair.fail(PAIR, fault)
    failure = rates()
    assert isinstance(failure, TickerFailure)
    assert (failure.ticker, failure.error_class) == (PAIR, FailureClass(error_class))


def test_a_failure_that_passes_is_retried(rates, pair):
    pair.fail(PAIR, Fault.TRUNCATED, times=2)
    assert len(rates()) == 9


def test_rates_in_another_currency_are_refused(rates, pair):
    pair.listed[PAIR] = replace(pair.listed[PAIR], currency="EUR")
    assert rates().message == "Yahoo's prices are in EUR, the universe says USD"


def test_no_finished_day_is_no_data(rates, pair):
    pair.now = datetime(2020, 10, 22, 12, tzinfo=UTC)
    failure = rates(date(2020, 10, 22), date(2020, 10, 22))
    assert failure.error_class is FailureClass.NO_DATA
    assert failure.message == "Yahoo has no finished day from 2020-10-22 to 2020-10-22"


def test_the_chunks_of_a_back_fill_ask_once(rates, pair):
    first = rates(date(2020, 10, 1), date(2020, 10, 9), "b")
    later = rates(date(2020, 10, 12), date(2020, 10, 16), "b")
    assert first["date"].iloc[[0, -1]].dt.day.tolist() == [1, 9]
    assert later["date"].iloc[[0, -1]].dt.day.tolist() == [12, 16]
    assert pair.requests[PAIR] == 1
    assert_frame_equal(later, rates(date(2020, 10, 12), date(2020, 10, 16)))


def test_a_day_that_ended_since_is_asked_for_again(rates, pair):
    for now, last in (("2020-10-22 22:59", 21), ("2020-10-22 23:00", 22), ("2020-10-22 23:30", 22)):
        pair.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
        found = rates(date(2020, 10, 1), date(2020, 10, 22), "b")
        assert found["date"].iloc[-1].day == last
    assert pair.requests[PAIR] == 2
