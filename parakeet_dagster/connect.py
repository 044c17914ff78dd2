"""From settings to the things they name: the lake, the database, the price source, the universe.

What only some settings name is imported where they do.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from parakeet_dagster import clock
from parakeet_dagster.errors import LakeError, SettingsError
from parakeet_dagster.price_sources.base import LACKS, PriceSource
from parakeet_dagster.settings import DAGSTER_URL, Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DAGSTER_SCHEMA, DatabaseUrl
from parakeet_dagster.storage.dumps import Dumps
from parakeet_dagster.storage.lake import CONNECTIONS, Lake
from parakeet_dagster.storage.login import FixedLogin, Login
from parakeet_dagster.storage.stores import FileStore, S3Store, Store
from parakeet_dagster.universe_sources.active import ActiveUniverse
from parakeet_dagster.universe_sources.base import UniverseSource
from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.files import renames
from strategy.catalog import ALL, CATALOG, CORE, entry
from strategy.errors import StrategyError
from strategy.strategy import ACTIVE, Strategy
from strategy.universes import CUSTOM, KEYS, LIVE_ONLY, MEMBER_COLUMNS, validate_members
from strategy.universes.keys import parts_of
from strategy.universes.renames import of_free_symbols

if TYPE_CHECKING:
    from parakeet_dagster.storage.database_secret import DatabaseSecret
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres


def open_lake(url: str) -> Lake:
    """The lake at a directory or ``s3://bucket/prefix``."""
    return Lake(open_store(url), of_free_symbols(renames()))


def open_store(url: str, setting: str = "PARAKEET_LAKE") -> Store:
    """The files at a directory or ``s3://bucket/prefix``, which ``setting`` names."""
    if not url.startswith("s3://"):
        return FileStore(Path(url), setting)
    from botocore.exceptions import BotoCoreError

    from parakeet_dagster.s3 import LakeS3Resource

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    try:
        client = LakeS3Resource(max_pool_connections=CONNECTIONS).get_client()
    except (BotoCoreError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LakeError(f"{url}: {reason}; correct the AWS_* variables") from None
    return S3Store(client, bucket, prefix, setting)


def open_backups(settings: Settings) -> Dumps:
    """The dumps of the database at ``PARAKEET_BACKUPS``.

    Raises:
        SettingsError: they would lie inside the lake, where readers take every folder for a table.
    """
    place, lake = settings.backups_url, settings.lake_url
    is_whole_bucket = lake.startswith("s3://") and "/" not in lake.removeprefix("s3://")
    if place == lake or (place.startswith(f"{lake}/") and not is_whole_bucket):
        raise SettingsError(
            f"PARAKEET_BACKUPS={place}: inside the lake {lake}, whose folders are tables; choose a"
            " place beside it"
        )
    return Dumps(open_store(place, "PARAKEET_BACKUPS"))


def embedded_postgres(settings: Settings) -> "EmbeddedPostgres":
    """The database server that runs from ``$PARAKEET_HOME/postgres``."""
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres

    return EmbeddedPostgres(settings.home / "postgres")


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
    if settings.database_secret:
        return Database(database_secret(settings.database_secret))
    if settings.database_url is None:
        return Database(DatabaseUrl.parse(embedded_postgres(settings).start()))
    return Database(DatabaseUrl.parse(settings.database_url.get_secret_value()))


@cache
def database_secret(name: str) -> "DatabaseSecret":
    """The secret of a name or ARN; one a process, which asks for it once in a while."""
    from parakeet_dagster.storage.database_secret import DatabaseSecret

    return DatabaseSecret(name)


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
    custom = _universe_file(file) if file else None
    return BundledUniverses(custom, custom_as_of=clock.session_day())


@cache
def _live(file: Path | None) -> UniverseSource:
    """One source a process: a back-fill asks for each list once, not once a chunk."""
    from parakeet_dagster.universe_sources.live import LiveUniverses

    return LiveUniverses(_bundled(file), now=lambda: clock.now())


def read_lists_again() -> None:
    """Forget today's lists of members: a process that lives on is called on another day."""
    _live.cache_clear()


def check_universes(settings: Settings) -> None:
    """Refuse universes that can be known to be wrong without asking anybody.

    Raises:
        SettingsError: a key is unknown, needs what is not set, or the user's file cannot be used.
    """
    for key in settings.universe_keys:
        if key not in KEYS:
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: unknown universe; accepted are {', '.join(KEYS)}"
            )
        if key == CUSTOM and not settings.universe_file:
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV"
            )
        if key in LIVE_ONLY and settings.universe_source != "live":
            raise SettingsError(
                f"PARAKEET_UNIVERSES={key}: no list of it ships with Parakeet; set"
                " PARAKEET_UNIVERSE_SOURCE=live"
            )
    if settings.universe_file and CUSTOM in settings.universe_keys:
        _universe_file(settings.universe_file)


