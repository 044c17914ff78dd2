"""The book of an account, session by session: what is held, what it is worth, what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.band import WINDOW, volatility
from strategy.portfolio.book import Book, Entries, Settlement
from strategy.portfolio.market import Market
from strategy.portfolio.orders import (
    WHOLE,
    Conditions,
    affordable,
    conditions,
    total,
    wanted_shares,
)
from strategy.portfolio.terms import Terms
from strategy.universes.members import CASH

LOOKBACK = WINDOW
"""Sessions of the market that must be there before the first one simulated, where history has them:
for the volatilities of the band, and to see for how long a ticker has not traded."""

DELISTED_AFTER = 60
"""A holding that has not traded for so many sessions is paid out. Vendors do not tell a takeover or
a bankruptcy from a suspension; some of those last longer, and then this is too early."""

DAYS_A_YEAR = 365

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Account:
    """One book to keep.

    name: unique among those simulated together.
    targets: columns date, ticker, weight: whole targets, ``CASH`` a row, of the sessions on which
        they were decided. Sessions outside the simulation do not count.
    terms: costs and conditions.
    start: positions (``POSITION_COLUMNS``) at the close of the session before, to go on from; None:
        the capital in cash.
    """

    name: str
    targets: pd.DataFrame
    terms: Terms
    start: pd.DataFrame | None = None


@dataclass
class _State:
    """Accounts x tickers, cash accounts x 1."""

    shares: Floats
    wanted: Floats
    cash: Floats


def simulate(
    market: Market, accounts: Sequence[Account], first: pd.Timestamp
) -> Mapping[str, Book]:
    """Keep the books of ``accounts`` from ``first`` to the market's last session.

    On every session, in this order: dividends of what is held are received, on the ex-date; a
    holding whose prices ended, or that has not traded for ``DELISTED_AFTER`` sessions, is paid out
    at its last close; shares are split, and a fraction of a share left over is paid out where only
    whole ones can be held; cash earns interest for the days since the session before; orders
    of earlier sessions are filled for the tickers that trade, sales paying for purchases; the book
    is valued at the closes; and where the session has a target, orders are sized at these closes
    (see ``wanted_shares``), which replace all that are still open. An order that could not be paid
    for whole is done with what could be; one whose ticker did not trade stays open.

    Settlement takes no time, and the two markets of a session are one: Sydney's purchases are paid
    with New York's sales of the same session. A purchase is never paid with borrowed money.

    The same bits come out in one go and session by session, each going on from the book before.

    Args:
        market: ``LOOKBACK`` sessions before ``first`` and all to the end.
        accounts: at least one; names, targets, terms.
        first: the first session to simulate.

    Returns:
        A book per account, by name.

    Raises:
        StrategyError: a book goes on from another session than the one before ``first``, or a
            ticker that is held or wanted has no price in the market.
    """
    begin = int(market.sessions.get_indexer(pd.DatetimeIndex([first]))[0])
    names = [one.name for one in accounts]
    terms = [one.terms for one in accounts]
    on = conditions(terms, market.is_foreign)
    state = _opened(market, accounts, first)
    decided, weights = _targets(market, accounts, begin)
    fills_at_open = np.array([[one.fill == "open"] for one in terms]) & market.is_us
    rates = np.array([[one.cash_rate] for one in terms])
    delisting = np.array([[1 + one.delisting_return] for one in terms])
    days = _days_between(market.sessions, accounts, begin)
    price = market.price_aud
    entries = Entries()
    for row in range(begin, len(market.sessions)):
        dividend = _dividends(market, state, entries, row)
        paid = _pay_out(market, state, entries, row, delisting)
        paid += _split(market, state, entries, row, on.is_whole)
        kept = dividend * on.withholding
        exchanged = (dividend - kept) * on.fx_spread
        interest = state.cash * rates * days[row] / DAYS_A_YEAR
        state.cash = state.cash + paid + total(dividend - kept - exchanged) + interest
        price_of_fill = np.where(fills_at_open, market.open[row], market.close[row])
        costs = _fill(market, state, entries, row, price_of_fill, on)
        equity = state.cash + total(state.shares * price[row])
        if row in decided:
            target = weights[decided[row]]
            to_decide = ~np.isnan(target[:, :1])
            sized = wanted_shares(
                np.where(to_decide, target, 0.0),
                state.shares,
                np.where(market.present[row], price[row], 0.0),
                equity,
                state.cash,
                volatility(market.returns[max(row + 1 - WINDOW, 0) : row + 1]),
                on,
            )
            state.wanted = np.where(to_decide, sized, state.wanted)
        entries.shares.append(state.shares)
        entries.wanted.append(state.wanted)
        flows = [total(dividend), total(kept), interest]
        spread = total(exchanged)
        figures = [equity, state.cash, *costs[:3], costs[3] + spread, *flows]
        entries.daily.append(np.concatenate(figures, axis=1))
    return {
        name: Book(name, one, market, begin, place, entries)
        for place, (name, one) in enumerate(zip(names, terms, strict=True))
    }


def _opened(market: Market, accounts: Sequence[Account], first: pd.Timestamp) -> _State:
    """The books before the first session."""
    shape = (len(accounts), len(market.tickers))
    shares, wanted = np.zeros(shape), np.zeros(shape)
    cash = np.array([[one.terms.capital] for one in accounts])
    for place, one in enumerate(accounts):
        if one.start is None:
            continue
        dates = one.start["date"].unique()
        known = market.sessions[market.sessions < first]
        if len(dates) != 1 or (len(known) and dates[0] != known[-1]) or dates[0] >= first:
            raise StrategyError(
                f"{one.name}: its book is of {', '.join(f'{day:%Y-%m-%d}' for day in dates)} and"
                f" cannot go on at {first:%Y-%m-%d}: simulate it from the session after its own"
            )
        is_cash = one.start["ticker"] == CASH
        held = one.start[~is_cash]
        columns = market.tickers.get_indexer(pd.Index(held["ticker"]))
        if (columns < 0).any():
            stranger = held["ticker"].iloc[int(np.argmin(columns))]
            raise StrategyError(
                f"{one.name}: it holds {stranger}, of which the market has no price: give it the"
                f" {LOOKBACK} sessions before {first:%Y-%m-%d}"
            )
        shares[place, columns], wanted[place, columns] = held["quantity"], held["wanted"]
        cash[place] = one.start.loc[is_cash, "quantity"]
    return _State(shares, wanted, cash)


def _targets(
    market: Market, accounts: Sequence[Account], begin: int
) -> tuple[dict[int, int], Floats]:
    """The targets: from a session's row its place, and places x accounts x tickers.

    An account that decides nothing on a session has NaN there.
    """
    rows = pd.concat(
        [one.targets.assign(place=place) for place, one in enumerate(accounts)], ignore_index=True
    )
    rows["row"] = market.sessions.get_indexer(pd.Index(rows["date"]))
    rows = rows[rows["row"] >= begin]
    decided = {row: place for place, row in enumerate(sorted(rows["row"].unique()))}
    weights = np.full((len(decided), len(accounts), len(market.tickers)), np.nan)
    at = rows["row"].map(decided).to_numpy(dtype=int)
    weights[at, rows["place"]] = 0.0
    columns = market.tickers.get_indexer(pd.Index(rows["ticker"]))
    known = columns >= 0
    strangers = rows.loc[~known & (rows["ticker"] != CASH) & (rows["weight"] != 0)]
    if not strangers.empty:
        one = strangers.iloc[0]
        raise StrategyError(
            f"{accounts[one['place']].name}: the target of {one['date']:%Y-%m-%d} has"
            f" {one['ticker']}, of which the market has no price"
        )
    weights[at[known], rows["place"].to_numpy()[known], columns[known]] = rows["weight"][known]
    return decided, weights


def _days_between(
    sessions: pd.DatetimeIndex, accounts: Sequence[Account], begin: int
) -> npt.NDArray[np.float64]:
    """Calendar days since the session before; 0 on the first of an account that begins."""
    days = np.zeros((len(sessions), len(accounts), 1))
    days[1:] = np.asarray(np.diff(sessions) / pd.Timedelta(days=1), dtype=float)[:, None, None]
    days[begin] = [
        [0.0 if one.start is None else (sessions[begin] - one.start["date"].iloc[0]).days]
        for one in accounts
    ]
    return days


def _pay_out(market: Market, state: _State, entries: Entries, row: int, part: Floats) -> Floats:
    """Pay out what is no longer traded, at the last close. AUD, accounts x 1."""
    gone = ~market.present[row] | (market.untraded[row] >= DELISTED_AFTER)
    state.wanted = np.where(gone, 0.0, state.wanted)
    change = np.where(gone, -state.shares, 0.0)
    return _settle(market, state, entries, row, change, market.close[row] * part, "delisted")


def _split(market: Market, state: _State, entries: Entries, row: int, is_whole: Bools) -> Floats:
    """Split what is held; pay out fractions. AUD, accounts x 1."""
    ratio = market.split[row]
    if (ratio == 1).all():
        return np.zeros_like(state.cash)
    state.shares, asked = state.shares * ratio, state.wanted * ratio
    whole = np.floor(state.shares + WHOLE)
    fraction = np.where(is_whole & (ratio != 1), whole - state.shares, 0.0)
    state.wanted = np.where(is_whole & (ratio != 1), np.floor(asked + WHOLE), asked)
    price = np.broadcast_to(market.close[row], state.shares.shape)
    return _settle(market, state, entries, row, fraction, price, "cash in lieu")


def _settle(
    market: Market,
    state: _State,
    entries: Entries,
    row: int,
    change: Floats,
    price: Floats,
    reason: str,
) -> Floats:
    """Pay shares out without costs. AUD, accounts x 1."""
    if not change.any():
        return np.zeros_like(state.cash)
    entries.settlements.append(Settlement(row, change, price, reason))
    state.shares = state.shares + change
    return total(-change * price * market.aud_per_unit[row])


def _dividends(market: Market, state: _State, entries: Entries, row: int) -> Floats:
    """Gross dividends, AUD, accounts x tickers."""
    if not market.dividend[row].any():
        return np.zeros_like(state.shares)
    gross: Floats = state.shares * market.dividend[row] * market.aud_per_unit[row]
    entries.dividends.append((row, gross))
    return gross


def _fill(
    market: Market,
    state: _State,
    entries: Entries,
    row: int,
    price: Floats,
    on: Conditions,
) -> list[Floats]:
    """Fill the open orders of what trades. Value traded, fees, slippage, FX costs; accounts x 1."""
    is_open = (state.wanted != state.shares) & market.traded[row]
    if not is_open.any():
        return [np.zeros_like(state.cash)] * 4
    price_aud = price * market.aud_per_unit[row]
    asked = np.where(is_open, state.wanted, state.shares)
    filled = affordable(asked, state.shares, price_aud, state.cash, on)
    change = filled - state.shares
    value = np.abs(change) * price_aud
    fees = total(on.fee * (change != 0))
    slippage, exchange = total(value * on.slippage), total(value * on.fx_spread)
    if change.any():
        entries.settlements.append(Settlement(row, change, price, "order"))
    state.cash = state.cash - total(change * price_aud) - fees - slippage - exchange
    state.shares = filled
    state.wanted = np.where(is_open, filled, state.wanted)
    return [total(value), fees, slippage, exchange]
