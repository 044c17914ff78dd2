"""What a chart answer says, and what an answer that is none means."""

import copy
import json

import pandas as pd
import pytest

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_chart import YahooError, read_chart

OPEN_2020_08_28 = 1598621400
OPEN_2020_08_31 = 1598880600

ANSWER = {
    "meta": {
        "currency": "USD",
        "symbol": "AAPL",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "firstTradeDate": 345479400,
    },
    "timestamp": [OPEN_2020_08_28, OPEN_2020_08_31],
    "indicators": {
        "quote": [{name: [1.0, 2.0] for name in ("open", "high", "low", "close", "volume")}],
        "adjclose": [{"adjclose": [1.0, 2.0]}],
    },
}


def read(result=None, *, body=None, status=200, headers=None):
    content = json.dumps({"chart": {"result": [result], "error": None}}) if body is None else body
    return read_chart("AAPL", status, headers or {}, content.encode())


def changed(path, value):
    """ANSWER with one entry replaced, or deleted where ``value`` is None."""
    answer = copy.deepcopy(ANSWER)
    *parents, last = path
    inside = answer
    for parent in parents:
        inside = inside[parent]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return answer


def actions_of(events):
    actions = read(ANSWER | {"events": events}).actions
    dates = actions["date"].dt.strftime("%Y-%m-%d")
    return list(zip(dates, actions["dividend"], actions["split_ratio"], strict=True))


def test_a_chart():
    chart = read(ANSWER)
    assert (chart.symbol, chart.currency, chart.time_zone) == ("AAPL", "USD", "America/New_York")
    assert chart.first_trade == pd.Timestamp("1980-12-12")
    assert chart.has_bars
    assert chart.actions.dtypes.astype(str).to_dict() == {
        "date": "datetime64[us]",
        "dividend": "float64",
        "split_ratio": "float64",
    }
    assert chart.actions.empty


@pytest.mark.parametrize(
    ("first_trade", "local_date"),
    [(-252322200, "1962-01-02"), (0, "1969-12-31")],
)
def test_a_first_trade_before_the_epoch(first_trade, local_date):
    chart = read(changed(["meta", "firstTradeDate"], first_trade))
    assert chart.first_trade == pd.Timestamp(local_date)


def test_an_unknown_first_trade():
    assert read(changed(["meta", "firstTradeDate"], None)).first_trade is None


def test_events_are_dated_by_the_exchange():
    """ASX days open at 23:00 UTC of the day before in Sydney's summer."""
    answer = changed(["meta", "exchangeTimezoneName"], "Australia/Sydney")
    opened = int(pd.Timestamp("2021-01-03 23:00", tz="UTC").timestamp())
    answer["events"] = {"dividends": {str(opened): {"amount": 0.5, "date": opened}}}
    assert list(read(answer).actions["date"]) == [pd.Timestamp("2021-01-04")]


def test_splits_and_dividends():
    split = {"date": OPEN_2020_08_31, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}
    merge = {"date": OPEN_2020_08_28, "numerator": 1.0, "denominator": 10.0, "splitRatio": "1:10"}
    events = {
        "dividends": {"1": {"amount": 0.205, "date": OPEN_2020_08_28}},
        "splits": {"1": split, "2": merge},
    }
    assert actions_of(events) == [
        ("2020-08-28", 0.205, 1.0),
        ("2020-08-31", 0.0, 4.0),
        ("2020-08-28", 0.0, 0.1),
    ]


@pytest.mark.parametrize(
    ("dividend", "gain", "cash"),
    [
        (7.857, 6.42, [7.857]),  # VWILX 2025-12-17: 1.437 of income and the gain
        (6.42, 6.42, [6.42]),  # nothing but the gain
        (0.5, 2.0, [0.5, 2.0]),  # too small to contain it
        (None, 2.0, [2.0]),
    ],
)
def test_a_capital_gain_is_cash_that_counts_once(dividend, gain, cash):
    events = {"capitalGains": {"1": {"amount": gain, "date": OPEN_2020_08_28}}}
    if dividend is not None:
        events["dividends"] = {"1": {"amount": dividend, "date": OPEN_2020_08_28}}
    assert [amount for _, amount, _ in actions_of(events)] == cash


