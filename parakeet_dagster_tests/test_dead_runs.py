"""A run whose process was killed keeps nobody waiting."""

import os
import signal
import subprocess
import sys

import dagster as dg
import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster.dead_runs import DEADLINE_TAG, bury
from parakeet_dagster.no_launcher import NoLauncher

HOLD = """
import os, sys, time
import dagster as dg

@dg.asset(pool="vendor")
def held() -> None:
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    time.sleep(600)

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    dg.materialize([held], instance=instance)
"""
POOL = {"concurrency": {"pools": {"granularity": "op", "default_limit": 1}}}


@dg.asset(pool="vendor")
def quick() -> None:
    """Needs the same place in the pool."""


def test_a_killed_run_is_marked_and_its_place_is_free(tmp_path):
    with dg.instance_for_test(POOL, temp_dir=str(tmp_path)) as instance:
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            assert bury(instance) == []  # it lives
            process.send_signal(signal.SIGKILL)
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        assert bury(instance) == [run.run_id]
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
        assert bury(instance) == []
        assert dg.materialize([quick], instance=instance).success


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def idle() -> None:
    """Never executed here."""
    nothing()


def test_a_run_whose_time_is_over_is_marked_whoever_asks(monkeypatch):
    """A Lambda that was ended by force; its process was never on this machine."""
    now = pd.Timestamp("2024-01-03 01:45", tz="UTC").to_pydatetime()
    monkeypatch.setattr(clock, "now", lambda: now)
    started = dg.DagsterRunStatus.STARTED
    launcher = {"module": "parakeet_dagster.no_launcher", "class": "NoLauncher"}
    with dg.instance_for_test({"run_launcher": launcher}) as instance:
        assert isinstance(instance.run_launcher, NoLauncher)
        late, alive, elsewhere = (
            instance.create_run_for_job(idle, status=started, tags=tags).run_id
            for tags in (
                {DEADLINE_TAG: "2024-01-03T01:44:59+00:00"},
                {DEADLINE_TAG: "2024-01-03T01:45:00+00:00"},
                {},
            )
        )
        assert bury(instance) == [late]
        assert instance.get_run_by_id(late).status is dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(alive).status is started
        assert instance.get_run_by_id(elsewhere).status is started
