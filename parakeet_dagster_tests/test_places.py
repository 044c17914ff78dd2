"""The lake is where the settings say; what is wrong with AWS's variables is one line."""

import pytest

from parakeet_dagster.errors import LakeError
from parakeet_dagster.places import ATTEMPTS, open_lake, s3_client
from parakeet_dagster.s3 import LakeS3Resource
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.lake import CONNECTIONS


def test_the_lake_is_where_the_settings_say(tmp_path):
    assert open_lake(load_settings().lake_url).store.url == str(tmp_path / ".parakeet" / "lake")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("AWS_ENDPOINT_URL_S3", "localhost:5000", "Invalid endpoint: localhost:5000"),
        ("AWS_PROFILE", "nobody", "The config profile (nobody) could not be found"),
    ],
)
def test_a_wrong_aws_variable_gets_one_line(monkeypatch, tmp_path, variable, value, reason):
    """Known when the client is made, before anything is sent."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    monkeypatch.setenv(variable, value)
    with pytest.raises(LakeError) as caught:
        open_lake("s3://bucket/prefix")
    assert caught.value.message == f"s3://bucket/prefix: {reason}; correct the AWS_* variables"


def test_dagster_s_client_of_s3_is_as_patient_as_everybody_else_s(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    for client in (s3_client(), LakeS3Resource().get_client()):
        told = client.meta.config
        assert told.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS + 1}
        assert told.max_pool_connections == CONNECTIONS
