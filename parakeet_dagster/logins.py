"""From settings to the database that they name: how to log in to it. Light to import."""

from functools import cache
from typing import TYPE_CHECKING

from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.login import FixedLogin, Login

if TYPE_CHECKING:
    from parakeet_dagster.storage.database_secret import DatabaseSecret
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres


def database_login(settings: Settings) -> Login:
    """How to log in to the database that is named, else to the embedded one, started if need be.

    Raises:
        SettingsError: ``NEON_DATABASE_URL`` is no URL. What is in a secret is read when it is used.
    """
    if settings.database_secret:
        return database_secret(settings.database_secret)
    if settings.database_url is None:
        return FixedLogin(DatabaseUrl.parse(embedded_postgres(settings).start()))
    return FixedLogin(DatabaseUrl.parse(settings.database_url.get_secret_value()))


def embedded_postgres(settings: Settings) -> "EmbeddedPostgres":
    """The database server that runs from ``$PARAKEET_HOME/postgres``."""
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres

    return EmbeddedPostgres(settings.home / "postgres")


@cache
def database_secret(name: str) -> "DatabaseSecret":
    """The secret of a name or ARN; one a process, which asks for it once in a while."""
    from parakeet_dagster.storage.database_secret import DatabaseSecret

    return DatabaseSecret(name)
