"""Dagster instances from the files of a deployment, on a database and a bucket of the tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.instance import InstanceRef

BUCKET = "parakeet-tests"
SCHEMA = "dagster"


@contextmanager
def instance_of(
    file: Path, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The instance that ``file`` describes, in the home ``home``; AWS's variables are set."""
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
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
