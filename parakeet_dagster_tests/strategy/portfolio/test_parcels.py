"""Parcels: by hand, then what holds for any book."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.books import days, fills, parcels, splits
from strategy.errors import StrategyError
from strategy.portfolio.parcels import DISPOSAL_COLUMNS, PARCEL_COLUMNS, matched

CHOICES = ["fifo", "highest_cost", "min_tax"]
choices = pytest.mark.parametrize("choice", CHOICES)

THREE = fills(
    ("2020-01-02", "BHP.AX", 100, 10),
    ("2020-09-01", "BHP.AX", 100, 30),
    ("2021-05-03", "BHP.AX", 100, 14),
    ("2021-06-01", "BHP.AX", -150, 20, 1, 3),
)
"""At A$19.98 a share after the fee: gains of 9.98 (4.99 discounted), -10.02 and 5.98."""


def took(table):
    columns = ["acquired", "quantity", "proceeds_aud", "cost_base_aud", "gain_aud", "discountable"]
    return [
        (f"{acquired:%Y-%m-%d}", *(round(each, 9) for each in amounts), held)
        for acquired, *amounts, held in table[columns].itertuples(index=False)
    ]


@pytest.mark.parametrize(
    ("choice", "disposals", "left"),
    [
        (
            "fifo",
            [
                ("2020-01-02", 100, 1998, 1000, 998, True),
                ("2020-09-01", 50, 999, 1500, -501, False),
            ],
            [("2020-09-01", 50, 1500), ("2021-05-03", 100, 1400)],
        ),
        (
            "highest_cost",
            [
                ("2020-09-01", 100, 1998, 3000, -1002, False),
                ("2021-05-03", 50, 999, 700, 299, False),
            ],
            [("2020-01-02", 100, 1000), ("2021-05-03", 50, 700)],
        ),
        (
            "min_tax",
            [
                ("2020-01-02", 50, 999, 500, 499, True),
                ("2020-09-01", 100, 1998, 3000, -1002, False),
            ],
            [("2020-01-02", 50, 500), ("2021-05-03", 100, 1400)],
        ),
    ],
)
def test_three_choices_of_one_sale(choice, disposals, left):
    found = matched(THREE, splits(), choice)
    assert took(found.disposals) == disposals
    assert found.parcels["acquired"].dt.strftime("%Y-%m-%d").tolist() == [each[0] for each in left]
    assert found.parcels["quantity"].tolist() == pytest.approx([each[1] for each in left])
    assert found.parcels["cost_base_aud"].tolist() == pytest.approx([each[2] for each in left])


def test_columns_and_types():
    found = matched(THREE, splits(), "fifo")
    assert list(found.disposals) == DISPOSAL_COLUMNS
    assert list(found.parcels) == PARCEL_COLUMNS
    assert found.disposals["date"].dtype == found.parcels["acquired"].dtype == "datetime64[us]"
    assert found.disposals["discountable"].dtype == bool
    empty = matched(THREE.iloc[:0], splits(), "fifo")
    assert list(empty.disposals) == DISPOSAL_COLUMNS
    assert list(empty.parcels) == PARCEL_COLUMNS
    assert (empty.disposals.dtypes == found.disposals.dtypes).all()
    assert (empty.parcels.dtypes == found.parcels.dtypes).all()


@choices
def test_the_earlier_goes_first_where_costs_are_equal(choice):
    book = fills(
        ("2021-01-04", "A", 10, 5), ("2021-01-05", "A", 10, 5), ("2021-01-06", "A", -10, 6)
    )
    (row,) = took(matched(book, splits(), choice).disposals)
    assert row == ("2021-01-04", 10, 60, 50, 10, False)


def test_min_tax_counts_a_loss_in_full_however_long_it_was_held():
    """Losses of 8 and 5 a share: halved, the older and larger one would come second."""
    book = fills(
        ("2019-01-02", "A", 10, 28), ("2021-01-04", "A", 10, 25), ("2021-02-01", "A", -10, 20)
    )
    (row,) = took(matched(book, splits(), "min_tax").disposals)
    assert row == ("2019-01-02", 10, 200, 280, -80, True)


def test_highest_cost_is_in_aud():
    """Dearer in US dollars, cheaper in Australian ones."""
    book = fills(
        ("2021-01-04", "VTI", 10, 100, 1.50),
        ("2021-02-04", "VTI", 10, 110, 1.30),
        ("2021-03-04", "VTI", -10, 110, 1.30),
    )
    (row,) = took(matched(book, splits(), "highest_cost").disposals)
    assert row == ("2021-01-04", 10, 1430, 1500, -70, False)


def test_a_gain_of_the_currency_alone():
    book = fills(("2021-01-04", "VTI", 10, 200, 1.30, 3), ("2021-03-04", "VTI", -10, 200, 1.50, 3))
    (row,) = took(matched(book, splits(), "fifo").disposals)
    assert row == ("2021-01-04", 10, 2997, 2603, 394, False)


@choices
def test_a_split_between_purchase_and_sale(choice):
    book = fills(
        ("2020-01-02", "AAPL", 10, 400),
        ("2020-08-31", "AAPL", 8, 130),
        ("2020-09-01", "AAPL", -40, 150),
    )
    found = matched(book, splits(("2020-08-31", "AAPL", 4), ("2020-08-31", "MSFT", 2)), choice)
    if choice == "highest_cost":
        assert took(found.disposals) == [
            ("2020-01-02", 32, 4800, 3200, 1600, False),
            ("2020-08-31", 8, 1200, 1040, 160, False),
        ] or took(found.disposals) == [
            ("2020-01-02", 32, 4800, 3200, 1600, False),
            ("2020-08-31", 8, 1200, 1040, 160, False),
        ]
    expected = {
        "fifo": [("2020-01-02", 40, 6000, 4000, 2000, False)],
        "highest_cost": [
            ("2020-01-02", 32, 4800, 3200, 1600, False),
            ("2020-08-31", 8, 1200, 1040, 160, False),
        ],
    }
    expected["min_tax"] = expected["highest_cost"]
    assert took(found.disposals) == expected[choice]


def test_two_splits_and_what_is_left_is_counted_after_both():
    book = fills(("2020-01-02", "A", 6, 100), ("2020-03-02", "A", -4, 60))
    acts = splits(("2020-02-03", "A", 2), ("2020-04-01", "A", 3))
    found = matched(book, acts, "fifo")
    assert took(found.disposals) == [("2020-01-02", 4, 240, 200, 40, False)]
    assert found.parcels["quantity"].tolist() == pytest.approx([24])
    assert found.parcels["cost_base_aud"].tolist() == pytest.approx([400])


def test_two_splits_of_one_day_multiply():
    book = fills(("2020-01-02", "A", 6, 100), ("2020-03-02", "A", -36, 20))
    found = matched(book, splits(("2020-02-03", "A", 2), ("2020-02-03", "A", 3)), "fifo")
    assert took(found.disposals) == [("2020-01-02", 36, 720, 600, 120, False)]
    assert found.parcels.empty


@choices
def test_a_reverse_split_with_cash_in_lieu(choice):
    """105 shares become 10.5: half a share is paid out, before the session's purchase."""
    book = fills(
        ("2020-01-02", "GE", 105, 10),
        ("2020-06-01", "GE", -0.5, 90, 1, 0, "cash in lieu"),
        ("2020-06-01", "GE", 2, 200),
    )
    found = matched(book, splits(("2020-06-01", "GE", 0.1)), choice)
    assert took(found.disposals) == [("2020-01-02", 0.5, 45, 50, -5, False)]
    assert found.parcels["quantity"].tolist() == pytest.approx([10, 2])
    assert found.parcels["cost_base_aud"].tolist() == pytest.approx([1000, 400])


