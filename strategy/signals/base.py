"""What every signal is: typed parameters, a look-back, and one function of a window."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from strategy.window import Window

SIGNAL_COLUMNS = ["ticker", "signal", "strength", "score"]


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

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ("return_aud",)
    lookback: int

    @property
    def exempt(self) -> tuple[str, ...]:
        """Tickers that the allocation's bounds do not hold for."""
        return ()

    @abstractmethod
    def compute(self, window: Window) -> pd.DataFrame:
        """The signals of the window's last session.

        Returns:
            One row per ticker of the window, in its order; columns ``SIGNAL_COLUMNS``: ``signal``
            int8 in {-1, 0, 1}, ``strength`` float64 in [0, 1], ``score`` float64 on the strategy's
            own scale, NaN where it cannot be known.
        """

    def at(self, window: Window) -> pd.DataFrame:
        """The signals of the window's last session; all 0 while history is too short."""
        if not window.is_complete:
            return signal_frame(window, np.zeros(len(window.tickers)), np.nan)
        return self.compute(window)

    def split(self, signals: pd.DataFrame) -> Split:
        """The long tickers share the whole portfolio; without one, all of it is cash."""
        core = tuple(signals.loc[signals["signal"] == 1, "ticker"])
        return Split(core, 1.0 if core else 0.0)


def signal_frame(
    window: Window,
    strength: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64] | float,
) -> pd.DataFrame:
    """Long signals for every ticker of the window whose strength is above 0."""
    columns: dict[str, Any] = {
        "ticker": window.tickers,
        "signal": (strength > 0).astype(np.int8),
        "strength": strength,
        "score": score,
    }
    return pd.DataFrame(columns).astype({"score": "float64"})
