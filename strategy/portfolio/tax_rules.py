"""The rules of Australian tax that the estimate rests on, each with its date and its source.

An estimate for one resident individual who holds shares on capital account. No advice. See
``docs/tax.md``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """A number that the law sets from some day on, until the next rule of its table.

    first: the first day of an event, or of a financial year, that it holds for.
    value: the number, see the table.
    source: the statute or ruling.
    verified: whether it was read in that source.
    note: what a reader of figures that rest on it must know; empty if nothing.
    """

    first: pd.Timestamp
    value: float
    source: str
    verified: bool = True
    note: str = ""


DISCOUNT = (
    Rule(
        pd.Timestamp("1985-09-20"),
        0.0,
        "ITAA 1997 Div 114",
        note="Capital gains before 21 September 1999: indexation of the cost base is not modelled "
        "and no discount is given, so their tax is overstated.",
    ),
    Rule(
        pd.Timestamp("1999-09-21"),
        0.5,
        "ITAA 1997 s 115-10, s 115-25, s 115-100; TD 2002/10",
    ),
    Rule(
        pd.Timestamp("2027-07-01"),
        0.5,
        "Treasury Laws Amendment (Tax Reform No. 1) Bill 2026",
        verified=False,
        note="Capital gains from 1 July 2027: the discount of 50 % is to give way to indexation of "
        "the cost base and a minimum tax of 30 %. The law was not at hand, so these gains are "
        "taxed by the rule before, and their tax is uncertain.",
    ),
)
"""The part of a discount capital gain that is left out of income, by the day of the CGT event."""

OFFSET_FLOOR = (
    Rule(
        pd.Timestamp("1987-07-01"),
        1000.0,
        "ITAA 1936 Part III Div 18 (foreign tax credits)",
        verified=False,
        note="Foreign tax withheld before 1 July 2008 was credited by other rules; the offset that "
        "followed them is used.",
    ),
    Rule(pd.Timestamp("2008-07-01"), 1000.0, "ITAA 1997 s 770-75"),
)
"""AUD of foreign tax a year that count whatever the limit, by the first day of the year."""

ASSUMPTIONS = (
    "Tax is an estimate for one Australian resident at one marginal rate, not advice.",
    "Franking credits are ignored, so the tax of Australian dividends is overstated.",
)
"""What every result says."""


def rules_of(table: tuple[Rule, ...], dates: pd.DatetimeIndex) -> npt.NDArray[np.intp]:
    """The place in the table of the rule that holds on each date.

    Raises:
        StrategyError: a date is before the table's first rule.
    """
    firsts = pd.DatetimeIndex([rule.first for rule in table])
    places = firsts.searchsorted(dates, side="right") - 1
    if (places < 0).any():
        raise StrategyError(
            f"no tax rule is known for {dates.min():%Y-%m-%d}: start on or after "
            f"{firsts[0]:%Y-%m-%d}"
        )
    return places


def values(table: tuple[Rule, ...], dates: pd.DatetimeIndex) -> Floats:
    """The number that the law sets on each date; see ``rules_of``."""
    return np.array([rule.value for rule in table])[rules_of(table, dates)]


def notes(table: tuple[Rule, ...], dates: pd.DatetimeIndex) -> tuple[str, ...]:
    """What must be said of figures that contain events on these dates, the earliest rule first."""
    used = np.unique(rules_of(table, dates))
    return tuple(table[place].note for place in used if table[place].note)


def first_discount_day(acquired: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The first day on which a disposal is of something held for at least 12 months.

    Neither the day of acquisition nor that of the event counts (TD 2002/10), so twelve whole
    months must begin on the day after the acquisition: acquired 2 February 2001, discounted from
    3 February 2002. Months are counted as in s 2G of the Acts Interpretation Act 1901: acquired
    28 February 2019, the months are March to February, whose last day is the 29th, so from 1 March
    2020; acquired 28 February 2020, they begin on the 29th, and end with February 2021.
    """
    start = acquired.to_numpy().astype("datetime64[D]") + 1
    month = start.astype("datetime64[M]")
    # where next year's February has no 29th, its first day plus 28 is 1 March
    return pd.DatetimeIndex((month + 12).astype("datetime64[D]") + (start - month)).as_unit("us")


def discountable(acquired: pd.DatetimeIndex, events: pd.DatetimeIndex) -> Bools:
    """Whether a gain of each event would be a discount capital gain."""
    held = events >= first_discount_day(acquired)
    return np.asarray(held & (values(DISCOUNT, events) > 0))


def year_ends(dates: pd.DatetimeIndex) -> "pd.Index[int]":
    """The calendar year in which each date's financial year ends: 2022 from 1 July 2021."""
    return pd.Index(dates.year + (dates.month >= 7), dtype="int64")


def year_labels(ends: "pd.Index[int]") -> "pd.Index[str]":
    """Financial years as they are written: "2021-22" of 2022."""
    return (ends - 1).astype(str) + "-" + (ends % 100).astype(str).str.zfill(2)


def labelled_ends(labels: "pd.Index[str]") -> "pd.Index[int]":
    """The other way round: 2022 of "2021-22"."""
    return labels.str[:4].astype("int64") + 1


def first_days(ends: "pd.Index[int]") -> pd.DatetimeIndex:
    """The 1 July on which each financial year begins."""
    return pd.DatetimeIndex(pd.to_datetime((ends - 1).astype(str) + "-07-01")).as_unit("us")


def due_days(ends: "pd.Index[int]") -> pd.DatetimeIndex:
    """When each year's tax is due of an individual who lodges without an agent.

    The return is due on 31 October, the tax 21 days later (ITAA 1997 s 5-5(5)), 21 November.
    """
    return pd.DatetimeIndex(pd.to_datetime(ends.astype(str) + "-11-21")).as_unit("us")
