"""A real server for the tests: one per worker, one fresh database per test."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
        cursor.execute(f"CREATE DATABASE {name}")
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
