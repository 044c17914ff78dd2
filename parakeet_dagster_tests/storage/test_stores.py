"""Where the lake's bytes are: a directory and an S3 bucket behave alike. S3 is moto's server."""

import os
import subprocess
import sys
import threading

import boto3
import pandas as pd
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import HoleError, LakeError
from parakeet_dagster.places import open_lake
from parakeet_dagster.s3 import LakeS3Resource
from parakeet_dagster.storage.lake import DECADES
from parakeet_dagster.storage.stores import FileStore, S3Store
from parakeet_dagster_tests.moto_server import moto_server
from parakeet_dagster_tests.storage.lakes import stored_paths

BUCKET = "parakeet-tests"
PATH = "raw_prices/session=2022-03-14/part-0.parquet"


@pytest.fixture(scope="module")
def s3_url():
    with moto_server() as url:
        yield url


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
    assert folders(store, "raw_prices/") == ["raw_prices/session=2022-03-14"]


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


def folders(store, prefix):
    return list(store.folders([prefix], "part-0.parquet"))


def test_folders_are_sorted_and_of_one_prefix_and_level(store):
    found = [f"signals/x/session=2022-03-{day}" for day in (16, 14, 15)]
    for folder in [*found, "signals/xy", "signalsx", "signals/x/session=2022-03-14/deeper"]:
        store.write(f"{folder}/part-0.parquet", b"1")
    store.write("signals/x/session=no-folder", b"1")
    assert folders(store, "signals/x/session=") == sorted(found)
    assert folders(store, "signals/x/session=2022-03-15") == [found[2]]
    assert folders(store, "signals/x/session=2021") == []
    assert folders(store, "signals/xy/") == []
    assert folders(store, "signals") == (
        ["signalsx"] if isinstance(store, FileStore) else ["signals", "signalsx"]
    )
    assert folders(store, "nothing/session=") == []
    several = [f"signals/x/session=2022-03-{day}" for day in (15, 13, 14)]
    assert list(store.folders(several, "part-0.parquet")) == [several[0], several[2]]


def test_a_folder_that_lost_its_file_is_none(tmp_path):
    """A process that was killed before the rename; a damaged file that was deleted."""
    store = FileStore(tmp_path)
    store.write(PATH, b"1")
    (tmp_path / "raw_prices/session=2022-03-15").mkdir()
    assert folders(store, "raw_prices/session=") == ["raw_prices/session=2022-03-14"]
    (tmp_path / PATH).unlink()
    assert folders(store, "raw_prices/session=") == []


def test_many_threads_may_write_and_read(store):
    names = [f"asset/session={number}/part-0.parquet" for number in range(32)]
    threads = [threading.Thread(target=store.write, args=(name, name.encode())) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read(name) for name in names] == [name.encode() for name in names]
    assert len(folders(store, "asset/session=")) == 32


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
    paths = stored_paths(tmp_path)
    assert len(paths) == 2
    for path in paths:
        assert files.store.read(path) == bucket.store.read(path)
    keys = [item.key for item in s3.objects.all()]
    assert keys == [f"some/prefix/{path}" for path in paths]
    assert bucket.store.url == f"s3://{BUCKET}/some/prefix"


def test_a_bucket_without_a_prefix(s3):
    open_lake(f"s3://{BUCKET}").store.write(PATH, b"1")
    assert [item.key for item in s3.objects.all()] == [PATH]


def test_the_client_keeps_a_connection_for_every_thread_that_reads_or_lists(s3):
    store = open_lake(f"s3://{BUCKET}").store
    kept = store.client.meta.config.max_pool_connections
    assert kept == S3Store.threads + len(DECADES) == 32 + 4


def test_more_objects_than_one_answer_holds(s3, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    store = S3Store(LakeS3Resource().get_client(), BUCKET, "")
    found = [f"asset/session={number}" for number in range(8)]
    for folder in found:
        store.write(f"{folder}/part-0.parquet", b"1")
    assert folders(store, "asset/session=") == found


def rates(*sessions):
    """``fx_rates`` of Australia's own currency."""
    table = pd.DataFrame({"date": pd.DatetimeIndex(sessions).as_unit("us"), "currency": "AUD"})
    return table.assign(aud_per_unit=1.0, aud_per_unit_before=1.0, source="ecb", carried=False)


TURN = calendar.between("2019-12-20", "2020-01-10")


def window_after(lake, session, lookback, missing=()):
    """The sessions of a window of a lake that has the turn of a decade, but for ``missing``."""
    stored = [key for key in TURN if key not in missing]
    lake.write("fx_rates", rates(*stored), stored)
    lake.write("raw_prices", lake.read("raw_prices", []), TURN[1:])
    found = lake.read_window("fx_rates", [session], lookback)
    return found["date"].dt.strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize(("place", "lookback", "first"), [(9, 0, 9), (9, 4, 5), (11, 200, 1)])
def test_a_window_on_s3_over_many_answers(s3, monkeypatch, place, lookback, first):
    """History starts where the prices start, a session after the rates."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    lake = open_lake(f"s3://{BUCKET}/lake")
    assert window_after(lake, TURN[place], lookback) == TURN[first : place + 1]
    assert lake.sessions("fx_rates") == TURN
    assert lake.first_session("raw_prices") == TURN[1]
    assert lake.first_session("daily_returns") is None


@pytest.mark.parametrize("hole", [1, 6, 7, 9])
def test_a_hole_on_s3_is_named_in_the_window_and_before_it(s3, monkeypatch, hole):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    with pytest.raises(HoleError, match=f"fx_rates: session {TURN[hole]} is not in the lake"):
        window_after(open_lake(f"s3://{BUCKET}/lake"), TURN[9], 3, [TURN[hole]])


def test_a_folder_of_s3_without_the_file_is_a_hole_to_its_reader(s3):
    lake = open_lake(f"s3://{BUCKET}/lake")
    s3.put_object(Key=f"lake/fx_rates/session={TURN[9]}/note.txt", Body=b"1")
    with pytest.raises(HoleError, match=f"fx_rates: session {TURN[9]} is not in the lake"):
        window_after(lake, TURN[9], 3, [TURN[9]])


@pytest.mark.parametrize(
    ("call", "reads", "most_lists"),
    [
        (lambda lake: lake.read("fx_rates", TURN[9:10]), 1, 0),
        (lambda lake: lake.read_session_before("fx_rates", TURN[9]), 1, 1),
        (lambda lake: lake.require_history("fx_rates", TURN[9]), 0, 2),
        (lambda lake: lake.read_window("fx_rates", TURN[9:10], 3), 4, 2 + len(DECADES)),
    ],
)
def test_how_often_s3_is_asked(s3, call, reads, most_lists):
    lake = open_lake(f"s3://{BUCKET}/lake")
    window_after(lake, TURN[9], 0)
    asked = []
    events = lake.store.client.meta.events
    events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    call(lake)
    assert asked.count("GetObject") == reads
    assert asked.count("ListObjectsV2") <= most_lists
    assert set(asked) <= {"GetObject", "ListObjectsV2"}


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.read(PATH),
        lambda store: store.write(PATH, b"1"),
        lambda store: folders(store, "raw_prices/session="),
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
    assert folders(store, "raw_prices/session=") == []
    assert store.read(PATH) is None
    store.write(PATH, b"whole")
    assert left.exists() is not is_removed
    assert folders(store, "raw_prices/session=") == ["raw_prices/session=2022-03-14"]


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
