"""Where a session that was accepted by hand is used, the UI says so."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.storage.database import Database

NOTE = "accepted_by_hand"


def with_accepted(
    notes: Mapping[str, Mapping[str, Any]], neon: Database, keys: Sequence[str], lookback: int
) -> dict[str, dict[str, Any]]:
    """``notes`` by session, with the accepted sessions among the ``lookback`` up to each one."""
    accepted = neon.acceptances()
    noted = {key: dict(notes.get(key, {})) for key in keys}
    if accepted.empty:
        return noted
    days = pd.DatetimeIndex(accepted["session"])
    for key in keys:
        first = calendar.window([key], lookback - 1)[0]
        used = accepted[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(key))]
        if len(used):
            noted[key][NOTE] = "; ".join(
                f"{row['session']:%Y-%m-%d} {row['market']}: {row['reason']}"
                for row in used.to_dict("records")
            )
    return noted
