"""What is held on a day: by hand, then against a walk from day to day."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategy.errors import StrategyError
from strategy.portfolio.holdings import held_on

MONDAY, TUESDAY, WEDNESDAY = "2024-03-04", "2024-03-05", "2024-03-06"


def snapshot_of(*rows, as_of=MONDAY) -> pd.DataFrame:
    """Rows of (ticker, quantity)."""
    frame = pd.DataFrame(list(rows), columns=["ticker", "quantity"]).assign(as_of=as_of)
    return frame.astype({"ticker": "str", "quantity": "float64", "as_of": "datetime64[us]"})


def trades_of(*rows) -> pd.DataFrame:
    """Rows of (date, ticker, side, quantity, price, currency, fee, aud_per_unit)."""
    columns = [
        *("date", "ticker", "side", "quantity"),
        *("price", "currency", "fee", "aud_per_unit"),
    ]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.astype(
        {
            **dict.fromkeys(("quantity", "price", "fee", "aud_per_unit"), "float64"),
            **dict.fromkeys(("ticker", "side", "currency"), "str"),
            "date": "datetime64[us]",
        }
    )


def splits_of(*rows) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["date", "ticker", "split_ratio"])
    return frame.astype({"date": "datetime64[us]", "ticker": "str", "split_ratio": "float64"})


def rates_of(*rows) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["date", "currency", "aud_per_unit"])
    return frame.astype({"date": "datetime64[us]", "currency": "str", "aud_per_unit": "float64"})


NOTHING = snapshot_of()
RATES = rates_of(
    (WEDNESDAY, "USD", 1.6), (MONDAY, "AUD", 1.0), (MONDAY, "USD", 1.5), ("2024-03-01", "USD", 1.4)
)


def held(snapshot=NOTHING, trades=(), splits=(), day=WEDNESDAY, rates=RATES):
    found = held_on(
        snapshot, trades_of(*trades), splits_of(*splits), rates, pd.Timestamp(day).as_unit("us")
    )
    return found.shares.to_dict(), found.cash


def test_nothing_is_nothing():
    assert held() == ({}, 0.0)
    found = held_on(NOTHING, trades_of(), splits_of(), rates_of(), pd.Timestamp(MONDAY))
    assert found.shares.dtype == "float64"
    assert found.shares.index.name == "ticker"


def test_a_snapshot_alone_sums_its_parcels():
    snapshot = snapshot_of(("SPY", 12), ("CASH", 100.5), ("AAPL", 1), ("SPY", 3.5))
    assert held(snapshot) == ({"AAPL": 1, "SPY": 15.5}, 100.5)


def test_trades_after_the_day_of_the_snapshot_count_up_to_the_day():
    """10 + 5 - 3 shares; 1000 - 5 x 20 - 3 + 3 x 30 - 4 AUD."""
    snapshot = snapshot_of(("VAS.AX", 10), ("CASH", 1000))
    trades = [
        (WEDNESDAY, "VAS.AX", "sell", 3, 30, "AUD", 4, None),
        (MONDAY, "VAS.AX", "buy", 100, 10, "AUD", 3, None),
        (TUESDAY, "VAS.AX", "buy", 5, 20, "AUD", 3, None),
        ("2024-03-07", "VAS.AX", "sell", 12, 30, "AUD", 4, None),
    ]
    assert held(snapshot, trades) == ({"VAS.AX": 12}, 983.0)
    assert held(snapshot, trades, day=TUESDAY) == ({"VAS.AX": 15}, 897.0)
    assert held(snapshot, trades, day=MONDAY) == ({"VAS.AX": 10}, 1000.0)


def test_without_a_snapshot_every_trade_counts_and_cash_may_be_short():
    trades = [(MONDAY, "VAS.AX", "buy", 5, 20, "AUD", 3, None)]
    assert held(trades=trades) == ({"VAS.AX": 5}, -103.0)


def test_a_foreign_trade_at_its_own_rate_or_the_last_one_known():
    """10 x 5 at 1.53; on Tuesday 2 x 4 at Monday's 1.5; on Wednesday 1 x 6 at 1.6; fees in AUD."""
    trades = [
        (TUESDAY, "SPY", "buy", 10, 5, "USD", 3, 1.53),
        (TUESDAY, "SPY", "buy", 2, 4, "USD", 0, None),
        (WEDNESDAY, "SPY", "sell", 1, 6, "USD", 2, None),
    ]
    shares, cash = held(snapshot_of(("CASH", 200)), trades)
    assert shares == {"SPY": 11}
    assert cash == pytest.approx(200 - 10 * 5 * 1.53 - 3 - 2 * 4 * 1.5 + 1 * 6 * 1.6 - 2, abs=1e-12)


