"""Where the lake's bytes are: a directory and an S3 bucket behave alike. S3 is moto's server."""

import os
import subprocess
import sys
import threading

import boto3
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer

from parakeet_dagster.connect import open_lake
from parakeet_dagster.errors import LakeError
from parakeet_dagster.s3 import LakeS3Resource
from parakeet_dagster.storage.lake import THREADS
from parakeet_dagster.storage.stores import FileStore, S3Store

BUCKET = "parakeet-tests"
PATH = "raw_prices/session=2022-03-14/part-0.parquet"


@pytest.fixture(scope="module")
def s3_url():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url, monkeypatch):
    """AWS's own variables point to the server, as a user would set them; one empty bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.delete()
    bucket.delete()


@pytest.fixture(params=["files", "s3", "s3 with a prefix"])
def store(request, tmp_path):
    if request.param == "files":
        return FileStore(tmp_path / "lake")
    request.getfixturevalue("s3")
    prefix = "a/b" if "prefix" in request.param else ""
    return S3Store(LakeS3Resource().get_client(), BUCKET, prefix)


def test_what_is_written_is_read(store):
    content = bytes(range(256)) * 1000
    store.write(PATH, content)
    assert store.read(PATH) == content


def test_what_is_not_there_is_none(store):
    assert store.read(PATH) is None
    store.write(PATH, b"")
    assert store.read(PATH) == b""
    assert store.read("raw_prices") is None if isinstance(store, S3Store) else True


def test_writing_again_replaces(store):
    store.write(PATH, b"old and longer")
    store.write(PATH, b"new")
    assert store.read(PATH) == b"new"
    assert store.paths("raw_prices") == [PATH]


def test_what_is_removed_is_gone(store):
    other = PATH.replace("14", "15")
    for path in (PATH, other):
        store.write(path, b"1")
    store.remove(PATH)
    assert store.paths("raw_prices") == [other]
    store.remove(PATH)  # once more does no harm


def test_paths_are_sorted_and_of_one_prefix(store):
    names = [f"signals/x/session=2022-03-{day}/part-0.parquet" for day in (16, 14, 15)]
    for name in [*names, "signals/xy/part-0.parquet", "signalsx/part-0.parquet"]:
        store.write(name, b"1")
    assert store.paths("signals/x") == sorted(names)
    assert store.paths("signals") == [*sorted(names), "signals/xy/part-0.parquet"]
    assert store.paths("nothing") == []


def test_many_threads_may_write_and_read(store):
    names = [f"asset/session={number}/part-0.parquet" for number in range(32)]
    threads = [threading.Thread(target=store.write, args=(name, name.encode())) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read(name) for name in names] == [name.encode() for name in names]
    assert len(store.paths("asset")) == 32


def test_a_lake_behaves_alike_in_files_and_on_s3(s3, tmp_path):
    """To the byte. The URL and AWS's own variables are all that it needs."""
    rows = pd.DataFrame(
        {"date": pd.Timestamp("2022-03-14"), "ticker": ["B", "A"], "weight": 0.5, "rebalance": True}
    )
    files, bucket = open_lake(str(tmp_path)), open_lake(f"s3://{BUCKET}/some/prefix")
    sessions = ["2022-03-14", "2022-03-15"]
    for lake in (files, bucket):
        lake.write("allocations/x", rows, sessions)
        assert lake.read_window("allocations/x", sessions)["ticker"].tolist() == ["A", "B"]
    for path in files.store.paths("allocations"):
        assert files.store.read(path) == bucket.store.read(path)
    keys = [item.key for item in s3.objects.all()]
    assert keys == [f"some/prefix/{path}" for path in files.store.paths("allocations")]
    assert bucket.store.url == f"s3://{BUCKET}/some/prefix"


def test_a_bucket_without_a_prefix(s3):
    open_lake(f"s3://{BUCKET}").store.write(PATH, b"1")
    assert [item.key for item in s3.objects.all()] == [PATH]


