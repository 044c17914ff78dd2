"""Which parcels of shares a sale disposes of, and what was gained on each.

Shares of one kind are sold by the parcel that the holder selects and records, or first in, first
out (TD 33); an average cost is not accepted. Everything is counted in last shares: the shares
that each one has become after every split given. So a split changes no parcel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.tax_rules import DISCOUNT, discountable, first_discount_day, values

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

ParcelChoice = Literal["fifo", "highest_cost", "min_tax"]
"""Which parcels a sale takes first.

fifo: the earliest acquired.
highest_cost: those with the highest cost base per share in AUD.
min_tax: those with the lowest taxable gain per share, losses first; a gain that is discounted
    counts after the discount. It is the least taxable gain of each sale, not of all sales together:
    a parcel kept for later might save more.

Where two are equal, the earlier acquired goes first.
"""

DISPOSAL_COLUMNS = [
    "date",
    "ticker",
    "acquired",
    "quantity",
    "proceeds_aud",
    "cost_base_aud",
    "gain_aud",
    "discountable",
]
PARCEL_COLUMNS = ["ticker", "acquired", "quantity", "cost_base_aud"]

TOLERANCE = 1e-9
"""Shares up to this part of what was bought, sold or in a parcel are rounding."""

ROUNDINGS = 8
"""So many last bits of the sum of all purchases are rounding, too."""


@dataclass(frozen=True)
class Matched:
    """Sales by the parcels they took, and what is left.

    disposals: a row per sale and parcel, sorted by date, ticker and acquired: date, ticker,
        acquired (dates datetime64[us]), quantity (shares of the day of the sale, positive),
        proceeds_aud (after every cost of the sale), cost_base_aud, gain_aud (float64),
        discountable (bool: whether a gain on it is a discount capital gain; set on losses too).
    parcels: a row per parcel still held, sorted by ticker and acquired: ticker, acquired,
        quantity (after every split given), cost_base_aud (of the whole parcel).
    """

    disposals: pd.DataFrame
    parcels: pd.DataFrame


def matched(
    fills: pd.DataFrame,
    splits: pd.DataFrame,
    choice: ParcelChoice,
    opening: pd.DataFrame | None = None,
) -> Matched:
    """Match every sale with parcels.

    A purchase is a parcel, acquired on its trade date (the contract's: ITAA 1997 s 104-10(3),
    s 109-5). Its cost base is the cash paid, every cost included (s 110-25, s 110-35), at the
    exchange rate of that day (s 960-50); the proceeds are the cash received, likewise.

    Within a ticker and date, cash in lieu comes first, since it belongs to the split; then
    purchases, then sales, in the order given: so what is bought and sold in one session is
    never sold short.

    Args:
        fills: ``FILL_COLUMNS``, in any order. Of them are used date, ticker, quantity, cash_aud
            and reason.
        splits: date, ticker, split_ratio.
        choice: of the parcels that a sale takes first.
        opening: ``PARCEL_COLUMNS``: parcels held before the first fill, in shares of that time: all
            of ``splits`` act on them, whenever they were acquired.

    Raises:
        StrategyError: the choice is unknown, a quantity is 0 or a number is missing, or more is
            sold than is held.
    """
    if choice not in _PREFERENCES:
        raise StrategyError(f"parcel choice {choice!r} is none of {', '.join(_PREFERENCES)}")
    trades = _trades(fills, splits, opening)
    is_purchase = trades["last_shares"] > 0
    purchases = trades[is_purchase].reset_index(drop=True)
    sales = trades[~is_purchase].reset_index(drop=True)
    sales["first"] = purchases["ticker"].searchsorted(sales["ticker"])
    sales["end"] = is_purchase.cumsum()[~is_purchase].to_numpy()
    taken, left = _consumed(purchases, sales, _PREFERENCES[choice])
    return Matched(_disposals(purchases, sales, taken), _open(purchases, left))


def _trades(
    fills: pd.DataFrame, splits: pd.DataFrame, opening: pd.DataFrame | None
) -> pd.DataFrame:
    """Fills and opening parcels, in the order in which they act, with ``last_shares``."""
    traded = fills[["date", "ticker", "quantity", "cash_aud"]].assign(
        counted=fills["date"],
        rank=np.select([fills["reason"] == "cash in lieu", fills["quantity"] > 0], [1, 2], 3),
    )
    traded = traded.reset_index(drop=True)
    if opening is not None and len(opening):
        held = opening.rename(columns={"acquired": "date"})[["date", "ticker", "quantity"]].assign(
            cash_aud=-opening["cost_base_aud"], counted=pd.Timestamp("1900-01-01"), rank=0
        )
        traded = pd.concat([held, traded], ignore_index=True)
    traded = traded.astype(
        {
            "date": "datetime64[us]",
            "counted": "datetime64[us]",
            "ticker": "str",
            "quantity": float,
            "cash_aud": float,
        }
    )
    _check(traded)
    traded["factor"] = _later_splits(traded, splits)
    traded["last_shares"] = traded["quantity"] * traded["factor"]
    return traded.sort_values(["ticker", "date", "rank"], kind="stable", ignore_index=True)


def _check(trades: pd.DataFrame) -> None:
    """Whether every row is a purchase that brought no cash, a sale, or an opening parcel."""
    is_number = np.isfinite(trades[["quantity", "cash_aud"]].to_numpy()).all(axis=1)
    is_purchase = (trades["quantity"] > 0) & (trades["cash_aud"] <= 0)
    is_sale = (trades["quantity"] < 0) & (trades["rank"] > 0)
    wrong = trades[~(is_number & (is_purchase | is_sale))]
    if len(wrong):
        row = wrong.iloc[0]
        raise StrategyError(
            f"{row['ticker']} on {row['date']:%Y-%m-%d}: {row['quantity']:g} shares for "
            f"{row['cash_aud']:g} AUD is no trade and no parcel"
        )


def _later_splits(trades: pd.DataFrame, splits: pd.DataFrame) -> Floats:
    """The last shares that one share of each trade becomes: splits act before a date's fills."""
    ratios = splits.astype({"date": "datetime64[us]", "ticker": "str"})
    if not (ratios["split_ratio"] > 0).all():  # NaN fails too
        row = ratios[~(ratios["split_ratio"] > 0)].iloc[0]
        raise StrategyError(
            f"{row['ticker']} on {row['date']:%Y-%m-%d}: {row['split_ratio']} is no split ratio"
        )
    latest_first = ratios.sort_values("date", ascending=False, kind="stable")
    latest_first["factor"] = latest_first.groupby("ticker")["split_ratio"].cumprod()
    days = latest_first.drop_duplicates(["ticker", "date"], keep="last")
    asked = trades[["counted", "ticker"]].sort_values("counted")
    found = pd.merge_asof(
        asked.reset_index(),
        days.sort_values("date"),
        left_on="counted",
        right_on="date",
        by="ticker",
        direction="forward",
        allow_exact_matches=False,
    ).set_index("index")["factor"]
    return found.fillna(1.0).reindex(trades.index).to_numpy(dtype=float)


