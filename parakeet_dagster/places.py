"""From settings to the files that they name: the lake and the backups, in a directory or on S3."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parakeet_dagster.errors import LakeError, SettingsError
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.dumps import Dumps
from parakeet_dagster.storage.lake import CONNECTIONS, Lake
from parakeet_dagster.storage.stores import FileStore, S3Store, Store
from parakeet_dagster.universe_sources.files import renames
from strategy.universes.renames import of_free_symbols

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 5
"""How often boto3 sends a request again that fails."""


def s3_client(
    max_attempts: int = ATTEMPTS,
    max_pool_connections: int = CONNECTIONS,
    profile_name: str | None = None,
    **named: Any,  # noqa: ANN401 - boto3's own arguments
) -> "S3Client":
    """A client of S3, from AWS's own environment variables.

    Args:
        max_attempts: how often a request is sent again that fails.
        max_pool_connections: kept open; boto3's 10 would be outgrown by a window's reads.
        profile_name: in AWS's own files; None for what the environment says.
        named: as ``boto3.session.Session.client`` takes it.

    Raises:
        BotoCoreError, ValueError: a variable of AWS is wrong.
    """
    import boto3
    from botocore.config import Config

    patience = Config(
        retries={"max_attempts": max_attempts, "mode": "standard"},
        max_pool_connections=max_pool_connections,
    )
    return boto3.session.Session(profile_name=profile_name).client("s3", config=patience, **named)


def open_lake(url: str, client: "Callable[[], S3Client]" = s3_client) -> Lake:
    """The lake at a directory or ``s3://bucket/prefix``; ``client`` makes the one of S3."""
    return Lake(open_store(url, client=client), of_free_symbols(renames()))


def open_store(
    url: str, setting: str = "PARAKEET_LAKE", client: "Callable[[], S3Client]" = s3_client
) -> Store:
    """The files at a directory or ``s3://bucket/prefix``, which ``setting`` names.

    Raises:
        LakeError: a variable of AWS is wrong.
    """
    if not url.startswith("s3://"):
        return FileStore(Path(url), setting)
    from botocore.exceptions import BotoCoreError

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    try:
        return S3Store(client(), bucket, prefix, setting)
    except (BotoCoreError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LakeError(f"{url}: {reason}; correct the AWS_* variables") from None


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
