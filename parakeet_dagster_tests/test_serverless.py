"""The daily job as Lambda calls it: with Yahoo, S3, Secrets Manager and PostgreSQL, all local.

The real yfinance, boto3, psycopg2 and Dagster talk to servers of this machine.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg2
import pytest

from parakeet_dagster import catching_up, clock
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
from parakeet_dagster.serverless import daily_ingest
from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.aws import Aws, aws_server  # noqa: F401 - a fixture
from parakeet_dagster_tests.storage.postgres import Member, member
from parakeet_dagster_tests.yahoo_server import (
    Fault,
    Listed,
    YahooServer,
    currency_pair,
    invented_bars,
    sessions_of,
)

PASSWORD = "s3cret/w%rd@1"
NOW = pd.Timestamp("2014-06-07 01:45", tz="UTC")
"""Saturday morning: the session due is Friday's."""
DUE = "2014-06-06"
ROOT = Path(__file__).parents[1]
RANGE = {"from": "2014-06-03", "to": DUE}

STRATEGY = """
[mine]
description = "Needs no history"
universe = "active"
rebalance = "daily"
signal = { kind = "always_on" }
allocation = { kind = "equal_weight" }
"""


def listed(close: float, market: str = "XNYS") -> Listed:
    sessions = sessions_of(market, "2014-05-01", "2014-06-30")
    return Listed(invented_bars(sessions, first_close=close, volume=1_000_000), market=market)


AMERICAN = {"CALM": 61.0, "COOL": 44.0, "EVEN": 20.0, "MILD": 35.5, "SLOW": 12.25, "WARM": 99.0}
LISTED = {
    **{ticker: listed(close) for ticker, close in AMERICAN.items()},
    "BHP.AX": listed(37.5, "XASX"),
    "CBA.AX": listed(80.0, "XASX"),
    "AUDUSD=X": currency_pair(
        pd.Series(0.93, index=pd.bdate_range("2014-05-01", "2014-06-30", name="date"))
    ),
}


@dataclass
class Context:
    """Lambda's, with a time that a test lets run out."""

    aws_request_id: str = "request-1"
    left: Callable[[], float] = field(default=lambda: 900.0)

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left() * 1000)


@dataclass
class Cloud:
    """Everything that a Lambda is given."""

    aws: Aws
    member: Member
    yahoo: YahooServer
    secret: str
    bucket: str
    environment: dict[str, str]
    patch: pytest.MonkeyPatch

    def call(self, event: Any = None, context: Context | None = None) -> dict[str, Any]:
        answer = daily_ingest({} if event is None else event, context or Context())
        assert json.loads(json.dumps(answer)) == answer
        return answer

    def move_to(self, moment: str) -> None:
        at = pd.Timestamp(moment, tz="UTC")
        self.yahoo.now = at.to_pydatetime()
        self.patch.setattr(clock, "now", at.to_pydatetime)

    def objects(self) -> dict[str, bytes]:
        """What is in the bucket, but for the reports, which tell of all sessions."""
        s3 = self.aws.client("s3")
        listing = s3.list_objects_v2(Bucket=self.bucket)
        assert not listing["IsTruncated"]
        keys = [item["Key"] for item in listing.get("Contents", [])]
        return {
            key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            for key in keys
            if "/session=" in key
        }

    def sessions(self, asset: str = "raw_prices") -> list[str]:
        found = [key.split("session=")[1][:10] for key in self.objects() if f"/{asset}/" in key]
        return sorted(found)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg2.connect(self.member.url) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def state(self) -> tuple[Any, ...]:
        """Bytes and rows, the moments of writing too."""
        return (
            self.objects(),
            self.rows("SELECT ticker, date, close, created_at, updated_at FROM market_data"),
            self.rows("SELECT * FROM allocations"),
            self.rows("SELECT * FROM orders"),
        )

    def content(self) -> tuple[Any, ...]:
        """Bytes and rows, without moments of writing."""
        return (
            self.objects(),
            self.rows("SELECT ticker, date, close, adjusted_close, volume FROM market_data"
                      " ORDER BY 1, 2"),
            self.rows("SELECT strategy, session, ticker, weight FROM allocations ORDER BY 1, 2, 3"),
        )  # fmt: skip

    def runs(self) -> dict[str, str]:
        """The runs on record in the Dagster instance, by id, with their status."""
        return dict(self.rows("SELECT run_id, status FROM dagster.runs ORDER BY id"))


