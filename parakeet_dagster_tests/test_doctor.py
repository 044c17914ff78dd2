"""The doctor with what really fails: no server, a refusing store, a wrong clock, a silent host."""

import json
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import boto3
import dagster as dg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from parakeet_dagster import clock, doctor_checks, logins
from parakeet_dagster.cli import app
from parakeet_dagster.doctor import Finding, Status, examine, fail, ok, warn
from parakeet_dagster.doctor_checks import ADVICE, examinations
from parakeet_dagster.errors import LakeError
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.migrations import all_migrations
from parakeet_dagster_tests.message_servers import webhook
from parakeet_dagster_tests.moto_server import moto_server
from parakeet_dagster_tests.yahoo_server import (
    Fault,
    Listed,
    YahooServer,
    invented_bars,
    sessions_of,
)

SECRET = "s3cret-word"


@pytest.fixture
def variables(monkeypatch):
    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return set_all


@pytest.fixture
def nobody():
    """A port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture(scope="module")
def aws():
    with moto_server() as url:
        yield url


def found(name, settings, seconds=10.0) -> Finding:
    """What the one examination finds."""
    examination = examinations(settings, send_test=False)[name]
    return examine({name: examination}, ADVICE, settings.secrets, seconds).findings[name]


class TestExamine:
    def test_order_and_whether_all_is_well(self):
        report = examine({"b": lambda: ok("x"), "a": lambda: warn("y", "z")}, {"a": "", "b": ""})
        assert list(report.findings) == ["b", "a"]
        assert report.is_well
        assert not report.is_hanging

    def test_a_crash_is_a_finding_and_stops_no_other(self):
        def crash():
            raise ZeroDivisionError(f"postgres://me:{SECRET}@host/app\nsecond line")

        def ours():
            raise LakeError("the lake is dry; fill it")

        every = {"one": crash, "two": ours, "three": lambda: ok("fine")}
        report = examine(every, dict.fromkeys(every, "call someone"))
        assert report.findings == {
            "one": fail("ZeroDivisionError: postgres://me:***@host/app", "call someone"),
            "two": fail("the lake is dry", "fill it"),
            "three": ok("fine"),
        }
        assert not report.is_well

    def test_one_that_hangs_is_given_up(self):
        held = threading.Event()

        def hang():
            held.wait(20)
            return ok("late")

        begun = time.monotonic()
        report = examine(
            {"a": hang, "b": lambda: ok("")}, {"a": "check the network", "b": ""}, seconds=0.2
        )
        assert time.monotonic() - begun < 5
        held.set()
        assert report.findings["a"] == fail("no answer in 0.2 seconds", "check the network")
        assert report.is_hanging


def test_there_is_advice_for_each():
    assert examinations(load_settings(), send_test=False).keys() == ADVICE.keys()


class TestDatabase:
    def test_reached(self, variables, database_url):
        settings = variables(NEON_DATABASE_URL=database_url)
        assert found("database", settings).status is Status.OK
        assert "PostgreSQL 1" in found("database", settings).found

    def test_the_schema(self, variables, database_url):
        settings = variables(NEON_DATABASE_URL=database_url)
        assert found("schema", settings).found == "none is applied yet"
        opened = Database(DatabaseUrl.parse(database_url))
        opened.apply_schema()
        assert found("schema", settings).status is Status.OK
        newest = all_migrations()[-1].name
        with opened.transaction("forget a migration") as connection:
            connection.execute(text("DELETE FROM schema_migrations WHERE name = :n"), {"n": newest})
        older = found("schema", settings)
        assert older.status is Status.FAIL
        assert (older.found, older.do) == (
            f"of an older Parakeet, {newest} is not applied",
            "parakeet db migrate",
        )
        with opened.transaction("remember another") as connection:
            connection.execute(text("INSERT INTO schema_migrations VALUES ('999_later.sql', 'x')"))
        newer = found("schema", settings)
        opened.close()
        assert newer.status is Status.FAIL
        assert "newer Parakeet (999_later.sql)" in newer.found

    def test_nobody_there(self, variables, nobody):
        url = f"postgres://me:{SECRET}@127.0.0.1:{nobody}/app"
        told = found("database", variables(NEON_DATABASE_URL=url))
        assert told.status is Status.FAIL
        assert "Connection refused" in told.found
        assert told.do == ADVICE["database"]
        assert SECRET not in told.found

    def test_by_a_secret(self, variables, aws, database_url):
        settings = variables(**of_aws(aws), PARAKEET_DATABASE_SECRET="parakeet/doctor")
        told = found("database", settings)
        assert told.status is Status.FAIL
        assert "parakeet/doctor" in told.found
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="parakeet/doctor", SecretString=database_url)
        logins.database_secret.cache_clear()
        assert found("database", settings).status is Status.OK
        assert "the database" in found("clock", settings).found

    def test_a_host_that_says_nothing(self, variables):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgres://me@127.0.0.1:{silent.getsockname()[1]}/app"
            told = found("database", variables(NEON_DATABASE_URL=url), seconds=0.5)
            assert told.found == "no answer in 0.5 seconds"

    def test_looking_makes_no_database(self, variables, tmp_path):
        settings = variables(PARAKEET_HOME=str(tmp_path / "home"))
        assert found("database", settings).status is Status.WARN
        assert not (tmp_path / "home" / "postgres").exists()


class TestLake:
    def test_a_folder_is_left_as_it_was(self, variables, tmp_path):
        settings = variables(PARAKEET_LAKE=str(tmp_path))
        assert found("lake", settings).status is Status.OK
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written(self, variables):
        told = found("lake", variables(PARAKEET_LAKE="/proc/parakeet"))
        assert told.status is Status.FAIL
        assert told.found.startswith("cannot write /proc/parakeet/.doctor-")
        assert told.do == "free the disk or correct PARAKEET_LAKE"

    def test_a_bucket(self, variables, aws):
        settings = variables(**of_aws(aws), PARAKEET_LAKE="s3://doctors/lake")
        assert "does not exist" in found("lake", settings).found
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="doctors")
        assert found("lake", settings).status is Status.OK
        assert s3.list_objects_v2(Bucket="doctors")["KeyCount"] == 0

    def test_nobody_there(self, variables, nobody):
        settings = variables(**of_aws(f"http://127.0.0.1:{nobody}"), PARAKEET_LAKE="s3://b/x")
        told = found("lake", settings, seconds=15)
        assert told.status is Status.FAIL
        assert "cannot be reached" in told.found


def of_aws(url):
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "status", "where"),
        [(0, Status.OK, ""), (50, Status.OK, "ahead of"), (90, Status.FAIL, "ahead of"),
         (-90, Status.FAIL, "behind")],
    )  # fmt: skip
    def test_against_the_database(self, variables, database_url, monkeypatch, ahead, status, where):
        now = clock.now
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=ahead))
        told = found("clock", variables(NEON_DATABASE_URL=database_url))
        assert told.status is status
        assert where in told.found

    def test_against_the_bucket(self, variables, aws, monkeypatch):
        settings = variables(**of_aws(aws), PARAKEET_LAKE="s3://clocks/lake")
        boto3.client("s3").create_bucket(Bucket="clocks")
        assert found("clock", settings).status is Status.OK
        now = clock.now
        monkeypatch.setattr(clock, "now", lambda: now() - timedelta(minutes=5))
        told = found("clock", settings)
        assert told.status is Status.FAIL
        assert "behind s3://clocks/lake" in told.found
        assert told.do == "set the clock, by NTP: sessions are judged by it"

    def test_the_database_is_away(self, variables, nobody):
        told = found("clock", variables(NEON_DATABASE_URL=f"postgres://me@127.0.0.1:{nobody}/a"))
        assert told.status is Status.WARN

    def test_the_bucket_is_away(self, variables, nobody):
        nowhere = {**of_aws(f"http://127.0.0.1:{nobody}"), "PARAKEET_LAKE": "s3://clocks/lake"}
        assert found("clock", variables(**nowhere)) == warn(
            "not compared: s3://clocks/lake cannot be reached", "mend that first"
        )


@pytest.mark.parametrize(
    ("day", "status"),
    [("2032-06-01", Status.OK), ("2032-09-01", Status.WARN), ("2033-01-02", Status.FAIL)],
)
def test_the_calendar_ends(monkeypatch, day, status):
    moment = clock.datetime.fromisoformat(f"{day}T00:00:00+00:00")
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert found("calendar", load_settings()).status is status


@pytest.mark.parametrize(
    ("free", "status"), [(5e9, Status.OK), (1e9, Status.WARN), (1e8, Status.FAIL)]
)
def test_disk(monkeypatch, free, status):
    monkeypatch.setattr(doctor_checks.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert found("disk", load_settings()).status is status


def test_a_misspelt_variable_is_named(variables):
    told = found("settings", variables(PARAKEET_STRATEGY="hrp_core"))
    assert told == warn(
        "PARAKEET_STRATEGY is no setting; did you mean PARAKEET_STRATEGIES",
        "see .env.example for all",
    )


class TestDagster:
    def test_no_daemon_is_expected_with_the_sample(self, variables, tmp_path):
        told = found("dagster", variables(DAGSTER_HOME=str(tmp_path)))
        assert told.status is Status.OK

    def test_no_daemon_runs(self, variables, tmp_path):
        settings = variables(DAGSTER_HOME=str(tmp_path), PARAKEET_SCHEDULES="running")
        told = found("dagster", settings)
        assert told.status is Status.WARN
        assert told.found.endswith("0 runs; no daemon yet")

    def test_a_daemon_runs_and_one_that_has_died(self, variables, tmp_path, monkeypatch):
        settings = variables(DAGSTER_HOME=str(tmp_path), PARAKEET_SCHEDULES="running")
        found("dagster", settings)  # makes the instance
        from dagster._daemon.types import DaemonHeartbeat

        with dg.DagsterInstance.get() as instance:
            beat = DaemonHeartbeat(clock.now().timestamp(), "SCHEDULER", "one", [])
            instance.add_daemon_heartbeat(beat)
        assert found("dagster", settings).status is Status.OK
        now = clock.now() + timedelta(hours=3)
        monkeypatch.setattr(clock, "now", lambda: now)
        assert found("dagster", settings).found.endswith("no daemon for 3 hours")

    def test_a_home_that_cannot_be(self, variables):
        told = found("dagster", variables(DAGSTER_HOME="/proc/parakeet"))
        assert told.found.startswith("DAGSTER_HOME: cannot make the directory /proc/parakeet")
        assert told.do == "choose another"


class TestAlerts:
    def test_none_is_a_warning_only_where_something_runs(self, variables):
        assert found("alerts", load_settings()).status is Status.OK
        assert found("alerts", variables(PARAKEET_SCHEDULES="running")).status is Status.WARN

    def test_send_test(self, variables):
        with webhook() as hook:
            settings = variables(PARAKEET_SLACK_WEBHOOK=hook.url)
            examination = examinations(settings, send_test=True)["alerts"]
            assert examination().found == "a test was sent: Slack webhook at 127.0.0.1"
            assert hook.taken[0].startswith("*Parakeet: a test*")
            hook.status = 403
            told = examination()
            assert told == fail(
                "Slack webhook at 127.0.0.1: answers 403", "check PARAKEET_SLACK_WEBHOOK"
            )

    def test_of_several_that_fail_each_has_its_advice(self, variables, nobody):
        settings = variables(
            PARAKEET_SLACK_WEBHOOK=f"http://127.0.0.1:{nobody}/x",
            PARAKEET_ALERT_EMAIL="me@example.org",
            PARAKEET_SMTP_URL=f"smtp://127.0.0.1:{nobody}",
        )
        told = examinations(settings, send_test=True)["alerts"]()
        assert "check" not in told.found
        assert "PARAKEET_SMTP_URL" in told.do
        assert "PARAKEET_SLACK_WEBHOOK" in told.do


class TestYahoo:
    """The real client and a local server that speaks Yahoo's protocol."""

    NOW = datetime(2020, 10, 30, 23, 0, tzinfo=UTC)

    @pytest.fixture
    def yahoo(self, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: self.NOW)
        days = sessions_of("XNYS", "2020-06-01", "2020-10-30")
        spy = Listed(invented_bars(days, first_close=300.0, volume=1_000_000))
        with YahooServer({"SPY": spy}, now=self.NOW) as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            yield server

    @pytest.fixture
    def settings(self, variables, tmp_path):
        return variables(PARAKEET_PRICE_SOURCE="yahoo", PARAKEET_HOME=str(tmp_path))

    def test_it_answers_one_question(self, yahoo, settings):
        told = found("prices", settings)
        assert told.found.startswith("Yahoo: SPY to 2020-10-30 in ")
        assert told.status is Status.OK
        assert yahoo.requests["SPY"] == 1

    def test_it_refuses(self, yahoo, settings):
        yahoo.fail("SPY", Fault.RATE_LIMIT)
        begun = time.monotonic()
        told = found("prices", settings)
        assert time.monotonic() - begun < 10
        assert told.found.startswith("Yahoo, SPY: RATE_LIMIT")
        assert yahoo.requests["SPY"] <= 2, "it does not insist"
        assert told.do.startswith("check the network; where Yahoo refuses, wait an hour")

    def test_it_is_away(self, settings, nobody, monkeypatch):
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody}")
        told = found("prices", settings)
        assert told.status is Status.FAIL
        assert told.found.startswith("Yahoo, SPY: NETWORK")