def test_dividends_in_another_currency_are_named():
    dividends = {
        "1": {"amount": 1.0, "date": OPEN_2020_08_28, "currency": "EUR"},
        "2": {"amount": 1.0, "date": OPEN_2020_08_31, "currency": "USD"},
    }
    chart = read(ANSWER | {"events": {"dividends": dividends}})
    assert chart.foreign_dividends == ("2020-08-28 EUR",)


def test_no_rows_is_a_chart_without_bars():
    answer = changed(["timestamp"], None)
    answer["indicators"] = {"quote": [{}], "adjclose": [{}]}
    assert not read(answer).has_bars


def error(code, description, under="chart"):
    return json.dumps(
        {under: {"result": None, "error": {"code": code, "description": description}}}
    )


@pytest.mark.parametrize(
    ("status", "body", "error_class"),
    [
        (404, error("Not Found", "No data found, symbol may be delisted"), "DELISTED"),
        (200, error("Not Found", "No data found, symbol may be delisted"), "DELISTED"),
        (500, error("Not Found", "No data found, symbol may be delisted"), "NETWORK"),
        (404, error("Not Found", "HTTP 404 Not Found", under="finance"), "BAD_DATA"),
        (404, "<html>not found</html>", "BAD_DATA"),
        (400, error("Bad Request", "Data doesn't exist for startDate = 1"), "NO_DATA"),
        (400, error("Bad Request", "Invalid input - interval=7d is not supported"), "BAD_DATA"),
        (401, error("Unauthorized", "Invalid Crumb", under="finance"), "NETWORK"),
        (403, "Forbidden", "NETWORK"),
        (403, error("Forbidden", "Access denied", under="finance"), "NETWORK"),
        (408, "", "NETWORK"),
        (429, "Edge: Too Many Requests", "RATE_LIMIT"),
        (200, "Too Many Requests", "RATE_LIMIT"),
        (500, "<html>HTTP Status 500</html>", "NETWORK"),
        (503, "", "NETWORK"),
        (500, error("internal-error", "Connection is deallocated"), "NETWORK"),
        (200, '{"code":"internal-error","description":"Connection is deallocated"}', "NETWORK"),
        (200, "<html>Will be right back</html>", "BAD_DATA"),
        (200, "", "BAD_DATA"),
        (200, "[]", "BAD_DATA"),
        (200, "null", "BAD_DATA"),
        (200, '{"chart":{"result":[],"error":null}}', "BAD_DATA"),
        (200, '{"chart":{"result":null,"error":null}}', "BAD_DATA"),
        (200, '{"chart":{"result":[{"me', "BAD_DATA"),
    ],
)
def test_an_answer_that_is_no_chart(status, body, error_class):
    with pytest.raises(YahooError) as caught:
        read(body=body, status=status)
    assert caught.value.error_class is FailureClass(error_class)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (changed(["meta", "symbol"], "MSFT"), "Yahoo answered for MSFT"),
        (changed(["meta", "currency"], None), "Yahoo's answer lacks currency"),
        (changed(["meta", "exchangeTimezoneName"], None), "lacks exchangeTimezoneName"),
        (changed(["meta", "exchangeTimezoneName"], "Mars/Base"), "Mars/Base"),
        (changed(["indicators", "adjclose"], None), "Yahoo's answer lacks adjclose"),
        (changed(["indicators", "quote", 0, "volume"], None), "Yahoo's answer lacks volume"),
        (changed(["indicators", "quote", 0, "close"], [1.0]), "1 values of close for 2 days"),
        (
            ANSWER | {"events": {"splits": {"1": {"date": 1, "numerator": 2, "denominator": 0}}}},
            "ZeroDivisionError",
        ),
        (
            ANSWER | {"events": {"splits": {"1": {"date": 1, "numerator": 0, "denominator": 1}}}},
            "is not a positive number",
        ),
        (ANSWER | {"events": {"dividends": {"1": {"date": 1}}}}, "KeyError: 'amount'"),
    ],
)
def test_a_defective_chart(answer, message):
    with pytest.raises(YahooError, match=message) as caught:
        read(answer)
    assert caught.value.error_class is FailureClass.BAD_DATA


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), (None, None)],
)
def test_how_long_yahoo_asks_to_wait(header, seconds):
    with pytest.raises(YahooError) as caught:
        read(body="", status=429, headers={"Retry-After": header})
    assert caught.value.retry_after == seconds
