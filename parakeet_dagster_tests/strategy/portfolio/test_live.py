"""What is left of a decision, for a person who trades: by hand."""

import math

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.portfolio.markets import market
from strategy.portfolio.holdings import Held
from strategy.portfolio.live import what_is_left
from strategy.portfolio.market import Market
from strategy.portfolio.terms import FREE, Terms

NONE = Held(pd.Series(dtype="float64"), 10_000.0)


def held(cash: float, **shares: float) -> Held:
    return Held(pd.Series({name.replace("_", "."): count for name, count in shares.items()}), cash)


def left(
    of: Market,
    weights: dict[str, float],
    then: Held,
    now: Held,
    rows: tuple[int, int] = (0, 1),
    terms: Terms = FREE,
) -> dict[str, tuple[float, float]]:
    """Quantity and what is wanted, by ticker."""
    first, last = (of.sessions[row] for row in rows)
    found = what_is_left(of, pd.Series(weights), then, now, first, last, terms)
    assert (found["date"] == last).all()
    return {
        row["ticker"]: (row["quantity"], pytest.approx(row["wanted"]))
        for row in found.to_dict("records")
    }


def test_on_the_day_of_the_decision_it_is_the_whole_decision() -> None:
    of = market({"VAS.AX": [10.0, 20.0]})
    found = left(of, {"VAS.AX": 0.5, "CASH": 0.5}, NONE, NONE, (0, 0))
    assert found == {"VAS.AX": (0.0, 500.0), "CASH": (10_000.0, 10_000.0)}


def test_what_was_traded_since_is_taken_off_and_prices_are_those_of_the_decision() -> None:
    of = market({"VAS.AX": [10.0, 20.0], "VGS.AX": [10.0, 5.0]})
    weights = {"VAS.AX": 0.5, "VGS.AX": 0.5}
    found = left(of, weights, NONE, held(3_600.0, VAS_AX=450.0))
    assert found == {
        "VAS.AX": (450.0, 500.0),
        "VGS.AX": (0.0, 500.0),
        "CASH": (3_600.0, 3_600.0),
    }


def test_what_is_no_longer_wanted_is_sold_until_it_is_gone() -> None:
    of = market({"VAS.AX": [10.0, 20.0]})
    then = held(0.0, VAS_AX=1_000.0)
    assert left(of, {"CASH": 1.0}, then, then)["VAS.AX"] == (1_000.0, 0.0)
    assert left(of, {"CASH": 1.0}, then, held(6_000.0, VAS_AX=400.0))["VAS.AX"] == (400.0, 0.0)
    assert left(of, {"CASH": 1.0}, then, held(20_000.0)) == {"CASH": (20_000.0, 20_000.0)}


def test_a_split_since_splits_what_is_wanted() -> None:
    of = market({"SPY": [100.0, 25.0]}, splits={("SPY", 1): 4.0})
    assert left(of, {"SPY": 0.5}, NONE, NONE)["SPY"] == (0.0, 200.0)
    whole = Terms(**{**FREE.model_dump(), "whole_shares": True})
    odd = market({"SPY": [100.0, 66.0]}, splits={("SPY", 1): 1.5})
    # 50 x 1.5 = 75; 49 x 1.5 = 73.5
    assert left(odd, {"SPY": 0.5}, NONE, NONE, terms=whole)["SPY"] == (0.0, 75.0)
    assert left(odd, {"SPY": 0.49}, NONE, NONE, terms=whole)["SPY"] == (0.0, 73.0)


@pytest.mark.parametrize(
    ("weight", "wanted"),
    [
        (1.0, 49.5),  # all of it, as it was: once half a share was to be sold
        (1 / 3, 16.5),  # 11 of 33 become 16.5
        (0.5, 24.5),  # 16 of 33 become 24, and 25.5 less would be half a share
        (0.0, 0.5),
    ],
)
def test_half_a_share_left_over_by_a_split_is_not_ordered(weight: float, wanted: float) -> None:
    """The broker pays it out; that comes with the next snapshot."""
    whole = Terms(**{**FREE.model_dump(), "whole_shares": True})
    of = market({"SPY": [100.0, 66.0]}, splits={("SPY", 1): 1.5})
    then, now = held(0.0, SPY=33.0), held(0.0, SPY=49.5)
    assert whole.risk_aversion == math.inf
    assert left(of, {"SPY": weight}, then, now, terms=whole)["SPY"] == (49.5, wanted)


