"""A server that answers as AWS would."""

from collections.abc import Iterator

import pytest

from parakeet_dagster_tests.moto_server import moto_server


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of moto's server."""
    with moto_server() as url:
        yield url


@pytest.fixture
def aws_environment(aws: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """AWS's own variables, as a container has them, and the same for this process."""
    variables = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "ap-southeast-2",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
