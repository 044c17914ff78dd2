"""What a row of prices is known by: its ticker and its date."""

import numpy as np
import numpy.typing as npt
import pandas as pd

KEYS = ["ticker", "date"]


def is_among(rows: pd.DataFrame, others: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether each row's ticker and date occur in ``others``."""
    both = pd.concat([others[KEYS], rows[KEYS]], ignore_index=True)
    tickers, days = pd.factorize(both["ticker"])[0], pd.factorize(both["date"])[0]
    keys = tickers.astype("int64") * (days.max(initial=0) + 1) + days
    return np.isin(keys[len(others) :], keys[: len(others)])