@pytest.mark.parametrize(("weight", "wanted"), [(1.0, 11.5), (0.5, 5.5), (0.0, 0.0)])
def test_a_fraction_that_is_held_stays_until_all_is_sold(weight: float, wanted: float) -> None:
    whole = Terms(**{**FREE.model_dump(), "whole_shares": True})
    now = held(870.0, SPY=3.5)
    found = left(market({"SPY": [100.0]}), {"SPY": weight}, now, now, (0, 0), whole)
    # of 1,220 AUD 12 shares, and 6
    assert found["SPY"] == (3.5, wanted)


def test_a_split_on_the_day_of_the_decision_is_in_its_prices() -> None:
    of = market({"SPY": [100.0, 25.0, 25.0]}, splits={("SPY", 1): 4.0})
    assert left(of, {"SPY": 0.5}, NONE, NONE, (1, 2))["SPY"] == (0.0, 200.0)


def test_a_rest_that_is_not_worth_its_fee_is_left() -> None:
    of = market({"VAS.AX": [10.0] * 40})
    of = market({"VAS.AX": [10.0 + 0.2 * (row % 2) for row in range(40)]})
    terms = Terms(**{**FREE.model_dump(), "fee": 3.0, "risk_aversion": 3.0})
    then, now = held(9_000.0, VAS_AX=100.0), held(5_030.0, VAS_AX=485.0)
    assert left(of, {"VAS.AX": 0.5}, then, now, (30, 31), terms)["VAS.AX"] == (485.0, 485.0)
    none = Terms(**{**terms.model_dump(), "risk_aversion": math.inf})
    assert left(of, {"VAS.AX": 0.5}, then, now, (30, 31), none)["VAS.AX"][1] == 499.7


def test_a_debt_buys_nothing() -> None:
    of = market({"VAS.AX": [10.0, 10.0], "VGS.AX": [10.0, 10.0]})
    then = held(-500.0, VAS_AX=1_000.0)
    found = left(of, {"VAS.AX": 0.5, "VGS.AX": 0.5}, then, then, (0, 0))
    # 9,500 in all: 525 of the first go, and what they bring pays the debt first
    assert found["VAS.AX"] == (1_000.0, 475.0)
    assert found["VGS.AX"] == (0.0, 475.0)


def test_what_has_no_price_is_left_out() -> None:
    of = market({"VAS.AX": [10.0, 10.0]})
    found = left(of, {"VAS.AX": 1.0}, held(100.0, XYZ=5.0), held(100.0, XYZ=5.0))
    assert found == {"VAS.AX": (0.0, 10.0), "CASH": (100.0, 100.0)}


def test_what_is_left_is_never_more_than_can_be_paid_for() -> None:
    of = market({"VAS.AX": [10.0, 20.0]})
    assert left(of, {"VAS.AX": 1.0}, NONE, NONE)["VAS.AX"] == (0.0, 500.0)


def test_what_has_left_the_market_is_left_alone() -> None:
    of = market({"A.AX": [10.0, float("nan")], "B.AX": [10.0, 10.0]})
    both = held(5_000.0, A_AX=500.0)
    found = left(of, {"B.AX": 1.0}, both, both)
    assert found["A.AX"] == (500.0, 500.0)
    assert found["B.AX"] == (0.0, 500.0)


def test_an_entry_that_was_filled_in_part_goes_on() -> None:
    """One share of 50 bought: the band, which is for what was held, once gave up the rest."""
    of = market({"VAS.AX": [10.0 + 0.2 * (row % 2) for row in range(40)]})
    terms = Terms(**{**FREE.model_dump(), "fee": 3.0, "risk_aversion": 3.0})
    now = held(9_990.0, VAS_AX=1.0)
    assert left(of, {"VAS.AX": 0.05}, NONE, now, (30, 31), terms)["VAS.AX"] == (1.0, 49.7)
