"""What Yahoo shows, back to what traded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from parakeet_dagster.price_sources.as_traded import as_traded, round_amounts, round_prices
from parakeet_dagster.price_sources.base import BAR_COLUMNS

PRICES = ["open", "high", "low", "close"]


def bars(*rows):
    """Rows of (ticker, date, close, volume); the other prices equal the close."""
    frame = pd.DataFrame(rows, columns=["ticker", "date", "close", "volume"])
    frame["date"] = pd.to_datetime(frame["date"]).astype("datetime64[us]")
    return frame.assign(open=frame["close"], high=frame["close"], low=frame["close"])


def actions(*rows):
    """Rows of (ticker, date, dividend, split_ratio)."""
    frame = pd.DataFrame(rows, columns=["ticker", "date", "dividend", "split_ratio"])
    frame["date"] = pd.to_datetime(frame["date"]).astype("datetime64[us]")
    return frame.astype({"dividend": "float64", "split_ratio": "float64"})


def shown(frame):
    """Rows of (ticker, date, close, volume, dividend, split_ratio), for comparison."""
    dates = frame["date"].dt.strftime("%Y-%m-%d")
    columns = [frame["ticker"], dates, *(frame[name] for name in BAR_COLUMNS[5:])]
    return list(zip(*columns, strict=True))


def test_apple_in_2020_as_yahoo_shows_it_in_october():
    vendor = bars(
        ("AAPL", "2020-08-06", np.float32(455.61 / 4), 4 * 50_607_225),
        ("AAPL", "2020-08-07", np.float32(444.45 / 4), 4 * 49_453_300),
        ("AAPL", "2020-08-28", 124.8075, 187_630_000),
        ("AAPL", "2020-08-31", np.float32(129.04), 225_702_700),
    )
    known = actions(("AAPL", "2020-08-07", 0.205, 1.0), ("AAPL", "2020-08-31", 0.0, 4.0))
    assert shown(as_traded(vendor, known)) == [
        ("AAPL", "2020-08-06", 455.61, 50_607_225, 0.0, 1.0),
        ("AAPL", "2020-08-07", 444.45, 49_453_300, 0.82, 1.0),
        ("AAPL", "2020-08-28", 499.23, 46_907_500, 0.0, 1.0),
        ("AAPL", "2020-08-31", 129.04, 225_702_700, 0.0, 4.0),
    ]


def test_every_later_split_counts_and_no_other_ticker_s():
    vendor = bars(
        ("A", "2020-01-02", 1.0, 600),
        ("A", "2020-01-03", 1.5, 600),
        ("A", "2020-01-06", 2.0, 600),
        ("B", "2020-01-02", 5.0, 600),
    )
    known = actions(("A", "2020-01-03", 0.0, 2.0), ("A", "2020-01-06", 0.0, 3.0))
    assert shown(as_traded(vendor, known)) == [
        ("A", "2020-01-02", 6.0, 100, 0.0, 1.0),
        ("A", "2020-01-03", 4.5, 200, 0.0, 2.0),
        ("A", "2020-01-06", 2.0, 600, 0.0, 3.0),
        ("B", "2020-01-02", 5.0, 600, 0.0, 1.0),
    ]


def test_an_action_without_a_bar_keeps_its_date_as_a_row_without_prices():
    vendor = bars(("A", "2020-01-02", 1.0, 100), ("A", "2020-03-02", 1.1, 10))
    (before, halted, after) = shown(as_traded(vendor, actions(("A", "2020-02-03", 0.0, 0.1))))
    assert before == ("A", "2020-01-02", 0.1, 1000, 0.0, 1.0)
    assert halted[:2] == ("A", "2020-02-03")
    assert np.isnan(halted[2])
    assert halted[3:] == (0, 0.0, 0.1)
    assert after == ("A", "2020-03-02", 1.1, 10, 0.0, 1.0)


def test_a_dividend_on_the_day_of_a_split_is_per_share_held_before_it():
    vendor = bars(("A", "2020-01-02", 10.0, 100), ("A", "2020-01-03", 10.0, 100))
    known = actions(("A", "2020-01-03", 1.0, 1.0), ("A", "2020-01-03", 0.0, 2.0))
    before, ex_day = shown(as_traded(vendor, known))
    assert before == ("A", "2020-01-02", 20.0, 50, 0.0, 1.0)
    assert ex_day == ("A", "2020-01-03", 10.0, 100, 1.0, 2.0)
    total_return = (ex_day[2] * ex_day[5] + ex_day[4]) / before[2] - 1
    assert total_return == pytest.approx(0.05)


def test_a_dividend_before_a_split_is_restored_like_the_price_of_its_day():
    vendor = bars(("A", "2020-01-02", 10.0, 100))
    known = actions(("A", "2020-01-02", 0.47, 1.0), ("A", "2020-06-01", 0.0, 7.0))
    assert shown(as_traded(vendor, known))[0] == ("A", "2020-01-02", 70.0, 14, 3.29, 1.0)


def test_dividends_of_one_day_add_up():
    vendor = bars(("A", "2020-01-02", 10.0, 100))
    known = actions(("A", "2020-01-02", 0.25, 1.0), ("A", "2020-01-02", 1.5, 1.0))
    assert shown(as_traded(vendor, known)) == [("A", "2020-01-02", 10.0, 100, 1.75, 1.0)]


@pytest.mark.parametrize("volume", [500, np.nan])
def test_a_row_without_a_close_is_no_bar(volume):
    vendor = bars(("A", "2020-01-02", 10.0, 100), ("A", "2020-01-03", np.nan, volume))
    vendor.loc[1, ["open", "high", "low"]] = 10.0
    assert shown(as_traded(vendor, actions())) == [("A", "2020-01-02", 10.0, 100, 0.0, 1.0)]


def test_rows_in_any_order_and_the_first_of_two():
    vendor = bars(
        ("B", "2020-01-02", 2.0, 1),
        ("A", "2020-01-03", 3.0, 1),
        ("A", "2020-01-02", 1.0, 1),
        ("A", "2020-01-02", 9.0, 9),
    )
    assert shown(as_traded(vendor, actions())) == [
        ("A", "2020-01-02", 1.0, 1, 0.0, 1.0),
        ("A", "2020-01-03", 3.0, 1, 0.0, 1.0),
        ("B", "2020-01-02", 2.0, 1, 0.0, 1.0),
    ]


@pytest.mark.parametrize("rows", [[], [("A", "2020-01-02", 1.0, 1)]])
def test_columns_and_types_are_those_of_a_price_answer(rows):
    vendor = bars(*rows).astype(dict.fromkeys(PRICES, "float64") | {"ticker": "str"})
    answer = as_traded(vendor, actions().astype({"ticker": "str"}))
    assert answer.dtypes.astype(str).to_dict() == {
        "date": "datetime64[us]",
        "ticker": "str",
        **dict.fromkeys(PRICES, "float64"),
        "volume": "int64",
        "dividend": "float64",
        "split_ratio": "float64",
    }


@pytest.mark.parametrize(
    ("price", "rounded"),
    [
        (30.385000228881836, 30.385),
        (4999.9995, 5000.0),
        (0.12340000271797180, 0.1234),
        (0.99996, 1.0),
        (1.23449, 1.234),
    ],
)
def test_prices_have_three_decimals_and_four_below_one(price, rounded):
    assert round_prices(np.array([price]))[0] == rounded


@pytest.mark.parametrize(
    ("vendor", "later_splits", "declared"),
    [
        (0.47, 7.0, 3.29),  # AAPL 2014-05-08, before 7:1
        (0.1175, 28.0, 3.29),  # the same since 4:1
        (0.192857, 7.0, 1.35),  # 1.35 / 7, cut to six decimals
        (0.094643, 28.0, 2.65),  # AAPL 2012-08-09
        (0.108929, 28.0, 3.05),  # AAPL 2014-02-06
        (0.205, 4.0, 0.82),
        (0.192857, 1.0, 0.192857),  # a unit trust declares six decimals
        (float(np.float32(0.754875)), 1.0, 0.754875),
        (float(np.float32(1.577391)), 1.0, 1.577391),
        (5.0, 0.1, 0.5),  # before 1:10
        (0.0, 4.0, 0.0),
    ],
)
def test_dividends_come_back_as_declared(vendor, later_splits, declared):
    assert round_amounts(np.array([vendor]), np.array([later_splits]))[0] == declared


# A split that is listed and not in the vendor's prices yet

SPLIT_DAY = "2014-06-09"


def around_a_split(before, after, ratio):
    """Closes and split ratios on the day before and on the day of a split."""
    vendor = bars(("A", "2014-06-06", before, 700), ("A", SPLIT_DAY, after, 700))
    rows = shown(as_traded(vendor, actions(("A", SPLIT_DAY, 0.0, ratio))))
    return [(close, volume, split_ratio) for _, _, close, volume, _, split_ratio in rows]


@pytest.mark.parametrize(
    ("before", "after", "ratio", "first"),
    [
        (92.224, 93.7, 7.0, (645.568, 100)),  # re-based: AAPL 645.57 and 93.70
        (645.57, 93.7, 7.0, (645.57, 700)),  # not re-based
        (92.224, 83.0, 7.0, (645.568, 100)),  # re-based, and -10 % on the day
        (645.57, 83.0, 7.0, (645.57, 700)),  # not re-based, and -10 % on the day
        (92.224, 105.0, 7.0, (645.568, 100)),  # re-based, +14 %
        (645.57, 105.0, 7.0, (645.57, 700)),
        (20.0, 21.0, 0.1, (2.0, 7000)),  # ten shares become one: re-based
        (2.0, 21.0, 0.1, (2.0, 700)),  # and not
        (50.0, 48.0, 1.5, (75.0, 467)),  # three for two
        (75.0, 48.0, 1.5, (75.0, 700)),
        (50.0, 49.0, 1.998, (99.9, 350)),
        (99.9, 49.0, 1.998, (99.9, 700)),
        (40.0, 31.0, 1.281, (51.24, 546)),  # a spin-off as a split: such a ratio tells nothing
        (40.0, 39.0, 1.281, (51.24, 546)),
    ],
)
def test_prices_before_a_split_whether_the_vendor_re_based_them_or_not(before, after, ratio, first):
    assert around_a_split(before, after, ratio) == [(*first, 1.0), (after, 700, ratio)]


def test_of_two_splits_only_the_one_that_is_in_the_prices_is_taken_out():
    """2:1 in March is re-based, 3:1 in June is not: 60 traded as 120 before, 20 as 20 after."""
    vendor = bars(
        ("A", "2020-03-02", 60.0, 600),
        ("A", "2020-03-03", 61.0, 600),
        ("A", "2020-06-01", 63.0, 600),
        ("A", "2020-06-02", 20.5, 600),
    )
    known = actions(("A", "2020-03-03", 0.0, 2.0), ("A", "2020-06-02", 0.0, 3.0))
    assert [(row[2], row[3], row[5]) for row in shown(as_traded(vendor, known))] == [
        (120.0, 300, 1.0),
        (61.0, 600, 2.0),
        (63.0, 600, 1.0),
        (20.5, 600, 3.0),
    ]


@pytest.mark.parametrize(("shown_before", "volume"), [(8.5, 10), (0.85, 100)])
def test_a_halt_over_the_ex_date(shown_before, volume):
    """What the first bar after the halt says decides; the ex-date has none."""
    vendor = bars(("A", "2020-01-02", shown_before, volume), ("A", "2020-03-02", 8.8, 10))
    before, halted, after = shown(as_traded(vendor, actions(("A", "2020-02-03", 0.0, 0.1))))
    assert before == ("A", "2020-01-02", 0.85, 100, 0.0, 1.0)
    assert (halted[1], halted[5]) == ("2020-02-03", 0.1)
    assert after == ("A", "2020-03-02", 8.8, 10, 0.0, 1.0)


@pytest.mark.parametrize(("scale", "rebased"), [(1.0, False), (6.0, True)])
def test_two_splits_in_one_halt_are_judged_as_one(scale, rebased):
    vendor = bars(("A", "2020-01-02", 60.0 / scale, 100), ("A", "2020-03-02", 10.5, 100))
    known = actions(("A", "2020-02-03", 0.0, 2.0), ("A", "2020-02-04", 0.0, 3.0))
    restored = shown(as_traded(vendor, known))
    assert restored[0][2] == 60.0
    assert [row[5] for row in restored] == [1.0, 2.0, 3.0, 1.0]


def test_amounts_before_a_split_that_is_not_in_the_prices_stay():
    vendor = bars(
        ("A", "2014-05-08", 588.0, 1), ("A", "2014-06-06", 645.57, 1), ("A", SPLIT_DAY, 93.7, 7)
    )
    known = actions(("A", "2014-05-08", 3.29, 1.0), ("A", SPLIT_DAY, 0.0, 7.0))
    assert [(row[2], row[4]) for row in shown(as_traded(vendor, known))] == [
        (588.0, 3.29),
        (645.57, 0.0),
        (93.7, 0.0),
    ]


@pytest.mark.parametrize("shown_before", [10.0, 15.0])
def test_a_special_dividend_on_the_day_of_a_split(shown_before):
    """Of 15.00 a share 6.00 are paid out, and two shares become three: 6.00, in truth 6.10."""
    vendor = bars(("A", "2020-01-02", shown_before, 30), ("A", "2020-01-03", 6.1, 30))
    known = actions(("A", "2020-01-03", 6.0, 1.0), ("A", "2020-01-03", 0.0, 1.5))
    before, ex_day = shown(as_traded(vendor, known))
    assert before[2] == 15.0
    assert ex_day == ("A", "2020-01-03", 6.1, 30, 6.0, 1.5)


def test_a_split_before_the_first_and_after_the_last_bar():
    vendor = bars(("A", "2020-01-03", 10.0, 100))
    known = actions(("A", "2020-01-02", 0.0, 2.0), ("A", "2020-01-06", 0.0, 2.0))
    restored = shown(as_traded(vendor, known))
    assert [row[1] for row in restored] == ["2020-01-02", "2020-01-03", "2020-01-06"]
    assert restored[1] == ("A", "2020-01-03", 20.0, 50, 0.0, 1.0)


def test_another_ticker_s_bars_tell_nothing():
    """B's first bar is a seventh of A's last."""
    vendor = bars(("A", "2020-01-02", 70.0, 7), ("B", "2020-01-03", 10.0, 7))
    known = actions(("A", "2020-01-03", 0.0, 7.0), ("B", "2020-01-03", 0.0, 7.0))
    assert [row[2] for row in shown(as_traded(vendor, known)) if row[3]] == [490.0, 10.0]


# A vendor that re-bases the past at every split, and shows float32.

reproducible = settings(derandomize=True, deadline=None, max_examples=40)
RATIOS = [2.0, 3.0, 4.0, 1.5, 5.0, 0.5, 0.1, 0.25]
SESSIONS = pd.bdate_range("2020-01-01", periods=12, unit="us")


@st.composite
def histories(draw):
    """As-traded frames of one ticker: whole mills above 1, tenths of mills below.

    No day's news undoes its split: then nobody can tell whether the vendor has re-based for it.
    """
    days = len(SESSIONS)
    prices = st.one_of(
        st.integers(1_000, 5_000_000).map(lambda mills: mills / 1_000),
        st.integers(10, 9_999).map(lambda tenths: tenths / 10_000),
    )
    amounts = st.one_of(st.just(0.0), st.integers(1, 80_000).map(lambda tenths: tenths / 10_000))
    closes = draw(st.lists(prices, min_size=days, max_size=days))
    dividends = draw(st.lists(amounts, min_size=days, max_size=days))
    ratios = np.ones(days)
    for day in draw(st.lists(st.integers(0, days - 1), max_size=2, unique=True)):
        ratios[day] = draw(st.sampled_from(RATIOS))
    worth = (np.array(closes[1:]) * ratios[1:] + dividends[1:]) / np.array(closes[:-1])
    assume(np.all((ratios[1:] == 1) | (np.abs(np.log(worth * ratios[1:])) > 0.16)))
    volumes = draw(st.lists(st.integers(0, 10**9), min_size=days, max_size=days))
    frame = pd.DataFrame({"date": SESSIONS, "ticker": "A"})
    return frame.assign(
        **dict.fromkeys(PRICES, closes), volume=volumes, dividend=dividends, split_ratio=ratios
    )


def as_vendor_shows(history, known_days):
    """Bars and actions of the first ``known_days``, asked for on the last of them."""
    known = history.iloc[:known_days]
    ratios = known["split_ratio"].to_numpy()
    later = np.array([ratios[day + 1 :].prod() for day in range(known_days)])
    vendor = known.assign(
        **{name: (known[name] / later).astype("float32").astype("float64") for name in PRICES},
        volume=np.rint(known["volume"] * later),
        dividend=(known["dividend"] / later).astype("float32").astype("float64").round(6),
    )
    bar_columns = ["ticker", "date", *PRICES, "volume"]
    return vendor[bar_columns], vendor[["ticker", "date", "dividend", "split_ratio"]]


@reproducible
@given(histories())
def test_what_traded_comes_back(history):
    restored = as_traded(*as_vendor_shows(history, len(history)))
    exact = ["date", *PRICES, "dividend", "split_ratio"]
    assert_frame_equal(restored[exact], history[exact], check_exact=True)
    merges = history["split_ratio"].clip(upper=1.0).prod()
    assert (restored["volume"] - history["volume"]).abs().max() <= 0.5 / merges


@reproducible
@given(histories(), st.integers(1, len(SESSIONS)))
def test_the_day_of_asking_makes_no_difference(history, known_days):
    """A later split re-bases everything the vendor shows, and nothing that comes back."""
    early = as_traded(*as_vendor_shows(history, known_days))
    late = as_traded(*as_vendor_shows(history, len(history))).iloc[:known_days]
    columns = ["date", *PRICES, "dividend", "split_ratio"]
    assert_frame_equal(early[columns], late[columns], check_exact=True)


@reproducible
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(history, random):
    vendor, known = as_vendor_shows(history, len(history))
    order = list(range(len(vendor)))
    random.shuffle(order)
    assert_frame_equal(as_traded(vendor.iloc[order], known.iloc[order]), as_traded(vendor, known))