Preference = Callable[[Floats, float, Floats], Floats]
"""Of the parcels held: cost per share, the sale's price per share, the part of a gain that is
taxed. The parcels with the least result are taken first."""


def _earliest(costs: Floats, price: float, taxed: Floats) -> Floats:  # noqa: ARG001 - a Preference
    return np.zeros(len(costs))  # parcels are in the order of acquisition


def _dearest(costs: Floats, price: float, taxed: Floats) -> Floats:  # noqa: ARG001 - a Preference
    return -costs


def _least_taxed(costs: Floats, price: float, taxed: Floats) -> Floats:
    gains = price - costs
    return np.where(gains > 0, gains * taxed, gains)


_PREFERENCES: dict[ParcelChoice, Preference] = dict(
    zip(get_args(ParcelChoice), (_earliest, _dearest, _least_taxed), strict=True)
)


def _consumed(
    purchases: pd.DataFrame, sales: pd.DataFrame, preference: Preference
) -> tuple[pd.DataFrame, Floats]:
    """What each sale took of each parcel (columns sale, parcel, last_shares), and what is left.

    A loop over sales, since what one may take depends on what those before it took.
    """
    sizes = purchases["last_shares"].to_numpy()
    costs = -purchases["cash_aud"].to_numpy() / sizes
    matures = first_discount_day(pd.DatetimeIndex(purchases["date"])).to_numpy()
    left = sizes.copy()
    wanted = -sales["last_shares"].to_numpy()
    prices = sales["cash_aud"].to_numpy() / wanted
    dates = sales["date"].to_numpy()
    taxed = 1 - values(DISCOUNT, pd.DatetimeIndex(sales["date"]))
    firsts, ends = sales["first"].to_numpy(), sales["end"].to_numpy()
    parcels: list[Ints] = []
    amounts: list[Floats] = []
    for sale in range(len(sales)):
        first, end = firsts[sale], ends[sale]
        held = first + np.flatnonzero(left[first:end])
        available = left[held].sum()
        slack = TOLERANCE * sizes[first:end].sum()
        if not len(held) or wanted[sale] - available > slack:
            raise _short(sales.iloc[sale], available)
        parts = np.where(dates[sale] >= matures[held], taxed[sale], 1.0)
        order = held[np.argsort(preference(costs[held], prices[sale], parts), kind="stable")]
        rounding = ROUNDINGS * float(np.spacing(sizes[first:end].sum()))
        chosen, amount = _taken(order, left[order], sizes[order], wanted[sale], rounding)
        left[chosen] -= amount
        parcels.append(chosen)
        amounts.append(amount)
    counts = [len(chosen) for chosen in parcels]
    taken = pd.DataFrame(
        {
            "sale": np.repeat(np.arange(len(sales)), counts),
            "parcel": np.concatenate([np.zeros(0, dtype=np.intp), *parcels]),
            "last_shares": np.concatenate([np.zeros(0), *amounts]),
        }
    )
    return taken, left


