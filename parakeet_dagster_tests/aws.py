"""AWS for the tests: moto's server, which the real boto3 talks to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import create_loader

from parakeet_dagster_tests.moto_server import moto_server

REGION = "ap-southeast-2"
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}
_NUMBERS = count()


@dataclass(frozen=True)
class Aws:
    """A running server; ``environment`` makes a process take it for AWS."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {**VARIABLES, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def bucket(self) -> str:
        """A new bucket's name."""
        name = f"parakeet-{next(_NUMBERS)}"
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
        return name

    def secret(self, content: str | dict[str, str]) -> str:
        """A new secret's ARN."""
        text = content if isinstance(content, str) else json.dumps(content)
        name = f"parakeet/database-{next(_NUMBERS)}"
        return self.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]

    def change_secret(self, arn: str, text: str) -> None:
        self.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=text)


@pytest.fixture(scope="module")
def aws_server() -> Iterator[Aws]:
    """One for all tests of a module; names are never used twice."""
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        # What botocore says of services is read once, and not by each client: a fifth of a call.
        patch.setattr(botocore.session, "create_loader", cache(create_loader))
        yield Aws(url)


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The server, in this process's environment."""
    for name, value in aws_server.environment.items():
        monkeypatch.setenv(name, value)
    return aws_server
