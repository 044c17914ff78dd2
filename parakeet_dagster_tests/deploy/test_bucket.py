"""The bucket of a store of one's own is made once."""

import boto3

from parakeet_dagster.bucket import main


def test_it_is_made_where_it_is_not_there(aws_environment, monkeypatch, capsys):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert main(["made-once"]) == 0
    assert capsys.readouterr().out == "s3://made-once: made\n"
    boto3.client("s3").put_object(Bucket="made-once", Key="kept", Body=b"1")
    assert main(["made-once"]) == 0
    assert capsys.readouterr().out == "s3://made-once: is there\n"
    objects = boto3.client("s3").list_objects_v2(Bucket="made-once")["Contents"]
    assert [one["Key"] for one in objects] == ["kept"]


def test_a_store_that_cannot_be_reached_is_one_line(aws_environment, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert main(["made-once"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("s3://made-once: Could not connect")
    assert line.endswith("correct the AWS_* variables")


def test_a_name_is_needed(capsys):
    assert main([]) == 2
    assert "python -m parakeet_dagster.bucket NAME" in capsys.readouterr().err
