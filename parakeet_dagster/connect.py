"""From settings to the things they name: the database, the price source, the universe.

What only some settings name is imported where they do. Where files are, see ``places``; what a
person chose of the catalog and of the universes, ``choices``.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from parakeet_dagster import clock
from parakeet_dagster.choices import check_universes, read_universe
from parakeet_dagster.logins import database_login, database_secret
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import DAGSTER_URL, Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DAGSTER_SCHEMA, DatabaseUrl
from parakeet_dagster.storage.login import FixedLogin, Login
from parakeet_dagster.universe_sources.active import ActiveUniverse
from parakeet_dagster.universe_sources.base import UniverseSource
from parakeet_dagster.universe_sources.bundled import BundledUniverses
from strategy.universes import CUSTOM


def open_database(settings: Settings) -> Database:
    """The database that is named, else the embedded one, started if need be.

    The embedded one is brought to this version's schema: nobody else uses it.

    Raises:
        SettingsError: ``NEON_DATABASE_URL`` is no URL. What is in a secret is read when it is used.
    """
    database = find_database(settings)
    if settings.has_own_database:
        database.migrate()
    return database


def find_database(settings: Settings) -> Database:
    """As ``open_database``, whatever the version of its schema."""
    return Database(database_login(settings))


def dagster_login(settings: Settings) -> Login | None:
    """Where the Dagster instance keeps its records, if not on this machine.

    What ``DAGSTER_POSTGRES_URL`` says, else what the secret says, else the database itself past
    Neon's pooler, with a schema of its own. None where no database is named.

    Raises:
        SettingsError: a URL cannot be used. What is in a secret is read when it is used.
    """
    if settings.dagster_url is not None:
        given = settings.dagster_url.get_secret_value()
        return FixedLogin(DatabaseUrl.parse(given, DAGSTER_URL))
    if settings.database_secret:
        return database_secret(settings.database_secret).of_dagster
    if settings.database_url is None:
        return None
    url = DatabaseUrl.parse(settings.database_url.get_secret_value())
    return FixedLogin(url.for_tables_in(DAGSTER_SCHEMA))


def make_dagster_schema(login: Login) -> None:
    """Make the schema that the URL's ``search_path`` names, if it names one.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    schema = login.current().schema
    if schema is None:
        return
    database = Database(login)
    try:
        database.make_schema(schema)
    finally:
        database.close()


def open_price_source(settings: Settings) -> PriceSource:
    """The vendor that ``PARAKEET_PRICE_SOURCE`` names."""
    if settings.price_source == "sample":
        from parakeet_dagster.price_sources.sample import SampleSource

        return SampleSource()
    return _yahoo(settings.home / "cache", settings.yahoo_rps)


@cache
def _yahoo(cache_dir: Path, requests_per_second: float) -> PriceSource:
    """One source a process: its pace, and what Yahoo refused, outlive a run."""
    from parakeet_dagster.price_sources.yahoo import YahooSource

    return YahooSource(cache_dir, requests_per_second, now=lambda: clock.now())


def active_universe(settings: Settings) -> ActiveUniverse:
    """The universes that are fetched, with the source of ``PARAKEET_UNIVERSE_SOURCE``.

    Raises:
        SettingsError: a key is unknown, or the user's file cannot be used.
    """
    keys = settings.universe_keys
    return ActiveUniverse(keys, open_universe_source(settings, keys))


def open_universe_source(settings: Settings, keys: Sequence[str]) -> UniverseSource:
    """Where the members of the universes ``keys`` come from.

    Raises:
        SettingsError: ``PARAKEET_UNIVERSE_FILE`` cannot be used.
    """
    file = settings.universe_file if CUSTOM in keys else None
    return _bundled(file) if settings.universe_source == "bundled" else _live(file)


def _bundled(file: Path | None) -> BundledUniverses:
    custom = read_universe(file) if file else None
    return BundledUniverses(custom, custom_as_of=clock.session_day())


@cache
def _live(file: Path | None) -> UniverseSource:
    """One source a process: a back-fill asks for each list once, not once a chunk."""
    from parakeet_dagster.universe_sources.live import LiveUniverses

    return LiveUniverses(_bundled(file), now=lambda: clock.now())


def read_lists_again() -> None:
    """Forget today's lists of members: a process that lives on is called on another day."""
    _live.cache_clear()


def check_settings(settings: Settings) -> None:
    """Refuse settings that can be known to be wrong without connecting to anything.

    Raises:
        SettingsError: a universe, its file or the database's URL cannot be used.
    """
    check_universes(settings)
    if settings.database_url is not None:
        DatabaseUrl.parse(settings.database_url.get_secret_value())
