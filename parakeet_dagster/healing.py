"""What is not as it should be, and whether to ask for it now. Decisions only; see ``sensors.py``.

A session is broken when it is missing, half done or stale, when a correction of it is known, or
when a ticker of it failed and may come with another try. The broken ones, and what is stored after
them, are asked for as one range; where only some tickers are lacking, for these tickers alone, and
where no price is, without prices.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.backfill import Progress, Span, tickers_first

SETTLED_AFTER = timedelta(minutes=30)
"""So long the daily schedule has to bring in a session that has just been completed."""

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=12)
REQUESTS = 8
"""So often one broken session is asked for, over about two days; then a person must look."""


@dataclass(frozen=True)
class Rest:
    """Nothing to ask for now, and why. ``needs_person``: nothing more will be asked for it."""

    reason: str
    needs_person: bool = False


def next_request(
    progress: Progress,
    due: str,
    requests: pd.DataFrame,
    accepted_at: pd.Timestamp | None,
    now: datetime,
) -> Span | Rest:
    """The range to ask for now.

    Never below the first stored session, nor above ``due``. A session is asked for again after
    15 minutes, half an hour and so on up to 12 hours, and at most eight times: then until a person
    accepts what cannot be had, nothing more is asked for its sake. What was asked for before the
    present cause was known does not count.

    Args:
        progress: what is stored and recorded.
        due: the last session that can be had.
        requests: columns first_session, last_session, requested_at (UTC), ascending.
        accepted_at: when a session was last accepted by hand.
        now: with a zone.
    """
    if not progress.history:
        return Rest("nothing is stored yet: parakeet backfill FROM TO begins a history")
    start = progress.history[0]
    broken = [key for key in calendar.between(start, due) if progress.is_broken(key)]
    if not broken:
        return Rest(f"every session from {start} to {due} is complete")
    last = max(broken[-1], min(progress.history[-1], due))
    alone = tickers_first(progress, broken)
    others = broken[len(alone) :]
    if alone and others:
        last = str(calendar.offset(others[0], -1))
    has_prices = all(progress.is_brought_in(key) for key in broken)
    wanted = Span(broken[0], last, has_prices, progress.only_failed(alone))
    asked = requests[requests["first_session"] == pd.Timestamp(wanted.first)]
    since = progress.open_since(wanted.first)
    if since is not None:
        asked = asked[asked["requested_at"] >= since]
    if accepted_at is not None:
        asked = asked[asked["requested_at"] > accepted_at]
    if len(asked) >= REQUESTS:
        return Rest(
            f"{wanted.first} was asked for {len(asked)} times and is still not complete: see"
            f" parakeet status, then parakeet backfill {wanted.first} {wanted.last}, or parakeet"
            f" session accept {wanted.first}",
            needs_person=True,
        )
    if len(asked):
        pause = min(FIRST_PAUSE * 2 ** (len(asked) - 1), LONGEST_PAUSE)
        ready = asked["requested_at"].iloc[-1] + pause
        if pd.Timestamp(now) < ready:
            return Rest(f"{wanted.first} will be asked for again at {ready:%Y-%m-%d %H:%M} UTC")
    return wanted
