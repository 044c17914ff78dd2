"""What every overlay is: typed parameters, a look-back, and one function of a window."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from strategy.window import Window


class Overlay(BaseModel, ABC):
    """Base of all overlays. ``lookback`` is the number of sessions in its window.

    An overlay is asked at rebalance sessions only, so that it may fit a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ("return_aud",)
    lookback: int

    @abstractmethod
    def exposure(self, window: Window) -> float:
        """How much of the chosen portfolio to hold, in [0, 1]; the rest is cash.

        Args:
            window: complete, ending at the rebalance session, of every member that the strategy's
                signal looked at on that session, chosen or not.
        """