def test_a_rate_of_an_aud_trade_does_not_count():
    trades = [(TUESDAY, "VAS.AX", "buy", 1, 20, "AUD", 0, 1.0)]
    assert held(trades=trades, rates=rates_of()) == ({"VAS.AX": 1}, -20.0)


@pytest.mark.parametrize(
    "rates",
    [
        rates_of(),
        rates_of((WEDNESDAY, "USD", 1.6)),
        rates_of((MONDAY, "EUR", 1.6)),
        rates_of((MONDAY, "USD", None)),
    ],
)
def test_a_trade_without_a_rate_is_an_error(rates):
    with pytest.raises(StrategyError) as caught:
        held(trades=[(TUESDAY, "SPY", "buy", 2, 4, "USD", 0, None)], rates=rates)
    assert str(caught.value) == (
        "no exchange rate of USD on or before 2024-03-05: give the trade of SPY its aud_per_unit,"
        " or import a snapshot of holdings as of that day or later"
    )


def test_splits_after_a_parcel_act_on_it():
    """10 become 40 on Tuesday; the 5 of that day are after it; all become half on Wednesday."""
    snapshot = snapshot_of(("SPY", 10), ("AAPL", 7))
    trades = [(TUESDAY, "SPY", "buy", 5, 1, "AUD", 0, None)]
    splits = [
        (MONDAY, "SPY", 100.0),
        (TUESDAY, "SPY", 4.0),
        (WEDNESDAY, "SPY", 0.5),
        ("2024-03-07", "SPY", 100.0),
    ]
    assert held(snapshot, trades, splits)[0] == {"AAPL": 7, "SPY": 22.5}
    assert held(snapshot, trades, splits, day=TUESDAY)[0] == {"AAPL": 7, "SPY": 45}
    assert held(snapshot, trades, splits, day=MONDAY)[0] == {"AAPL": 7, "SPY": 10}


def test_all_that_a_split_made_can_be_sold():
    """A third of 10 shares three times over, and what is left of rounding is nothing."""
    snapshot = snapshot_of(("SPY", 10))
    splits = [(TUESDAY, "SPY", 1 / 3)]
    third = (WEDNESDAY, "SPY", "sell", 10 / 9, 1, "AUD", 0, None)
    assert held(snapshot, [third] * 3, splits)[0] == {}
    assert (
        held(snapshot, [(TUESDAY, "SPY", "sell", 3.3333333333, 1, "AUD", 0, None)], splits)[0] == {}
    )


def test_of_one_day_only_the_sum_counts():
    """No time of day is known: what was bought that day may have been bought first."""
    trades = [
        (TUESDAY, "SPY", "sell", 5, 1, "AUD", 0, None),
        (TUESDAY, "SPY", "buy", 5, 1, "AUD", 0, None),
    ]
    assert held(trades=trades) == ({}, 0.0)


@pytest.mark.parametrize(
    ("trades", "splits", "said"),
    [
        ([(TUESDAY, "SPY", "sell", 10.5, 1, "AUD", 0, None)], [], "2024-03-05: 10.5 sold, but 10"),
        ([(TUESDAY, "SPY", "buy", 2, 1, "AUD", 0, None),
          (TUESDAY, "SPY", "sell", 13, 1, "AUD", 0, None)], [], "2024-03-05: 13 sold, but 12"),
        ([(WEDNESDAY, "SPY", "buy", 9, 1, "AUD", 0, None),
          (TUESDAY, "SPY", "sell", 11, 1, "AUD", 0, None)], [], "2024-03-05: 11 sold, but 10"),
        ([(TUESDAY, "SPY", "sell", 41, 1, "AUD", 0, None)],
         [(TUESDAY, "SPY", 4.0), (WEDNESDAY, "SPY", 0.1)], "2024-03-05: 41 sold, but 40"),
        ([(TUESDAY, "SPY", "sell", 6, 1, "AUD", 0, None),
          (WEDNESDAY, "SPY", "sell", 5, 1, "AUD", 0, None)], [], "2024-03-06: 5 sold, but 4"),
    ],
)  # fmt: skip
def test_more_sold_than_held_is_an_error(trades, splits, said):
    with pytest.raises(StrategyError) as caught:
        held(snapshot_of(("SPY", 10), ("CASH", 50)), trades, splits)
    assert str(caught.value) == (
        f"SPY on {said} held: import a snapshot of what was held then, as of that day or later"
    )


