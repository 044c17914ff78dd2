"""From weights to shares, by hand: an account of A$10,000, one ticker in AUD and one in USD."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy.portfolio.orders import affordable, conditions, wanted_shares
from strategy.portfolio.terms import FREE, Terms

FOREIGN = np.array([False, True])
PRICE = np.array([10.0, 50.0])


def sized(
    weights: list[float], shares: list[float], cash: float, terms: Terms, yearly: float = 0.2
) -> list[float]:
    held = np.array([shares])
    found = wanted_shares(
        np.array([weights]),
        held,
        PRICE,
        np.array([[cash + float((held * PRICE).sum())]]),
        np.array([[cash]]),
        np.array([yearly, yearly]),
        conditions([terms], FOREIGN),
    )
    return found[0].tolist()


def terms(**given: object) -> Terms:
    return Terms(**{**FREE.model_dump(), **given})


@pytest.mark.parametrize(
    ("weights", "shares", "cash", "of", "expected"),
    [
        ([0.5, 0.5], [0, 0], 10_000, terms(), [500, 100]),
        # (5,000 - 3) / 10 and / (50 x 1.007)
        ([0.5, 0.5], [0, 0], 10_000, terms(fee=3.0, fx_spread_bp=70), [499.7, 4997 / 50.35]),
        ([0.5, 0.5], [0, 0], 10_000, terms(fee=3.0, fx_spread_bp=70, whole_shares=True), [499, 99]),
        # leaves: all of it
        ([0.0, 0.5], [500, 0], 5_000, terms(fee=3.0), [0, 4997 / 50]),
        # leaves, but is worth less than the fee
        ([0.0, 0.5], [0.2, 0], 9_998, terms(fee=3.0), [0.2, 4997 / 50]),
        # 60 % to 50 %: 1,000 are to be raised and 3 for the fee
        ([0.5, 0.0], [600, 0], 4_000, terms(fee=3.0), [600 - 100.3, 0]),
        # a sale of whole shares is rounded up
        ([0.5, 0.0], [600, 0], 4_000, terms(fee=3.0, whole_shares=True), [499, 0]),
        # an amount below its fee buys nothing
        ([0.0003, 0.0], [0, 0], 10_000, terms(fee=3.0), [0, 0]),
        # one too small for a whole share neither
        ([0.0009, 0.0], [0, 0], 10_000, terms(whole_shares=True), [0, 0]),
        # 3 x 0.1 shares of something are not 0.30000000000000004
        ([0.3, 0.0], [0, 0], 10_000, terms(whole_shares=True), [300, 0]),
    ],
)
def test_sizes(
    weights: list[float], shares: list[float], cash: float, of: Terms, expected: list[float]
) -> None:
    assert sized(weights, shares, cash, of) == pytest.approx(expected)


def test_a_holding_is_left_alone_inside_the_band_and_moved_to_the_target_outside() -> None:
    of = terms(fee=3.0, risk_aversion=3.0)
    # equity 10,000, volatility 20 %: 3/2 x 0.04 x d^2 / 10,000 > 3 where d > 707.1
    assert sized([0.5, 0.0], [570, 0], 4_300, of)[0] == 570
    assert sized([0.5, 0.0], [571, 0], 4_290, of)[0] == pytest.approx(571 - 71.3)
    assert sized([0.5, 0.0], [430, 0], 5_700, of)[0] == 430
    assert sized([0.5, 0.0], [429, 0], 5_710, of)[0] == pytest.approx(429 + 70.7)
    # what moves more is adjusted sooner
    assert sized([0.5, 0.0], [570, 0], 4_300, of, yearly=0.4)[0] == pytest.approx(570 - 70.3)


def test_the_exchange_widens_the_band_of_foreign_shares() -> None:
    of = terms(fee=3.0, fx_spread_bp=70, risk_aversion=3.0)
    assert sized([0.0, 0.5], [0, 120], 4_000, of)[1] == 120
    assert sized([0.0, 0.5], [0, 120], 4_000, terms(fee=3.0, risk_aversion=3.0))[1] < 101


def test_purchases_are_cut_where_others_were_left_alone() -> None:
    of = terms(fee=3.0, risk_aversion=3.0)
    # the first stays 500 above its target, so only 4,500 are there for the 5,000 of the second
    assert sized([0.5, 0.5], [550, 0], 4_500, of) == pytest.approx([550, 4497 / 50])


def test_what_has_no_price_is_neither_bought_nor_sold() -> None:
    found = wanted_shares(
        np.array([[0.0, 0.5]]),
        np.array([[5.0, 5.0]]),
        np.array([0.0, 50.0]),
        np.array([[10_000.0]]),
        np.array([[9_750.0]]),
        np.array([0.2, 0.2]),
        conditions([FREE], FOREIGN),
    )
    assert found.tolist() == [[5.0, 100.0]]


def test_sales_pay_for_purchases() -> None:
    on = conditions([terms(fee=3.0)], FOREIGN)
    found = affordable(
        np.array([[0.0, 200.0]]), np.array([[500.0, 0.0]]), PRICE, np.array([[100.0]]), on
    )
    # 100 + 5,000 - 3 - 3 = 5,094
    assert found[0].tolist() == pytest.approx([0.0, 5094 / 50])


@given(
    st.lists(st.floats(0, 1000), min_size=4, max_size=4),
    st.floats(0, 20_000),
    st.booleans(),
    st.sampled_from([0.0, 3.0]),
)
def test_the_bill_is_never_more_than_there_is(
    numbers: list[float], cash: float, whole: bool, fee: float
) -> None:
    of = Terms(fee=fee, whole_shares=whole)
    on = conditions([of], FOREIGN)
    shares = np.floor(np.array([numbers[:2]]))
    found = affordable(np.array([numbers[2:]]), shares, PRICE, np.array([[cash]]), on)
    change = found - shares
    costs = on.fee * (change != 0) + np.abs(change) * PRICE * on.proportional
    assert cash - float((change * PRICE + costs).sum()) > -1e-7
    assert (found >= 0).all()
    wanted = np.array([numbers[2:]])
    assert ((change <= 0) | (found <= wanted + 1e-6)).all()