def test_within_a_session_purchases_come_before_sales():
    book = fills(("2020-06-01", "A", -5, 9), ("2020-06-01", "A", 5, 10))
    found = matched(book, splits(), "fifo")
    assert took(found.disposals) == [("2020-06-01", 5, 45, 50, -5, False)]


def test_worthless_and_still_with_a_fee():
    book = fills(("2020-01-02", "A", 10, 5), ("2020-06-01", "A", -10, 0, 1, 3, "delisted"))
    (row,) = took(matched(book, splits(), "min_tax").disposals)
    assert row == ("2020-01-02", 10, -3, 50, -53, False)


@choices
def test_opening_parcels(choice):
    held = parcels(("A", "2015-01-05", 10, 100), ("B", "2019-12-02", 4, 400))
    book = fills(("2020-02-03", "A", -20, 9))
    found = matched(book, splits(("2020-01-20", "A", 2)), choice, opening=held)
    assert took(found.disposals) == [("2015-01-05", 20, 180, 100, 80, True)]
    pd.testing.assert_frame_equal(
        found.parcels, held.iloc[1:].reset_index(drop=True), check_dtype=False
    )


@choices
def test_what_is_left_opens_the_next_book(choice):
    cut = 3
    more = fills(("2021-08-02", "BHP.AX", -75, 25), ("2021-09-01", "BHP.AX", -75, 5))
    whole = matched(pd.concat([THREE, more]), splits(), choice)
    before = matched(THREE.iloc[:cut], splits(), choice)
    after = matched(pd.concat([THREE.iloc[cut:], more]), splits(), choice, opening=before.parcels)
    pd.testing.assert_frame_equal(after.disposals, whole.disposals)
    pd.testing.assert_frame_equal(after.parcels, whole.parcels)


