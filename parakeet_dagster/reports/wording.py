"""What a tear sheet says in words: its period, its terms, and what chance may have done."""

import math

import pandas as pd

from parakeet_dagster.reports.formatting import date, fixed, money, percent
from strategy.portfolio.tear_sheet import TearSheet
from strategy.portfolio.terms import BASIS_POINT, Terms

CONFIDENCE = 0.95
"""What is usually asked for before luck is ruled out."""

TOO_SHORT = "The record is too short, or moves too little, to tell skill from luck."


def period(sheet: TearSheet) -> str:
    """The first and the last session, and how many: "2021-01-04 to 2022-12-28, 520 sessions"."""
    count = fixed(len(sheet.curves), 0)
    sessions = "session" if len(sheet.curves) == 1 else "sessions"
    return f"{date(sheet.first)} to {date(sheet.last)}, {count} {sessions}"


def outcome(sheet: TearSheet) -> str:
    """What the capital became, before and after tax."""
    final = sheet.curves.iloc[-1]
    return (
        f"{money(sheet.terms.capital)} became {money(final['strategy'])},"
        f" or {money(final['after_tax'])} after tax"
    )


def chance_sentence(chance: pd.DataFrame) -> str:
    """What the probabilistic and the deflated Sharpe ratio mean.

    Args:
        chance: as in ``TearSheet``.

    Raises:
        KeyError: it lacks one of the figures that the sentence is about.
    """
    value = chance["value"]
    probable, deflated = value["probabilistic Sharpe ratio"], value["deflated Sharpe ratio"]
    tried = value["strategies tried"]
    if math.isnan(probable):
        return TOO_SHORT
    alone = (
        f"How sure the record makes us that the true Sharpe ratio is above zero: {_sure(probable)}"
    )
    if math.isnan(deflated) or not tried > 1:
        return f"{alone}. {_verdict(probable)}"
    return (
        f"{alone}; that it is above what the luckiest of the {fixed(tried, 0)} strategies tried"
        f" would show without any skill: {_sure(deflated)}. {_verdict(deflated)}"
    )


def _sure(part: float) -> str:
    return percent(part)


def _verdict(part: float) -> str:
    usual = percent(CONFIDENCE, 0)
    if part < CONFIDENCE:
        return f"That is below the usual {usual}: luck is not ruled out."
    return f"That is above the usual {usual}: luck alone is unlikely."


def terms_in_words(terms: Terms) -> list[tuple[str, str]]:
    """What was assumed of the account, each with its unit."""
    return [
        ("Capital", f"{money(terms.capital)} in cash at the start."),
        ("Fee", f"{money(terms.fee, 2)} for every trade, whatever its size."),
        (
            "Currency spread",
            f"{_basis_points(terms.fx_spread_bp)} of every conversion to or from AUD.",
        ),
        ("Slippage", f"{_basis_points(terms.slippage_bp)} of the value of every trade."),
        ("Cash rate", f"{percent(terms.cash_rate, 2)} a year, credited every session."),
        ("Withholding", f"{percent(terms.withholding)} of foreign dividends, kept back abroad."),
        ("Shares", "Whole shares only." if terms.whole_shares else "Fractions of shares too."),
        ("Fills", _fills(terms)),
        ("No-trade band", _band(terms)),
        ("Delisting", _delisting(terms)),
    ]


def _basis_points(rate: float) -> str:
    part = percent(rate * BASIS_POINT, 2)
    return f"{rate:g} basis points ({part})"


def _fills(terms: Terms) -> str:
    if terms.fill == "close":
        return "At the close of the first session after the decision on which the ticker trades."
    return "US shares at the open of the first session after the decision, others at its close."


def _band(terms: Terms) -> str:
    if math.isinf(terms.risk_aversion):
        return "None: every difference from the target is traded."
    return (
        "A difference from the target is traded only where it is worth its cost, to a holder of"
        f" risk aversion {terms.risk_aversion:g}."
    )


def _delisting(terms: Terms) -> str:
    if terms.delisting_return == 0:
        return "A holding whose prices end is paid out at its last close."
    lost = percent(-terms.delisting_return)
    return f"A holding whose prices end is paid out at its last close less {lost}."
