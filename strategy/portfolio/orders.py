"""From target weights to quantities: what is wanted, and what can be paid for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategy.portfolio.band import is_worth_it
from strategy.portfolio.terms import BASIS_POINT, Terms

WHOLE = 1e-9
"""A share that is short of a whole one by less is a whole one: 3 x 0.1 is 0.30000000000000004."""

SHORT_OF = 1 - 1e-12
"""What is spent of what there is, so that rounding never leaves a debt."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Conditions:
    """The terms of several accounts as arrays, accounts x 1, and their costs per ticker.

    slippage, fx_spread: parts of a trade's value, accounts x tickers; the second is 0 for tickers
        in AUD.
    """

    fee: Floats
    slippage: Floats
    fx_spread: Floats
    is_whole: Bools
    risk_aversion: Floats
    withholding: Floats

    @property
    def proportional(self) -> Floats:
        """What a trade costs as a part of its value."""
        return self.slippage + self.fx_spread


def conditions(terms: list[Terms], is_foreign: Bools) -> Conditions:
    """The terms of each account, for tickers of which some are foreign."""
    of = {
        name: np.array([[getattr(one, name)] for one in terms], dtype=float)
        for name in ("fee", "slippage_bp", "fx_spread_bp", "risk_aversion", "withholding")
    }
    return Conditions(
        fee=of["fee"],
        slippage=of["slippage_bp"] * BASIS_POINT * np.ones(len(is_foreign)),
        fx_spread=of["fx_spread_bp"] * BASIS_POINT * is_foreign,
        is_whole=np.array([[one.whole_shares] for one in terms]),
        risk_aversion=of["risk_aversion"],
        withholding=of["withholding"] * is_foreign,
    )


def wanted_shares(
    weights: Floats,
    shares: Floats,
    price_aud: Floats,
    equity: Floats,
    cash: Floats,
    volatility: Floats,
    on: Conditions,
) -> Floats:
    """The shares that move each account to its target, at the prices of the decision.

    An order pays for itself: the amount by which a position is short of its target buys shares and
    pays the costs of buying them; the amount above it is what selling leaves after its costs. So
    costs are borne by the positions that cause them, and cash is what the target says. A position
    that is both held and wanted is left alone inside the no-trade band (see ``band``); one that is
    not wanted is sold, unless it is worth less than selling it costs. Whole shares are rounded
    down. Where cash is short, since others were left alone, all purchases are cut in proportion.

    Args:
        weights: targets as parts of the equity, accounts x tickers.
        shares: held, accounts x tickers.
        price_aud: the close of the decision's session, per ticker; 0 where there is none: such a
            ticker is neither bought nor sold.
        equity: AUD, accounts x 1.
        cash: AUD, accounts x 1.
        volatility: annualised, per ticker.
        on: the terms.

    Returns:
        Shares, accounts x tickers, none below 0.
    """
    value = shares * price_aud
    difference = weights * equity - value
    rate = on.proportional
    spent = np.maximum(difference - on.fee, 0) / (1 + rate)
    raised = np.minimum((on.fee - difference) / (1 - rate), value)
    leaves = (weights == 0) & (value * (1 - rate) > on.fee)
    adjusts = (weights > 0) & (shares > 0)
    cost = on.fee + rate * np.where(difference > 0, spent, raised)
    worth_it = is_worth_it(difference, equity, volatility, on.risk_aversion, cost)
    buys = (difference > 0) & (weights > 0) & (~adjusts | worth_it)
    sells = (difference < 0) & adjusts & worth_it
    change = np.where(leaves, -value, np.where(buys, spent, np.where(sells, -raised, 0.0)))
    price = np.where(price_aud > 0, price_aud, 1.0)
    is_all = leaves | (sells & (raised >= value))
    moved = np.where(is_all, 0.0, np.maximum(shares + change / price, 0.0))
    wanted = np.where((price_aud > 0) & (change != 0), moved, shares)
    rounded = np.where(on.is_whole & (wanted != shares), np.floor(wanted + WHOLE), wanted)
    return affordable(rounded, shares, price_aud, cash, on)


def affordable(
    wanted: Floats, shares: Floats, price_aud: Floats, cash: Floats, on: Conditions
) -> Floats:
    """``wanted``, with all purchases cut in proportion to what cash and the sales can pay for.

    Sales whose costs exceed what they bring are not made, nor purchases worth less than their fee.
    Fees are paid first.

    Args:
        wanted: accounts x tickers, none below 0.
        shares: held, accounts x tickers.
        price_aud: at which the orders are filled, accounts x tickers or per ticker.
        cash: AUD, accounts x 1.
        on: the terms.
    """
    change = wanted - shares
    value = np.abs(change) * price_aud
    rate = on.proportional
    sells = (change < 0) & (value * (1 - rate) > on.fee)
    buys = change > 0
    raised = total(np.where(sells, value * (1 - rate) - on.fee, 0.0))
    fees = total(np.where(buys, on.fee, 0.0))
    needed = total(np.where(buys, value * (1 + rate), 0.0))
    available = np.maximum(cash + raised - fees, 0.0)
    is_short = needed > available
    part = np.where(is_short, available / np.where(needed > 0, needed, 1.0) * SHORT_OF, 1.0)
    bought = change * part
    bought = np.where(on.is_whole & is_short, np.floor(bought + WHOLE), bought)
    bought = np.where(bought * price_aud > on.fee, bought, 0.0)
    return shares + np.where(sells, change, np.where(buys, bought, 0.0))


def total(values: Floats) -> Floats:
    """Sums over tickers, added in their order: a ticker more or less that is 0 changes no bit."""
    return (
        np.cumsum(values, axis=-1)[..., -1:] if values.shape[-1] else values.sum(-1, keepdims=True)
    )