def test_the_order_of_rows_does_not_matter():
    mixed = THREE.iloc[[3, 1, 0, 2]]
    pd.testing.assert_frame_equal(
        matched(mixed, splits(), "min_tax").disposals,
        matched(THREE, splits(), "min_tax").disposals,
    )


@choices
def test_more_sold_than_held(choice):
    book = fills(("2020-01-02", "A", 10, 5), ("2020-06-01", "A", -20.5, 6))
    message = "A: 20.5 shares are sold on 2020-06-01, but 20 are held: a purchase, an opening"
    with pytest.raises(StrategyError, match=message):
        matched(book, splits(("2020-03-02", "A", 2), ("2020-07-01", "A", 7)), choice)
    with pytest.raises(StrategyError, match="A: 3 shares are sold on 2020-06-01, but 0 are held"):
        matched(fills(("2020-06-01", "A", -3, 6), ("2020-06-02", "A", 3, 6)), splits(), choice)


@choices
def test_a_sale_before_its_purchase_does_not_take_another_ticker_s(choice):
    book = fills(("2020-01-02", "A", 10, 5), ("2020-01-02", "C", 10, 5), ("2020-02-03", "B", -1, 5))
    with pytest.raises(StrategyError, match="B: 1 shares are sold on 2020-02-03, but 0 are held"):
        matched(book, splits(), choice)


@choices
@pytest.mark.parametrize("off", [-1e-10, 0, 1e-10])
def test_rounding_leaves_no_dust(choice, off):
    book = fills(
        ("2020-01-02", "A", 100 / 3, 3),
        ("2020-02-03", "A", 200 / 3, 3),
        ("2020-03-02", "A", -100 * (1 + off), 6),
    )
    found = matched(book, splits(), choice)
    assert len(found.disposals) == 2
    assert found.parcels.empty
    assert found.disposals["proceeds_aud"].sum() == pytest.approx(600, rel=1e-9)
    assert found.disposals["cost_base_aud"].sum() == pytest.approx(300, rel=1e-9)


