"""A run whose process was killed keeps nobody waiting."""

import os
import signal
import subprocess
import sys

import dagster as dg

from parakeet_dagster.dead_runs import bury

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
