"""Books that were kept by hand."""

import math

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.markets import account, market, targets
from strategy.errors import StrategyError
from strategy.portfolio.book import Book
from strategy.portfolio.market import Market
from strategy.portfolio.simulation import DELISTED_AFTER, Account, simulate
from strategy.portfolio.terms import FREE, Terms


def keep(of: Market, plan: dict[int, dict[str, float]], terms: Terms = FREE) -> Book:
    return simulate(of, [account(of.sessions, plan, terms)], of.sessions[0])["one"]


def free(**terms: object) -> Terms:
    return Terms(**{**FREE.model_dump(), **terms})


def held(book: Book, ticker: str) -> list[float]:
    rows = book.positions[book.positions["ticker"] == ticker].set_index("date")["quantity"]
    return rows.reindex(book.sessions, fill_value=0.0).tolist()


def test_what_is_decided_at_a_close_is_bought_at_the_next() -> None:
    of = market({"VAS.AX": [10.0, 20.0, 40.0]})
    book = keep(of, {0: {"VAS.AX": 1.0}}, free(capital=1000.0))
    # 100 shares are ordered at 10; at 20 the money is enough for 50 only
    assert held(book, "VAS.AX") == pytest.approx([0, 50, 50])
    assert book.daily["equity"].tolist() == pytest.approx([1000, 1000, 2000])
    assert book.daily["cash"].tolist() == pytest.approx([1000, 0, 0], abs=1e-8)


def test_positions_drift_until_the_next_decision() -> None:
    of = market({"A.AX": [10.0, 10.0, 20.0, 20.0], "B.AX": [5.0, 5.0, 5.0, 5.0]})
    book = keep(
        of, {0: {"A.AX": 0.5, "B.AX": 0.5}, 2: {"A.AX": 0.5, "B.AX": 0.5}}, free(capital=1000.0)
    )
    # 50 A and 100 B; A doubles: 1000 + 500 = 1500, so 750 each at the prices of row 2
    assert held(book, "A.AX") == pytest.approx([0, 50, 50, 37.5])
    assert held(book, "B.AX") == pytest.approx([0, 100, 100, 150])
    assert book.daily["equity"].tolist() == pytest.approx([1000, 1000, 1500, 1500])


def test_every_cost_of_a_us_trade_to_the_cent() -> None:
    of = market({"SPY": [100.0, 100.0, 110.0, 110.0]}, usd=[1.5, 1.5, 1.5, 1.5])
    terms = free(capital=100_000.0, fee=3.0, fx_spread_bp=70.0, slippage_bp=5.0, whole_shares=True)
    book = keep(of, {0: {"SPY": 0.5}, 2: {}}, terms)
    # (50000 - 3) / (150 x 1.0075) = 330.83 shares: 330, worth 49,500
    first, second = book.fills.to_dict("records")
    assert first["quantity"] == 330
    assert first["fee_aud"] == 3.0
    assert first["slippage_aud"] == pytest.approx(24.75)
    assert first["fx_cost_aud"] == pytest.approx(346.50)
    assert first["cash_aud"] == pytest.approx(-(49_500 + 3 + 24.75 + 346.50))
    # all of it sold at 110 x 1.5 = 165: 54,450, of which 5 and 70 basis points and 3 are lost
    assert second["quantity"] == -330
    assert second["cash_aud"] == pytest.approx(54_450 - 3 - 27.225 - 381.15)
    assert book.daily["cash"].iloc[-1] == pytest.approx(100_000 - 49_874.25 + 54_038.625)
    assert book.daily["equity"].iloc[-1] == book.daily["cash"].iloc[-1]
    assert book.daily["traded"].tolist() == pytest.approx([0, 49_500, 0, 54_450])
    assert book.daily["fees"].tolist() == [0, 3, 0, 3]


def test_an_australian_trade_pays_no_exchange() -> None:
    of = market({"VAS.AX": [100.0, 100.0]}, usd=1.5)
    book = keep(of, {0: {"VAS.AX": 0.5}}, free(fee=3.0, fx_spread_bp=70.0, slippage_bp=0.0))
    # an order pays for itself: 50,000 leave, 3 of them for the fee
    assert held(book, "VAS.AX")[-1] == pytest.approx(499.97)
    assert book.daily["cash"].iloc[-1] == pytest.approx(50_000)
    assert book.daily["fx_costs"].sum() == 0