@choices
def test_a_small_holding_after_a_large_one_is_no_dust(choice):
    book = fills(
        ("2020-01-02", "A", 3e6, 1),
        ("2020-02-03", "A", -(3e6 - 0.1), 1),
        ("2020-03-02", "A", 0.01, 1),
        ("2020-04-01", "A", -0.11, 1),
    )
    found = matched(book, splits(), choice)
    assert len(found.disposals) == 3
    assert found.parcels.empty


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("2020-01-02", "A", 0, 5), "A on 2020-01-02: 0 shares for -?0 AUD is no trade"),
        (("2020-01-02", "A", np.nan, 5), "A on 2020-01-02: nan shares"),
        (("2020-01-02", "A", 5, np.nan), "A on 2020-01-02: 5 shares for nan AUD"),
        (("2020-01-02", "A", 5, -3), "A on 2020-01-02: 5 shares for 15 AUD is no trade"),
    ],
)
def test_no_trade(row, message):
    with pytest.raises(StrategyError, match=message):
        matched(fills(row), splits(), "fifo")


def test_no_parcel_no_choice_no_ratio():
    with pytest.raises(StrategyError, match="A on 2020-01-02: -5 shares"):
        matched(THREE, splits(), "fifo", opening=parcels(("A", "2020-01-02", -5, 100)))
    with pytest.raises(StrategyError, match="parcel choice 'lifo' is none of fifo, highest_cost"):
        matched(THREE, splits(), "lifo")
    for ratio in (0, -2, np.nan):
        with pytest.raises(StrategyError, match=f"A on 2020-01-02: {ratio:.1f} is no split ratio"):
            matched(THREE, splits(("2020-01-02", "A", ratio)), "fifo")


DATES = pd.bdate_range("2018-01-01", "2022-12-30")


@st.composite
def books(draw, sells_out=False):
    """Fills of up to three tickers that never sell short, with splits."""
    rows, acts = [], []
    for ticker in draw(st.sampled_from([["A"], ["A", "B"], ["A", "B", "C"]])):
        places = draw(st.lists(st.integers(0, len(DATES) - 2), min_size=2, max_size=9, unique=True))
        held = 0.0
        for date in DATES[sorted(places)]:
            price = draw(st.integers(1, 50))
            ratio = draw(st.sampled_from([1, 1, 1, 1, 2, 3, 0.1, 1 / 3]))
            if ratio != 1:
                acts.append((date, ticker, ratio))
                held *= ratio
            part = draw(st.sampled_from([0, 0, 0, 0.25, 0.5, 1])) if held else 0
            quantity = -part * held if part else float(draw(st.integers(1, 100)))
            held = 0.0 if part == 1 else held + quantity
            rows.append((date, ticker, quantity, price, 1 + price % 3 / 10, 3))
        if sells_out and held:
            rows.append((DATES[-1], ticker, -held, 20, 1.4, 3))
    return fills(*rows), splits(*acts)