class TestCommand:
    def test_wrong_settings_are_one_finding(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_LAKE", "gs://bucket")
        done = CliRunner().invoke(app, ["doctor", "--json"])
        assert done.exit_code == 1
        (one,) = json.loads(done.stdout)
        assert one == {
            "check": "settings",
            "status": "fail",
            "found": "PARAKEET_LAKE=gs://bucket",
            "do": "accepted is a directory, or s3://bucket/prefix; then run this again, to see"
            " the rest",
        }

    def test_nothing_can_be_reached(self, tmp_path, nobody):
        """As a process: it ends by itself, in time, with 1, and shows no traceback or secret."""
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "HOME": str(tmp_path),
            "PARAKEET_HOME": str(tmp_path / "home"),
            "NEON_DATABASE_URL": f"postgres://me:{SECRET}@127.0.0.1:{nobody}/app",
            "PARAKEET_SLACK_WEBHOOK": f"http://127.0.0.1:{nobody}/services/{SECRET}",
            "PARAKEET_LAKE": "s3://bucket/lake",
            **of_aws(f"http://127.0.0.1:{nobody}"),
        }
        command = [sys.executable, "-c", "from parakeet_dagster.cli import main; main()"]
        begun = time.monotonic()
        done = subprocess.run(
            [*command, "doctor", "--send-test", "--json"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert time.monotonic() - begun < 30
        assert done.returncode == 1
        told = {one["check"]: one for one in json.loads(done.stdout)}
        failed = {name for name, one in told.items() if one["status"] == "fail"}
        assert failed == {"database", "schema", "lake", "sessions", "alerts"}
        assert all(one["do"] for one in told.values() if one["status"] != "ok")
        assert "Traceback" not in done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
