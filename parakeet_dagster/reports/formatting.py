"""Figures as text, by their unit."""

import math
from collections.abc import Iterable

import pandas as pd

DASH = "\N{EN DASH}"
"""What stands where a figure has no meaning."""

MINUS = "\N{MINUS SIGN}"
"""The sign as wide as a digit; a hyphen is not."""


MILLION = 1e6


def fixed(value: float, decimals: int) -> str:
    """A number with thousands separators, "1,234.5". Never a minus before a zero."""
    if math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):,.{decimals}f}"
    is_below = value < 0 and any(digit in "123456789" for digit in text)
    return f"{MINUS}{text}" if is_below else text


def money(value: float, decimals: int = 0) -> str:
    """AUD: "A$1,234"; the minus comes first."""
    text = fixed(value, decimals)
    if text == DASH:
        return DASH
    return f"{MINUS}A${text[1:]}" if text.startswith(MINUS) else f"A${text}"


def money_mark(value: float, decimals: int = 0) -> str:
    """AUD beside an axis, where there is little room: millions as "A$1.5m"."""
    if abs(value) < MILLION:
        return money(value, decimals)
    return f"{MINUS if value < 0 else ''}A${abs(value) / MILLION:g}m"


def percent(part: float, decimals: int = 1) -> str:
    """A part of 1: "12.3%"."""
    text = fixed(part * 100, decimals)
    return text if text == DASH else f"{text}%"


def date(day: pd.Timestamp, otherwise: str = DASH) -> str:
    """ISO: "2022-12-28"; ``otherwise`` for NaT."""
    return otherwise if pd.isna(day) else f"{day:%Y-%m-%d}"


def aligned(values: Iterable[float], unit: str) -> list[str]:
    """The same figure of several curves, with as many decimals each.

    Percent have one decimal, two below 10 %; ratios two, three below 0.1; money and sessions none;
    other numbers two, one from 10, none from 1,000 or where all are whole.

    Args:
        values: NaN where the figure has no meaning.
        unit: of ``strategy.portfolio.tear_sheet.UNITS``.
    """
    given = list(values)
    finite = [value for value in given if math.isfinite(value)]
    largest = max(map(abs, finite), default=0.0)
    if unit == "percent":
        return [percent(value, 2 if largest < 0.1 else 1) for value in given]
    if unit == "ratio":
        return [fixed(value, 3 if 0 < largest < 0.1 else 2) for value in given]
    if unit == "aud":
        return [money(value) for value in given]
    if unit == "sessions":
        return [fixed(value, 0) for value in given]
    if unit == "number":
        is_whole = all(value.is_integer() for value in map(float, finite))
        decimals = 0 if is_whole or largest >= 1000 else 1 if largest >= 10 else 2
        return [fixed(value, decimals) for value in given]
    raise ValueError(f"no unit {unit!r}")


def formatted(value: float, unit: str) -> str:
    """One figure; see ``aligned``."""
    return aligned([value], unit)[0]
