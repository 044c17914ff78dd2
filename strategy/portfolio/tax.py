"""The income tax of a portfolio by financial year: an estimate, not advice (``docs/tax.md``).

For one Australian resident whose other income puts every dollar of the portfolio at one marginal
rate, and who holds shares on capital account.
"""

from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.parcels import DISPOSAL_COLUMNS, ParcelChoice, matched
from strategy.portfolio.tax_rules import (
    ASSUMPTIONS,
    DISCOUNT,
    OFFSET_FLOOR,
    discountable,
    first_days,
    labelled_ends,
    notes,
    values,
    year_ends,
    year_labels,
)

INCOME = ["dividends", "foreign_dividends", "withheld", "interest"]
YEAR_COLUMNS = [
    *INCOME,
    "gains_discountable",
    "gains_other",
    "losses",
    "losses_applied",
    "discount",
    "net_capital_gain",
    "losses_carried",
    "taxable_income",
    "offset",
    "tax",
]


@dataclass(frozen=True)
class TaxResult:
    """The tax of a portfolio.

    years: index ``financial_year`` ("2021-22"), every one from the first to the last with a fill,
        a dividend or interest; columns ``YEAR_COLUMNS``, float64, AUD, at least 0 save interest:

        * dividends: gross; foreign_dividends: those of them from which tax was withheld; withheld;
        * interest: of the year, negative where more was paid than received;
        * gains_discountable, gains_other, losses: sums of capital gains and losses as made;
        * losses_applied: of this year and those carried, before the discount;
        * discount: taken off what is left of the discountable gains;
        * net_capital_gain: what counts as income;
        * losses_carried: to the next year;
        * taxable_income: net capital gain, dividends, and interest where above 0;
        * offset: credited for tax withheld; tax: what is to be paid after it.
    disposals: see ``Matched``.
    parcels: still held, see ``Matched``.
    notes: what a reader must know, a sentence or two each.
    rate: the marginal rate.
    """

    years: pd.DataFrame
    disposals: pd.DataFrame
    parcels: pd.DataFrame
    notes: tuple[str, ...]
    rate: float


def tax_years(
    fills: pd.DataFrame,
    splits: pd.DataFrame,
    income: pd.DataFrame,
    interest: pd.Series,
    rate: float,
    choice: ParcelChoice,
    opening: pd.DataFrame | None = None,
) -> TaxResult:
    """The tax of each financial year, 1 July to 30 June by session date.

    ``tax = rate x (net capital gain + dividends + interest) - offset``, where the net capital gain
    (ITAA 1997 s 102-5) is what remains of the year's gains after its losses, the losses carried
    from years before, and then the discount. The holder may choose which gains losses reduce: here
    first those without a discount, which is never worse. A loss that finds no gain is carried
    forward without end (s 102-15) and never reduces income (s 102-10).

    Dividends count gross on their ex-date. Interest counts by year; a year's below 0 counts as 0,
    as no deduction is claimed. The offset for tax withheld is the least of that tax, of the greater
    of A$1,000 and the tax of the dividends it was withheld from (s 770-75), and of the tax before
    it: the rest is neither refunded nor carried.

    Args:
        fills: ``FILL_COLUMNS``, see ``matched``.
        splits: date, ticker, split_ratio.
        income: ``INCOME_COLUMNS``; used are date, gross_aud and withheld_aud.
        interest: AUD, index date.
        rate: the marginal rate, Medicare levy included, from 0 to below 1.
        choice: of parcels, see ``ParcelChoice``.
        opening: parcels held before the first fill, see ``matched``.

    Raises:
        StrategyError: the rate is no rate, or an amount is missing; and see ``matched`` and
            ``rules_of``.
    """
    if not 0 <= rate < 1:
        raise StrategyError(f"tax rate {rate} is not from 0 to below 1: write 37 % as 0.37")
    found = matched(fills, splits, choice, opening)
    received = _every_year(_receipts(income, interest), fills["date"])
    years = _assessed(received, found.disposals, rate)
    said = _notes(years, found.disposals)
    return TaxResult(years, found.disposals, found.parcels, said, rate)


def unrealised(parcels: pd.DataFrame, prices_aud: pd.Series, date: pd.Timestamp) -> pd.DataFrame:
    """What selling every parcel would dispose of, in the columns of ``Matched.disposals``.

    Args:
        parcels: still held, see ``Matched``; in shares of ``date``.
        prices_aud: last price per share in AUD, index ticker. Nothing is taken off for selling.
        date: of the sale.

    Raises:
        StrategyError: a ticker has no price.
    """
    prices = parcels["ticker"].map(prices_aud).astype("float64")
    if prices.isna().any():
        ticker = parcels.loc[prices.isna(), "ticker"].iloc[0]
        raise StrategyError(f"{ticker} is held but has no price on {date:%Y-%m-%d}")
    proceeds = parcels["quantity"] * prices
    events = pd.DatetimeIndex([date] * len(parcels)).as_unit("us")
    return parcels.assign(
        date=events,
        proceeds_aud=proceeds,
        gain_aud=proceeds - parcels["cost_base_aud"],
        discountable=discountable(pd.DatetimeIndex(parcels["acquired"]), events),
    )[DISPOSAL_COLUMNS]


