"""From when an account is kept, and the orders that are open after each close."""

from dataclasses import replace

import pandas as pd
import pytest

from parakeet_dagster.sessions import calendar
from parakeet_dagster_tests.strategy.portfolio.markets import market, targets
from strategy.allocation.equal_weight import EqualWeight
from strategy.allocation.inverse_volatility import InverseVolatility
from strategy.portfolio.simulation import Account
from strategy.portfolio.terms import FREE, Terms
from strategy.portfolio.tracking import account_start, decisions, open_orders, track
from strategy.signals.always_on import AlwaysOn
from strategy.strategy import Strategy

EVERY = calendar()


def strategy(lookback: int, rebalance: str = "monthly") -> Strategy:
    weigh = EqualWeight() if lookback == 1 else InverseVolatility(lookback=lookback)
    return Strategy(description="", signal=AlwaysOn(), allocation=weigh, rebalance=rebalance)


def span(first: str, last: str) -> pd.DatetimeIndex:
    return EVERY[(first <= EVERY) & (last >= EVERY)]


@pytest.mark.parametrize(
    ("lookback", "rebalance", "history", "allocated", "expected"),
    [
        # without a look-back the first stored target counts, if it was decided on what is stored
        (1, "daily", "2022-03-15", "2022-03-15", "2022-03-15"),
        (1, "monthly", "2022-03-01", "2022-03-01", "2022-03-01"),
        (1, "monthly", "2022-03-15", "2022-03-15", "2022-04-01"),
        # twenty returns from 1 March on end on the 29th; the next rebalance is in April
        (20, "monthly", "2022-03-01", "2022-03-01", "2022-04-01"),
        (20, "daily", "2022-03-01", "2022-03-01", "2022-03-29"),
        # switched on later, within a month whose decision had all it needs
        (20, "monthly", "2022-01-03", "2022-03-15", "2022-03-15"),
        (80, "monthly", "2022-03-01", "2022-03-01", None),
    ],
)
def test_an_account_starts_with_the_first_decision_on_a_complete_history(
    lookback: int, rebalance: str, history: str, allocated: str, expected: str | None
) -> None:
    last = "2022-05-31"
    found = account_start(
        strategy(lookback, rebalance), span(history, last), span(allocated, last), EVERY
    )
    assert found == (None if expected is None else pd.Timestamp(expected))


def test_no_target_is_no_start() -> None:
    assert account_start(strategy(1), span("2022-03-01", "2022-03-31"), EVERY[:0], EVERY) is None


def test_an_account_acts_on_decisions_and_on_the_target_it_starts_with() -> None:
    days = span("2022-03-30", "2022-04-04")
    whole = targets(days, {row: {"SPY": 1.0} for row in range(len(days))})
    whole["rebalance"] = whole["date"] == pd.Timestamp("2022-04-01")
    found = decisions(whole, days[0])
    assert found["date"].dt.strftime("%m-%d").unique().tolist() == ["03-30", "04-01"]
    assert list(found.columns) == ["date", "ticker", "weight"]
    assert decisions(whole, None).empty


def test_until_it_starts_an_account_is_its_capital_and_has_no_orders() -> None:
    of = market({"SPY": [100.0] * 4})
    account = Account("one", targets(of.sessions, {2: {"SPY": 0.5}}), FREE)
    decided = pd.Series(of.sessions, index=of.sessions)
    found = track(account, of, of.sessions, of.sessions[2], decided)
    assert found.positions["ticker"].tolist() == ["CASH", "CASH", "CASH", "SPY", "CASH", "SPY"]
    assert found.positions["value_aud"].tolist()[:2] == [100_000.0, 100_000.0]
    (order,) = found.orders.to_dict("records")
    assert (order["date"], order["ticker"], order["side"]) == (of.sessions[2], "SPY", "buy")
    assert order["quantity"] == pytest.approx(500)
    junk = replace(account, start=found.positions)
    pd.testing.assert_frame_equal(
        track(junk, of, of.sessions, of.sessions[2], decided).positions, found.positions
    )
    never = track(account, of, of.sessions[:2], None, decided)
    assert never.positions["quantity"].tolist() == [100_000.0, 100_000.0]
    assert never.orders.empty


def test_an_order_tells_its_price_its_cost_and_what_it_does() -> None:
    of = market({"SPY": [100.0, 100.0, 100.0], "VAS.AX": [10.0, 10.0, 10.0]}, usd=1.5,
                untraded=[("SPY", 1)])  # fmt: skip
    terms = Terms(**{**FREE.model_dump(), "fee": 3.0, "fx_spread_bp": 70.0, "slippage_bp": 5.0})
    plan = targets(of.sessions, {0: {"SPY": 0.3, "VAS.AX": 0.5}, 2: {"VAS.AX": 0.2}})
    first = of.sessions[0]
    decided = pd.Series([first, first, of.sessions[2]], index=of.sessions)
    orders = track(Account("one", plan, terms), of, of.sessions, first, decided).orders
    by_day = {day: rows.set_index("ticker") for day, rows in orders.groupby("date")}
    spy = by_day[first].loc["SPY"]
    assert spy["quantity"] == pytest.approx(29_997 / (150 * 1.0075))
    assert spy["price_estimate_aud"] == 150.0
    assert spy["cost_estimate_aud"] == pytest.approx(3 + spy["quantity"] * 150 * 0.0075)
    assert spy["reason"] == "enter: 0 to 29.8%"
    assert by_day[first].loc["VAS.AX", "cost_estimate_aud"] == pytest.approx(3 + 24.986, abs=0.01)
    # New York was closed: the order of SPY waits
    assert by_day[of.sessions[1]].index.tolist() == ["SPY"]
    assert by_day[of.sessions[1]].loc["SPY", "reason"].endswith("; open since 2024-01-01")
    sold = by_day[of.sessions[2]]
    assert sold["side"].to_dict() == {"SPY": "sell", "VAS.AX": "sell"}
    assert sold.loc["SPY", "reason"] == "leave: 29.8% to 0"
    assert sold.loc["VAS.AX", "reason"] == "adjust: 50.1% to 20.0%"


def test_nothing_to_do_is_an_empty_frame_of_the_same_types() -> None:
    of = market({"SPY": [100.0]})
    positions = track(
        Account("one", targets(of.sessions, {0: {}}), FREE), of, of.sessions, of.sessions[0],
        pd.Series(of.sessions, index=of.sessions),
    ).positions  # fmt: skip
    none = open_orders(positions, pd.Series(of.sessions, index=of.sessions), of, FREE)
    assert none.empty
    assert none["quantity"].dtype == "float64"
