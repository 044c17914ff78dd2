"""Hold everything: for strategies that are allocation only, and the honest baseline."""

from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from strategy.signals.base import Signal, signal_frame
from strategy.window import Window


class AlwaysOn(Signal):
    """Every covered member is held, at full strength, from its first bar on."""

    source: ClassVar[str] = "DeMiguel, Garlappi and Uppal (2009), as the 1/N benchmark"
    fields: ClassVar[tuple[str, ...]] = ()
    lookback: PositiveInt = 1

    def compute(self, window: Window) -> pd.DataFrame:
        """See ``Signal.compute``; the score is 1."""
        return signal_frame(window, np.ones(len(window.tickers)), 1.0)
