"""Tax by financial year, by hand: a resident at 40 %."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.books import days, fills, income, interest, splits
from strategy.errors import StrategyError
from strategy.portfolio.tax import TaxResult, liquidated, tax_years, unrealised

RATE = 0.4
NONE = interest()


def taxed(
    *trades: tuple[object, ...],
    received: pd.DataFrame | None = None,
    earned: pd.Series | None = None,
    choice: str = "fifo",
) -> TaxResult:
    return tax_years(
        fills(*trades),
        splits(),
        income() if received is None else received,
        NONE if earned is None else earned,
        RATE,
        choice,
    )


def test_a_gain_within_a_year_is_taxed_whole() -> None:
    found = taxed(
        ("2021-08-02", "BHP.AX", 100, 40.0), ("2022-02-01", "BHP.AX", -100, 50.0)
    ).years.loc["2021-22"]
    assert found["gains_other"] == 1000
    assert found["net_capital_gain"] == 1000
    assert found["tax"] == pytest.approx(400)


@pytest.mark.parametrize(
    ("sold", "tax"),
    [("2022-08-02", 400.0), ("2022-08-03", 200.0)],
)
def test_a_gain_after_twelve_months_is_halved_and_neither_day_counts(sold: str, tax: float) -> None:
    found = taxed(("2021-08-02", "BHP.AX", 100, 40.0), (sold, "BHP.AX", -100, 50.0))
    assert found.years["tax"].tolist() == pytest.approx([0, tax])
    assert found.years.index.tolist() == ["2021-22", "2022-23"]


def test_costs_of_both_trades_reduce_the_gain() -> None:
    found = taxed(
        ("2021-08-02", "BHP.AX", 100, 40.0, 1.0, 3.0),
        ("2022-02-01", "BHP.AX", -100, 50.0, 1.0, 3.0),
    )
    assert found.years.loc["2021-22", "net_capital_gain"] == pytest.approx(994)


def test_each_leg_is_converted_at_its_own_date() -> None:
    found = taxed(("2021-08-02", "SPY", 10, 400.0, 1.30), ("2022-02-01", "SPY", -10, 400.0, 1.50))
    (disposal,) = found.disposals.to_dict("records")
    assert disposal["cost_base_aud"] == pytest.approx(5200)
    assert disposal["proceeds_aud"] == pytest.approx(6000)
    assert found.years.loc["2021-22", "tax"] == pytest.approx(320)


def test_losses_come_before_the_discount_and_first_off_gains_without_one() -> None:
    found = taxed(
        ("2020-08-03", "OLD.AX", 100, 10.0),
        ("2021-09-01", "NEW.AX", 100, 10.0),
        ("2021-09-01", "BAD.AX", 100, 10.0),
        ("2022-03-01", "OLD.AX", -100, 20.0),  # 1,000, with the discount
        ("2022-03-01", "NEW.AX", -100, 13.0),  # 300, without
        ("2022-03-01", "BAD.AX", -100, 5.0),  # a loss of 500
    ).years.loc["2021-22"]
    assert found[["gains_discountable", "gains_other", "losses"]].tolist() == [1000, 300, 500]
    # 500 off 300 leaves 200, which come off 1,000 before it is halved
    assert found["losses_applied"] == 500
    assert found["discount"] == 400
    assert found["net_capital_gain"] == 400
    assert found["tax"] == pytest.approx(160)


def test_a_loss_is_carried_to_later_years_and_never_reduces_income() -> None:
    found = taxed(
        ("2020-08-03", "BAD.AX", 100, 10.0),
        ("2020-08-03", "OLD.AX", 100, 10.0),
        ("2021-03-01", "BAD.AX", -100, 2.0),  # a loss of 800 in 2020-21
        ("2022-09-01", "OLD.AX", -100, 30.0),  # 2,000 with the discount in 2022-23
        received=income(("2021-04-01", 100.0, 0.0)),
    ).years
    assert found["losses_carried"].tolist() == [800, 800, 0]
    assert found.loc["2020-21", "tax"] == pytest.approx(40)  # of the dividend
    assert found.loc["2022-23", "losses_applied"] == 800
    assert found.loc["2022-23", "net_capital_gain"] == 600
    assert found["tax"].tolist() == pytest.approx([40, 0, 240])


def test_the_last_of_june_and_the_first_of_july_are_two_years() -> None:
    trades = [("2021-08-02", "BHP.AX", 100, 40.0)]
    june = taxed(*trades, ("2022-06-30", "BHP.AX", -100, 50.0)).years["tax"]
    july = taxed(*trades, ("2022-07-01", "BHP.AX", -100, 50.0)).years["tax"]
    assert june.to_dict() == {"2021-22": pytest.approx(400)}
    assert july.to_dict() == {"2021-22": 0, "2022-23": pytest.approx(400)}


def test_dividends_are_income_and_tax_withheld_is_credited() -> None:
    found = taxed(received=income(("2021-09-15", 1000.0, 150.0), ("2021-12-15", 500.0, 0.0)))
    year = found.years.loc["2021-22"]
    assert year[["dividends", "foreign_dividends", "withheld"]].tolist() == [1500, 1000, 150]
    # 40 % of 1,500 less 150
    assert year["offset"] == 150
    assert year["tax"] == pytest.approx(450)


def test_the_credit_is_at_most_the_tax() -> None:
    found = tax_years(
        fills(), splits(), income(("2021-09-15", 1000.0, 150.0)), NONE, 0.1, "fifo"
    ).years.loc["2021-22"]
    assert found["offset"] == 100
    assert found["tax"] == 0


def test_a_large_credit_is_at_most_the_tax_on_the_foreign_income() -> None:
    # 15 % of 20,000 withheld; at 10 % they bear 2,000; other income bears tax of its own
    found = tax_years(
        fills(),
        splits(),
        income(("2021-09-15", 20_000.0, 3000.0), ("2021-09-15", 50_000.0, 0.0)),
        NONE,
        0.1,
        "fifo",
    ).years.loc["2021-22"]
    assert found["offset"] == 2000
    assert found["tax"] == pytest.approx(5000)


def test_interest_is_income_and_less_than_none_is_no_deduction() -> None:
    earned = interest(("2021-08-02", 60.0), ("2022-01-03", 40.0), ("2022-08-01", -30.0))
    found = taxed(earned=earned).years
    assert found["interest"].tolist() == [100, -30]
    assert found["tax"].tolist() == pytest.approx([40, 0])


def test_interest_below_zero_does_not_reduce_dividends() -> None:
    found = taxed(
        received=income(("2021-09-15", 1000.0, 0.0)), earned=interest(("2021-08-02", -30.0))
    ).years.loc["2021-22"]
    assert found["taxable_income"] == 1000
    assert found["tax"] == pytest.approx(400)


@pytest.mark.parametrize(("withheld", "offset"), [(900.0, 900.0), (1100.0, 1000.0)])
def test_a_thousand_dollars_withheld_count_whatever_the_limit(
    withheld: float, offset: float
) -> None:
    # at 10 % the foreign 4,000 bear 400, and all of it 1,200
    found = tax_years(
        fills(),
        splits(),
        income(("2021-09-15", 4000.0, withheld), ("2021-09-15", 8000.0, 0.0)),
        NONE,
        0.1,
        "fifo",
    ).years.loc["2021-22"]
    assert found["offset"] == offset
    assert found["tax"] == pytest.approx(1200 - offset)


def test_tax_withheld_before_july_2008_is_said_to_follow_other_rules() -> None:
    last = taxed(received=income(("2008-06-30", 100.0, 15.0)))
    first = taxed(received=income(("2008-06-30", 100.0, 0.0), ("2008-07-01", 100.0, 15.0)))
    assert any("before 1 July 2008" in note for note in last.notes)
    assert not any("before 1 July 2008" in note for note in first.notes)


def test_franking_is_said_to_be_ignored_and_later_events_to_be_uncertain() -> None:
    before = taxed(("2026-08-03", "BHP.AX", 1, 40.0), ("2027-06-30", "BHP.AX", -1, 50.0))
    after = taxed(("2026-08-03", "BHP.AX", 1, 40.0), ("2027-08-04", "BHP.AX", -1, 50.0))
    assert any("Franking credits are ignored" in note for note in before.notes)
    assert not any("1 July 2027" in note for note in before.notes)
    assert any("1 July 2027" in note and "uncertain" in note for note in after.notes)
    assert any("not advice" in note for note in after.notes)


def test_the_choice_of_parcels_moves_the_tax() -> None:
    trades = [
        ("2020-08-03", "A.AX", 100, 10.0),
        ("2021-09-01", "A.AX", 100, 19.0),
        ("2022-03-01", "A.AX", -100, 20.0),
    ]
    # fifo: 1,000 halved; highest cost, and so least tax: 100 whole
    tax = {
        choice: taxed(*trades, choice=choice).years["tax"].sum()
        for choice in ("fifo", "highest_cost", "min_tax")
    }
    assert tax == pytest.approx({"fifo": 200, "highest_cost": 40, "min_tax": 40})
    trades[1] = ("2021-09-01", "A.AX", 100, 12.0)
    # 800 whole against 1,000 halved: the highest cost is not the least tax
    tax = {
        choice: taxed(*trades, choice=choice).years["tax"].sum()
        for choice in ("fifo", "highest_cost", "min_tax")
    }
    assert tax == pytest.approx({"fifo": 200, "highest_cost": 320, "min_tax": 200})


def test_what_selling_everything_would_add() -> None:
    found = taxed(("2021-08-02", "A.AX", 100, 10.0), ("2022-02-01", "B.AX", 10, 10.0))
    prices, day = pd.Series({"A.AX": 15.0, "B.AX": 4.0}), pd.Timestamp("2022-09-01")
    gains = unrealised(found.parcels, prices, day).set_index("ticker")
    assert gains["gain_aud"].to_dict() == {"A.AX": 500, "B.AX": -60}
    assert gains["discountable"].to_dict() == {"A.AX": True, "B.AX": False}
    sold = liquidated(found, prices, day)
    # (500 - 60) / 2 at 40 %
    assert sold.years.loc["2022-23", "tax"] == pytest.approx(88)
    assert sold.parcels.empty
    with pytest.raises(StrategyError, match=r"B.AX is held but has no price on 2022-09-01"):
        unrealised(found.parcels, prices.drop("B.AX"), day)


def test_who_holds_nothing_owes_no_more() -> None:
    """An account that was in cash at the end had no report: the empty column became text."""
    found = taxed(("2021-08-02", "A.AX", 100, 10.0), ("2022-02-01", "A.AX", -100, 12.0))
    sold = liquidated(found, pd.Series({"CASH": 1.0}), pd.Timestamp("2022-03-01"))
    assert sold.years["tax"].tolist() == found.years["tax"].tolist()


trades = st.lists(
    st.tuples(
        st.integers(0, 1400), st.sampled_from(["A.AX", "B"]), st.floats(1, 50), st.booleans()
    ),
    min_size=1,
    max_size=20,
)


@given(trades, st.sampled_from(["fifo", "highest_cost", "min_tax"]), st.floats(0, 0.6))
def test_what_always_holds(
    drawn: list[tuple[int, str, float, bool]], choice: str, rate: float
) -> None:
    start = days(["2019-07-01"])[0]
    rows, held = [], {"A.AX": 0.0, "B": 0.0}
    for day, ticker, price, sells in sorted(drawn):
        quantity = -held[ticker] if sells else 10.0
        if quantity:
            held[ticker] += quantity
            rows.append((start + pd.Timedelta(days=day), ticker, quantity, price))
    if not rows:
        return
    received = income(("2020-03-02", 300.0, 45.0), ("2022-03-02", 30.0, 4.5))
    found = tax_years(fills(*rows), splits(), received, NONE, rate, choice)
    years = found.years
    assert (years["tax"] >= 0).all()
    gains = years["gains_discountable"] + years["gains_other"]
    net = found.disposals["gain_aud"].sum()
    assert gains.sum() - years["losses"].sum() == pytest.approx(net, abs=1e-6)
    assert years["losses"].sum() == pytest.approx(
        years["losses_applied"].sum() + years["losses_carried"].iloc[-1], abs=1e-6
    )
    assert (years["net_capital_gain"] >= -1e-9).all()
    assert (years["discount"] <= years["gains_discountable"] / 2 + 1e-9).all()
