"""``parakeet api`` and ``parakeet keys``: who gets a key, where it is shown, and how it ends."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from parakeet_dagster import cli_api
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.command_line import parakeet

PATIENCE = 60
ROOT = Path(__file__).parents[1]
KEY = re.compile(r"pk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
OLDER = Path(__file__).parent / "storage" / "older_schema.sql"
NOBODY = "Nobody has a key: parakeet keys create NAME"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


def get(address: str, key: str | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(address)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@dataclass
class Served:
    """``parakeet api`` in a process of its own, and what it said to begin with."""

    process: subprocess.Popen[str]
    address: str
    said: str

    def stop(self, number: int) -> tuple[int, list[str]]:
        """Its exit code, and what it wrote to standard error in all."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, told.splitlines()


@contextmanager
def served(
    *, is_terminal: bool = False, host: str = "127.0.0.1", **settings: str
) -> Iterator[Served]:
    """Serve in the environment of the test, until the end of the block at the latest."""
    port = free_port()
    environment = {**os.environ, **settings}  # noqa: TID251 - PATH and the like; ours are cleared
    command = [sys.executable, "-m", "parakeet_dagster", "api", "--host", host, "--port", str(port)]
    ours, theirs = os.openpty() if is_terminal else os.pipe()
    process = subprocess.Popen(
        command,
        env={**environment, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    try:
        said = line_from(ours, process)
        address = f"http://127.0.0.1:{port}/"
        wait_for(address, process)
        yield Served(process, address, said)
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def line_from(descriptor: int, process: subprocess.Popen[str]) -> str:
    said = b""
    while b"\n" not in said:
        ready, _, _ = select.select([descriptor], [], [], PATIENCE)
        try:
            more = os.read(descriptor, 4096) if ready else b""
        except OSError:  # of a terminal that nobody has open any more
            more = b""
        assert more, process.communicate()[1]
        said += more
    return said.decode().strip()


def wait_for(address: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            get(f"{address}v1/health")
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def with_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    return database_url


class TestApi:
    def test_the_first_start_on_this_machine_shows_a_key_once(self, monkeypatch):
        with tempfile.TemporaryDirectory(prefix="parakeet-") as directory:
            monkeypatch.setenv("PARAKEET_HOME", directory)
            try:
                with served() as logged:  # what is no terminal may be a log
                    assert logged.said == logged.address
                    assert logged.stop(signal.SIGINT) == (130, [NOBODY, "Stopped."])
                with served(is_terminal=True) as first:
                    address, key = first.said.split("  ")[0].split("#key=")
                    assert address == first.address
                    assert KEY.fullmatch(key)
                    assert get(f"{address}v1/health") == (200, b'{"status":"ok"}')
                    code, page = get(address)
                    assert (code, b"<title>Parakeet</title>" in page) == (200, True)
                    assert get(f"{address}v1/prices", key)[0] == 200
                    assert get(f"{address}v1/prices")[0] == 401
                    assert first.stop(signal.SIGINT) == (130, ["Stopped."])
                with served(is_terminal=True) as second:
                    assert second.said == second.address
                    assert second.stop(signal.SIGTERM) == (143, ["Stopped."])
                database = Database(
                    DatabaseUrl.parse(EmbeddedPostgres(Path(directory) / "postgres").start())
                )
                known = database.api_keys()
                database.close()
                assert known[["name", "scopes"]].to_numpy().tolist() == [
                    ["this machine", "read,write"]
                ]
            finally:
                EmbeddedPostgres(Path(directory) / "postgres").stop()

    def test_on_a_database_that_is_named_nobody_gets_a_key_unasked(self, with_database):
        with served(is_terminal=True) as server:
            assert server.said == server.address
            assert server.stop(signal.SIGINT) == (
                130,
                [NOBODY, "Stopped."],
            )
        assert parakeet("keys").out == "There is no key: parakeet keys create NAME\n"

    def test_logs_as_json_and_holds_no_key(self, with_database):
        key = parakeet("keys", "create", "phone").out.strip()
        with served(PARAKEET_LOGS="json") as server:
            assert get(f"{server.address}v1/prices?limit={key}", key)[0] == 422
            code, lines = server.stop(signal.SIGINT)
        *logged, last = lines
        assert (code, last) == (130, "Stopped.")
        found = [json.loads(line) for line in logged]
        assert {one["logger"].split(".")[0] for one in found} == {"uvicorn"}
        assert any("Uvicorn running" in one["message"] for one in found)
        assert key not in "\n".join([server.said, *lines])

    def test_what_went_wrong_is_told_as_all_else_is(self, with_database):
        parakeet("keys", "create", "phone")
        with served() as server:
            with closing(
                socket.create_connection(("127.0.0.1", int(server.address[17:-1])))
            ) as one:
                one.sendall(b"\x00nonsense\r\n\r\n")
                assert one.recv(100).startswith(b"HTTP/1.1 400")
            code, lines = server.stop(signal.SIGINT)
        warning = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC WARNING Invalid HTTP request received\."
        assert (code, lines[1:]) == (130, ["Stopped."])
        assert re.fullmatch(warning, lines[0])

    def test_ctrl_c_while_a_request_is_under_way(self, with_database):
        """It is waited for a little, not for as long as it takes."""
        parakeet("keys", "create", "phone")
        with (
            closing(psycopg2.connect(with_database)) as other,
            other.cursor() as cursor,
            served() as server,
        ):
            cursor.execute("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE")
            key = f"pk_{'0' * 12}_{'a' * 43}"
            with closing(
                socket.create_connection(("127.0.0.1", int(server.address[17:-1])))
            ) as client:
                asked = f"GET /v1/prices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
                client.sendall(asked.encode())
                time.sleep(0.5)
                began = time.monotonic()
                code, lines = server.stop(signal.SIGINT)
                assert time.monotonic() - began < 9
        told = " UTC ERROR Cancel 1 running task(s), timeout graceful shutdown exceeded"
        assert (code, len(lines), lines[1]) == (130, 2, "Stopped."), lines
        assert lines[0].endswith(told)

    def test_every_network_is_warned_of(self, with_database):
        parakeet("keys", "create", "phone")
        with served(host="0.0.0.0") as server:
            assert server.said == server.address.replace("127.0.0.1", "0.0.0.0")
            code, (warning, last) = server.stop(signal.SIGINT)
        assert (code, last) == (130, "Stopped.")
        assert warning == (
            "There is no TLS: who is between reads keys and data. Put a proxy that has it before"
            " 0.0.0.0, or listen on 127.0.0.1"
        )

    def test_a_port_that_is_taken(self):
        """Nothing was started for it: there is no database here."""
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            assert parakeet("api", "--port", str(port)).is_one_line(
                f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another"
                " --port or --host"
            )

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "192.0.2.1"])
    def test_a_host_that_is_not_here(self, host):
        outcome = parakeet("api", "--host", host)
        assert (outcome.code, outcome.out) == (1, "")
        assert f"cannot listen on {host} port 8000: " in outcome.err.replace("\n", " ")

    def test_an_older_schema(self, with_database):
        with closing(psycopg2.connect(with_database)) as connection, connection.cursor() as cursor:
            cursor.execute(OLDER.read_text())
            connection.commit()
        for command in (("api", "--port", str(free_port())), ("keys",), ("keys", "create", "x")):
            outcome = parakeet(*command)
            assert (outcome.code, outcome.out) == (1, "")
            assert outcome.err.rstrip().endswith("run parakeet db migrate")

    @pytest.mark.parametrize(
        ("host", "is_local"),
        [
            ("127.0.0.1", True),
            ("127.1.2.3", True),
            ("::1", True),
            ("localhost", True),
            ("0.0.0.0", False),
            ("::", False),
            ("192.168.0.5", False),
            ("localhost.example.com", False),
        ],
    )
    def test_what_only_this_machine_reaches(self, host, is_local):
        assert cli_api._is_local(host) is is_local


class TestKeys:
    def test_made_listed_revoked(self, with_database):
        made = parakeet("keys", "create", "spreadsheet")
        assert (made.code, made.err) == (0, "Keep it, it is not shown again:\n")
        assert KEY.fullmatch(made.out.strip())
        assert parakeet("keys", "create", "phone", "--write").code == 0

        listed = parakeet("keys", "--json").objects
        told = [(row["name"], row["scopes"], row["revoked_at"]) for row in listed]
        assert told == [("spreadsheet", "read", None), ("phone", "read,write", None)]
        assert listed[0]["id"] == made.out.split("_")[1]

        assert parakeet("keys", "revoke", "phone").out == "Revoked: phone\n"
        revoked = [row["revoked_at"] is not None for row in parakeet("keys", "--json").objects]
        assert revoked == [False, True]
        table = parakeet("keys")
        assert "spreadsheet" in table.out
        assert made.out.strip().split("_", 2)[2] not in table.out

    def test_none(self, with_database):
        assert parakeet("keys").out == "There is no key: parakeet keys create NAME\n"
        assert parakeet("keys", "--json").objects == []

    def test_a_name_that_is_taken(self, with_database):
        parakeet("keys", "create", "phone")
        assert parakeet("keys", "create", "phone").is_one_line(
            "name 'phone' has a key already: choose another, or parakeet keys revoke it first"
        )

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31mb", "x" * 101])
    def test_a_name_that_is_none(self, name, with_database):
        assert parakeet("keys", "create", name).is_one_line(
            f"name {name[:100]!r}: write 1 to 100 characters that can be seen"
        )

    def test_revoking_what_is_not_there(self, with_database):
        parakeet("keys", "create", "phone")
        assert parakeet("keys", "revoke", "fone").is_one_line(
            "name 'fone' has no key; those in use: phone"
        )
        parakeet("keys", "revoke", "phone")
        assert parakeet("keys", "revoke", "phone").is_one_line(
            "name 'phone' has no key; those in use: none"
        )
