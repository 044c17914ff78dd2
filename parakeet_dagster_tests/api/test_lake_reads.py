"""The lake behind the API: on S3, damaged, away, slow."""

from pathlib import Path
from threading import Event, Thread

import boto3
import pytest

from parakeet_dagster.errors import LakeError
from parakeet_dagster_tests.api.clients import api, api_on  # noqa: F401 - api is a fixture
from parakeet_dagster_tests.api.lakes import DAYS, RETURN, row, store
from parakeet_dagster_tests.moto_server import moto_server


@pytest.fixture
def filled(api):
    store(api.services.lake, "daily_returns", DAYS[:1], row(DAYS[0], "AAA", **RETURN))
    return api


def test_a_lake_on_s3(database_url, monkeypatch):
    with moto_server() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with api_on(database_url, monkeypatch, PARAKEET_LAKE="s3://prices/lake") as opened:
            lost = opened.get("/v1/returns/AAA")
            assert (lost.status_code, lost.json()["code"]) == (503, "lake_unavailable")
            boto3.client("s3").create_bucket(Bucket="prices")
            lake = opened.services.lake
            rows = [row(day, "AAA", **RETURN) for day in DAYS[:3]]
            store(lake, "daily_returns", DAYS[:3], *rows)
            found = opened.rows("/v1/returns/AAA", to=DAYS[1])
            assert [(each["date"], each["close"]) for each in found] == [
                (DAYS[0], 10.0),
                (DAYS[1], 10.0),
            ]
            assert [each["date"] for each in opened.rows("/v1/returns")] == [DAYS[2]]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", None])
def test_a_damaged_file_is_the_log_s_to_tell(filled, caplog, tmp_path, content):
    (file,) = Path(filled.services.lake.store.url).rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-30] if content is None else content)
    for path in ("/v1/returns/AAA", "/v1/returns"):
        caplog.clear()
        answer = filled.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "lake_unavailable")
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text
        assert "parquet" not in answer.text.lower()
        assert str(file) in caplog.text
        assert f"(request {answer.json()['request_id']})" in caplog.text


def test_a_damaged_report(filled):
    store = filled.services.lake.store
    for name in ("figures", "chance", "curves"):
        store.write(f"performance/dual_momentum/{name}.parquet", b"nothing")
    store.write("performance/dual_momentum/report.html", b"\xff\xfe\x00")
    below = ["", "/dual_momentum", "/dual_momentum/curves", "/dual_momentum/report"]
    answers = [filled.get(f"/v1/performance{path}") for path in below]
    assert [answer.status_code for answer in answers] == [503] * 4
    assert {answer.json()["code"] for answer in answers} == {"lake_unavailable"}


def test_a_lake_that_cannot_be_reached_may_come_back(filled, monkeypatch):
    real = filled.services.lake.store.read

    def refuse(path):
        raise LakeError(f"cannot read /secret/{path}: gone")

    monkeypatch.setattr(filled.services.lake.store, "read", refuse)
    answer = filled.get("/v1/returns")
    assert (answer.status_code, answer.json()["code"]) == (503, "lake_unavailable")
    assert "secret" not in answer.text
    monkeypatch.setattr(filled.services.lake.store, "read", real)
    assert len(filled.rows("/v1/returns")) == 1


def test_a_slow_lake_delays_nobody_else(filled, monkeypatch):
    begun, may_end, answers = Event(), Event(), []
    real = filled.services.lake.store.read

    def slowly(path):
        begun.set()
        assert may_end.wait(30)
        return real(path)

    monkeypatch.setattr(filled.services.lake.store, "read", slowly)
    asking = Thread(target=lambda: answers.append(filled.get("/v1/returns")))
    asking.start()
    try:
        assert begun.wait(30)
        assert filled.get("/v1/health").status_code == 200
        assert answers == []
    finally:
        may_end.set()
        asking.join(30)
    assert answers[0].status_code == 200
