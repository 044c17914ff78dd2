"""A named strategy: universe, signal, overlay, allocation and rebalance rule, put together."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from strategy.allocation.base import Allocation, Candidates
from strategy.grid import Grid, check_grid
from strategy.overlays.base import Overlay
from strategy.rebalance import LONGEST_PERIOD, Rule
from strategy.signals.base import Signal
from strategy.universes.members import CASH
from strategy.window import Window

ACTIVE = "active"

ROUNDING = 1e-9
"""A cash weight below this is the rounding of a sum, not money."""

DUST = 1e-6
"""A weight below this is no position: a dollar of a million."""


class Strategy(BaseModel):
    """What a catalog entry says. ``universe`` is a key, or ``active``: all that is fetched.

    ``grid`` are the values among which a walk-forward analysis chooses, see ``strategy.grid``; a
    target is decided by the strategy's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    description: str
    universe: str = ACTIVE
    signal: SerializeAsAny[Signal]
    overlay: SerializeAsAny[Overlay] | None = None
    allocation: SerializeAsAny[Allocation]
    rebalance: Rule = "monthly"
    grid: Grid = Field(default_factory=lambda: MappingProxyType({}))

    @model_validator(mode="after")
    def _can_choose(self) -> Self:
        check_grid(self)
        return self

    @property
    def parts(self) -> dict[str, Signal | Overlay | Allocation | None]:
        """What it is put together from, by key."""
        return {"signal": self.signal, "overlay": self.overlay, "allocation": self.allocation}

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
        return max(self.signal.lookback, self.target_lookback) + 1 + self.period

    @property
    def target_lookback(self) -> int:
        """The sessions that a target looks back on, beside the signals of its own session."""
        return max(self.allocation.lookback, self.overlay.lookback if self.overlay else 1)

    @property
    def target_fields(self) -> frozenset[str]:
        """The columns of ``daily_returns`` that a target looks at."""
        return frozenset(self.allocation.fields) | (
            frozenset(self.overlay.fields) if self.overlay else frozenset()
        )

    @property
    def fields(self) -> frozenset[str]:
        """Every column of ``daily_returns`` that the strategy looks at."""
        return self.target_fields | frozenset(self.signal.fields)

    def target(
        self, signals: pd.DataFrame, window_of: Callable[[int], Window]
    ) -> Mapping[str, float]:
        """The target weights decided at a rebalance session.

        The overlay scales the budget of the chosen tickers before it is shared, so that bounds
        hold; what it takes away is cash. A refuge keeps its part.

        Args:
            signals: of the rebalance session; columns ticker, signal, strength, score.
            window_of: the window of a look-back that ends at the same session.

        Returns:
            Weight by ticker, those above 0 and ``CASH``, summing to 1. Only ``CASH`` while history
            is shorter than the longest window.
        """
        if not window_of(self.target_lookback).is_complete:
            return {CASH: 1.0}
        split = self.signal.split(signals)
        exposure = (
            self.overlay.exposure(window_of(self.overlay.lookback).only(signals["ticker"]))
            if self.overlay and split.core
            else 1.0
        )
        weights: dict[str, float] = {}
        if split.core and exposure > 0:
            window = window_of(self.allocation.lookback).only(split.core)
            strength = signals.set_index("ticker")["strength"].reindex(window.tickers)
            shares = self.allocation.weigh(
                Candidates(window, strength.to_numpy(dtype=float), split.budget * exposure)
            )
            weights = dict(zip(shares.index, shares.tolist(), strict=True))
        if split.refuge:
            weights[split.refuge] = 1 - split.budget
        held = {ticker: weight for ticker, weight in sorted(weights.items()) if weight >= DUST}
        cash = 1 - float(np.sum(list(held.values())))
        return {**held, CASH: cash if cash > ROUNDING else 0.0}