def liquidated(result: TaxResult, prices_aud: pd.Series, date: pd.Timestamp) -> TaxResult:
    """The same, with everything sold on ``date``: the tax after it less the tax before is latent.

    That may be negative, where losses not yet taken would reduce the tax of the year.

    Args:
        result: up to ``date``.
        prices_aud: see ``unrealised``.
        date: not before the last disposal.
    """
    sold = unrealised(result.parcels, prices_aud, date)
    disposals = pd.concat([result.disposals, sold], ignore_index=True)
    received = result.years[INCOME].set_axis(labelled_ends(result.years.index))
    years = _assessed(received, disposals, result.rate)
    said = _notes(years, disposals)
    return replace(
        result, years=years, disposals=disposals, parcels=result.parcels.iloc[:0], notes=said
    )


def _receipts(income: pd.DataFrame, interest: pd.Series) -> pd.DataFrame:
    """``INCOME`` by the end of the year, only years with a dividend or a day of interest."""
    paid = income.set_index("date")[["gross_aud", "withheld_aud"]].assign(interest=0.0)
    earned = interest.rename("interest").to_frame().assign(gross_aud=0.0, withheld_aud=0.0)
    rows = pd.concat([paid, earned]).astype(float)
    if rows.isna().any(axis=None):
        date = rows.index[rows.isna().any(axis=1)].min()
        raise StrategyError(f"a dividend or interest of {date:%Y-%m-%d} is not a number")
    gross, withheld = rows["gross_aud"], rows["withheld_aud"]
    amounts = pd.DataFrame(
        {
            "dividends": gross,
            "foreign_dividends": gross.where(withheld > 0, 0.0),
            "withheld": withheld,
            "interest": rows["interest"],
        }
    )
    return amounts.groupby(year_ends(pd.DatetimeIndex(rows.index))).sum()


def _every_year(amounts: pd.DataFrame, dates: pd.Series) -> pd.DataFrame:
    """Without gaps from the first to the last year of ``amounts`` or ``dates``, 0 where none."""
    ends = amounts.index.union(year_ends(pd.DatetimeIndex(dates)))
    every = range(ends.min(), ends.max() + 1) if len(ends) else range(0)
    return amounts.reindex(pd.Index(every, dtype="int64"), fill_value=0.0)


def _assessed(received: pd.DataFrame, disposals: pd.DataFrame, rate: float) -> pd.DataFrame:
    """``TaxResult.years``, from ``INCOME`` by the end of the year and the disposals."""
    received = _every_year(received, disposals["date"])
    gains = _gains(disposals).reindex(received.index, fill_value=0.0)
    years = _net_capital_gain(received.join(gains))
    years["taxable_income"] = (
        years["net_capital_gain"] + years["dividends"] + years["interest"].clip(lower=0)
    )
    gross_tax = rate * years["taxable_income"]
    floor = values(OFFSET_FLOOR, first_days(years.index))
    limit = np.maximum(rate * years["foreign_dividends"], floor)
    years["offset"] = np.minimum(np.minimum(years["withheld"], limit), gross_tax)
    years["tax"] = gross_tax - years["offset"]
    years.index = year_labels(years.index).rename("financial_year")
    return years[YEAR_COLUMNS]


def _gains(disposals: pd.DataFrame) -> pd.DataFrame:
    """By the end of the year: gains by kind, losses, and the discount before any loss."""
    dates = pd.DatetimeIndex(disposals["date"])
    gain = disposals["gain_aud"].to_numpy(dtype=float)
    is_discountable = disposals["discountable"].to_numpy(dtype=bool)
    discounted = np.where(is_discountable, gain.clip(0), 0.0)
    made = pd.DataFrame(
        {
            "gains_discountable": discounted,
            "gains_other": np.where(is_discountable, 0.0, gain.clip(0)),
            "losses": (-gain).clip(0),
            "full_discount": discounted * values(DISCOUNT, dates),
        }
    )
    return made.groupby(year_ends(dates)).sum()


def _net_capital_gain(years: pd.DataFrame) -> pd.DataFrame:
    """With losses applied and carried; a loop over years, each of which takes on the last's."""
    gains = years["gains_discountable"] + years["gains_other"]
    made = zip(years["losses"], gains, strict=True)
    carried = list(
        accumulate(made, lambda before, year: max(before + year[0] - year[1], 0.0), initial=0.0)
    )
    available = years["losses"] + carried[:-1]
    applied = np.minimum(available, gains)
    from_other = np.minimum(applied, years["gains_other"])
    discounted = (years["gains_discountable"] - (applied - from_other)).clip(lower=0)
    some = years["gains_discountable"].where(years["gains_discountable"] > 0, 1.0)
    discount = years["full_discount"] * discounted / some
    return years.assign(
        losses_applied=applied,
        discount=discount,
        net_capital_gain=years["gains_other"] - from_other + discounted - discount,
        losses_carried=carried[1:],
    )


def _notes(years: pd.DataFrame, disposals: pd.DataFrame) -> tuple[str, ...]:
    withheld = first_days(labelled_ends(years.index[years["withheld"] > 0]))
    return (
        *ASSUMPTIONS,
        *notes(DISCOUNT, pd.DatetimeIndex(disposals["date"])),
        *notes(OFFSET_FLOOR, withheld),
    )