def test_the_client_keeps_a_connection_for_every_thread(s3):
    store = open_lake(f"s3://{BUCKET}").store
    assert store.client.meta.config.max_pool_connections == THREADS


def test_more_objects_than_one_answer_holds(s3, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    store = S3Store(LakeS3Resource().get_client(), BUCKET, "")
    names = [f"asset/session={number}/part-0.parquet" for number in range(8)]
    for name in names:
        store.write(name, b"1")
    assert store.paths("asset") == names


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.read(PATH),
        lambda store: store.write(PATH, b"1"),
        lambda store: store.paths("raw_prices"),
    ],
)
def test_a_bucket_that_does_not_exist_gets_one_line(s3, call):
    with pytest.raises(LakeError) as caught:
        call(open_lake("s3://no-such-bucket/lake").store)
    assert caught.value.message == (
        "the S3 bucket 'no-such-bucket' does not exist: create it, or correct PARAKEET_LAKE"
    )


def test_a_server_that_is_not_there_gets_one_line(s3):
    client = LakeS3Resource(endpoint_url="http://127.0.0.1:9", max_attempts=1).get_client()
    with pytest.raises(LakeError) as caught:
        S3Store(client, BUCKET, "lake").read(PATH)
    assert caught.value.message.startswith(f"s3://{BUCKET}/lake cannot be reached: ")
    assert "\n" not in caught.value.message


def test_missing_credentials_get_one_line(s3, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(LakeError) as caught:
        open_lake(f"s3://{BUCKET}").store.read(PATH)
    assert "credentials" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_bucket_name_that_no_bucket_may_have_gets_one_line(s3):
    with pytest.raises(LakeError) as caught:
        open_lake("s3://Not_A_Bucket!/lake").store.read(PATH)
    assert "\n" not in caught.value.message


def test_a_directory_holds_nothing_but_the_objects(tmp_path):
    FileStore(tmp_path).write(PATH, b"1")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / PATH]


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("writer", "is_removed"),
    [(dead_process, True), (os.getppid, False), (lambda: "noise", True)],
)
def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path, writer, is_removed):
    left = (tmp_path / PATH).with_name(f".part-0.parquet.{writer()}.tmp")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    store = FileStore(tmp_path)
    assert store.paths("raw_prices") == []
    assert store.read(PATH) is None
    store.write(PATH, b"whole")
    assert left.exists() is not is_removed
    assert store.paths("raw_prices") == [PATH]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    store = FileStore(tmp_path)
    versions = {bytes([letter]) * 1_000_000 for letter in b"abc"}
    store.write(PATH, min(versions))
    done = threading.Event()

    def rewrite():
        for _ in range(20):
            for content in versions:
                store.write(PATH, content)
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not done.is_set():
        assert store.read(PATH) in versions
    writer.join()


def test_a_directory_that_cannot_be_written_gets_one_line(tmp_path):
    (tmp_path / "raw_prices").write_text("a file where a folder should be")
    with pytest.raises(LakeError) as caught:
        FileStore(tmp_path).write(PATH, b"1")
    assert caught.value.message.startswith(f"cannot write {tmp_path / PATH}: ")
    assert caught.value.message.endswith("free the disk or correct PARAKEET_LAKE")


def test_a_file_that_cannot_be_removed_gets_one_line(tmp_path):
    (tmp_path / PATH).mkdir(parents=True)
    with pytest.raises(LakeError, match=r"^cannot remove .*part-0.parquet: Is a directory"):
        FileStore(tmp_path).remove(PATH)


def test_a_file_that_cannot_be_read_gets_one_line(tmp_path):
    (tmp_path / PATH).mkdir(parents=True)
    with pytest.raises(LakeError) as caught:
        FileStore(tmp_path).read(PATH)
    assert caught.value.message == f"cannot read {tmp_path / PATH}: Is a directory"
