"""The API on a database of its own, and clients with keys of every kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from parakeet_api.app import create_app
from parakeet_api.services import Services
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.storage.postgres import empty_database

MANY = 1_000_000
"""More than any test asks."""


@dataclass
class Api:
    """An application that runs, and what is behind it.

    keys: by whose they are: ``reader`` and ``writer`` (who may read, too).
    """

    client: TestClient
    database: Database
    services: Services
    keys: dict[str, str]

    def get(self, path: str, key: str = "reader", **named: Any) -> httpx2.Response:
        return self.ask("GET", path, key, **named)

    def ask(
        self, method: str, path: str, key: str | None = "reader", **named: Any
    ) -> httpx2.Response:
        headers = dict(named.pop("headers", {}))
        if key is not None:
            headers.setdefault("Authorization", f"Bearer {self.keys.get(key, key)}")
        return self.client.request(method, path, headers=headers, **named)

    def rows(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a table, of the first page."""
        answer = self.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def api_on(url: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[Api]:
    """The API on a database and in the working directory's home; ``settings`` are variables."""
    monkeypatch.setenv("NEON_DATABASE_URL", url)
    monkeypatch.setenv("PARAKEET_API_REQUESTS_PER_MINUTE", "100000")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    database = Database(DatabaseUrl.parse(url))
    made = {"reader": database.create_api_key("reader", ["read"])}
    made["writer"] = database.create_api_key("writer", ["read", "write"])
    services = Services(load_settings(), anonymous_per_minute=MANY)
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield Api(client, database, services, {name: key or "" for name, key in made.items()})
    database.close()


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API on an empty database."""
    with api_on(database_url, monkeypatch) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_api(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on a database that the tests of a module fill and share."""
    with pytest.MonkeyPatch.context() as monkeypatch, empty_database(postgres_server) as url:
        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path_factory.mktemp("home")))
        with api_on(url, monkeypatch) as opened:
            yield opened
