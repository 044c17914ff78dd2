"""What an account did and held, as frames."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.portfolio import DAILY_COLUMNS, FILL_COLUMNS, INCOME_COLUMNS, POSITION_COLUMNS
from strategy.portfolio.market import Market
from strategy.portfolio.orders import Conditions, conditions
from strategy.portfolio.terms import Terms
from strategy.universes.members import CASH

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settlement:
    """What changed hands on one session.

    row: of the session in the market.
    change: shares, accounts x tickers.
    price: in the ticker's currency, accounts x tickers.
    reason: of ``strategy.portfolio.REASONS``.
    """

    row: int
    change: Floats
    price: Floats
    reason: str


@dataclass
class Entries:
    """What was written down of several accounts.

    shares, wanted: per session, accounts x tickers.
    daily: per session, accounts x ``DAILY_COLUMNS`` but for the date.
    settlements: in the order in which they happened.
    dividends: (row of the session, gross AUD, accounts x tickers).
    """

    shares: list[Floats] = field(default_factory=list)
    wanted: list[Floats] = field(default_factory=list)
    daily: list[Floats] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    dividends: list[tuple[int, Floats]] = field(default_factory=list)


@dataclass(frozen=True)
class Book:
    """What one account did and held; the frames are described in ``strategy.portfolio``."""

    name: str
    terms: Terms
    market: Market
    begin: int
    place: int
    entries: Entries

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Those simulated."""
        return self.market.sessions[self.begin :]

    @cached_property
    def daily(self) -> pd.DataFrame:
        """See ``DAILY_COLUMNS``."""
        rows = np.stack([figures[self.place] for figures in self.entries.daily])
        frame = pd.DataFrame(rows, columns=DAILY_COLUMNS[1:])
        frame.insert(0, "date", self.sessions)
        return frame

    @cached_property
    def positions(self) -> pd.DataFrame:
        """What is held at each close, and what orders would make of it.

        Returns:
            Columns ``POSITION_COLUMNS``, sorted by the first two: quantity in shares; wanted:
            the shares once all open orders are filled; price_aud: the close. ``CASH`` is a row of
            every session: its quantity and its value are AUD, its price 1.
        """
        shares = np.stack([held[self.place] for held in self.entries.shares])
        wanted = np.stack([asked[self.place] for asked in self.entries.wanted])
        row, column = np.nonzero((shares > 0) | (wanted > 0))
        price = self.market.price_aud[self.begin :]
        held = pd.DataFrame(
            {
                "date": self.sessions[row],
                "ticker": self.market.tickers[column],
                "quantity": shares[row, column],
                "wanted": wanted[row, column],
                "price_aud": price[row, column],
                "value_aud": shares[row, column] * price[row, column],
            }
        )
        money = self.daily["cash"]
        cash = pd.DataFrame(
            {
                "date": self.sessions,
                "ticker": CASH,
                "quantity": money,
                "wanted": money,
                "price_aud": 1.0,
                "value_aud": money,
            }
        )
        whole = pd.concat([held, cash], ignore_index=True).astype({"ticker": "str"})
        return whole.sort_values(["date", "ticker"], ignore_index=True)[POSITION_COLUMNS]

    @cached_property
    def fills(self) -> pd.DataFrame:
        """See ``FILL_COLUMNS``."""
        on = conditions([self.terms], self.market.is_foreign)
        frames = [
            self._fills_of(one, on)
            for one in self.entries.settlements
            if one.change[self.place].any()
        ]
        if not frames:
            return self._none(FILL_COLUMNS)
        whole = pd.concat(frames, ignore_index=True)
        return whole.sort_values(["date", "ticker"], kind="stable", ignore_index=True)

    @cached_property
    def income(self) -> pd.DataFrame:
        """See ``INCOME_COLUMNS``."""
        on = conditions([self.terms], self.market.is_foreign)
        rows = [(row, of[self.place]) for row, of in self.entries.dividends if of[self.place].any()]
        if not rows:
            return self._none(INCOME_COLUMNS)
        gross = np.stack([dividend for _, dividend in rows])
        day, column = np.nonzero(gross)
        received = gross[day, column]
        withheld = received * on.withholding[0, column]
        return pd.DataFrame(
            {
                "date": self.market.sessions[[row for row, _ in rows]][day],
                "ticker": self.market.tickers[column],
                "gross_aud": received,
                "withheld_aud": withheld,
                "fx_cost_aud": (received - withheld) * on.fx_spread[0, column],
            }
        )

    @cached_property
    def splits(self) -> pd.DataFrame:
        """Of every ticker in the market: columns date, ticker, split_ratio."""
        ratio = self.market.split[self.begin :]
        row, column = np.nonzero(ratio != 1)
        return pd.DataFrame(
            {
                "date": self.sessions[row],
                "ticker": self.market.tickers[column],
                "split_ratio": ratio[row, column],
            }
        )

    def _fills_of(self, one: Settlement, on: Conditions) -> pd.DataFrame:
        columns = np.flatnonzero(one.change[self.place])
        quantity, paid = one.change[self.place, columns], one.price[self.place, columns]
        rate = self.market.aud_per_unit[one.row, columns]
        value = np.abs(quantity) * paid * rate
        is_trade = float(one.reason == "order")
        fee = np.full(len(columns), on.fee[0, 0]) * is_trade
        slippage = value * on.slippage[0, columns] * is_trade
        exchange = value * on.fx_spread[0, columns] * is_trade
        return pd.DataFrame(
            {
                "date": self.market.sessions[one.row],
                "ticker": self.market.tickers[columns],
                "quantity": quantity,
                "price": paid,
                "aud_per_unit": rate,
                "fee_aud": fee,
                "slippage_aud": slippage,
                "fx_cost_aud": exchange,
                "cash_aud": -np.sign(quantity) * value - fee - slippage - exchange,
                "reason": one.reason,
            }
        )

    def _none(self, columns: list[str]) -> pd.DataFrame:
        texts = {"ticker": "str", "reason": "str", "date": "datetime64[us]"}
        return pd.DataFrame({name: pd.Series(dtype=texts.get(name, "float64")) for name in columns})
