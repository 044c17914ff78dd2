"""The program from its first line on: a signal while Python still imports what it runs."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STOPPED = "Stopped.\n"

WHILE_IMPORTING = """
import os, sys

_, number, awaited = sys.argv

class Signalling:
    def find_spec(self, name, *_):
        if name == awaited:
            os.kill(os.getpid(), int(number))

sys.meta_path.insert(0, Signalling())
sys.argv = ["parakeet", "--help"]
from parakeet_dagster.__main__ import main
main()
"""


def run(*arguments):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.returncode, done.stdout, done.stderr


def signalled(number, awaited):
    return run("-c", WHILE_IMPORTING, str(int(number)), awaited)


@pytest.mark.parametrize("awaited", ["parakeet_dagster.cli", "typer", "numpy", "pandas"])
def test_ctrl_c_during_the_imports_is_one_line(awaited):
    assert signalled(signal.SIGINT, awaited) == (130, "", STOPPED)


def test_so_is_sigterm():
    assert signalled(signal.SIGTERM, "pandas") == (143, "", STOPPED)


def test_so_is_ctrl_c_from_outside():
    command = [sys.executable, "-X", "importtime", "-m", "parakeet_dagster", "--help"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        for line in process.stderr:
            if "numpy" in line:  # pandas follows, and that takes longer than a signal
                process.send_signal(signal.SIGINT)
                break
        printed, told = process.communicate(timeout=60)
    lines = [line for line in told.splitlines() if not line.startswith("import time:")]
    assert (process.returncode, printed, lines) == (130, "", ["Stopped."])


def test_undisturbed_it_is_the_command_line():
    code, printed, told = run("-m", "parakeet_dagster", "universe", "--help")
    assert (code, told) == (0, "")
    assert "The members of a universe" in printed


def test_the_console_script_is_this():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"parakeet": "parakeet_dagster.__main__:main"}


def test_on_a_terminal_the_line_is_over_its_own_mark_of_ctrl_c():
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", WHILE_IMPORTING, str(int(signal.SIGINT)), "typer"]
    done = subprocess.run(command, stderr=theirs, cwd=ROOT, timeout=60)
    os.close(theirs)
    assert (done.returncode, os.read(ours, 100)) == (130, b"\rStopped.\r\n")
    os.close(ours)
