"""What Yahoo learns late, gets wrong for some days, or has not delivered yet."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from parakeet_dagster_tests.price_sources.asking import (
    FIRST,
    LISTED,
    bars_of,
    members,
    reasons,
)
from parakeet_dagster_tests.yahoo_server import Mistake

EX = "2020-08-31"
FOUR = {
    "2020-08-27": LISTED["AAPL"].bars.at[pd.Timestamp("2020-08-27"), "close"],
    "2020-08-28": 499.23,
    "2020-08-31": 129.04,
    "2020-09-01": LISTED["AAPL"].bars.at[pd.Timestamp("2020-09-01"), "close"],
}


@pytest.fixture
def apple(yahoo, source):
    """AAPL's closes from 2020-08-27 on, as fetched at a moment, told what Yahoo does late."""

    def closes(now, **late):
        yahoo.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
        yahoo.listed["AAPL"] = replace(LISTED["AAPL"], **late)
        return bars_of(source.fetch(members("AAPL"), FIRST, date(2020, 9, 1)), "AAPL").loc[
            "2020-08-27":
        ]

    return closes


@pytest.mark.parametrize(
    ("now", "sessions"),
    [
        ("2020-08-28 21:00", 2),
        ("2020-08-31 15:00", 2),  # the split day trades: only its live bar tells
        ("2020-08-31 21:00", 3),
        ("2020-09-01 21:00", 4),
        ("2020-09-03 12:00", 5),
    ],
)
@pytest.mark.parametrize("late", [{}, {"rebased_from": {EX: "2020-09-03"}}])
def test_prices_are_as_traded_whether_yahoo_has_re_based_for_a_split_or_not(
    apple, now, sessions, late
):
    bars = apple(now, **late)
    traded = bars["close"].dropna()
    assert len(traded) == sessions
    assert traded.iloc[:4].to_dict() == {
        pd.Timestamp(day): close for day, close in list(FOUR.items())[:sessions]
    }
    assert bars["split_ratio"].tolist()[2:3] == ([4.0] if now >= EX else [])


def test_amounts_and_volumes_before_a_split_that_is_not_in_the_prices(apple, yahoo, source):
    apple("2020-09-01 21:00", rebased_from={EX: "2020-09-03"})
    bars = bars_of(source.fetch(members("AAPL"), FIRST, date(2020, 9, 1)), "AAPL")
    assert bars.loc["2020-08-07", "dividend"] == 0.82
    assert bars.loc["2020-08-28", "volume"] == 46_907_500


@pytest.mark.parametrize(("now", "ratio"), [("2020-09-02 21:00", 1.0), ("2020-09-03 21:00", 4.0)])
def test_a_split_that_is_listed_late_and_taken_into_the_prices_with_it(apple, now, ratio):
    bars = apple(now, known_from={EX: "2020-09-03"})
    assert bars.loc[EX, "split_ratio"] == ratio
    assert bars["close"].iloc[:3].tolist() == list(FOUR.values())[:3]


def test_a_split_in_the_prices_that_is_not_listed_cannot_be_taken_out(apple):
    """Whoever compares with what is stored finds a quarter of it."""
    late = {"shown_from": {EX: "2020-09-03"}}
    before = apple("2020-09-02 21:00", **late)
    assert before.loc["2020-08-28", ["close", "split_ratio"]].tolist() == [124.808, 1.0]
    after = apple("2020-09-03 21:00", **late)
    assert after.loc["2020-08-28", "close"] == 499.23
    assert after.loc[EX, "split_ratio"] == 4.0


@pytest.mark.parametrize(("now", "amount"), [("2020-08-12 21:00", 0.0), ("2020-08-13 21:00", 0.82)])
def test_a_dividend_that_is_posted_late(apple, yahoo, source, now, amount):
    apple(now, known_from={"2020-08-07": "2020-08-13"})
    bars = bars_of(source.fetch(members("AAPL"), FIRST, date(2020, 8, 7)), "AAPL")
    assert bars.loc["2020-08-07", ["close", "dividend"]].tolist() == [444.45, amount]


@pytest.mark.parametrize(
    ("now", "close"), [("2020-08-29 01:00", 49_923.0), ("2020-09-01 21:00", 499.23)]
)
def test_a_close_times_a_hundred_that_is_corrected(apple, now, close):
    mistake = Mistake({"close": 49_923.0}, until="2020-08-30")
    bars = apple(now, mistakes={"2020-08-28": mistake})
    assert bars.loc["2020-08-28", "close"] == close
    assert bars.loc["2020-08-27", "close"] == FOUR["2020-08-27"]


def test_a_market_whose_latest_day_comes_hours_late(yahoo, source):
    yahoo.withhold("XASX", "2020-08-28", datetime(2020, 8, 28, 20, tzinfo=UTC))
    last = {}
    for hour in (19, 20):
        yahoo.now = datetime(2020, 8, 28, hour, 30, tzinfo=UTC)
        answer = source.fetch(members("AAPL", "BHP.AX"), FIRST, date(2020, 8, 28))
        assert reasons(answer) == {}
        last[hour] = answer.listing["last_bar"].dt.strftime("%m-%d").to_dict()
    assert last[19] == {"AAPL": "08-27", "BHP.AX": "08-27"}
    assert last[20] == {"AAPL": "08-28", "BHP.AX": "08-28"}


def test_a_bar_that_comes_late(apple):
    delivered = {"2020-08-28": datetime(2020, 9, 1, tzinfo=UTC)}
    missing = apple("2020-08-31 21:00", delivered=delivered)
    assert missing.index.strftime("%d").tolist() == ["27", "31"]
    there = apple("2020-09-01 21:00", delivered=delivered)
    assert there["close"].to_dict() == {pd.Timestamp(day): close for day, close in FOUR.items()}
