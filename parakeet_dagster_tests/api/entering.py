"""The API where a person enters something: it is Wednesday in Sydney, and ETFs are known."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from parakeet_api import entries
from parakeet_dagster import clock
from parakeet_dagster_tests.api.clients import Api, api_on
from parakeet_dagster_tests.storage.postgres import empty_database

NOW = datetime(2024, 3, 5, 21, tzinfo=UTC)
"""Tuesday afternoon in New York, 2024-03-06 in Sydney."""

known_really = entries._known  # read once a module, for it is slow

BUY = {"date": "2024-03-04", "ticker": "SPY", "side": "buy", "quantity": 10, "price": 510.25,
       "currency": "USD", "fee": 3, "aud_per_unit": 1.53}  # fmt: skip
SHARES = {"ticker": "SPY", "quantity": 12, "currency": "USD", "acquired": "2021-05-03",
          "price": 417.3}  # fmt: skip
CASH = {"ticker": "CASH", "quantity": 2350.75, "currency": "AUD"}


@pytest.fixture(scope="module")
def one_api(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on a database of the module."""
    with pytest.MonkeyPatch.context() as monkeypatch, empty_database(postgres_server) as url:
        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.setattr(clock, "now", lambda: NOW)
        with api_on(url, monkeypatch, PARAKEET_UNIVERSES="CORE_ETFS") as opened:
            known = known_really(opened.services)
            monkeypatch.setattr(entries, "_known", lambda _: known)
            yield opened


@pytest.fixture
def api(one_api: Api) -> Api:
    """The API with nothing entered."""
    with one_api.database.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE holdings, trades, entry_audit")
    return one_api


def put(api: Api, path: str, content: Any, key: str = "writer", **headers: str) -> Any:
    """The answer to a PUT; of the headers, _ stands for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.ask("PUT", path, key, json=content, headers=named)


def delete(api: Api, path: str, key: str = "writer", **headers: str) -> Any:
    """The answer to a DELETE."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.ask("DELETE", path, key, headers=named)


def failed(answer: Any) -> tuple[int, str, str]:
    """Status, code and detail of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    return answer.status_code, problem["code"], problem["detail"]


def changes(api: Api) -> list[tuple[str, str]]:
    """The audit, oldest first: what was done, to what."""
    audit = api.database.entry_audit()
    return list(zip(audit["action"], audit["key"], strict=True))


def on_the_command_line(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line see what the API sees."""
    url = api.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("NEON_DATABASE_URL", url)
    monkeypatch.setenv("PARAKEET_HOME", str(api.services.settings.home))
    monkeypatch.setenv("PARAKEET_UNIVERSES", "CORE_ETFS")
