"""One number per session that tells whether the lake and the database hold the same bars."""

import hashlib

import numpy as np
import pandas as pd

_PRICES = ("open", "high", "low", "close")


def lake_checksum(frame: pd.DataFrame) -> pd.DataFrame:
    """Per date the number of bars and an MD5 over their content.

    The same as ``market_data_checksum`` in ``sql/``: tickers joined by commas, then open, high,
    low, close and volume, column after column, 8 bytes each, big-endian, in ticker order. A row
    whose close is NaN is an action without a bar and is left out.

    Args:
        frame: columns of ``raw_prices``, in any order of rows.

    Returns:
        Columns ``date`` (datetime64[us]), ``rows`` (int64), ``checksum`` (str), sorted by date; a
        date without a bar has no row.
    """
    bars = frame[frame["close"].notna()].sort_values(["date", "ticker"], ignore_index=True)
    tickers = bars["ticker"].to_numpy(dtype=object)
    columns = [bars[name].to_numpy(dtype=">f8") for name in _PRICES]
    columns.append(bars["volume"].to_numpy(dtype=">i8"))
    dates, starts = np.unique(bars["date"].to_numpy(), return_index=True)
    ends = np.append(starts[1:], len(bars))[: len(starts)]

    def of_date(start: int, end: int) -> str:
        content = [
            ",".join(tickers[start:end]).encode(),
            *(c[start:end].tobytes() for c in columns),
        ]
        return hashlib.md5(b"".join(content), usedforsecurity=False).hexdigest()

    return pd.DataFrame(
        {
            "date": pd.Series(dates, dtype="datetime64[us]"),
            "rows": pd.Series(ends - starts, dtype="int64"),
            "checksum": pd.Series(map(of_date, starts, ends), dtype="str"),
        }
    )