@pytest.fixture(scope="module")
def yahoo() -> Iterator[YahooServer]:
    with YahooServer(LISTED) as server:
        yield server


@contextmanager
def new_cloud(
    aws_server: Aws, yahoo: YahooServer, server: EmbeddedPostgres, folder: Path
) -> Iterator[Cloud]:
    """A bucket, a database and a secret of their own, and this process in the place of a Lambda."""
    strategies, universe = folder / "mine.toml", folder / "mine.csv"
    strategies.write_text(STRATEGY)
    rows = [
        f"{ticker},{ticker},{one.market},{'AUD' if one.market == 'XASX' else 'USD'},equity"
        for ticker, one in LISTED.items()
        if "=" not in ticker
    ]
    universe.write_text("\n".join(["ticker,name,market,currency,asset_class", *rows]))
    with member(server, PASSWORD) as user, pytest.MonkeyPatch.context() as patch:
        secret, bucket = aws_server.secret(user.url), aws_server.bucket()
        yahoo.listed = dict(LISTED)
        yahoo.reset()
        variables = {
            **aws_server.environment,
            **yahoo.environment(),
            "PARAKEET_HOME": str(folder / "home"),
            "PARAKEET_DATABASE_SECRET": secret,
            "PARAKEET_LAKE": f"s3://{bucket}/lake",
            "PARAKEET_PRICE_SOURCE": "yahoo",
            "PARAKEET_UNIVERSE_FILE": str(universe),
            "PARAKEET_YAHOO_RPS": "500",
            "PARAKEET_STRATEGIES": "mine",
            "PARAKEET_STRATEGIES_FILE": str(strategies),
            "AWS_LAMBDA_FUNCTION_NAME": "parakeet-daily",
            "MPLCONFIGDIR": str(folder),
            "XDG_CACHE_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        cloud = Cloud(aws_server, user, yahoo, secret, bucket, variables, patch)
        cloud.move_to(f"{NOW:%Y-%m-%d %H:%M}")
        yield cloud


@pytest.fixture
def cloud(aws_server, yahoo, postgres_server, tmp_path) -> Iterator[Cloud]:
    with new_cloud(aws_server, yahoo, postgres_server, tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def undisturbed(aws_server, yahoo, postgres_server, tmp_path_factory) -> tuple[Any, ...]:
    """What is stored after the sessions of ``RANGE`` came in at once."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with new_cloud(aws_server, yahoo, postgres_server, folder) as one:
        one.call(RANGE)
        return one.content()


class TestTheSessionDue:
    def test_it_lands_complete_and_a_second_call_changes_nothing(self, cloud):
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


class TestOutOfTime:
    def test_between_two_pieces(self, cloud, undisturbed, monkeypatch):
        """The clock says that time is up after the first of them."""
        monkeypatch.setattr(catching_up, "FIRST_PIECE", 1)
        context = Context(left=lambda: RESERVE if cloud.sessions() else 900.0)
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, context)
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
        end = time.monotonic() + RESERVE + 3
        begun = time.monotonic()
        with pytest.raises(OutOfTimeError) as caught:
            cloud.call(RANGE, Context(left=lambda: end - time.monotonic()))
        assert time.monotonic() - begun < RESERVE
        assert "0 sessions were completed, 5 from 2014-06-02 to 2014-06-06 are left" in (
            caught.value.message
        )
        assert set(cloud.runs().values()) == {"CANCELED"}
        cloud.yahoo.reset(now=cloud.yahoo.now)
        cloud.call(RANGE)
        assert cloud.content() == undisturbed


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
            [DUE],
            DUE,
        ],
    )
    def test_events_that_are_not_known(self, cloud, event):
        with pytest.raises(EventError) as caught:
            cloud.call(event)
        assert caught.value.message == (
            f'the event {event!r} is not known; accepted is {{}}, {{"session": "YYYY-MM-DD"}}'
            ' or {"from": "YYYY-MM-DD", "to": "YYYY-MM-DD"}'
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
