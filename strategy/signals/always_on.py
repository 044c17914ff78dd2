"""Hold everything: for strategies that are allocation only, and the honest baseline."""

from typing import ClassVar

import numpy as np
from pydantic import PositiveInt

from strategy.signals.base import Decision, Signal, long
from strategy.window import Window


class AlwaysOn(Signal):
    """Every covered member is held, at full strength, from its first bar on."""

    source: ClassVar[str] = "DeMiguel, Garlappi and Uppal (2009), as the 1/N benchmark"
    fields: ClassVar[tuple[str, ...]] = ()
    lookback: PositiveInt = 1

    def compute(self, window: Window) -> Decision:
        """See ``Signal.compute``; the score is 1."""
        return long(np.ones(len(window.tickers)), 1.0)