def test_a_sale_raises_what_is_above_the_target_after_its_costs() -> None:
    of = market({"VAS.AX": [100.0, 100.0, 100.0, 100.0]})
    terms = free(fee=3.0, slippage_bp=10.0)
    book = keep(of, {0: {"VAS.AX": 0.5}, 2: {"VAS.AX": 0.25}}, terms)
    # held: (50,000 - 3) / 100.1; equity after that purchase is 99,997 - 49.9471
    bought = 49_997 / 100.1
    equity = 100_000 - 3 - bought * 0.1
    sold = (bought * 100 - equity / 4 + 3) / 99.9
    assert held(book, "VAS.AX")[-1] == pytest.approx(bought - sold)
    assert book.daily["cash"].iloc[-1] == pytest.approx(50_000 + bought * 100 - equity / 4)


def test_the_asx_is_filled_at_its_close_where_the_us_is_at_its_open() -> None:
    closes = {"SPY": [100.0, 120.0], "VAS.AX": [100.0, 120.0]}
    of = market(closes, opens={"SPY": [100.0, 110.0], "VAS.AX": [100.0, 110.0]})
    book = keep(of, {0: {"SPY": 0.25, "VAS.AX": 0.25}}, free(fill="open"))
    assert book.fills.set_index("ticker")["price"].to_dict() == pytest.approx(
        {"SPY": 110.0, "VAS.AX": 120.0}
    )
    # 250 shares of each
    assert book.daily["equity"].iloc[-1] == pytest.approx(100_000 + 250 * 10)


def test_an_order_waits_for_its_own_market() -> None:
    of = market({"SPY": [100.0, 100.0, 50.0], "VAS.AX": [100.0, 80.0, 80.0]}, untraded=[("SPY", 1)])
    book = keep(of, {0: {"SPY": 0.5, "VAS.AX": 0.4}})
    assert held(book, "VAS.AX") == pytest.approx([0, 400, 400])
    assert held(book, "SPY") == pytest.approx([0, 0, 500])
    assert book.fills["price"].tolist() == [80.0, 50.0]
    wanted = book.positions[book.positions["ticker"] == "SPY"].set_index("date")["wanted"]
    assert wanted.tolist() == pytest.approx([500, 500, 500])


def test_a_new_decision_replaces_orders_that_are_still_open() -> None:
    of = market({"SPY": [100.0] * 4}, untraded=[("SPY", 1), ("SPY", 2)])
    book = keep(of, {0: {"SPY": 0.5}, 2: {"SPY": 0.1}})
    assert held(book, "SPY") == pytest.approx([0, 0, 0, 100])


def test_a_dividend_is_received_on_the_ex_date_by_who_held_it_the_day_before() -> None:
    of = market(
        {"SPY": [100.0, 100.0, 100.0, 100.0]}, dividends={("SPY", 1): 2.0, ("SPY", 2): 2.0}, usd=1.5
    )
    book = keep(of, {0: {"SPY": 0.15}}, free(withholding=0.15, fx_spread_bp=100.0))
    shares = 15_000 / 151.5  # the spread of one per cent is paid in buying
    assert held(book, "SPY")[1] == pytest.approx(shares)
    (dividend,) = book.income.to_dict("records")
    assert dividend["date"] == of.sessions[2]
    assert dividend["gross_aud"] == pytest.approx(shares * 3)
    assert dividend["withheld_aud"] == pytest.approx(shares * 0.45)
    assert dividend["fx_cost_aud"] == pytest.approx(shares * 2.55 * 0.01)
    assert book.daily["cash"].iloc[2] == pytest.approx(85_000 + shares * 2.55 * 0.99)
    assert book.daily["dividends"].tolist() == pytest.approx([0, 0, shares * 3, 0])


def test_australian_dividends_are_whole() -> None:
    of = market({"VAS.AX": [100.0] * 3}, dividends={("VAS.AX", 2): 1.0})
    book = keep(of, {0: {"VAS.AX": 0.5}}, free(withholding=0.15, fx_spread_bp=100.0))
    assert book.daily["cash"].iloc[2] == pytest.approx(50_500)


def test_a_split_changes_shares_and_not_value() -> None:
    of = market({"SPY": [100.0, 100.0, 25.0, 25.0]}, splits={("SPY", 2): 4.0})
    book = keep(of, {0: {"SPY": 0.5}})
    assert held(book, "SPY") == pytest.approx([0, 500, 2000, 2000])
    assert book.daily["equity"].tolist() == pytest.approx([100_000] * 4)
    assert book.fills["reason"].tolist() == ["order"]


