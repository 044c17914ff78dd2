"""A named strategy: universe, signal, allocation and rebalance rule, put together."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, SerializeAsAny

from strategy.allocation.base import Allocation
from strategy.rebalance import LONGEST_PERIOD, Rule
from strategy.signals.base import Signal
from strategy.window import Window

ACTIVE = "active"
CASH = "CASH"

ROUNDING = 1e-9
"""A cash weight below this is the rounding of a sum, not money."""


class Strategy(BaseModel):
    """What a catalog entry says. ``universe`` is a key, or ``active``: all that is fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    description: str
    universe: str = ACTIVE
    signal: SerializeAsAny[Signal]
    allocation: SerializeAsAny[Allocation]
    rebalance: Rule = "monthly"

    @property
    def period(self) -> int:
        """The most sessions between the session whose target is asked for and its rebalance."""
        return LONGEST_PERIOD[self.rebalance] - 1

    @property
    def history(self) -> int:
        """The sessions that must be stored up to a session before its target is worth anything.

        One more than the longest window, whose returns need a close before them, and the time
        since the rebalance.
        """
        return max(self.signal.lookback, self.allocation.lookback) + 1 + self.period

    def target(self, signals: pd.DataFrame, window: Window) -> Mapping[str, float]:
        """The target weights decided at a rebalance session.

        Args:
            signals: of the rebalance session; columns ticker, signal, strength, score.
            window: the allocation's window, ending at the same session.

        Returns:
            Weight by ticker, those above 0 and ``CASH``, summing to 1. Only ``CASH`` while history
            is shorter than the allocation's window.
        """
        if not window.is_complete:
            return {CASH: 1.0}
        split = self.signal.split(signals)
        weights: dict[str, float] = {}
        if split.core:
            shares = self.allocation.weigh(window.only(split.core), split.budget)
            weights = dict(zip(shares.index, shares.tolist(), strict=True))
        if split.refuge:
            weights[split.refuge] = 1 - split.budget
        held = {ticker: weight for ticker, weight in sorted(weights.items()) if weight > 0}
        cash = 1 - float(np.sum(list(held.values())))
        return {**held, CASH: cash if cash > ROUNDING else 0.0}
