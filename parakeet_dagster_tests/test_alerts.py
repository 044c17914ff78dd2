"""Alerts: real runs that fail, and local servers that hear of it, once."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from parakeet_dagster import clock
from parakeet_dagster.alerts import alert_of_run
from parakeet_dagster.assets.batches import BATCH_TAG
from parakeet_dagster.delivery import GIVE_UP_AFTER, Post
from parakeet_dagster.partitions import sessions
from parakeet_dagster.settings import load_settings
from parakeet_dagster.targets import EmailTarget, SlackTarget
from parakeet_dagster.telling import Watch, post_of, tell, tell_of_run
from parakeet_dagster.telling_sensors import NO_TARGET, alerts, telling_sensors
from parakeet_dagster_tests.message_servers import (
    PASSWORD,
    TO,
    mail_server,
    topic_at,
    webhook,
)
from parakeet_dagster_tests.moto_server import moto_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

SESSION = "2022-06-07"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
WRONG = f"cannot connect: postgres://me:{PASSWORD}@db.example/app is not there"
GOES_ON = "it goes on where it stopped"
HEALED = dg.AssetCheckKey(dg.AssetKey("raw_prices"), "healed")


def asset_of(name, error=None, deps=()):
    @dg.asset(key=name.split("/"), partitions_def=sessions, deps=[dep.key for dep in deps])
    def made():
        if isinstance(error, str):
            raise dg.Failure(error, allow_retries=False)
        if error is not None:
            raise error

    return made


def check_of(asset, name, *, blocking=False, passed=False):
    @dg.asset_check(asset=asset.key, name=name, blocking=blocking)
    def check():
        return dg.AssetCheckResult(passed=passed, metadata={"rows": 12, "broken": 3})

    return check


PRICES = asset_of("raw_prices")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def hook():
    with webhook() as server:
        yield server


@pytest.fixture
def post(instance, hook):
    return Post(instance, [SlackTarget(hook.url)], (PASSWORD,))


def run(instance, *parts, tags=None):
    assets = [part for part in parts if not isinstance(part, dg.AssetChecksDefinition)]
    checks = [part for part in parts if isinstance(part, dg.AssetChecksDefinition)]
    definitions = dg.Definitions(assets, asset_checks=checks, jobs=[dg.define_asset_job("daily")])
    return definitions.resolve_job_def("daily").execute_in_process(
        instance=instance,
        partition_key=SESSION,
        tags=tags,
        run_config=QUIET,
        raise_on_error=False,
    )


def begun(ago=timedelta(minutes=1)):
    moment = clock.now() - ago
    return Watch(moment, moment)


def ticks(instance, post, watch, count=1):
    told = None
    for _ in range(count):
        watch, told = tell(instance, post, watch, [HEALED])
    return watch, told


class TestWhatIsTold:
    def test_a_run_that_failed_by_one_cause_in_two_steps_is_one_message(self, instance, post, hook):
        made = run(instance, PRICES, asset_of("signals/a", WRONG), asset_of("signals/b", WRONG))
        ticks(instance, post, begun(), 3)
        (text,) = hook.taken
        record = instance.get_run_record_by_id(made.run_id)
        ended = datetime.fromtimestamp(record.end_time, UTC)
        assert text.splitlines() == [
            f"*Parakeet: signals/a failed, {SESSION}*",
            "signals/a, signals/b: cannot connect: postgres://me:***@db.example/app is not there",
            "",
            "What to do:",
            f"- parakeet backfill {SESSION} {SESSION}, once the cause is mended: {GOES_ON}",
            "",
            f"Run {made.run_id} of the job daily, {SESSION}, ended {ended:%Y-%m-%d %H:%M} UTC",
        ]

    def test_what_nobody_foresaw_is_its_last_line(self, instance, post, hook):
        run(instance, asset_of("raw_prices", ZeroDivisionError("first\nsecond")))
        ticks(instance, post, begun())
        assert "raw_prices: second" in hook.taken[0].splitlines()

    def test_a_blocking_check_is_told_as_the_cause(self, instance, post, hook):
        run(instance, PRICES, check_of(PRICES, "equals_lake", blocking=True))
        ticks(instance, post, begun())
        (text,) = hook.taken
        assert text.splitlines()[:5] == [
            f"*Parakeet: raw_prices failed, {SESSION}*",
            "the check equals_lake of raw_prices failed: broken 3, rows 12",
            "",
            "What to do:",
            f"- parakeet backfill {SESSION} {SESSION} --again",
        ]

    def test_checks_that_stop_nothing_are_one_message_of_the_run(self, instance, post, hook):
        checks = [check_of(PRICES, "corrections"), check_of(PRICES, "other")]
        assert run(instance, PRICES, *checks, check_of(PRICES, "fine", passed=True)).success
        ticks(instance, post, begun(), 2)
        (text,) = hook.taken
        lines = text.splitlines()
        assert "and 1 more failed" in lines[0]
        assert sorted(lines[1:3]) == [
            "the check corrections of raw_prices failed: broken 3, rows 12 (a warning)",
            "the check other of raw_prices failed: broken 3, rows 12 (a warning)",
        ]
        assert "- parakeet status shows what is not settled; nothing was stopped by this" in lines

    def test_nothing_is_told_of_what_succeeds(self, instance, post, hook):
        run(instance, PRICES, check_of(PRICES, "fine", passed=True))
        assert str(ticks(instance, post, begun())[1]) == "no messages sent"
        assert hook.asked == 0

    def test_nor_of_what_dagster_tries_again(self, instance, post, hook):
        run(instance, asset_of("raw_prices", "x"), tags={"dagster/will_retry": "true"})
        ticks(instance, post, begun())
        assert hook.asked == 0

    def test_nor_of_what_ended_before_anybody_watched(self, instance, post, hook):
        run(instance, asset_of("raw_prices", "x"))
        ticks(instance, post, begun(ago=timedelta(seconds=-5)))
        assert hook.asked == 0

    def test_a_back_fill_is_told_of_failures_only(self, instance, post, hook):
        tags = {BATCH_TAG: "backfill-1"}
        run(instance, PRICES, check_of(PRICES, "last_completed_session"), tags=tags)
        ticks(instance, post, begun())
        assert hook.asked == 0
        run(instance, asset_of("raw_prices", "x"), tags=tags)
        ticks(instance, post, begun())
        assert len(hook.taken) == 1

    def test_the_healing_sensor_is_not_told_of_twice_for_one_cause(self, instance, post, hook):
        tags = {"dagster/sensor_name": "healing_sensor"}
        for cause in ("blocked", "blocked", "blocked: another"):
            run(instance, asset_of("raw_prices", cause), tags=tags)
        ticks(instance, post, begun())
        assert len(hook.taken) == 2

    def test_a_check_that_fails_outside_of_runs(self, instance, post, hook):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                check_name="healed",
                asset_key=HEALED.asset_key,
                passed=False,
                metadata={"needs_you": "2022-06-07 was asked for 8 times: see parakeet status"},
            )
        )
        ticks(instance, post, begun(), 2)
        (text,) = hook.taken
        assert text.splitlines()[:2] == [
            "*Parakeet: the check healed of raw_prices failed*",
            "raw_prices: 2022-06-07 was asked for 8 times: see parakeet status",
        ]

    def test_a_run_whose_process_died(self, instance, post, hook):
        run_ = instance.create_run_for_job(
            dg.Definitions([PRICES]).resolve_implicit_global_asset_job_def()
        )
        instance.report_run_failed(run_, "the process is gone")
        ticks(instance, post, begun())
        assert "the process is gone" in hook.taken[0]
        assert "- parakeet doctor says what is not as it should be" in hook.taken[0]


class TestOnce:
    def test_after_a_restart_that_lost_the_cursor(self, instance, post, hook):
        run(instance, asset_of("raw_prices", "x"))
        ticks(instance, post, begun())
        again = Post(instance, [SlackTarget(hook.url)])
        ticks(instance, again, begun())
        assert len(hook.taken) == 1

    def test_a_target_that_fails_keeps_no_other_from_it_and_is_tried_again(self, instance, hook):
        with mail_server() as mail:
            targets = [SlackTarget(hook.url), EmailTarget((TO,), mail.url)]
            hook.status = 500
            for _ in range(2):
                run(instance, asset_of("raw_prices", "x"))
            watch, told = ticks(instance, Post(instance, targets), begun())
            assert len(mail.taken) == 2
            assert hook.asked == 1  # it is left alone for the rest of the tick
            assert str(told) == (
                "2 messages sent; not sent, tried again: Slack webhook at 127.0.0.1: answers 500;"
                " check PARAKEET_SLACK_WEBHOOK"
            )
            assert len(watch.waiting) == 2
            hook.status = 200
            watch = Watch.read(watch.cursor, clock.now())
            watch, told = ticks(instance, Post(instance, targets), watch)
            assert (len(hook.taken), len(mail.taken), watch.waiting) == (2, 2, {})
            assert not told.problems

    def test_what_waits_is_told_long_after(self, instance, post, hook, monkeypatch):
        hook.status = 503
        run(instance, asset_of("raw_prices", "x"))
        watch, _ = ticks(instance, post, begun())
        later = clock.now() + timedelta(days=2)
        monkeypatch.setattr(clock, "now", lambda: later)
        watch, _ = ticks(instance, Post(instance, [SlackTarget(hook.url)]), watch)
        assert watch.waiting
        hook.status = 200
        ticks(instance, Post(instance, [SlackTarget(hook.url)]), watch)
        assert len(hook.taken) == 1

    def test_in_the_end_it_is_given_up(self, instance, hook, monkeypatch, caplog):
        hook.status = 503
        run(instance, asset_of("raw_prices", "x"))
        watch, _ = ticks(instance, Post(instance, [SlackTarget(hook.url)]), begun())
        later = clock.now() + GIVE_UP_AFTER
        monkeypatch.setattr(clock, "now", lambda: later)
        watch, _ = ticks(instance, Post(instance, [SlackTarget(hook.url)]), watch)
        assert watch.waiting == {}
        assert "given up" in caplog.text


class TestSensor:
    def test_with_no_target_no_sensor_runs(self):
        statuses = {one.name: one.default_status for one in telling_sensors(load_settings())}
        stopped = dg.DefaultSensorStatus.STOPPED
        assert statuses == {
            "alerts": stopped,
            "morning_digest": stopped,
            "run_metrics": stopped,
        }

    def test_with_a_target_they_run(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_ALERT_TOPIC", "arn:aws:sns:us-east-1:123456789012:alerts")
        running = [
            one.name
            for one in telling_sensors(load_settings())
            if one.default_status is dg.DefaultSensorStatus.RUNNING
        ]
        assert running == ["alerts", "morning_digest"]

    def test_started_without_a_target_it_says_so(self, instance):
        told = alerts(dg.DefaultSensorStatus.RUNNING)(dg.build_sensor_context(instance=instance))
        assert told.skip_reason.skip_message == NO_TARGET

    def test_it_begins_to_watch_and_then_tells(self, instance, hook, monkeypatch):
        monkeypatch.setenv("PARAKEET_SLACK_WEBHOOK", hook.url)
        sensor = alerts(dg.DefaultSensorStatus.RUNNING)
        run(instance, asset_of("raw_prices", "before"))
        first = sensor(dg.build_sensor_context(instance=instance))
        run(instance, asset_of("raw_prices", "after"))
        second = sensor(dg.build_sensor_context(instance=instance, cursor=first.cursor))
        assert second.skip_reason.skip_message == "1 message sent"
        assert ["raw_prices: after" in text for text in hook.taken] == [True]


def test_without_a_daemon_one_run_is_told_of(instance, hook, monkeypatch):
    with moto_server() as url:
        topic = topic_at(url, monkeypatch)
        monkeypatch.setenv("PARAKEET_ALERT_TOPIC", topic.arn)
        failed = run(instance, asset_of("raw_prices", WRONG))
        delivery = tell_of_run(instance, load_settings(), failed.run_id)
        assert delivery.sent == [f"SNS topic {topic.arn.rpartition(':')[2]}"]
        (taken,) = topic.taken
        assert PASSWORD not in taken["Message"]
        assert "raw_prices: cannot connect" in taken["Message"]
        good = run(instance, PRICES)
        assert tell_of_run(instance, load_settings(), good.run_id).sent == []
        assert post_of(instance, load_settings()).lacks(f"run/{failed.run_id}") == []


def test_many_causes_are_counted(instance):
    made = run(instance, *(asset_of(f"signals/s{n}", f"cause {n}") for n in range(8)))
    alert = alert_of_run(instance, instance.get_run_record_by_id(made.run_id))
    assert "and 3 more: see the run in the UI" in alert.message.text
