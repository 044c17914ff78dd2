"""When the healing sensor asks for what; the broken sessions are given, the answer is by hand."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.backfill import Span
from parakeet_dagster.healing import REQUESTS, Rest, next_request

NOW = datetime(2024, 3, 19, 6, 0, tzinfo=UTC)
STORED = calendar.between("2024-03-04", "2024-03-15")


def progress(
    *broken: str,
    history: list[str] = STORED,
    failed: str = "",
    since: pd.Timestamp | None = None,
    priced: tuple[str, ...] = (),
) -> SimpleNamespace:
    return SimpleNamespace(
        history=history,
        is_broken=lambda key: key in broken,
        is_brought_in=lambda key: key in priced,
        only_failed=lambda keys: frozenset(failed.split()),
        open_since=lambda key: since,
    )


def asked(first: str, *moments: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first_session": pd.Series([first] * len(moments), dtype="datetime64[us]"),
            "last_session": pd.Series([first] * len(moments), dtype="datetime64[us]"),
            "requested_at": pd.to_datetime(list(moments), utc=True),
        }
    )


NEVER = asked("2024-03-18")


def decide(progress, requests=NEVER, due="2024-03-18", accepted_at=None, now=NOW):
    return next_request(progress, due, requests, accepted_at, now)


def test_nothing_stored_is_never_begun_by_itself():
    assert isinstance(decide(progress("2024-03-18", history=[])), Rest)


def test_a_complete_history_rests():
    found = decide(progress(), due="2024-03-15")
    assert found == Rest("every session from 2024-03-04 to 2024-03-15 is complete")


def test_a_week_of_outage_is_one_range():
    week = calendar.between("2024-03-11", "2024-03-18")
    found = decide(progress(*week, history=calendar.between("2024-03-04", "2024-03-08")))
    assert found == Span("2024-03-11", "2024-03-18")


def test_what_is_stored_after_a_broken_session_is_computed_again():
    assert decide(progress("2024-03-06"), due="2024-03-15") == Span("2024-03-06", "2024-03-15")


def test_nothing_is_asked_for_above_the_source_or_below_the_first_session():
    outside = progress("2024-03-01", "2024-03-18")
    assert isinstance(decide(outside, due="2024-03-15"), Rest)


@pytest.mark.parametrize(
    ("now", "rests"),
    [("2024-03-19 05:09", True), ("2024-03-19 05:10", False)],
)
def test_after_one_request_a_quarter_of_an_hour_passes(now, rests):
    requests = asked("2024-03-18", "2024-03-19 04:55")
    found = decide(progress("2024-03-18"), requests, now=pd.Timestamp(now, tz="UTC"))
    assert isinstance(found, Rest) is rests


def test_the_pause_doubles():
    requests = asked("2024-03-18", "2024-03-19 02:00", "2024-03-19 02:15", "2024-03-19 02:45")
    before, after = (
        decide(progress("2024-03-18"), requests, now=pd.Timestamp(now, tz="UTC"))
        for now in ("2024-03-19 03:44", "2024-03-19 03:45")
    )
    assert before == Rest("2024-03-18 will be asked for again at 2024-03-19 03:45 UTC")
    assert after == Span("2024-03-18", "2024-03-18")


def test_it_gives_up_and_says_so():
    moments = [f"2024-03-{day} 02:00" for day in range(10, 10 + REQUESTS)]
    found = decide(progress("2024-03-18"), asked("2024-03-18", *moments))
    assert isinstance(found, Rest)
    assert found.needs_person
    assert "parakeet session accept 2024-03-18" in found.reason


def test_another_session_starts_its_own_count():
    moments = [f"2024-03-{day} 02:00" for day in range(10, 10 + REQUESTS)]
    found = decide(progress("2024-03-18"), asked("2024-03-08", *moments))
    assert found == Span("2024-03-18", "2024-03-18")


def test_accepting_a_session_starts_the_count_again():
    moments = [f"2024-03-{day} 02:00" for day in range(10, 10 + REQUESTS)]
    accepted_at = pd.Timestamp("2024-03-19 05:00", tz="UTC")
    found = decide(progress("2024-03-18"), asked("2024-03-18", *moments), accepted_at=accepted_at)
    assert found == Span("2024-03-18", "2024-03-18")


def test_tickers_that_failed_are_asked_for_by_themselves_and_first():
    """With the session that lacks everything they would be one range, of everything."""
    found = decide(progress("2024-03-06", "2024-03-18", failed="KO"))
    assert found == Span("2024-03-06", "2024-03-18", tickers=frozenset({"KO"}))


def test_requests_for_an_earlier_cause_do_not_count():
    """Nine newcomers in a year are nine causes, though each begins at the first stored session."""
    moments = [f"2024-03-{day} 02:00" for day in range(10, 18)]
    since = pd.Timestamp("2024-03-18 02:00", tz="UTC")
    found = decide(progress("2024-03-18", since=since), asked("2024-03-18", *moments))
    assert found == Span("2024-03-18", "2024-03-18")


def test_where_no_price_is_lacking_none_is_asked_for():
    """One old partition of orders made again once fetched the prices of all sessions after it."""
    stale = calendar.between("2024-03-07", "2024-03-15")
    found = decide(progress(*stale, priced=tuple(stale)), due="2024-03-15")
    assert found == Span("2024-03-07", "2024-03-15", derived=True)


def test_one_price_that_is_lacking_brings_in_the_range():
    found = decide(progress("2024-03-07", "2024-03-18", priced=("2024-03-07",)))
    assert found == Span("2024-03-07", "2024-03-18")
