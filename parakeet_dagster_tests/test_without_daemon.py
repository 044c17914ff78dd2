"""A job where there is no daemon tells of itself, once, and never hides why it failed."""

import json
import logging
from datetime import timedelta

import dagster as dg
import pytest

from parakeet_dagster import clock, metrics, run_metrics
from parakeet_dagster.errors import LakeError, RunFailedError
from parakeet_dagster.partitions import sessions
from parakeet_dagster.settings import load_settings
from parakeet_dagster.telling import Watch, post_of, tell
from parakeet_dagster.without_daemon import tell_of_call
from parakeet_dagster_tests.message_servers import webhook

SESSION = "2022-06-07"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def hook(monkeypatch):
    with webhook() as server:
        monkeypatch.setenv("PARAKEET_SLACK_WEBHOOK", server.url)
        yield server


def run(instance, error=None):
    @dg.asset(partitions_def=sessions)
    def raw_prices():
        if error:
            raise dg.Failure(error, allow_retries=False)

    job = dg.Definitions([raw_prices], jobs=[dg.define_asset_job("daily")])
    return job.resolve_job_def("daily").execute_in_process(
        instance=instance, partition_key=SESSION, run_config=QUIET, raise_on_error=False
    ).run_id  # fmt: skip


def measured(caplog):
    records = [one for one in caplog.records if one.name == "parakeet.metrics"]
    return [getattr(one, metrics.FIELDS) for one in records]


def test_a_run_that_failed_is_told_of_once_also_when_the_call_is_tried_again(
    instance, hook, caplog
):
    run_id = run(instance, "blocked")
    settings = load_settings()
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            tell_of_call(instance, settings, [run_id], "request-1", RunFailedError("blocked"))
    assert [text.splitlines()[1] for text in hook.taken] == ["raw_prices: blocked"]
    assert [(told["run_id"], told["Failed"]) for told in measured(caplog)] == [(run_id, 1.0)]
    begun = clock.now() - timedelta(minutes=1)
    tell(instance, post_of(instance, settings), Watch(begun, begun), [])
    assert len(hook.taken) == 1, "nor does a sensor tell of it again"


def test_an_error_that_no_run_tells_of(instance, hook, caplog):
    error = LakeError("3 sessions are missing at postgres://me:hush@host/app")
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            tell_of_call(instance, load_settings(), [run(instance)], "request-1", error)
    (text,) = hook.taken
    assert text.splitlines()[:2] == [
        "*Parakeet: the daily job failed*",
        "3 sessions are missing at postgres://me:***@host/app",
    ]
    assert {"call": "request-1", "Failed": 1}.items() <= measured(caplog)[1].items()


def test_all_is_well(instance, hook, caplog):
    with caplog.at_level(logging.INFO):
        tell_of_call(instance, load_settings(), [run(instance)], "request-1")
    assert hook.asked == 0
    assert [told["Failed"] for told in measured(caplog)] == [0.0]


def test_with_no_target_the_metrics_are_written(instance, caplog):
    with caplog.at_level(logging.INFO):
        tell_of_call(instance, load_settings(), [], "request-1", RunFailedError("x"))
    assert [told.get("Failed") for told in measured(caplog)] == [1]


def test_what_breaks_here_is_logged_and_not_raised(instance, hook, caplog, monkeypatch):
    def broken(*arguments):
        raise LakeError("the lake is away")

    monkeypatch.setattr(run_metrics, "sessions_behind", broken)
    tell_of_call(instance, load_settings(), [], "request-1", RunFailedError("why"))
    assert "could not tell of the call request-1" in caplog.text
    assert "why" in json.dumps(hook.taken)
