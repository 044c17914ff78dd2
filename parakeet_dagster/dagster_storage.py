"""The Dagster instance's storage in PostgreSQL: connections that stay, passwords that change.

Dagster's own opens a new connection for every event. Over TLS that is most of a run: a day's run
writes hundreds. And it keeps the password that it was made with. The tables are Dagster's own:
``storage.postgres`` can take over at any time. pyproject.toml pins Dagster's minor version, since
the storages' engines are not public.
"""

from collections.abc import Mapping
from typing import Any, Self

from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.auth import PgTokenProvider
from dagster_postgres.event_log import PostgresEventLogStorage
from sqlalchemy import Engine, create_engine

from parakeet_dagster.connect import dagster_login, make_dagster_schema
from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import psycopg2_arguments
from parakeet_dagster.storage.login import Login, log_in_by


class NeonStorage(DagsterPostgresStorage):
    """See the module. Where it is comes from the settings, see ``connect.dagster_login``."""

    def __init__(self, login: Login, inst_data: ConfigurableClassData | None = None) -> None:
        url = login.current().sync.render_as_string(hide_password=False)
        password = _CurrentPassword(login)
        super().__init__(url, inst_data=inst_data, token_provider=password)
        self._event_log_storage = _Events(url, token_provider=password)
        engine = create_engine(
            login.current().sync,
            isolation_level="AUTOCOMMIT",
            pool_pre_ping=True,
            hide_parameters=True,
        )
        log_in_by(engine, login, psycopg2_arguments)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine  # noqa: SLF001 - see the module

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No configuration."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 - Dagster's signature
    ) -> Self:
        """Make the storage that ``serverless.yaml`` asks for.

        Raises:
            SettingsError: no database is named, or its URL cannot be used.
            DatabaseError: the database cannot be reached.
        """
        settings = load_settings()
        login = dagster_login(settings)
        if login is None:
            raise SettingsError(
                "NEON_DATABASE_URL, PARAKEET_DATABASE_SECRET and DAGSTER_POSTGRES_URL are unset:"
                " Dagster's records need a database; set one of them"
            )
        make_dagster_schema(login)
        return cls(login, inst_data)


class _Events(PostgresEventLogStorage):
    """An instance that is closed tells its three storages so, and not what holds them."""

    _engine: Engine

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()


class _CurrentPassword(PgTokenProvider):
    """For the connections that Dagster opens by itself, as in its web server."""

    def __init__(self, login: Login) -> None:
        super().__init__()
        self._login = login

    def get_token(self) -> str:
        """The password of now."""
        return self._login.current().password or ""

    def _fetch_token(self) -> tuple[str, float]:
        raise NotImplementedError("get_token caches nothing")
