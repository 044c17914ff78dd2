"""What is left to do of a decision, for a portfolio that a person trades."""

import numpy as np
import pandas as pd

from strategy.portfolio import POSITION_COLUMNS
from strategy.portfolio.band import WINDOW, is_worth_it, volatility
from strategy.portfolio.holdings import Held
from strategy.portfolio.market import Floats, Market
from strategy.portfolio.orders import WHOLE, affordable, conditions, total, wanted_shares
from strategy.portfolio.terms import Terms
from strategy.universes.members import CASH


def what_is_left(
    market: Market,
    weights: pd.Series,
    then: Held,
    now: Held,
    decided: pd.Timestamp,
    day: pd.Timestamp,
    terms: Terms,
) -> pd.DataFrame:
    """The positions of ``day``, and the shares that the decision of ``decided`` wants.

    The decision is sized once, from what was held at its close and at its prices (see
    ``wanted_shares``); what was traded since is taken off. A person who trades other quantities, or
    later, is told what is left, and not a new decision made from today's prices: the strategy
    trades at its rebalances. Of what was held and wanted at the decision, what is left must be
    worth its cost, as the difference itself had to be; what was to be entered is bought whole.
    Where only whole shares can be held, only whole ones are traded: a fraction that is held stays,
    until all is sold; one that a split left over stays then, too, since the broker pays it out.

    Args:
        market: both sessions, ``WINDOW`` before the first, and every ticker that is wanted; one
            that is held and not in it is left alone and counts for nothing, one without a row on
            ``day`` is left alone.
        weights: the target, by ticker; ``CASH`` may be among them.
        then: what was held at the close of ``decided``.
        now: what is held at the close of ``day``.
        decided: a session, not after ``day``.
        day: a session.
        terms: what trading costs.

    Returns:
        Columns ``POSITION_COLUMNS``, one session; ``wanted`` of ``CASH`` is what is there.
    """
    first, last = map(int, market.sessions.get_indexer(pd.DatetimeIndex([decided, day])))
    tickers, on = market.tickers, conditions([terms], market.is_foreign)
    held_then, held, target = (
        np.asarray(one.reindex(tickers, fill_value=0.0), dtype=np.float64)[None, :]
        for one in (then.shares, now.shares, weights)
    )
    price = market.price_aud
    sized = wanted_shares(
        target,
        held_then,
        np.where(market.present[first], price[first], 0.0),
        then.cash + total(held_then * price[first]),
        np.array([[then.cash]]),
        volatility(market.returns[max(first + 1 - WINDOW, 0) : first + 1]),
        on,
    )
    split = market.split[first + 1 : last + 1].prod(axis=0)
    wanted = sized * split
    is_whole = on.is_whole & ((wanted > 0) | (split != 1))
    wanted = np.where(is_whole, held + _whole(wanted - held), wanted)
    wanted = np.where(market.present[last], wanted, held)
    if last > first:
        adjusted = _worth_it(market, wanted, held, now.cash, last, terms)
        wanted = np.where(held_then > 0, adjusted, wanted)
        wanted = affordable(wanted, held, price[last], np.array([[now.cash]]), on)
    shown = np.flatnonzero((held[0] > 0) | (wanted[0] > 0))
    positions = pd.DataFrame(
        {
            "ticker": [*tickers[shown], CASH],
            "quantity": [*held[0, shown], now.cash],
            "wanted": [*wanted[0, shown], now.cash],
            "price_aud": [*price[last, shown], 1.0],
        }
    ).assign(date=day)
    positions["value_aud"] = positions["quantity"] * positions["price_aud"]
    ordered = positions.astype({"ticker": "str", "date": "datetime64[us]"})
    return ordered.sort_values("ticker", ignore_index=True)[POSITION_COLUMNS]


def _whole(change: Floats) -> Floats:
    """Whole shares, rounded to none."""
    return np.sign(change) * np.floor(np.abs(change) + WHOLE)


def _worth_it(
    market: Market, wanted: Floats, held: Floats, cash: float, row: int, terms: Terms
) -> Floats:
    """``wanted``, but what is held where the rest is not worth its cost."""
    on = conditions([terms], market.is_foreign)
    price = market.price_aud[row]
    difference = (wanted - held) * price
    worth_it = is_worth_it(
        difference,
        np.maximum(cash + total(held * price), WHOLE),
        volatility(market.returns[max(row + 1 - WINDOW, 0) : row + 1]),
        on.risk_aversion,
        on.fee + np.abs(difference) * on.proportional,
    )
    return np.where((wanted > 0) & (held > 0) & ~worth_it, held, wanted)
