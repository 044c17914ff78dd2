"""The entry of the image: what it becomes finds Dagster's database, and is what a launcher asked for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from parakeet_dagster_tests.deploy.places import ROOT

ENTRY = [sys.executable, "-m", "parakeet_dagster.container"]
SHOW = "import os, sys; print(os.environ.get('DAGSTER_POSTGRES_URL')); print(os.getpid()); print(sys.argv[1:])"


@pytest.fixture
def environment(tmp_path):
    bin_folder = Path(sys.executable).parent
    return {
        "PATH": f"{bin_folder}:{os.defpath}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }


def entered(environment, *command):
    process = subprocess.Popen(
        [*ENTRY, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=environment["HOME"],
    )
    out, errors = process.communicate(timeout=60)
    return process, out, errors


def test_it_becomes_the_command_with_dagster_s_database_named_and_its_schema_made(
    environment, database_url
):
    words = ["two words", '{"json": "$HOME"}', "-x"]
    named = environment | {"NEON_DATABASE_URL": database_url}
    process, out, errors = entered(named, "python", "-c", SHOW, *words)
    assert process.returncode == 0, errors
    url, pid, arguments = out.splitlines()
    assert url.startswith("postgresql+psycopg2://")
    assert "search_path" in url
    assert "dagster" in url
    assert int(pid) == process.pid  # exec: signals reach the command
    assert arguments == str(words)
    connection = psycopg2.connect(database_url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('dagster') IS NOT NULL")
        assert cursor.fetchone() == (True,)
    connection.close()


def test_without_a_database_nothing_is_named(environment):
    process, out, errors = entered(environment, "python", "-c", SHOW)
    assert process.returncode == 0, errors
    assert out.splitlines()[0] == "None"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ([], 127, "no command"),
        (["no-such-command"], 127, "no-such-command: no such command in this image"),
        (["python", "-c", "raise SystemExit(3)"], 3, ""),
    ],
)
def test_the_exit_code_is_the_command_s_or_a_shell_s(environment, command, code, told):
    process, _, errors = entered(environment, *command)
    assert process.returncode == code
    assert errors.strip().startswith(told)
    assert len(errors.splitlines()) <= 1


def test_a_wrong_setting_stops_it_with_one_line_and_no_password(environment):
    wrong = environment | {"NEON_DATABASE_URL": "mysql://me:hunter2@host/db"}
    process, out, errors = entered(wrong, "python", "-c", SHOW)
    assert process.returncode == 1
    assert out == ""
    (line,) = errors.splitlines()
    assert line.startswith("NEON_DATABASE_URL=")
    assert "hunter2" not in line


def test_a_signal_ends_the_command(environment):
    command = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
    command += " print('on', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [*ENTRY, "python", "-c", command],
        env=environment,
        stdout=subprocess.PIPE,
        cwd=environment["HOME"],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7
