"""The daily job as Lambda calls it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parakeet_dagster import backfill, catching_up
from parakeet_dagster import sessions as calendar
from parakeet_dagster.deadline import RESERVE
from parakeet_dagster.errors import (
    EventError,
    IncompleteError,
    OutOfTimeError,
    RunFailedError,
    SessionError,
    SettingsError,
)
from parakeet_dagster.instance import SERVERLESS_FILE
from parakeet_dagster.metrics import METRICS
from parakeet_dagster.settings import INSTANCE_FILE
from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster_tests.aws import aws_server  # noqa: F401 - a fixture
from parakeet_dagster_tests.cloud import (  # noqa: F401 - cloud and yahoo are fixtures
    AMERICAN,
    DUE,
    WRITABLE,
    Cloud,
    Context,
    cloud,
    new_cloud,
    yahoo,
)
from parakeet_dagster_tests.command_line import parakeet
from parakeet_dagster_tests.lambda_runtime import lambda_runtime
from parakeet_dagster_tests.yahoo_server import Fault

RANGE = {"from": "2014-06-03", "to": DUE}
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def brought_in(aws_server, yahoo, postgres_server, tmp_path_factory) -> Iterator[Cloud]:
    """One into which ``RANGE`` came at once."""
    folder = tmp_path_factory.mktemp("complete")
    with new_cloud(aws_server, yahoo, postgres_server, folder) as one:
        one.call(RANGE)
        yield one


@pytest.fixture(scope="module")
def undisturbed(brought_in) -> tuple[Any, ...]:
    """What is stored after the sessions of ``RANGE`` came in at once."""
    return brought_in.content()


@pytest.fixture
def complete(brought_in, monkeypatch) -> Cloud:
    """The same one for every test, for calls that bring in nothing."""
    return brought_in.entered_by(monkeypatch)


class TestTheSessionDue:
    def test_it_lands_complete_and_a_second_call_changes_nothing(self, cloud, caplog):
        caplog.set_level("INFO", "parakeet")
        cloud.patch.setattr(catching_up, "reports", backfill.reports)
        answer = cloud.call()
        assert answer.pop("seconds") > 0
        runs = answer.pop("runs")
        assert answer == {
            "sessions": {"first": "2014-06-05", "last": DUE, "completed": 2, "behind": 0},
            "tickers": {"asked": 8, "got": 8, "failed": 0},
            "rows": 16,
            "failures": [],
        }
        assert cloud.runs() == dict.fromkeys(runs, "SUCCESS")
        assert len(runs) == 2  # the sessions, and the reports
        assert cloud.sessions() == ["2014-06-05", DUE]
        tickers = cloud.rows(f"SELECT ticker FROM market_data WHERE date = '{DUE}' ORDER BY 1")
        assert [ticker for (ticker,) in tickers] == sorted(["BHP.AX", "CBA.AX", *AMERICAN])
        weights = cloud.rows(f"SELECT weight FROM allocations WHERE session = '{DUE}'")
        assert sum(weight for (weight,) in weights) == pytest.approx(1.0)
        told = figures(caplog)
        assert told.pop("Seconds") > 0
        assert told == {
            "Heartbeat": 1,
            "Failed": 0,
            "SessionsBehind": 0,
            "Coverage": 1,
            "TickersAsked": 8,
            "TickersGot": 8,
            "TickersFailed": 0,
            "Rows": 16,
        }

        before = cloud.state()
        again = cloud.call(None, Context("request-2"))
        assert cloud.state() == before
        assert again["sessions"]["completed"] == again["rows"] == 0
        assert again["runs"] == []

        cloud.patch.setattr(catching_up, "reports", lambda _graph: {})
        cloud.member.change_password("th!rd/s3cret@%41")  # rotated, while the process goes on
        cloud.aws.change_secret(cloud.secret, cloud.member.url)
        cloud.member.disconnect()
        cloud.move_to("2014-06-11 01:45")
        later = cloud.call({"detail-type": "Scheduled Event", "source": "aws.events", "id": "1"})
        assert cloud.sessions() == calendar.between("2014-06-05", "2014-06-10")
        assert later["sessions"] == {
            "first": "2014-06-09",
            "last": "2014-06-10",
            "completed": 2,
            "behind": 0,
        }
        assert set(cloud.runs().values()) == {"SUCCESS"}

    def test_a_ticker_that_fails_is_told(self, cloud):
        cloud.yahoo.fail("SLOW", Fault.DELISTED)
        answer = cloud.call({"session": DUE})
        assert answer["tickers"] == {"asked": 8, "got": 7, "failed": 1}
        (failure,) = answer["failures"]
        assert failure["ticker"] == "SLOW"
        assert failure["error_class"] == "DELISTED"
        assert (failure["first"], failure["last"]) == ("2014-06-05", DUE)


def figures(caplog) -> dict[str, float]:
    """The metrics that were written, the last of each."""
    found: dict[str, float] = {}
    for record in caplog.records:
        if record.name == "parakeet.metrics":
            found |= {name: record.fields[name] for name in METRICS if name in record.fields}
    return found


class TestWhatTheAlarmsWatch:
    def test_one_that_fails_before_anything_is_open(self, complete, caplog, monkeypatch):
        caplog.set_level("INFO", "parakeet")
        monkeypatch.setenv("PARAKEET_DATABASE_SECRET", "parakeet/none")
        with pytest.raises(SettingsError):
            complete.call()
        assert figures(caplog) == {"Heartbeat": 1, "Failed": 1}


class TestOneCallAfterAnother:
    def test_whatever_ends_them_the_last_leaves_what_one_would_have(
        self, cloud, undisturbed, monkeypatch
    ):
        self.source_fails(cloud)
        self.time_is_over_within_a_run(cloud)
        self.time_is_over_between_two_pieces(cloud, monkeypatch)
        answer = cloud.call(RANGE)
        assert answer["sessions"]["completed"] == 4
        assert cloud.content() == undisturbed

    def source_fails(self, cloud):
        for ticker in ("CALM", "EVEN", "MILD"):
            cloud.yahoo.fail(ticker, Fault.DELISTED)
        with pytest.raises(RunFailedError) as caught:
            cloud.call(RANGE)
        assert caught.value.message.startswith(
            "raw_prices: blocked, nothing written: 2014-06-02 XNYS: 3 of 6 expected tickers"
        )
        assert "\n" not in caught.value.message
        assert set(cloud.runs().values()) == {"FAILURE"}
        assert cloud.sessions() == []
        cloud.yahoo.reset(now=cloud.yahoo.now)

    def time_is_over_within_a_run(self, cloud):
        """A ticker whose answer does not come is waited for when the time is over."""
        cloud.yahoo.fail("MILD", Fault.HANG)
        asked = cloud.yahoo.requests
        context = Context("request-2", lambda: RESERVE if asked["MILD"] else 900.0)
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, context)
        assert "0 sessions were completed, 5 from 2014-06-02 to 2014-06-06 are left" in (
            caught.value.message
        )
        assert list(cloud.runs().values())[-1] == "CANCELED"
        assert cloud.sessions() == []
        cloud.yahoo.reset(now=cloud.yahoo.now)

    def time_is_over_between_two_pieces(self, cloud, monkeypatch):
        """A second one would take as long as the first, which is longer than what is left."""
        monkeypatch.setattr(catching_up, "FIRST_PIECE", 1)
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, Context("request-3", lambda: RESERVE + 0.1))
        assert caught.value.message == (
            "out of time: 1 sessions were completed, 4 from 2014-06-03 to 2014-06-06 are left; the"
            " same call goes on there"
        )
        assert cloud.sessions() == ["2014-06-02"]
        monkeypatch.setattr(catching_up, "FIRST_PIECE", 20)

    def test_before_anything_is_begun(self, complete, caplog):
        caplog.set_level("INFO", "parakeet")
        runs = complete.runs()
        with pytest.raises(OutOfTimeError) as caught:
            complete.call(RANGE, Context("request-2", lambda: RESERVE))
        assert caught.value.message == (
            "out of time: nothing was begun; call it again with more time"
        )
        assert complete.runs() == runs
        assert figures(caplog) == {"SessionsBehind": 0, "Failed": 1}


def test_a_backup_on_request(complete, monkeypatch):
    monkeypatch.setenv("PARAKEET_BACKUPS", "/tmp/backups")
    with pytest.raises(
        SettingsError, match="PARAKEET_BACKUPS=/tmp/backups: in a Lambda it would be lost"
    ):
        complete.call({"backup": True})
    monkeypatch.setenv("PARAKEET_BACKUPS", f"s3://{complete.bucket}/backups")
    answer = complete.call({"backup": True})
    assert answer["removed"] == []
    listing = complete.aws.client("s3").list_objects_v2(Bucket=complete.bucket, Prefix="backups/")
    assert any(answer["dump"] in item["Key"] for item in listing["Contents"])


class TestRecordsElsewhere:
    """As after a first back-fill from a laptop, or where the database was lost."""

    def test_nothing_is_asked_for_again_until_they_are_adopted(
        self, complete, undisturbed, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(catching_up, "FIRST_PIECE", 4)
        elsewhere = f"{complete.member.url}&options=-csearch_path%3Delsewhere"
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", elsewhere)
        complete.yahoo.reset(now=complete.yahoo.now)
        with pytest.raises(IncompleteError) as caught:
            complete.call(RANGE)
        assert caught.value.message == (
            "the lake holds 5 sessions and Dagster's storage has none on record: run parakeet adopt"
            " against that storage first, see docs/serverless.md"
        )

        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path))
        (tmp_path / "dagster").mkdir()
        same = tmp_path / "dagster" / INSTANCE_FILE
        shutil.copyfile(ROOT / "parakeet_dagster" / SERVERLESS_FILE, same)
        adopted = parakeet("adopt")
        assert adopted.code == 0, adopted.err
        answer = complete.call(RANGE)
        assert answer["sessions"]["completed"] == 0
        assert answer["runs"] == []
        assert not complete.yahoo.requests
        assert complete.content() == undisturbed


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "event",
        [
            {"sesion": DUE},
            {"session": 20140606},
            {"from": "2014-06-03"},
            {"session": DUE, "from": DUE, "to": DUE},
            {"from": None, "to": None},
            {"backup": False},
            {"backup": 1},
            {"backup": True, "session": DUE},
            [DUE],
            DUE,
        ],
    )
    def test_events_that_are_not_known(self, complete, event):
        with pytest.raises(EventError) as caught:
            complete.call(event)
        assert caught.value.message == (
            f'the event {event!r} is not known; accepted is {{}}, {{"session": "YYYY-MM-DD"}},'
            ' {"from": "YYYY-MM-DD", "to": "YYYY-MM-DD"} or {"backup": true}'
        )

    def test_an_event_that_is_long_is_not_shown_whole(self, complete):
        with pytest.raises(EventError) as caught:
            complete.call({"x": "y" * 10_000})
        assert len(caught.value.message) < 400

    @pytest.mark.parametrize(
        ("event", "told"),
        [
            ({"session": "2014-06-07"}, "2014-06-07 (Saturday) is not a session"),
            ({"session": "6 June"}, "'6 June' is not a date: write YYYY-MM-DD"),
            (
                {"session": "2014-06-09"},
                "2014-06-09 is after the last completed session 2014-06-06",
            ),
            ({"from": DUE, "to": "2014-06-03"}, "is reversed: write the earlier date first"),
            ({"from": "1999-01-04", "to": DUE}, "1999-01-04 is before the first session"),
        ],
    )
    def test_dates_that_cannot_be_had(self, complete, event, told):
        with pytest.raises(SessionError, match=re.escape(told)):
            complete.call(event)

    def test_a_database_that_would_be_lost(self, complete, monkeypatch):
        monkeypatch.delenv("PARAKEET_DATABASE_SECRET")
        with pytest.raises(SettingsError, match="a database on this machine would be lost"):
            complete.call()

    def test_a_folder_that_cannot_be_written(self, complete, monkeypatch):
        monkeypatch.setenv("PARAKEET_HOME", "/proc/parakeet")
        with pytest.raises(SettingsError, match="PARAKEET_HOME: cannot make the directory /proc/p"):
            complete.call()

    def test_a_lake_that_would_be_lost(self, complete, monkeypatch):
        monkeypatch.setenv("PARAKEET_LAKE", "/tmp/lake")
        with pytest.raises(SettingsError, match="PARAKEET_LAKE=/tmp/lake: in a Lambda"):
            complete.call()
        monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
        with pytest.raises(EventError):
            complete.call("on a laptop a directory will do")


def test_a_check_that_fails_without_blocking_raises(cloud, monkeypatch):
    """The table no longer says what the lake says."""
    monkeypatch.setattr(
        "parakeet_dagster.checks.prices.lake_checksum",
        lambda frame: lake_checksum(frame.assign(close=frame["close"] + 1)),
    )
    told = "stored, but the check market_data:equals_lake failed; its rows are in the UI"
    with pytest.raises(IncompleteError) as caught:
        cloud.call()
    assert caught.value.message == told
    runs = cloud.runs()
    with pytest.raises(IncompleteError) as caught:  # as Lambda does by itself
        cloud.call(None, Context("request-2"))
    assert caught.value.message == told
    assert cloud.runs() == runs


def test_importing_the_handler_is_light():
    """Lambda gives an import ten seconds, and bills them at every cold start."""
    script = (
        "import sys, parakeet_dagster.serverless;"
        "large = {'dagster', 'boto3', 'pandas', 'sqlalchemy', 'yfinance'};"
        "sys.exit(', '.join(large & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="AWS's client is for Linux, as Lambda is")
def test_lambdas_own_client_calls_it_where_nothing_else_can_be_written(cloud):
    """Working and home directory are in ``/proc``, where not even root can write."""
    variables = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/proc/nowhere",
    }
    given = cloud.environment.items()
    variables |= {name: value for name, value in given if name not in WRITABLE}
    handler = "parakeet_dagster.serverless.daily_ingest"
    with lambda_runtime(handler, variables, folder="/proc") as runtime:
        kind, answer = runtime.call({"session": "2014-06-03"})
        assert kind == "response", answer
        assert answer["sessions"]["completed"] == 2
        kind, error = runtime.call({"sesion": "2014-06-03"})
        assert kind == "error"
        assert error["errorType"] == "EventError"
        assert error["errorMessage"].startswith("the event {'sesion': '2014-06-03'} is not known")
    told = "".join(runtime.said)
    assert "Permission denied" not in told
    assert "not a writable" not in told
    assert "s3cret" not in told
    assert cloud.sessions() == ["2014-06-02", "2014-06-03"]