def _taken(
    order: Ints, left: Floats, sizes: Floats, wanted: float, rounding: float
) -> tuple[Ints, Floats]:
    """The parcels that a sale takes from, in order, and how much: whole ones, save the last.

    Rounding leaves no dust: a parcel of which less than ``TOLERANCE``, or what is ``rounding`` in
    all that was ever bought, would stay goes whole, and one is not begun for less than that.
    """
    before = np.cumsum(left) - left
    amount = np.clip(wanted - before, 0, left)
    dust = np.maximum(TOLERANCE * sizes, rounding)
    amount = np.where(left - amount <= dust, left, amount)
    is_taken = (amount > TOLERANCE * wanted) | ((amount == left) & (before < wanted))
    return order[is_taken], amount[is_taken]


def _short(sale: pd.Series, available: float) -> StrategyError:
    return StrategyError(
        f"{sale['ticker']}: {-sale['quantity']:.10g} shares are sold on {sale['date']:%Y-%m-%d}, "
        f"but {available / sale['factor']:.10g} are held: a purchase, an opening parcel or a "
        "split is missing"
    )


def _disposals(purchases: pd.DataFrame, sales: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    sale = sales.iloc[taken["sale"]].reset_index(drop=True)
    parcel = purchases.iloc[taken["parcel"]].reset_index(drop=True)
    shares = taken["last_shares"]
    proceeds = sale["cash_aud"] * shares / shares.groupby(taken["sale"]).transform("sum")
    cost_base = -parcel["cash_aud"] * shares / parcel["last_shares"]
    disposals = pd.DataFrame(
        {
            "date": sale["date"],
            "ticker": sale["ticker"],
            "acquired": parcel["date"],
            "quantity": shares / sale["factor"],
            "proceeds_aud": proceeds,
            "cost_base_aud": cost_base,
            "gain_aud": proceeds - cost_base,
            "discountable": discountable(
                pd.DatetimeIndex(parcel["date"]), pd.DatetimeIndex(sale["date"])
            ),
        },
        columns=DISPOSAL_COLUMNS,
    )
    return disposals.sort_values(["date", "ticker", "acquired"], kind="stable", ignore_index=True)


def _open(purchases: pd.DataFrame, left: Floats) -> pd.DataFrame:
    parts = left / purchases["last_shares"]
    parcels = pd.DataFrame(
        {
            "ticker": purchases["ticker"],
            "acquired": purchases["date"],
            "quantity": left,
            "cost_base_aud": -purchases["cash_aud"] * parts,
        },
        columns=PARCEL_COLUMNS,
    )
    return parcels[parcels["quantity"] > 0].reset_index(drop=True)
