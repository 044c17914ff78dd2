"""Training and test windows that roll through time."""

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from strategy.errors import TooShortError
from strategy.rebalance import SESSIONS_A_YEAR

PART_OF_A_TEST = 4
"""What is left at the end is a test window of its own from this part of one on (a quarter)."""


class Windows(BaseModel):
    """The lengths of the windows of a walk-forward analysis, in sessions.

    train: on which candidates are judged.
    test: in which the best one is then used, and by which both windows move on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: int = Field(default=3 * SESSIONS_A_YEAR, ge=3)
    test: int = Field(default=SESSIONS_A_YEAR, ge=2)


def folds(sessions: pd.DatetimeIndex, windows: Windows) -> pd.DataFrame:
    """The folds of a sample: test windows without a gap, each after its training window.

    A training window ends on the session before its test window. No sessions between them are left
    out (López de Prado, Advances in Financial Machine Learning, 2018, chapter 7, purges and
    embargoes where labels overlap): what is judged are returns of single sessions, which do not
    overlap, and a decision looks backwards only.

    All windows are whole but for the last test window. What is left at the end is one of its own if
    it is a quarter of one at least; else it joins the one before.

    Args:
        sessions: ascending.
        windows: their lengths.

    Returns:
        Index fold, from 0; columns train_first, train_last, test_first, test_last.

    Raises:
        TooShortError: there are not enough sessions for one fold.
    """
    needed = windows.train + windows.test
    if len(sessions) < needed:
        raise TooShortError(
            f"a walk-forward analysis has {len(sessions)} sessions from the first decision on, and"
            f" needs {needed}: {windows.train} to train and {windows.test} to test"
        )
    whole, rest = divmod(len(sessions) - windows.train, windows.test)
    count = whole + (rest * PART_OF_A_TEST >= windows.test)
    starts = windows.train + windows.test * np.arange(count)
    ends = np.append(starts[1:], len(sessions))
    return pd.DataFrame(
        {
            "train_first": sessions[starts - windows.train],
            "train_last": sessions[starts - 1],
            "test_first": sessions[starts],
            "test_last": sessions[ends - 1],
        }
    ).rename_axis("fold")