def test_a_split_and_a_dividend_of_one_day_are_of_the_shares_before_it() -> None:
    of = market(
        {"SPY": [100.0, 100.0, 25.0]}, splits={("SPY", 2): 4.0}, dividends={("SPY", 2): 8.0}
    )
    book = keep(of, {0: {"SPY": 0.5}})
    assert book.daily["cash"].iloc[-1] == pytest.approx(50_000 + 500 * 8)


def test_a_fraction_of_a_share_is_paid_out_where_only_whole_ones_can_be_held() -> None:
    of = market({"SPY": [100.0, 100.0, 1000.0]}, splits={("SPY", 2): 0.1}, usd=2.0)
    book = keep(of, {0: {"SPY": 0.5}}, free(capital=40_200.0, whole_shares=True))
    # 20,100 / 200 = 100.5: 100 shares become 10; with 105 shares half a share is left
    assert held(book, "SPY") == [0, 100, 10]
    other = keep(of, {0: {"SPY": 0.5}}, free(capital=42_000.0, whole_shares=True))
    assert held(other, "SPY") == [0, 105, 10]
    last = other.fills.iloc[-1]
    assert (last["quantity"], last["reason"]) == (pytest.approx(-0.5), "cash in lieu")
    assert last["cash_aud"] == pytest.approx(0.5 * 1000 * 2)
    assert last["fee_aud"] == 0
    assert other.daily["equity"].tolist() == pytest.approx([42_000.0] * 3)


def test_an_open_order_is_split_too() -> None:
    of = market({"SPY": [100.0, 100.0, 25.0]}, untraded=[("SPY", 1)], splits={("SPY", 2): 4.0})
    book = keep(of, {0: {"SPY": 0.5}})
    assert held(book, "SPY") == pytest.approx([0, 0, 2000])


def test_cash_earns_interest_for_every_day() -> None:
    of = market({"SPY": [100.0] * 6})  # Monday to Monday
    book = keep(of, {}, free(cash_rate=0.0365))
    a_day = 1e-4
    friday = 100_000 * (1 + a_day) ** 4
    assert book.daily["cash"].tolist()[:2] == pytest.approx([100_000, 100_010])
    assert book.daily["cash"].iloc[-1] == pytest.approx(friday * (1 + 3 * a_day))
    assert book.daily["interest"].iloc[-1] == pytest.approx(friday * 3 * a_day)


def test_what_is_gone_is_paid_out_at_its_last_close() -> None:
    of = market({"GONE": [100.0, 100.0, 80.0, math.nan, math.nan], "SPY": [1.0] * 5}, usd=2.0)
    book = keep(of, {0: {"GONE": 0.5}}, free(delisting_return=-0.3, fee=3.0))
    shares = held(book, "GONE")[1]
    assert held(book, "GONE") == pytest.approx([0, shares, shares, 0, 0])
    last = book.fills.iloc[-1]
    assert last["reason"] == "delisted"
    assert last["price"] == pytest.approx(56.0)
    assert last["cash_aud"] == pytest.approx(shares * 80 * 0.7 * 2)
    assert last["fee_aud"] == 0
    assert book.daily["equity"].iloc[-1] == pytest.approx(50_000 + shares * 112)


def test_what_has_not_traded_for_long_is_paid_out() -> None:
    count = DELISTED_AFTER + 4
    halted = [("SPY", row) for row in range(2, count)]
    of = market({"SPY": [100.0] * count, "VAS.AX": [1.0] * count}, untraded=halted)
    book = keep(of, {0: {"SPY": 0.5}})
    quantities = held(book, "SPY")
    assert quantities[DELISTED_AFTER] == pytest.approx(500)
    assert quantities[DELISTED_AFTER + 1] == 0
    assert book.fills["reason"].tolist() == ["order", "delisted"]


def test_a_sale_that_costs_more_than_it_brings_is_not_made() -> None:
    of = market({"SPY": [100.0, 100.0, 0.005, 0.005]})
    book = keep(of, {0: {"SPY": 0.5}, 2: {}}, free(fee=3.0))
    # 499.97 shares at half a cent are worth 2.50
    assert held(book, "SPY")[-1] == pytest.approx(499.97)


