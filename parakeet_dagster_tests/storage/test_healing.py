"""What was requested again is told in its order."""

from datetime import UTC, datetime, timedelta

import pytest

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster_tests.storage.bars import days

MONDAY, TUESDAY = days("2024-01-08", "2024-01-09")
NOON = datetime(2024, 1, 9, 12, tzinfo=UTC)


def test_requests_come_back_in_their_order(database):
    assert database.healing_requests().empty
    database.record_healing(MONDAY, TUESDAY, "2 sessions missing", NOON)
    database.record_healing(MONDAY, MONDAY, "2024-01-08 blocked", NOON + timedelta(hours=1))

    found = database.healing_requests()
    assert found.dtypes.astype("str").to_dict() == {
        "first_session": "datetime64[us]",
        "last_session": "datetime64[us]",
        "causes": "str",
        "requested_at": "datetime64[us, UTC]",
    }
    assert found["causes"].tolist() == ["2 sessions missing", "2024-01-08 blocked"]
    assert found["last_session"].dt.date.tolist() == [TUESDAY, MONDAY]
    assert found["requested_at"].is_monotonic_increasing


def test_a_range_that_ends_before_it_starts_is_refused(database):
    with pytest.raises(DatabaseError, match="healing_requests_first_to_last"):
        database.record_healing(TUESDAY, MONDAY, "none", NOON)
