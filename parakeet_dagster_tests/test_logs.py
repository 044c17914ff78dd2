"""Logs as JSON: one object a line, whoever writes it, without a password; and as text."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster import metrics
from parakeet_dagster.logs import ConsoleLogger, JsonFormatter, TextFormatter, configure
from parakeet_dagster.redaction import redacted

SECRET = "s3cret-word"

PROGRAM = """
import logging, dagster as dg
from parakeet_dagster import logs, metrics
from parakeet_dagster.settings import load_settings
settings = load_settings()
logging.getLogger().addHandler(logging.StreamHandler())  # as a Lambda has one
logs.configure(settings.logs, settings.secrets)
metrics.record({"Heartbeat": 1})
logs.configure(settings.logs, (*settings.secrets, "later-word"))
days = dg.DailyPartitionsDefinition("2024-01-01")

@dg.asset(key=["signals", "x"], partitions_def=days)
def asset(context):
    context.log.info("hello")
    logging.getLogger("a.library").warning("of postgres://me:other@host/app later-word")
    logging.getLogger("parakeet.test").info("ours later-word")
    try:
        raise KeyError("deep")
    except KeyError:
        logging.getLogger("parakeet.test").exception("went wrong\\ntwice")
    raise RuntimeError("the password is s3cret-word")

@dg.sensor(job_name="j")
def sensor(context):
    context.log.info("sensed")
    return dg.SkipReason("nothing")

with dg.DagsterInstance.ephemeral() as instance:
    job = dg.Definitions([asset], jobs=[dg.define_asset_job("j")]).resolve_job_def("j")
    job.execute_in_process(instance=instance, partition_key="2024-01-02", raise_on_error=False)
sensor(dg.build_sensor_context())
metrics.record({"Coverage": 0.5, "Rows": 12}, run_id="r")
"""


def run(tmp_path, how):
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - for the process that is started
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PARAKEET_LOGS": how,
        "PARAKEET_SMTP_URL": f"smtp://me:{SECRET}@mail.example.org",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "later-word" not in done.stdout + done.stderr
    return done


def test_every_line_of_a_process_is_an_object(tmp_path):
    done = run(tmp_path, "json")
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    by_message = {line["message"]: line for line in lines}
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert len(by_message) == len(lines), "a line is there twice"

    run_id = by_message["hello"]["run_id"]
    told = by_message["hello"] | {"time": "", "run_id": ""}
    assert told == {
        "time": "", "level": "INFO", "logger": "dagster", "message": "hello", "run_id": "",
        "job": "j", "step": "signals__x", "asset": "signals/x", "session": "2024-01-02",
    }  # fmt: skip
    assert by_message["sensed"]["level"] == "INFO"
    assert by_message["of postgres://me:***@host/app ***"]["logger"] == "a.library"

    raised = by_message["went wrong\ntwice"]
    assert raised["error"] == "KeyError: 'deep'"
    assert raised["traceback"].startswith("Traceback (most recent call last):\n")

    failed = by_message['Execution of step "signals__x" failed.']
    assert failed["error"] == "RuntimeError: the password is ***"
    assert failed["event"] == "STEP_FAILURE"
    assert failed["run_id"] == run_id
    assert "RuntimeError" in failed["traceback"]

    measured = by_message["metrics: Coverage 0.5, Rows 12"]
    assert measured["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Parakeet"
    assert (measured["Coverage"], measured["Rows"], measured["run_id"]) == (0.5, 12, "r")


def test_as_text_everything_stays_as_dagster_has_it(tmp_path):
    done = run(tmp_path, "text")
    assert "signals__x - hello" in done.stderr
    assert "metrics: Coverage 0.5, Rows 12" in done.stderr
    assert "_aws" not in done.stderr


def record(message, **more):
    made = logging.LogRecord("parakeet.x", logging.INFO, "file", 1, message, None, None)
    made.__dict__.update(created=1_700_000_000.25, **more)
    return made


def test_time_is_utc_in_iso_8601():
    told = json.loads(JsonFormatter().format(record("x")))
    assert told["time"] == "2023-11-14T22:13:20.250+00:00"
    assert TextFormatter().format(record("x")) == "2023-11-14 22:13:20 UTC INFO x"


def test_the_sessions_of_a_range():
    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-05",
    }
    meta = {"orig_message": "x", "job_tags": tags, "run_id": "r"}
    told = json.loads(JsonFormatter().format(record("long", dagster_meta=meta)))
    assert (told["message"], told["session"]) == ("x", "2024-01-02...2024-01-05")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgres://me:pw@host/app", "postgres://me:***@host/app"),
        ("postgresql+psycopg2://me:p%40w@h:1/a?x=y z", "postgresql+psycopg2://me:***@h:1/a?x=y z"),
        ("smtp://:pw@host", "smtp://:***@host"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("see https://hooks.slack.com/services/T/B/x now", "see https://hooks.slack.com/*** now"),
        ("password=hush sslmode=require", "password=*** sslmode=require"),
        ('PGPASSWORD=hush {"Password": "x"}', 'PGPASSWORD=*** {"Password": "***"}'),
        ("the password: check it", "the password: check it"),
        ("at 10:30 me@host: no secret", "at 10:30 me@host: no secret"),
        ("hush-hush", "***"),
    ],
)
def test_redacted(text, told):
    assert redacted(text, ("hush-hush", "")) == told


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=6), st.text())
def test_no_password_of_a_url_is_left(password, around):
    url = f"postgres://me:{password}@db.example/app"
    assert password not in redacted(f"{url} ").replace("postgres", "").replace("example", "")
    assert password not in redacted(f"see {password}!", (password,))
    assert redacted(redacted(around)) == redacted(around)


def test_formats_hide_passwords_in_fields_and_messages():
    made = record("to smtp://a:b@c", **{metrics.FIELDS: {"url": "smtp://a:b@c"}})
    assert "a:b" not in JsonFormatter().format(made)
    assert "a:b" not in TextFormatter().format(made)


def test_the_class_of_loggers_that_a_library_has_set_stays():
    class Librarys(logging.Logger):
        librarys = True

    before = logging.getLoggerClass()
    try:
        logging.setLoggerClass(Librarys)
        for _ in range(2):
            configure("text")
        made = logging.getLoggerClass()
        assert issubclass(made, ConsoleLogger)
        assert made.librarys
        assert made.__mro__.count(ConsoleLogger) == 1
        logging.setLoggerClass(Librarys)
        configure("text")
        assert issubclass(logging.getLoggerClass(), ConsoleLogger), "set again by the next call"
    finally:
        logging.setLoggerClass(before)