def test_nobody_borrows() -> None:
    of = market({"A.AX": [10.0, 12.0, 12.0], "B.AX": [10.0, 12.0, 12.0]})
    book = keep(of, {0: {"A.AX": 0.75, "B.AX": 0.25}}, free(capital=1000.0, fee=3.0))
    # ordered: 74.7 and 24.7 shares at 10; at 12 they and the fees cost 1,198.8: what is left for
    # shares is 994, in the proportion of the orders
    part = 994 / ((74.7 + 24.7) * 12)
    assert held(book, "A.AX")[-1] == pytest.approx(74.7 * part)
    assert held(book, "B.AX")[-1] == pytest.approx(24.7 * part)
    assert book.daily["cash"].iloc[1] == pytest.approx(0, abs=1e-6)
    wanted = book.positions[book.positions["ticker"] == "A.AX"]
    assert (wanted["wanted"].iloc[1:] == wanted["quantity"].iloc[1:]).all()


def test_the_band_knows_nothing_of_the_next_return() -> None:
    """At rest since the purchase, a holding is left alone, whatever it does on the next day."""
    still = [100.0 + 0.01 * (row % 2) for row in range(40)]
    of = market({"VAS.AX": [*still, 200.0, 200.0]})
    terms = free(fee=3.0, risk_aversion=3.0)
    plan = {0: {"VAS.AX": 0.5}, len(still) - 1: {"VAS.AX": 0.4}}
    book = keep(of, plan, terms)
    assert len(book.fills) == 1
    # the same decision a day later knows of it
    later = keep(of, {0: {"VAS.AX": 0.5}, len(still): {"VAS.AX": 0.4}}, terms)
    assert len(later.fills) == 2


def test_several_accounts_are_kept_as_if_each_were_alone() -> None:
    of = market({"A.AX": [10.0, 11.0, 12.0, 9.0], "SPY": [5.0, 6.0, 7.0, 8.0]}, usd=1.3)
    plans = [{0: {"A.AX": 0.6, "SPY": 0.2}, 2: {"SPY": 0.5}}, {1: {"SPY": 1.0}}]
    terms = [Terms(), Terms(capital=5e4, fill="open", whole_shares=False, fee=10.0)]
    accounts = [
        account(of.sessions, plan, one, name=str(place))
        for place, (plan, one) in enumerate(zip(plans, terms, strict=True))
    ]
    together = simulate(of, accounts, of.sessions[0])
    for one in accounts:
        alone = simulate(of, [one], of.sessions[0])[one.name]
        pd.testing.assert_frame_equal(together[one.name].daily, alone.daily, check_exact=True)
        pd.testing.assert_frame_equal(
            together[one.name].positions, alone.positions, check_exact=True
        )
        pd.testing.assert_frame_equal(together[one.name].fills, alone.fills, check_exact=True)


def test_a_book_goes_on_only_from_the_session_before() -> None:
    of = market({"SPY": [100.0] * 4})
    book = keep(of, {0: {"SPY": 0.5}})
    start = book.positions[book.positions["date"] == of.sessions[1]]
    one = Account("one", targets(of.sessions, {0: {}}), FREE, start)
    with pytest.raises(
        StrategyError, match=r"its book is of 2024-01-02 and cannot go on at 2024-01-04"
    ):
        simulate(of, [one], of.sessions[3])


def test_a_target_without_a_price_is_an_error() -> None:
    of = market({"SPY": [100.0] * 2})
    with pytest.raises(
        StrategyError, match=r"the target of 2024-01-01 has QQQ, of which the market has no price"
    ):
        keep(of, {0: {"QQQ": 0.5}})


def test_a_holding_without_a_price_is_an_error() -> None:
    of = market({"SPY": [100.0] * 3, "QQQ": [1.0] * 3})
    book = keep(of, {0: {"QQQ": 0.5}})
    start = book.positions[book.positions["date"] == of.sessions[1]]
    less = market({"SPY": [100.0] * 3})
    with pytest.raises(StrategyError, match=r"one: it holds QQQ, of which the market has no price"):
        simulate(less, [account(less.sessions, {0: {}}, FREE, start)], less.sessions[2])


def test_nothing_happens_without_targets() -> None:
    of = market({"SPY": [100.0, 200.0]})
    book = keep(of, {})
    assert book.daily["equity"].tolist() == [100_000.0, 100_000.0]
    assert book.fills.empty
    assert book.income.empty
    assert book.positions["ticker"].tolist() == ["CASH", "CASH"]
    assert book.fills["quantity"].dtype == "float64"
