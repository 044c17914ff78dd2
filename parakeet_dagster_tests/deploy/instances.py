"""Dagster instances from the files of a deployment, on a database and a bucket of the tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import dagster as dg
import psycopg2
import pytest
from dagster._core.instance import InstanceRef

from parakeet_dagster.storage.database_url import DatabaseUrl

BUCKET = "parakeet-tests"
SCHEMA = "dagster"


def dagster_url(database_url: str) -> str:
    """``DAGSTER_POSTGRES_URL`` of a database, with the schema made."""
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.close()
    url = DatabaseUrl.parse(database_url).sync
    url = url.update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    return url.render_as_string(hide_password=False)


@contextmanager
def instance_of(
    file: Path, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The instance that ``file`` describes, in the home ``home``; AWS's variables are set."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", dagster_url(database_url))
    monkeypatch.setenv("PARAKEET_BUCKET", BUCKET)
    boto3.resource("s3").Bucket(BUCKET).create(
        CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"}
    )
    home.mkdir()
    shutil.copyfile(file, home / "dagster.yaml")
    home.chmod(0o555)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as instance:
        yield instance
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.objects.delete()
    bucket.delete()
