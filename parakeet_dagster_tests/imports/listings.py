"""What the tests know, and how they write a file."""

from pathlib import Path

import pandas as pd

KNOWN = pd.DataFrame(
    [
        *(("AAPL", "XNYS", "USD"), ("NA", "XNYS", "USD"), ("ON", "XNYS", "USD")),
        *(("TRUE", "XNYS", "USD"), ("BRK-B", "XNYS", "USD"), ("VAS.AX", "XASX", "AUD")),
    ],
    columns=["ticker", "market", "currency"],
).astype("str")


def written(folder: Path, header: str, *rows: str) -> Path:
    """A file with one row a line; the first row is on line 2."""
    file = folder / "mine.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return file
