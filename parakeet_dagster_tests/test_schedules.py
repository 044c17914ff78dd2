"""One request for every session, when its window has closed; nothing otherwise."""

from datetime import UTC, datetime, timedelta, timezone

import dagster as dg
import pytest

from parakeet_dagster import schedules
from parakeet_dagster import sessions as calendar
from parakeet_dagster.definitions import build_definitions
from parakeet_dagster.schedules import daily_schedule, request_for
from parakeet_dagster.settings import load_settings

RUNNING, STOPPED = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
NO_SESSION = "was no session"
AFTER_THE_LAST = "is after the price source's last session 2022-12-28"


def at_one(day: str) -> datetime:
    """The tick of a day: 01:00 UTC."""
    return datetime.fromisoformat(f"{day}T01:00:00+00:00")


@pytest.mark.parametrize(
    ("tick", "session"),
    [
        pytest.param("2022-06-01", "2022-05-31", id="Tuesday's session on Wednesday"),
        pytest.param("2022-06-04", "2022-06-03", id="Friday's session on Saturday"),
        pytest.param("2022-06-07", "2022-06-06", id="Monday's session on Tuesday"),
        pytest.param("2022-04-19", "2022-04-18", id="Easter Monday: XNYS is open"),
        pytest.param("2022-04-26", "2022-04-25", id="Anzac Day: XNYS is open"),
        pytest.param("2022-06-21", "2022-06-20", id="Juneteenth: XASX is open"),
        pytest.param("2022-07-05", "2022-07-04", id="4 July: XASX is open"),
        pytest.param("2022-12-29", "2022-12-28", id="the sample's last session"),
    ],
)
def test_the_session_that_just_closed_is_requested(tick, session):
    request = request_for(at_one(tick))

    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.run_key) == (session, session)


@pytest.mark.parametrize(
    ("tick", "day", "reason"),
    [
        pytest.param("2022-06-05", "2022-06-04", NO_SESSION, id="Sunday"),
        pytest.param("2022-06-06", "2022-06-05", NO_SESSION, id="Monday"),
        pytest.param("2022-04-16", "2022-04-15", NO_SESSION, id="after Good Friday"),
        pytest.param("2022-12-27", "2022-12-26", NO_SESSION, id="after Boxing Day"),
        pytest.param("2021-01-02", "2021-01-01", NO_SESSION, id="after New Year"),
        pytest.param("2022-12-30", "2022-12-29", AFTER_THE_LAST, id="the sample has ended"),
        pytest.param("2023-03-01", "2023-02-28", AFTER_THE_LAST, id="the sample ended long ago"),
    ],
)
def test_nothing_is_requested_and_the_reason_is_given(tick, day, reason):
    skipped = request_for(at_one(tick))

    assert isinstance(skipped, dg.SkipReason)
    assert str(skipped.skip_message).startswith(f"{day} {reason}")


def test_a_year_of_ticks_requests_every_session_once():
    ticks = [at_one("2022-01-01") + timedelta(days=day) for day in range(365)]
    requests = [request_for(tick) for tick in ticks]

    assert [
        request.partition_key for request in requests if isinstance(request, dg.RunRequest)
    ] == calendar.between("2021-12-31", "2022-12-28")


def test_yahoo_goes_on_after_the_sample_has_ended(monkeypatch):
    monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "yahoo")

    request = request_for(at_one("2022-12-30"))

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2022-12-29"


def test_a_session_before_the_first_partition_is_skipped(monkeypatch):
    later = dg.DailyPartitionsDefinition("2022-06-03")
    monkeypatch.setattr(schedules, "sessions", later)

    skipped = request_for(at_one("2022-06-03"))

    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "2022-06-02 is before PARAKEET_FIRST_SESSION"
    assert isinstance(request_for(at_one("2022-06-04")), dg.RunRequest)


def test_a_tick_counts_in_utc_wherever_the_clock_is():
    sydney = timezone(timedelta(hours=10))

    request = request_for(datetime(2022, 6, 4, 11, tzinfo=sydney))

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2022-06-03"


def test_it_ticks_daily_at_one_utc():
    schedule = daily_schedule(STOPPED)

    assert (schedule.name, schedule.cron_schedule) == ("daily_schedule", "0 1 * * *")
    assert schedule.execution_timezone == "UTC"


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({}, STOPPED),
        ({"PARAKEET_PRICE_SOURCE": "sample"}, STOPPED),
        ({"PARAKEET_PRICE_SOURCE": "yahoo"}, RUNNING),
        ({"PARAKEET_SCHEDULES": "running"}, RUNNING),
        ({"PARAKEET_SCHEDULES": "stopped", "PARAKEET_PRICE_SOURCE": "yahoo"}, STOPPED),
    ],
)
def test_it_starts_switched_on_with_yahoo_only_unless_told_otherwise(
    environment, status, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    definitions = build_definitions(load_settings(), {})

    assert definitions.resolve_schedule_def("daily_schedule").default_status == status


def test_the_daemon_gets_a_run_of_the_daily_job_over_that_partition():
    definitions = build_definitions(load_settings(), {})
    schedule = definitions.resolve_schedule_def("daily_schedule")
    with dg.build_schedule_context(
        scheduled_execution_time=datetime(2022, 6, 4, 1, tzinfo=UTC),
        repository_def=definitions.get_repository_def(),
    ) as context:
        (request,) = schedule.evaluate_tick(context).run_requests

    assert schedule.job_name == "daily"
    assert request.partition_key == "2022-06-03"
    assert request.tags["dagster/partition"] == "2022-06-03"
