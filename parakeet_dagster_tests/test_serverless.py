"""The daily job as Lambda calls it."""

import os
import re
import subprocess
import sys
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
from parakeet_dagster.metrics import METRICS
from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster_tests.aws import aws_server  # noqa: F401 - a fixture
from parakeet_dagster_tests.cloud import (  # noqa: F401 - cloud and yahoo are fixtures
    AMERICAN,
    DUE,
    WRITABLE,
    Context,
    cloud,
    new_cloud,
    yahoo,
)
from parakeet_dagster_tests.lambda_runtime import lambda_runtime
from parakeet_dagster_tests.yahoo_server import Fault

RANGE = {"from": "2014-06-03", "to": DUE}
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def undisturbed(aws_server, yahoo, postgres_server, tmp_path_factory) -> tuple[Any, ...]:
    """What is stored after the sessions of ``RANGE`` came in at once."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with new_cloud(aws_server, yahoo, postgres_server, folder) as one:
        one.call(RANGE)
        return one.content()


class TestTheSessionDue:
    def test_it_lands_complete_and_a_second_call_changes_nothing(self, cloud):
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

        before = cloud.state()
        again = cloud.call(None, Context("request-2"))
        assert cloud.state() == before
        assert again["sessions"]["completed"] == again["rows"] == 0
        assert again["runs"] == []

        cloud.move_to("2014-06-11 01:45")
        later = cloud.call({"detail-type": "Scheduled Event", "source": "aws.events", "id": "1"})
        assert cloud.sessions() == calendar.between("2014-06-05", "2014-06-10")
        assert later["sessions"] == {
            "first": "2014-06-09",
            "last": "2014-06-10",
            "completed": 2,
            "behind": 0,
        }

    def test_a_source_that_fails_raises_and_the_next_call_mends_it(self, cloud, undisturbed):
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
        cloud.call(RANGE)
        assert cloud.content() == undisturbed

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
    def test_a_call_that_completes_a_session(self, cloud, caplog):
        caplog.set_level("INFO", "parakeet")
        answer = cloud.call()
        found = figures(caplog)
        assert found.pop("Seconds") > 0
        assert found == {
            "Heartbeat": 1,
            "Failed": 0,
            "SessionsBehind": 0,
            "Coverage": 1,
            "TickersAsked": answer["tickers"]["asked"],
            "TickersGot": answer["tickers"]["got"],
            "TickersFailed": answer["tickers"]["failed"],
            "Rows": answer["rows"],
        }

    def test_one_that_fails_before_anything_is_open(self, cloud, caplog):
        caplog.set_level("INFO", "parakeet")
        cloud.patch.setenv("PARAKEET_DATABASE_SECRET", "parakeet/none")
        with pytest.raises(SettingsError):
            cloud.call()
        assert figures(caplog) == {"Heartbeat": 1, "Failed": 1}

    def test_one_that_runs_out_of_time(self, cloud, caplog):
        caplog.set_level("INFO", "parakeet")
        with pytest.raises(OutOfTimeError):
            cloud.call({"session": DUE}, Context(left=lambda: RESERVE))
        assert figures(caplog) == {"Failed": 1}


class TestOutOfTime:
    def test_between_two_pieces(self, cloud, undisturbed, monkeypatch):
        """A second one would take as long as the first, which is longer than what is left."""
        monkeypatch.setattr(catching_up, "FIRST_PIECE", 1)
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, Context(left=lambda: RESERVE + 0.1))
        assert caught.value.message == (
            "out of time: 1 sessions were completed, 4 from 2014-06-03 to 2014-06-06 are left; the"
            " same call goes on there"
        )
        assert cloud.sessions() == ["2014-06-02"]
        answer = cloud.call(RANGE)
        assert answer["sessions"]["completed"] == 4
        assert cloud.content() == undisturbed

    def test_within_a_run(self, cloud, undisturbed, monkeypatch):
        """A ticker whose answer does not come is waited for when the time is over."""
        cloud.yahoo.fail("MILD", Fault.HANG)
        context = Context(left=lambda: RESERVE if cloud.yahoo.requests["MILD"] else 900.0)
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, context)
        assert "0 sessions were completed, 5 from 2014-06-02 to 2014-06-06 are left" in (
            caught.value.message
        )
        assert set(cloud.runs().values()) == {"CANCELED"}
        cloud.yahoo.reset(now=cloud.yahoo.now)
        cloud.call(RANGE)
        assert cloud.content() == undisturbed

    def test_before_anything_is_begun(self, cloud):
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, Context(left=lambda: RESERVE))
        assert caught.value.message == (
            "out of time: nothing was begun; call it again with more time"
        )
        assert cloud.runs() == {}


def test_a_backup_on_request(cloud):
    cloud.patch.setenv("PARAKEET_BACKUPS", "/tmp/backups")
    with pytest.raises(
        SettingsError, match="PARAKEET_BACKUPS=/tmp/backups: in a Lambda it would be lost"
    ):
        cloud.call({"backup": True})
    cloud.patch.setenv("PARAKEET_BACKUPS", f"s3://{cloud.bucket}/backups")
    cloud.call({"session": DUE})
    answer = cloud.call({"backup": True})
    assert answer["removed"] == []
    listing = cloud.aws.client("s3").list_objects_v2(Bucket=cloud.bucket, Prefix="backups/")
    assert any(answer["dump"] in item["Key"] for item in listing["Contents"])


class TestRotation:
    def test_the_password_changes_between_two_calls(self, cloud):
        cloud.call({"session": "2014-06-03"})
        cloud.member.change_password("th!rd/s3cret@%41")
        cloud.aws.change_secret(cloud.secret, cloud.member.url)
        cloud.member.disconnect()
        answer = cloud.call({"session": "2014-06-04"})
        assert answer["sessions"]["completed"] == 1
        assert set(cloud.runs().values()) == {"SUCCESS"}


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
            {"backup": True, "session": DUE},
            [DUE],
            DUE,
        ],
    )
    def test_events_that_are_not_known(self, cloud, event):
        with pytest.raises(EventError) as caught:
            cloud.call(event)
        assert caught.value.message == (
            f'the event {event!r} is not known; accepted is {{}}, {{"session": "YYYY-MM-DD"}},'
            ' {"from": "YYYY-MM-DD", "to": "YYYY-MM-DD"} or {"backup": true}'
        )

    def test_an_event_that_is_long_is_not_shown_whole(self, cloud):
        with pytest.raises(EventError) as caught:
            cloud.call({"x": "y" * 10_000})
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
    def test_dates_that_cannot_be_had(self, cloud, event, told):
        with pytest.raises(SessionError, match=re.escape(told)):
            cloud.call(event)

    def test_a_database_that_would_be_lost(self, cloud, monkeypatch):
        monkeypatch.delenv("PARAKEET_DATABASE_SECRET")
        with pytest.raises(SettingsError, match="a database on this machine would be lost"):
            cloud.call()

    def test_a_folder_that_cannot_be_written(self, cloud, monkeypatch):
        monkeypatch.setenv("PARAKEET_HOME", "/proc/parakeet")
        with pytest.raises(SettingsError, match="PARAKEET_HOME: cannot make the directory /proc/p"):
            cloud.call()

    def test_a_lake_that_would_be_lost(self, cloud, monkeypatch):
        monkeypatch.setenv("PARAKEET_LAKE", "/tmp/lake")
        with pytest.raises(SettingsError, match="PARAKEET_LAKE=/tmp/lake: in a Lambda"):
            cloud.call()
        monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
        with pytest.raises(EventError):
            cloud.call("on a laptop a directory will do")


def test_a_check_that_fails_without_blocking_raises(cloud, monkeypatch):
    """The table no longer says what the lake says."""
    monkeypatch.setattr(
        "parakeet_dagster.checks.prices.lake_checksum",
        lambda frame: lake_checksum(frame.assign(close=frame["close"] + 1)),
    )
    with pytest.raises(IncompleteError) as caught:
        cloud.call()
    assert caught.value.message == (
        "stored, but the check market_data:equals_lake failed; its rows are in the UI"
    )


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
