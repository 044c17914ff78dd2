"""What is said in words."""

import math

import pandas as pd
import pytest

from parakeet_dagster.reports import wording
from parakeet_dagster_tests.reports.sheets import sheet
from strategy.portfolio.terms import FREE, Terms


def chance(probable, tried, deflated):
    return pd.DataFrame(
        {"value": [probable, tried, deflated]},
        index=["probabilistic Sharpe ratio", "strategies tried", "deflated Sharpe ratio"],
    )


def test_period_and_outcome():
    made = sheet(sessions=520, first="2021-01-04")
    assert wording.period(made) == "2021-01-04 to 2022-12-30, 520 sessions"
    before, after = made.curves.iloc[-1][["strategy", "after_tax"]]
    assert wording.outcome(made) == (
        f"A$100,000 became A${before:,.0f}, or A${after:,.0f} after tax"
    )
    assert wording.period(sheet(sessions=1)).endswith(", 1 session")


@pytest.mark.parametrize(
    ("probable", "tried", "deflated", "said", "verdict"),
    [
        (0.972, 24, 0.713, ["97.2%", "24 strategies", "71.3%"], "luck is not ruled out"),
        (0.991, 24, 0.962, ["99.1%", "96.2%"], "luck alone is unlikely"),
        (0.972, 1, 0.972, ["97.2%"], "luck alone is unlikely"),
        (0.5, 24, math.nan, ["50.0%"], "luck is not ruled out"),
        (math.nan, 24, math.nan, [], "too short"),
    ],
)
def test_chance(probable, tried, deflated, said, verdict):
    sentence = wording.chance_sentence(chance(probable, tried, deflated))
    assert all(part in sentence for part in said)
    assert verdict in sentence
    assert ("strategies tried" in sentence) == (len(said) > 1)
    assert "nan" not in sentence


def test_terms_have_units():
    told = dict(wording.terms_in_words(Terms(capital=250_000, cash_rate=0.0435)))
    assert told["Capital"].startswith("A$250,000 ")
    assert told["Fee"].startswith("A$3.00 for every trade")
    assert told["Currency spread"].startswith("70 basis points (0.70%)")
    assert told["Slippage"].startswith("5 basis points (0.05%)")
    assert told["Cash rate"].startswith("4.35% a year")
    assert told["Withholding"].startswith("15.0% of foreign dividends")
    assert told["Shares"] == "Whole shares only."
    assert "close" in told["Fills"]
    assert "risk aversion 3." in told["No-trade band"]
    assert told["Delisting"] == "A holding whose prices end is paid out at its last close."


def test_other_terms():
    told = dict(wording.terms_in_words(FREE))
    assert told["Shares"] == "Fractions of shares too."
    told = dict(
        wording.terms_in_words(Terms(fill="open", delisting_return=-0.3, risk_aversion=math.inf))
    )
    assert "open" in told["Fills"]
    assert told["No-trade band"].startswith("None")
    assert told["Delisting"].endswith("less 30.0%.")
