"""The real yfinance against a local server that speaks Yahoo's protocol."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from yfinance import cache

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources import yahoo_client
from parakeet_dagster.price_sources.base import BAR_COLUMNS, STRAY_COLUMNS, FailureClass
from parakeet_dagster.price_sources.yahoo import YahooSource
from parakeet_dagster_tests.price_sources.asking import (
    AFTER_THE_LAST_CLOSE,
    FIRST,
    HURRIED,
    LAST,
    LISTED,
    PRICES,
    bars_of,
    members,
    new_source,
    reasons,
)
from parakeet_dagster_tests.yahoo_server import COOKIE_PAGE, CRUMB_PAGE, Fault

# Prices and actions


@pytest.mark.parametrize("ticker", ["AAPL", "HALT", "BHP.AX", "FUND", "BOTH"])
def test_every_bar_comes_back_as_it_traded(source, ticker):
    listed = LISTED[ticker]
    bars = bars_of(source.fetch(members(ticker), FIRST, LAST), ticker)
    traded = bars[bars["close"].notna()]
    expected = listed.bars.set_index(listed.bars.index.as_unit("us").rename("date"))
    assert_frame_equal(traded[[*PRICES, "volume"]], expected, check_freq=False, check_exact=True)
    assert traded["dividend"].sum() == sum(listed.dividends.values())


def test_apple_in_2020(source):
    bars = bars_of(source.fetch(members("AAPL"), FIRST, LAST), "AAPL")
    shown = bars[["close", "dividend", "split_ratio"]]
    assert shown.loc["2020-08-06"].tolist() == [455.61, 0.0, 1.0]
    assert shown.loc["2020-08-07"].tolist() == [444.45, 0.82, 1.0]
    assert shown.loc["2020-08-28"].tolist() == [499.23, 0.0, 1.0]
    assert shown.loc["2020-08-31"].tolist() == [129.04, 0.0, 4.0]
    assert bars.loc["2020-08-28", "volume"] == 46_907_500


def test_a_later_split_changes_nothing(source, yahoo):
    """On 08-28 Yahoo shows 499.23, from 08-31 on 124.8075, for the same day."""
    yahoo.now = datetime(2020, 8, 28, 22, 0, tzinfo=UTC)
    before = source.fetch(members("AAPL"), FIRST, date(2020, 8, 28))
    yahoo.now = AFTER_THE_LAST_CLOSE
    after = source.fetch(members("AAPL"), FIRST, date(2020, 8, 28))
    day = date(2020, 8, 28)
    assert_frame_equal(bars_of(before, "AAPL", day), bars_of(after, "AAPL", day), check_exact=True)


def test_bars_reach_from_the_range_through_the_last_finished_session(source):
    answer = source.fetch(members("AAPL"), date(2020, 8, 6), date(2020, 8, 7))
    assert bars_of(answer, "AAPL", "2020-08-07")["close"].tolist() == [455.61, 444.45]
    bars = bars_of(answer, "AAPL")
    assert bars.index.tolist() == LISTED["AAPL"].bars.loc["2020-08-06":].index.tolist()
    assert bars.loc["2020-08-31", ["close", "split_ratio"]].tolist() == [129.04, 4.0]


def test_a_split_inside_a_halt_keeps_its_date(source):
    """yfinance books it to the last bar before the halt, and would lose it in a later window."""
    (split_day,) = LISTED["HALT"].splits
    for start in (FIRST, date(2020, 7, 6)):
        bars = bars_of(source.fetch(members("HALT"), start, LAST), "HALT")
        assert bars[bars["split_ratio"] != 1.0].index.strftime("%Y-%m-%d").tolist() == [split_day]
        row = bars.loc[split_day]
        assert row[PRICES].isna().all()
        assert (row["volume"], row["dividend"], row["split_ratio"]) == (0, 0.0, 0.1)


def test_an_action_while_nothing_trades_is_no_failure(source, yahoo):
    yahoo.now = datetime(2020, 7, 31, 21, 0, tzinfo=UTC)
    answer = source.fetch(members("HALT"), date(2020, 7, 1), date(2020, 7, 31))
    assert answer.bars[["date", "split_ratio"]].to_numpy().tolist() == [
        [pd.Timestamp("2020-07-21"), 0.1]
    ]
    assert answer.listing.loc["HALT"].tolist() == [pd.Timestamp("2020-06-01"), pd.NaT]
    assert answer.failures == ()


def test_nothing_at_all_while_nothing_trades_is_no_data(source, yahoo):
    yahoo.now = datetime(2020, 7, 10, 21, 0, tzinfo=UTC)
    answer = source.fetch(members("HALT"), date(2020, 7, 1), date(2020, 7, 10))
    assert reasons(answer) == {"HALT": "NO_DATA"}
    assert answer.listing.empty


def test_a_dividend_on_the_day_of_a_split_is_per_old_share(source):
    bars = bars_of(source.fetch(members("BOTH"), FIRST, LAST), "BOTH")
    assert bars.loc["2020-07-15", ["dividend", "split_ratio"]].tolist() == [0.5, 2.0]


def test_a_capital_gain_in_the_dividend_counts_once(source):
    bars = bars_of(source.fetch(members("FUND"), FIRST, LAST), "FUND")
    assert bars["dividend"].sum() == 1.577391


def test_rows_out_of_order_and_twice(source, yahoo):
    tidy = source.fetch(members("AAPL"), FIRST, LAST)
    yahoo.fail("AAPL", Fault.SHUFFLED)
    assert_frame_equal(source.fetch(members("AAPL"), FIRST, LAST).bars, tidy.bars)


def test_rows_of_nulls_are_no_bars(source, yahoo):
    holes = LISTED["AAPL"].bars.astype("float64")
    holes.loc["2020-08-10":"2020-08-12"] = None
    yahoo.listed["AAPL"] = replace(LISTED["AAPL"], bars=holes)
    bars = bars_of(source.fetch(members("AAPL"), FIRST, LAST), "AAPL")
    assert len(bars) == len(holes) - 3
    assert bars["close"].notna().all()


def test_columns_types_and_order(source):
    answer = source.fetch(members("BOTH", "BHP.AX", "AAPL"), FIRST, LAST)
    assert tuple(answer.bars.columns) == BAR_COLUMNS
    assert_frame_equal(answer.bars, answer.bars.sort_values(["ticker", "date"], ignore_index=True))
    nothing = source.fetch(members(), FIRST, LAST)
    failed = source.fetch(members("DEAD"), FIRST, LAST)
    for empty in (nothing, failed):
        assert empty.bars.empty
        assert empty.listing.empty
        assert empty.bars.dtypes.to_dict() == answer.bars.dtypes.to_dict()
        assert empty.listing.dtypes.to_dict() == answer.listing.dtypes.to_dict()
        assert empty.listing.index.dtype == answer.listing.index.dtype
        assert empty.listing.index.name == answer.listing.index.name == "ticker"


def test_the_listing_reaches_beyond_the_range(source):
    answer = source.fetch(members("BHP.AX", "AAPL"), date(2020, 8, 3), date(2020, 8, 4))
    assert answer.listing.index.tolist() == ["AAPL", "BHP.AX"]
    assert answer.listing["first_bar"].tolist() == list(
        pd.to_datetime(["1980-12-12", "2020-06-01"])
    )
    assert answer.listing["last_bar"].tolist() == list(pd.to_datetime(["2020-10-30", "2020-10-30"]))


def test_a_ticker_named_twice_is_asked_once(source, yahoo):
    answer = source.fetch(members("AAPL", "AAPL"), FIRST, LAST)
    assert yahoo.requests["AAPL"] == 1
    assert bars_of(answer, "AAPL").loc["2020-08-28", "close"] == 499.23


# Days that count


@pytest.mark.parametrize(
    ("now", "last_bar"),
    [
        ("2020-08-28 13:00", "2020-08-27"),  # before the open in New York
        ("2020-08-28 17:00", "2020-08-27"),  # trading
        ("2020-08-28 20:19", "2020-08-27"),  # closed at 20:00
        ("2020-08-28 20:20", "2020-08-28"),
        ("2020-08-29 01:00", "2020-08-28"),  # when the session is due; still the 28th there
        ("2020-08-30 12:00", "2020-08-28"),  # Sunday
    ],
)
def test_an_unfinished_bar_is_left_out(source, yahoo, now, last_bar):
    yahoo.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    answer = source.fetch(members("AAPL"), FIRST, LAST)
    assert answer.bars["date"].max() == pd.Timestamp(last_bar)
    assert answer.listing.loc["AAPL", "last_bar"] == pd.Timestamp(last_bar)


def test_only_an_unfinished_bar_is_no_data(source, yahoo):
    yahoo.now = datetime(2020, 8, 28, 17, 0, tzinfo=UTC)
    answer = source.fetch(members("AAPL"), date(2020, 8, 28), date(2020, 8, 28))
    assert reasons(answer) == {"AAPL": "NO_DATA"}
    assert answer.failures[0].message == "Yahoo has no finished bar since 2020-08-28"


def strays_of(answer):
    return [
        (ticker, f"{date:%Y-%m-%d}", json.loads(row), rule)
        for ticker, date, row, rule in answer.strays.itertuples(index=False, name=None)
    ]


def with_a_bar_on_independence_day():
    stray = LISTED["AAPL"].bars.loc[["2020-07-02"]].set_axis([pd.Timestamp("2020-07-04")])
    bars = pd.concat([LISTED["AAPL"].bars, stray]).sort_index()
    return replace(LISTED["AAPL"], bars=bars, dividends={"2020-07-04": 0.4})


def test_a_bar_on_a_holiday_is_a_stray_and_its_dividend_counts(source, yahoo):
    yahoo.listed["AAPL"] = with_a_bar_on_independence_day()
    answer = source.fetch(members("AAPL", "FUND"), FIRST, LAST)
    found = bars_of(answer, "AAPL")
    assert pd.Timestamp("2020-07-04") not in found.index
    assert found.loc["2020-07-06", "dividend"] == 0.4
    ((ticker, day, row, rule),) = strays_of(answer)
    assert (ticker, day, rule) == ("AAPL", "2020-07-04", "day")
    traded = LISTED["AAPL"].bars.loc["2020-07-02"]
    assert row["close"] == float(np.float32(traded["close"] / 4))  # as Yahoo shows it
    assert row["volume"] == traded["volume"] * 4
    assert list(row) == [*PRICES, "volume"]


def test_strays_outside_the_range_are_left_out(source, yahoo):
    yahoo.listed["AAPL"] = with_a_bar_on_independence_day()
    assert source.fetch(members("AAPL"), FIRST, date(2020, 7, 3)).strays.empty
    assert source.fetch(members("AAPL"), date(2020, 7, 6), LAST).strays.empty


@pytest.mark.parametrize(
    ("end", "strays"),
    [(date(2020, 8, 28), [("AAPL", "2020-08-28", "unfinished")]), (date(2020, 8, 27), [])],
)
def test_a_running_session_in_the_range_is_a_stray_and_after_it_nothing(source, yahoo, end, strays):
    yahoo.now = datetime(2020, 8, 28, 17, 0, tzinfo=UTC)
    answer = source.fetch(members("AAPL", "BHP.AX"), FIRST, end)
    found = [(ticker, day, rule) for ticker, day, _, rule in strays_of(answer)]
    assert found == strays
    assert bars_of(answer, "AAPL").index[-1] == pd.Timestamp("2020-08-27")
    assert bars_of(answer, "BHP.AX").index[-1] == pd.Timestamp("2020-08-28")


def test_strays_have_their_columns_and_types_where_there_are_none(source):
    strays = source.fetch(members("AAPL"), FIRST, LAST).strays
    assert tuple(strays.columns) == STRAY_COLUMNS
    assert strays.dtypes.astype(str).tolist() == ["str", "datetime64[us]", "str", "str"]


@pytest.mark.parametrize(
    ("session", "closed"), [(date(2020, 6, 8), "BHP.AX"), (date(2020, 7, 3), "AAPL")]
)
def test_a_closed_market_is_no_failure(source, yahoo, session, closed):
    yahoo.now = datetime(session.year, session.month, session.day + 1, 1, 0, tzinfo=UTC)
    answer = source.fetch(members("AAPL", "BHP.AX"), session, session)
    assert answer.failures == ()
    on_that_day = answer.bars[answer.bars["date"] == pd.Timestamp(session)]
    assert len(on_that_day) == 1
    assert closed not in set(on_that_day["ticker"])
    assert answer.listing.loc[closed, "last_bar"] < pd.Timestamp(session)


# Requests


def test_one_request_a_ticker_through_the_exchanges_tomorrow(source, yahoo):
    source.fetch(members("AAPL", "BHP.AX", "HALT"), date(2020, 8, 3), date(2020, 8, 7))
    assert [yahoo.requests[ticker] for ticker in ("AAPL", "BHP.AX", "HALT")] == [1, 1, 1]
    assert yahoo.requests[CRUMB_PAGE] == 1
    window = [pd.Timestamp(moment, unit="s", tz="UTC") for moment in yahoo.windows["AAPL"]]
    assert window == [
        pd.Timestamp("2020-08-03", tz="America/New_York"),
        pd.Timestamp("2020-10-31", tz="America/New_York"),
    ]
    window = [pd.Timestamp(moment, unit="s", tz="UTC") for moment in yahoo.windows["BHP.AX"]]
    assert window == [
        pd.Timestamp("2020-08-03", tz="Australia/Sydney"),
        pd.Timestamp("2020-11-01", tz="Australia/Sydney"),  # there it is the 31st already
    ]


def test_who_listens_is_told_of_every_ticker(source, yahoo):
    yahoo.fail("AAPL", Fault.DELISTED)
    told = []
    source.on_answer = lambda answered, asked: told.append((answered, asked))
    source.fetch(members("AAPL", "HALT", "BHP.AX"), FIRST, LAST)
    assert sorted(told) == [(1, 3), (2, 3), (3, 3)]


def test_every_batch_asks_anew(source, yahoo):
    for _ in range(2):
        source.fetch(members("AAPL"), FIRST, LAST)
    assert yahoo.requests["AAPL"] == 2


@pytest.mark.parametrize(
    ("fault", "error_class", "requests"),
    [
        (Fault.DELISTED, "DELISTED", 1),
        (Fault.DELISTED_IN_200, "DELISTED", 1),
        (Fault.NO_DATA_FOR_DATES, "NO_DATA", 1),
        (Fault.EMPTY, "NO_DATA", 1),
        (Fault.TRUNCATED, "BAD_DATA", 3),
        (Fault.HTML, "BAD_DATA", 3),
        (Fault.WRONG_SYMBOL, "BAD_DATA", 3),
        (Fault.NO_ADJCLOSE, "BAD_DATA", 3),
        (Fault.RAGGED, "BAD_DATA", 3),
        (Fault.SERVER_ERROR, "NETWORK", 5),
        (Fault.UNAUTHORIZED, "NETWORK", 10),  # each time once more with a new crumb
        (Fault.RATE_LIMIT, "RATE_LIMIT", 9),
    ],
)
def test_a_failure_is_returned_by_class(source, yahoo, fault, error_class, requests):
    yahoo.fail("AAPL", fault)
    answer = source.fetch(members("AAPL", "BHP.AX"), FIRST, LAST)
    assert reasons(answer) == {"AAPL": error_class}
    assert "\n" not in answer.failures[0].message
    assert yahoo.requests["AAPL"] == requests
    assert answer.listing.index.tolist() == ["BHP.AX"]


def test_a_connection_that_breaks_is_a_network_failure(source, yahoo):
    yahoo.fail("AAPL", Fault.RESET)
    answer = source.fetch(members("AAPL", "BHP.AX"), FIRST, LAST)
    assert reasons(answer) == {"AAPL": "NETWORK"}
    assert yahoo.requests["AAPL"] >= 5  # libcurl itself repeats once on a connection it kept


def test_no_answer_is_a_timeout(yahoo, cache_dir):
    patience = replace(HURRIED, timeout=0.3)
    source = new_source(yahoo, cache_dir, patience=patience)
    yahoo.fail("AAPL", Fault.HANG)
    answer = source.fetch(members("AAPL", "BHP.AX"), FIRST, LAST)
    assert reasons(answer) == {"AAPL": "TIMEOUT"}
    assert yahoo.requests["AAPL"] == 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RATE_LIMIT,
        Fault.SERVER_ERROR,
        Fault.TRUNCATED,
        Fault.HTML,
        Fault.RESET,
        Fault.UNAUTHORIZED,
        Fault.WRONG_SYMBOL,
    ],
)
def test_a_failure_that_passes_leaves_no_trace(source, yahoo, fault):
    undisturbed = source.fetch(members("AAPL"), FIRST, LAST)
    yahoo.fail("AAPL", fault, times=2)
    answer = source.fetch(members("AAPL"), FIRST, LAST)
    assert answer.failures == ()
    assert_frame_equal(answer.bars, undisturbed.bars)


def test_retry_after_is_honoured(yahoo, cache_dir):
    patience = replace(HURRIED, cool_down=3600.0, longest_cool_down=3600.0)
    source = new_source(yahoo, cache_dir, patience=patience)
    yahoo.fail("AAPL", Fault.RATE_LIMIT, times=1, retry_after=0)
    assert source.fetch(members("AAPL"), FIRST, LAST).failures == ()


def test_a_block_ends_the_batch_and_not_the_next(yahoo, cache_dir):
    patience = replace(HURRIED, cool_downs=3)
    source = new_source(yahoo, cache_dir, patience=patience)
    many = [f"S{number}" for number in range(40)]
    for ticker in many:
        yahoo.listed[ticker] = LISTED["FUND"]
        yahoo.fail(ticker, Fault.RATE_LIMIT)
    answer = source.fetch(members(*many), FIRST, LAST)
    assert set(reasons(answer).values()) == {"RATE_LIMIT"}
    assert len(answer.failures) == 40
    asked = sum(yahoo.requests[ticker] for ticker in many)
    assert asked <= 8 * 5  # eight threads, refused four times and once before that was known
    yahoo.reset(now=AFTER_THE_LAST_CLOSE)
    assert source.fetch(members(*many), FIRST, LAST).failures == ()


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (CRUMB_PAGE, Fault.RATE_LIMIT),
        (CRUMB_PAGE, Fault.SERVER_ERROR),
        (CRUMB_PAGE, Fault.UNAUTHORIZED),
        (CRUMB_PAGE, Fault.RESET),
        (CRUMB_PAGE, Fault.HTML),
        (COOKIE_PAGE, Fault.RESET),
    ],
)
def test_prices_come_without_a_cookie_too(source, yahoo, page, fault):
    yahoo.fail(page, fault)
    answer = source.fetch(members("AAPL", "BHP.AX", "HALT", "DEAD"), FIRST, LAST)
    assert reasons(answer) == {"DEAD": "DELISTED"}
    assert yahoo.requests["AAPL"] == 1


def test_a_cookie_service_that_hangs_costs_one_timeout(yahoo, cache_dir):
    patience = replace(HURRIED, timeout=0.5)
    source = new_source(yahoo, cache_dir, threads=2, patience=patience)
    yahoo.fail(CRUMB_PAGE, Fault.HANG)
    answer = source.fetch(members("AAPL", "BHP.AX", "HALT", "FUND", "BOTH"), FIRST, LAST)
    assert answer.failures == ()
    assert yahoo.requests[CRUMB_PAGE] == 1


def test_rows_of_nothing_are_told_as_yfinance_tells_them():
    """The rule that ``keepna`` switches off in yfinance."""
    row = dict.fromkeys([*yahoo_client.BAR_NAMES, "Adj Close", "Dividends", "Stock Splits"], 0.0)
    rows = [
        row,
        row | {"Open": math.nan, "Close": math.nan},
        row | {"Volume": 1},
        row | {"Dividends": 0.1},
        dict.fromkeys(row, math.nan),
        dict.fromkeys(row, math.nan) | {"Close": 3.0},
    ]
    frame = pd.DataFrame(rows)
    expected = ~(frame.isna() | (frame == 0)).all(axis=1)
    assert yahoo_client._of_something(frame).tolist() == expected.tolist()
    assert expected.tolist() == [False, False, True, True, False, True]


def test_a_row_of_zeros_is_no_bar(source, yahoo):
    bars = LISTED["AAPL"].bars.copy()
    bars.loc["2020-06-10"] = 0
    yahoo.listed["AAPL"] = replace(LISTED["AAPL"], bars=bars)
    found = bars_of(source.fetch(members("AAPL"), FIRST, LAST), "AAPL")
    assert pd.Timestamp("2020-06-10") not in found.index
    assert len(found) == len(bars) - 1


def test_a_time_zone_that_yfinance_remembers_does_not_count(source, yahoo):
    before = source.fetch(members("AAPL"), FIRST, LAST)
    cache.get_tz_cache().store("AAPL", "Asia/Tokyo")
    after = source.fetch(members("AAPL"), FIRST, LAST)
    assert_frame_equal(after.bars, before.bars, check_exact=True)
    assert yahoo.requests["AAPL"] == 2


@pytest.mark.parametrize(
    ("requests_per_second", "threads"), [(0.1, 1), (4.0, 8), (1000.0, 16), (math.inf, 16)]
)
def test_a_slow_pace_needs_few_connections(tmp_path, requests_per_second, threads):
    assert YahooSource(tmp_path, requests_per_second)._threads == threads


def test_an_answer_over_midnight_is_asked_for_again(yahoo, cache_dir):
    """On the day of a split, prices may be adjusted for it before the answer would name it."""
    before = datetime(2020, 8, 31, 3, 59, 59, tzinfo=UTC)  # still the 30th in New York
    yahoo.now = datetime(2020, 8, 31, 21, 0, tzinfo=UTC)
    times = iter([before])
    source = YahooSource(cache_dir, 1000.0, now=lambda: next(times, yahoo.now), patience=HURRIED)
    answer = source.fetch(members("AAPL"), FIRST, LAST)
    assert yahoo.requests["AAPL"] == 2
    assert bars_of(answer, "AAPL").loc["2020-08-28", "close"] == 499.23


# Settings that are wrong


def test_prices_in_another_currency_are_bad_data(source, yahoo):
    yahoo.listed["AAPL"] = replace(LISTED["AAPL"], currency="GBp")
    answer = source.fetch(members("AAPL"), FIRST, LAST)
    (failure,) = answer.failures
    assert failure.error_class is FailureClass.BAD_DATA
    assert failure.message == "Yahoo's prices are in GBp, the universe says USD"


def test_an_unknown_market_is_named(source):
    abroad = members("VOD.L").assign(market="XLON")
    with pytest.raises(PriceSourceError, match=r"VOD\.L: the market 'XLON' is not known"):
        source.fetch(abroad, FIRST, LAST)


def test_environment_variables_alone_point_a_process_at_the_server(yahoo, tmp_path):
    yahoo.now = None  # the process has no clock of ours
    yahoo.listed["TODAY"] = LISTED["AAPL"]
    program = f"""
from datetime import date
from pathlib import Path
import pandas as pd
from parakeet_dagster.price_sources.yahoo import YahooSource
source = YahooSource(Path({str(tmp_path)!r}), 100.0)
members = pd.DataFrame({{"ticker": ["TODAY"], "market": ["XNYS"], "currency": ["USD"]}})
answer = source.fetch(members, date(2020, 8, 28), date(2020, 8, 31))
print(answer.bars["close"].tolist()[:2], answer.failures)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout == "[499.23, 129.04] ()\n"
    assert yahoo.requests["TODAY"] == 1
    assert (tmp_path / "yfinance" / "tkr-tz.db").exists()