def last_shares(dates, tickers, quantities, acts):
    """Counted again, row by row."""
    return [
        quantity
        * np.prod(acts.loc[(acts["ticker"] == ticker) & (acts["date"] > date), "split_ratio"])
        for date, ticker, quantity in zip(dates, tickers, quantities, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(book=books(), choice=st.sampled_from(CHOICES))
def test_shares_and_money_are_conserved(book, choice):
    trades, acts = book
    found = matched(trades, acts, choice)
    sold, left = found.disposals, found.parcels
    is_sale = trades["quantity"] < 0
    net = sum(last_shares(trades["date"], trades["ticker"], trades["quantity"], acts))
    bought = trades[~is_sale]
    scale = sum(last_shares(bought["date"], bought["ticker"], bought["quantity"], acts))
    assert left["quantity"].sum() == pytest.approx(net, abs=1e-8 * scale)
    assert sold["proceeds_aud"].sum() == pytest.approx(trades.loc[is_sale, "cash_aud"].sum())
    cost = -trades.loc[~is_sale, "cash_aud"].sum()
    assert sold["cost_base_aud"].sum() + left["cost_base_aud"].sum() == pytest.approx(cost)
    assert sold["gain_aud"].sum() == pytest.approx(
        trades["cash_aud"].sum() + left["cost_base_aud"].sum(), abs=1e-6
    )
    by_sale = sold.groupby(["date", "ticker"])["quantity"].sum()
    asked = -trades[is_sale].set_index(["date", "ticker"])["quantity"]
    assert by_sale.to_numpy() == pytest.approx(asked.sort_index().to_numpy(), rel=1e-8)
    assert (sold["acquired"] <= sold["date"]).all()
    assert (sold["quantity"] > 0).all()
    assert (left["quantity"] > 0).all()


@settings(max_examples=40, deadline=None)
@given(book=books(sells_out=True))
def test_the_whole_gain_is_the_same_for_every_choice(book):
    found = [matched(*book, choice) for choice in CHOICES]
    gains = [each.disposals["gain_aud"].sum() for each in found]
    assert gains == pytest.approx([book[0]["cash_aud"].sum()] * 3, abs=1e-6)
    assert all(each.parcels.empty for each in found)


@settings(max_examples=60, deadline=None)
@given(book=books())
def test_min_tax_has_the_least_taxable_gain_of_a_first_sale(book):
    trades, acts = book
    first = trades.loc[trades["quantity"] < 0, "date"].min()
    one = trades[(trades["quantity"] > 0) & (trades["date"] < first) | (trades["date"] == first)]
    taxable = {}
    for choice in CHOICES:
        sold = matched(one, acts, choice).disposals
        gains = sold["gain_aud"].to_numpy()
        taxable[choice] = np.where((gains > 0) & sold["discountable"], gains / 2, gains).sum()
    assert taxable["min_tax"] <= min(taxable.values()) + 1e-6


@settings(max_examples=40, deadline=None)
@given(book=books())
def test_first_in_first_out_against_a_queue(book):
    """One share of account after another, in plain Python."""
    trades, acts = book
    found = matched(trades, acts, "fifo").disposals
    expected = []
    for ticker, rows in trades.sort_values("date").groupby("ticker"):
        queue, ratios = [], acts[acts["ticker"] == ticker]
        last = DATES[0]
        for row in rows.itertuples():
            acted = ratios[(ratios["date"] > last) & (ratios["date"] <= row.date)]
            queue = [
                (day, shares * acted["split_ratio"].prod(), cost) for day, shares, cost in queue
            ]
            last = row.date
            if row.quantity > 0:
                queue.append((row.date, row.quantity, -row.cash_aud))
                continue
            wanted = -row.quantity
            while wanted > 1e-9 * -row.quantity and queue:
                day, shares, cost = queue.pop(0)
                part = min(shares, wanted)
                expected.append((row.date, ticker, day, part, cost * part / shares))
                wanted -= part
                if shares - part > 1e-9 * shares:
                    queue.insert(0, (day, shares - part, cost * (1 - part / shares)))
    expected.sort()
    columns = ["date", "ticker", "acquired"]
    assert list(found[columns].itertuples(index=False, name=None)) == [
        each[:3] for each in expected
    ]
    assert found["quantity"].tolist() == pytest.approx([each[3] for each in expected])
    assert found["cost_base_aud"].tolist() == pytest.approx([each[4] for each in expected])


def test_twenty_years_of_fifty_tickers():
    random = np.random.default_rng(0)
    months = pd.date_range("2005-01-03", periods=240, freq="MS").as_unit("us")
    quantity = random.integers(-60, 90, (240, 50))
    held = np.zeros(50)
    for month in range(240):
        quantity[month] = np.maximum(quantity[month], -held)
        held += quantity[month]
    rows, tickers = np.nonzero(quantity)
    trades = fills(
        *(
            (months[row], f"T{ticker:02}", quantity[row, ticker], 50 + (row * 7 + ticker) % 40)
            for row, ticker in zip(rows, tickers, strict=True)
        )
    )
    assert len(trades) > 10_000
    found = matched(trades, splits(("2014-06-02", "T07", 7)), "min_tax")
    assert len(found.disposals) > 4_000
    assert found.disposals["date"].is_monotonic_increasing
    assert days(found.disposals["acquired"]).min() == months[0]
