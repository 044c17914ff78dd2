"""What every signal is: typed parameters, a look-back, and one function of a window."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from strategy.window import Window

SIGNAL_COLUMNS = ["ticker", "signal", "strength", "score"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """What a signal says of each ticker of a window, in the window's order.

    signal: int8 in {-1, 0, 1}. strength: float64 in [0, 1]. score: float64 on the strategy's own
    scale, NaN where it cannot be known.
    """

    signal: npt.NDArray[np.int8]
    strength: Floats
    score: Floats


def long(strength: Floats, score: Floats | float) -> Decision:
    """Long every ticker whose strength is above 0; one ``score`` may stand for all."""
    scores = np.broadcast_to(np.asarray(score, dtype=float), strength.shape)
    return Decision((strength > 0).astype(np.int8), strength, scores)


@dataclass(frozen=True)
class Split:
    """How the portfolio is shared before any weighting.

    core: the tickers that the allocation weighs; together they get ``budget`` of the portfolio.
    refuge: the ticker that takes the rest, or None: then the rest is cash.
    """

    core: tuple[str, ...]
    budget: float
    refuge: str | None = None


class Signal(BaseModel, ABC):
    """Base of all signals: parameters are fields, validated and frozen.

    ``lookback`` is the number of sessions in the window, the day itself included; ``fields`` are
    the columns of ``daily_returns`` it looks at; ``source`` is where it is published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ("return_aud",)
    lookback: int

    @property
    def exempt(self) -> tuple[str, ...]:
        """Tickers that the allocation's bounds do not hold for."""
        return ()

    @abstractmethod
    def compute(self, window: Window) -> Decision:
        """The signals of the last session of a complete window."""

    def decide(self, window: Window) -> Decision:
        """The signals of the window's last session; all 0 while history is too short."""
        if not window.is_complete:
            return long(np.zeros(len(window.tickers)), np.nan)
        return self.compute(window)

    def at(self, window: Window) -> pd.DataFrame:
        """As ``decide``, a row per ticker: columns ``SIGNAL_COLUMNS``."""
        told = self.decide(window)
        values = (window.tickers, told.signal, told.strength, told.score)
        return pd.DataFrame(dict(zip(SIGNAL_COLUMNS, values, strict=True)))

    def split(self, signals: pd.DataFrame) -> Split:
        """The long tickers share the whole portfolio; without one, all of it is cash.

        Args:
            signals: of one session; columns ``SIGNAL_COLUMNS``.
        """
        core = tuple(signals.loc[signals["signal"] == 1, "ticker"])
        return Split(core, 1.0 if core else 0.0)


def best(score: Floats, places: int, eligible: npt.NDArray[np.bool_] | None = None) -> Floats:
    """1.0 for the ``places`` highest scores, 0.0 for the others.

    Equal scores are ranked by ticker, since a window's tickers are sorted. A ticker whose score is
    NaN, or that is not ``eligible``, is never among them.
    """
    allowed = ~np.isnan(score) if eligible is None else eligible & ~np.isnan(score)
    ranked = np.argsort(np.where(allowed, -score, np.inf), kind="stable")[:places]
    strength = np.zeros(len(score))
    strength[ranked[allowed[ranked]]] = 1.0
    return strength