def test_the_first_sale_of_too_much_is_named():
    trades = [
        (WEDNESDAY, "A", "sell", 1, 1, "AUD", 0, None),
        (TUESDAY, "B", "sell", 2, 1, "AUD", 0, None),
    ]
    with pytest.raises(StrategyError, match="B on 2024-03-05: 2 sold, but 0 held"):
        held(trades=trades)


def test_a_snapshot_of_a_later_day_is_an_error():
    with pytest.raises(StrategyError, match="a snapshot of 2024-03-05 says nothing of 2024-03-04"):
        held(snapshot_of(("SPY", 1), as_of=TUESDAY), day=MONDAY)


def test_rows_may_come_in_any_order_with_any_index():
    snapshot = snapshot_of(("SPY", 10), ("CASH", 1000))
    trades = trades_of(
        (TUESDAY, "SPY", "buy", 5, 20, "USD", 3, None),
        (WEDNESDAY, "SPY", "sell", 3, 30, "USD", 4, None),
        (TUESDAY, "VAS.AX", "buy", 1, 2, "AUD", 0, None),
    ).set_axis([7, 7, 7])
    day = pd.Timestamp(WEDNESDAY)
    plain = held_on(snapshot, trades, splits_of(), RATES, day)
    turned = held_on(snapshot[::-1], trades[::-1], splits_of(), RATES[::-1], day)
    assert plain.shares.to_dict() == turned.shares.to_dict() == {"SPY": 12, "VAS.AX": 1}
    assert plain.cash == turned.cash == 1000 - 5 * 20 * 1.5 - 3 + 3 * 30 * 1.6 - 4 - 2


DAYS = [f"2024-03-{day:02}" for day in range(1, 9)]
TICKERS = ["A", "B"]
day_of = st.sampled_from(DAYS)
amounts = st.integers(1, 20).map(float)
some_splits = st.dictionaries(
    st.tuples(day_of, st.sampled_from(TICKERS)), st.sampled_from([0.5, 2.0, 4.0]), max_size=5
).map(lambda found: [(*where, ratio) for where, ratio in found.items()])
some_trades = st.lists(
    st.tuples(
        day_of,
        st.sampled_from(TICKERS),
        st.sampled_from(["buy", "buy", "sell"]),
        amounts,
        amounts,
        st.sampled_from(["AUD", "USD"]),
        st.sampled_from([0.0, 3.0]),
        st.sampled_from([None, 1.25]),
    ),
    max_size=8,
)
EVERY_DAY = rates_of(*((day, "USD", 1.5 + 0.25 * place) for place, day in enumerate(DAYS)))


def walk(snapshot, trades, splits, day):
    """The same by a loop: every day its splits, then its trades; None where too much is sold."""
    shares = dict.fromkeys(TICKERS, 0.0) | snapshot[0]
    cash = snapshot[1]
    for today in DAYS[DAYS.index(MONDAY) + 1 : DAYS.index(day) + 1]:
        for when, ticker, ratio in splits:
            shares[ticker] *= ratio if when == today else 1
        for when, ticker, side, quantity, price, currency, fee, own in trades:
            if when == today:
                rate = 1.0 if currency == "AUD" else own or 1.5 + 0.25 * DAYS.index(today)
                sign = 1 if side == "buy" else -1
                shares[ticker] += sign * quantity
                cash -= sign * quantity * price * rate + fee
        if min(shares.values()) < 0:
            return None
    return {ticker: held for ticker, held in shares.items() if held > 0}, cash


@settings(max_examples=20)
@given(st.lists(amounts, min_size=3, max_size=3), some_trades, some_splits)
def test_as_a_walk_from_day_to_day(amounts, trades, splits):
    """And what is held on a day is as good a snapshot as any."""
    start = ({"A": amounts[0], "B": amounts[1]}, amounts[2])
    snapshot = snapshot_of(("A", amounts[0]), ("B", amounts[1]), ("CASH", amounts[2]))
    expected = walk(start, trades, splits, DAYS[-1])
    if expected is None:
        with pytest.raises(StrategyError, match="sold, but"):
            held(snapshot, trades, splits, DAYS[-1], EVERY_DAY)
        return
    shares, cash = held(snapshot, trades, splits, DAYS[-1], EVERY_DAY)
    assert shares == pytest.approx(expected[0])
    assert cash == pytest.approx(expected[1])
    between, money = held(snapshot, trades, splits, WEDNESDAY, EVERY_DAY)
    later = snapshot_of(*between.items(), ("CASH", money), as_of=WEDNESDAY)
    again, rest = held(later, trades, splits, DAYS[-1], EVERY_DAY)
    assert again == pytest.approx(shares)
    assert rest == pytest.approx(cash)
    assert np.isfinite(rest)
