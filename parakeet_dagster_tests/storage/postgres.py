"""A real server for the tests: one per worker, one fresh database per test."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running server in a directory of its own, stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="parakeet-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        url = server.start()
        try:
            with contextlib.closing(psycopg2.connect(url)) as administrator:
                administrator.autocommit = True
                with administrator.cursor() as cursor:
                    # Its data is gone with the tests; waiting for the disk would triple their time.
                    cursor.execute("ALTER SYSTEM SET fsync = off")
                    cursor.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.stop()


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database, dropped after the test even under open connections."""
    with empty_database(postgres_server) as url:
        yield url


@contextlib.contextmanager
def empty_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database, dropped at the end."""
    url = postgres_server.start()
    name = f"test_{next(_NUMBERS)}"
    administrator = psycopg2.connect(url)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        # copying files is four times as fast as what the server does unless told, its log
        cursor.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        try:
            yield url.replace("/parakeet?", f"/{name}?")
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            administrator.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database on ``database_url``."""
    opened = Database(DatabaseUrl.parse(database_url))
    yield opened
    opened.close()


@dataclass
class Member:
    """A user that must say a password, on a server that trusts everybody else.

    url: with the password of now.
    """

    name: str
    password: str
    base: str
    _administrator: psycopg2.extensions.connection

    @property
    def url(self) -> str:
        return self.url_with(self.password)

    def url_with(self, password: str) -> str:
        return self.base.replace("://postgres", f"://{self.name}:{quote(password, safe='')}")

    def change_password(self, password: str) -> None:
        self.password = password
        with self._administrator.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {self.name} PASSWORD %s", (password,))

    def disconnect(self) -> None:
        """End this user's sessions, as a proxy or a failover would."""
        with self._administrator.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                (self.name,),
            )


@contextlib.contextmanager
def member(postgres_server: EmbeddedPostgres, password: str) -> Iterator[Member]:
    """A user with a password, who may do anything in a database of its own."""
    name = f"member_{next(_NUMBERS)}"
    rules = postgres_server.directory / "pg_hba.conf"
    if " scram-sha-256\n" not in (trusting := rules.read_text()):
        rules.write_text(f"local all /^member_ scram-sha-256\n{trusting}")
    with empty_database(postgres_server) as base:
        administrator = psycopg2.connect(base)
        administrator.autocommit = True
        database = DatabaseUrl.parse(base).database
        with contextlib.closing(administrator), administrator.cursor() as cursor:
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD %s", (password,))
            cursor.execute(f"ALTER DATABASE {database} OWNER TO {name}")
            try:
                yield Member(name, password, base, administrator)
            finally:
                cursor.execute(f"ALTER DATABASE {database} OWNER TO postgres")
                cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
