"""The one partition definition, and look-back windows on it."""

import copy
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._check import CheckError

from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import SessionError
from parakeet_dagster.partitions import LOOKBACK, sessions, trailing


def test_the_identity_of_the_definition_is_pinned():
    """Dagster keeps this identity with every run and back-fill.

    It is made of the first session, the last day and every closure. Where it changes, back-fills
    in progress cannot go on, and the asset daemon forgets which partitions it has asked for:
    change it knowingly, with a note in the change log.
    """
    identity = sessions.get_serializable_unique_identifier()
    assert identity == "f1bc70764fbf7d45ca055c1aee37c8372c20098a"


def test_the_keys_are_the_calendar():
    keys = sessions.get_partition_keys(current_time=datetime(2040, 1, 1, tzinfo=UTC))
    assert keys == calendar.calendar().strftime("%Y-%m-%d").tolist()


def test_dagster_itself_counts_the_same_keys():
    """Ours come from the calendar."""
    moment = datetime(2022, 12, 31, tzinfo=UTC)
    counted = dg.DailyPartitionsDefinition.get_partition_keys(sessions, current_time=moment)
    assert sessions.get_partition_keys(current_time=moment) == counted


def test_equal_definitions_have_the_same_hash():
    again = copy.copy(sessions)
    assert (again, hash(again)) == (sessions, hash(sessions))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2022-12-28T23:59", "2022-12-27"),
        ("2022-12-29T00:00", "2022-12-28"),
        ("2022-12-31T00:00", "2022-12-30"),
        ("2023-01-03T12:00", "2022-12-30"),
    ],
)
def test_a_session_is_there_once_its_day_is_over(now, last):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert sessions.get_partition_keys(current_time=moment)[-1] == last


def test_a_session_s_window_is_its_day_in_utc():
    window = sessions.time_window_for_partition_key("2022-06-17")
    assert window.start == datetime(2022, 6, 17, tzinfo=UTC)
    assert window.end == datetime(2022, 6, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("2022-06-18", "the nearest are 2022-06-17 and 2022-06-20"),
        ("2022-04-15", "the nearest are 2022-04-14 and 2022-04-18"),
        ("20220418", "'20220418' is not a date: write YYYY-MM-DD"),
        ("2022-W16-1", "'2022-W16-1' is not a date: write YYYY-MM-DD"),
        ("nonsense", "'nonsense' is not a date: write YYYY-MM-DD"),
        ("2032-12-31", "2032-12-31 is not among the sessions so far, 2005-01-03 to "),
    ],
)
def test_a_wrong_key_is_answered_with_one_line(key, message):
    with pytest.raises(SessionError) as caught:
        sessions.validate_partition_key(key, None)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_a_session_is_a_valid_key():
    sessions.validate_partition_key("2022-06-20", None)


def test_a_range_holds_its_sessions():
    ends = dg.PartitionKeyRange("2022-04-14", "2022-04-19")
    assert sessions.get_partition_keys_in_range(ends) == ["2022-04-14", "2022-04-18", "2022-04-19"]


def test_a_range_of_one_session():
    ends = dg.PartitionKeyRange("2022-04-14", "2022-04-14")
    assert sessions.get_partition_keys_in_range(ends) == ["2022-04-14"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2022-04-14", "2022-04-19"),
        ("2005-01-03", "2005-02-01"),
        ("2026-01-02", "2026-01-02"),
        ("2022-04-14", "2022-04-17"),  # ends on a Sunday
    ],
)
def test_a_range_has_the_sessions_that_dagster_finds(first, last):
    ends = dg.PartitionKeyRange(first, last)
    expected = dg.DailyPartitionsDefinition.get_partition_keys_in_range(sessions, ends)
    assert sessions.get_partition_keys_in_range(ends) == list(expected)


def test_a_range_before_the_first_session_is_refused():
    ends = dg.PartitionKeyRange("2004-12-30", "2005-01-04")
    with pytest.raises(CheckError, match="is before the partitions definition"):
        sessions.get_partition_keys_in_range(ends)


def test_a_reversed_range_is_refused():
    """By the method that Dagster calls before the run of a range starts."""
    window = dg.TimeWindow(
        sessions.start_time_for_partition_key("2022-06-30"),
        sessions.end_time_for_partition_key("2022-06-01"),
    )
    with pytest.raises(SessionError) as refused:
        sessions.get_partition_subset_in_time_window(window)
    assert refused.value.message == (
        "the range 2022-06-30...2022-06-01 is reversed: write the earlier session first"
    )


def test_a_look_back_is_noted_on_the_input_for_the_io_manager():
    """To Dagster the input is an ordinary one, session by session."""
    looks_back = trailing(251, ["signals", "x"])
    assert looks_back.key == dg.AssetKey(["signals", "x"])
    assert looks_back.metadata == {LOOKBACK: 251}
    assert looks_back.partition_mapping is None
    assert trailing(1).key is None