def _universe_file(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, skipinitialspace=True)
        return validate_members(table)
    except FileNotFoundError:
        raise SettingsError(
            f"PARAKEET_UNIVERSE_FILE={file}: there is no such file; write a CSV with the header"
            f" {','.join(MEMBER_COLUMNS)}"
        ) from None
    except (StrategyError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"PARAKEET_UNIVERSE_FILE={file}: {reason}") from None


def catalog(settings: Settings) -> dict[str, Strategy]:
    """The catalog: the built-in strategies and the user's own, which override.

    Raises:
        SettingsError: the user's file cannot be used.
    """
    if settings.strategies_file is None:
        return CATALOG
    try:
        tables = tomllib.loads(settings.strategies_file.read_text())
        own = {name: entry(name, table) for name, table in tables.items()}
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(
            f"PARAKEET_STRATEGIES_FILE={settings.strategies_file}: {reason}"
        ) from None
    return {**CATALOG, **own}


def enabled_strategies(settings: Settings) -> dict[str, Strategy]:
    """The strategies that become assets: those chosen that can be computed.

    Raises:
        SettingsError: a name is not in the catalog, or one that was chosen by name cannot be
            computed.
    """
    known = catalog(settings)
    names = chosen_names(settings, known)
    impossible = {name: why for name in names if (why := why_impossible(settings, known[name]))}
    if impossible and names == settings.strategies:
        name, why = next(iter(impossible.items()))
        raise SettingsError(f"PARAKEET_STRATEGIES={name}: {why}")
    _check_live(settings, [name for name in names if name not in impossible])
    return {name: known[name] for name in names if name not in impossible}


def _check_live(settings: Settings, names: Collection[str]) -> None:
    if settings.live_strategy and settings.live_strategy not in names:
        raise SettingsError(
            f"PARAKEET_LIVE_STRATEGY={settings.live_strategy}: not enabled; accepted are"
            f" {', '.join(names)}, or enable it in PARAKEET_STRATEGIES"
        )


def chosen_names(settings: Settings, known: Mapping[str, Strategy]) -> tuple[str, ...]:
    """The strategies of ``PARAKEET_STRATEGIES``, or the core ones.

    Raises:
        SettingsError: a name, or the universe of an entry, is unknown.
    """
    chosen = settings.strategies or CORE
    names = tuple(known) if ALL in chosen else chosen
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(
            f"PARAKEET_STRATEGIES={unknown[0]}: unknown strategy;"
            f" accepted are all, {', '.join(known)}"
        )
    for name in names:
        if known[name].universe not in (ACTIVE, *KEYS):
            raise SettingsError(
                f"PARAKEET_STRATEGIES_FILE: {name}.universe={known[name].universe}: unknown;"
                f" accepted are {ACTIVE}, {', '.join(KEYS)}"
            )
    return names


def why_impossible(settings: Settings, strategy: Strategy) -> str | None:
    """Why a strategy cannot be computed with these settings, and what to do; None where it can."""
    fetched = (ACTIVE, *settings.universe_keys)
    unions = [key for key in settings.universe_keys if strategy.universe in parts_of(key)]
    if strategy.universe not in fetched and unions:
        return (
            f"its universe {strategy.universe} is fetched as a part of {unions[0]} only; name it:"
            f" PARAKEET_UNIVERSES={','.join(settings.universe_keys)},{strategy.universe}"
        )
    if strategy.universe not in fetched:
        return (
            f"its universe {strategy.universe} is not fetched; add it to"
            f" PARAKEET_UNIVERSES={','.join(settings.universe_keys)}"
        )
    lacking = [
        what
        for what, fields in LACKS[settings.price_source].items()
        if not strategy.fields.isdisjoint(fields)
    ]
    if lacking:
        return (
            f"it needs {' and '.join(lacking)}, which PARAKEET_PRICE_SOURCE={settings.price_source}"
            " does not have; choose another source"
        )
    return None


def check_settings(settings: Settings) -> None:
    """Refuse settings that can be known to be wrong without connecting to anything.

    Raises:
        SettingsError: a universe, its file or the database's URL cannot be used.
    """
    check_universes(settings)
    if settings.database_url is not None:
        DatabaseUrl.parse(settings.database_url.get_secret_value())
