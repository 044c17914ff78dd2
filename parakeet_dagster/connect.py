"""From settings to the things they name: the lake, the database, the price source, the universe."""

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from botocore.exceptions import BotoCoreError

from parakeet_dagster import clock
from parakeet_dagster.errors import LakeError, SettingsError
from parakeet_dagster.price_sources.base import PriceSource
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.lake import THREADS, Lake
from parakeet_dagster.storage.stores import FileStore, S3Store, Store
from strategy.catalog import CATALOG, CORE, entry
from strategy.errors import StrategyError
from strategy.strategy import ACTIVE, Strategy
from strategy.universes import CUSTOM, KEYS, MEMBER_COLUMNS, members_of, validate_members

if TYPE_CHECKING:
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres


def open_lake(url: str) -> Lake:
    """The lake at a directory or ``s3://bucket/prefix``."""
    return Lake(_store(url))


def _store(url: str) -> Store:
    if not url.startswith("s3://"):
        return FileStore(Path(url))
    from parakeet_dagster.s3 import LakeS3Resource

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    try:
        client = LakeS3Resource(max_pool_connections=THREADS).get_client()
    except (BotoCoreError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LakeError(f"{url}: {reason}; correct the AWS_* variables") from None
    return S3Store(client, bucket, prefix)


def embedded_postgres(settings: Settings) -> "EmbeddedPostgres":
    """The database server that runs from ``$PARAKEET_HOME/postgres``."""
    from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres

    return EmbeddedPostgres(settings.home / "postgres")


def open_database(settings: Settings) -> Database:
    """The database of ``NEON_DATABASE_URL``, else the embedded one, started if need be."""
    if settings.database_url is None:
        return Database(DatabaseUrl.parse(embedded_postgres(settings).start()))
    return Database(DatabaseUrl.parse(settings.database_url.get_secret_value()))


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


def members(keys: tuple[str, ...], file: Path | None) -> pd.DataFrame:
    """The members of the universes ``keys``, ``CUSTOM`` being the list in ``file``.

    Raises:
        SettingsError: a key is unknown, or the file cannot be used.
    """
    unknown = [key for key in keys if key not in KEYS]
    if unknown:
        raise SettingsError(
            f"PARAKEET_UNIVERSES={unknown[0]}: unknown universe; accepted are {', '.join(KEYS)}"
        )
    custom = _universe_file(file) if file and CUSTOM in keys else None
    try:
        return members_of(keys, custom)
    except StrategyError as error:
        raise SettingsError(f"PARAKEET_UNIVERSES={','.join(keys)}: {error}") from None


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
    """The strategies that become assets: those chosen whose universe is fetched.

    Raises:
        SettingsError: a name is not in the catalog.
    """
    known = catalog(settings)
    chosen = settings.strategies or CORE
    names = tuple(known) if chosen == ("all",) else chosen
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
    fetched = (ACTIVE, *settings.universe_keys)
    left_out = [name for name in names if known[name].universe not in fetched]
    if left_out and names == settings.strategies:
        raise SettingsError(
            f"PARAKEET_STRATEGIES={left_out[0]}: its universe {known[left_out[0]].universe} is not"
            f" fetched; add it to PARAKEET_UNIVERSES={','.join(settings.universe_keys)}"
        )
    return {name: known[name] for name in names if name not in left_out}


def check_settings(settings: Settings) -> None:
    """Refuse settings that can be known to be wrong without connecting to anything.

    Raises:
        SettingsError: a universe, its file or the database's URL cannot be used.
    """
    members(settings.universe_keys, settings.universe_file)
    if settings.database_url is not None:
        DatabaseUrl.parse(settings.database_url.get_secret_value())
