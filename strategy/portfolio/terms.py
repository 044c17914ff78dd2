"""What trading costs, what cash earns, and how orders are filled."""

import math
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BASIS_POINT = 1e-4


class Terms(BaseModel):
    """The terms of one account. Every amount is in AUD, every rate a part of 1 or in basis points.

    capital: in cash at the start.
    fee: of every trade, whatever its size.
    fx_spread_bp: lost on every conversion between AUD and another currency: on the value of a trade
        in a foreign share, and on its dividends.
    slippage_bp: lost on the value of every trade, to the spread and to moving the price.
    cash_rate: what cash earns, a year; credited every session for the days since the one before.
    withholding: of foreign dividends, kept back by the foreign state (15 % for an Australian under
        the treaty with the US, with form W-8BEN).
    whole_shares: whether only whole shares can be held.
    fill: when an order is filled. ``close``: at the close of the first session after the decision
        on which the ticker trades; ``open``: at its open, for XNYS only: the ASX has opened before
        the data of the decision is complete, at 01:00 UTC.
    risk_aversion: of the holder, for the no-trade band, see ``band``; infinite: no band, every
        difference is traded.
    delisting_return: of a holding whose prices end, on its last close. 0 pays the last close.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    capital: float = Field(default=100_000.0, gt=0, allow_inf_nan=False)
    fee: float = Field(default=3.0, ge=0, allow_inf_nan=False)
    fx_spread_bp: float = Field(default=70.0, ge=0, lt=5000, allow_inf_nan=False)
    slippage_bp: float = Field(default=5.0, ge=0, lt=5000, allow_inf_nan=False)
    cash_rate: float = Field(default=0.02, gt=-1, le=1, allow_inf_nan=False)
    withholding: float = Field(default=0.15, ge=0, le=1)
    whole_shares: bool = True
    fill: Literal["close", "open"] = "close"
    risk_aversion: float = Field(default=3.0, ge=0)
    delisting_return: float = Field(default=0.0, ge=-1, le=0)

    @property
    def fingerprint(self) -> str:
        """Twelve characters, the same for the same terms and in practice only for these."""
        return sha256(repr(self).encode()).hexdigest()[:12]


FREE = Terms(
    fee=0,
    fx_spread_bp=0,
    slippage_bp=0,
    cash_rate=0,
    withholding=0,
    whole_shares=False,
    risk_aversion=math.inf,
)
"""No costs, no interest, fractions of shares, no band: the mere weights."""
