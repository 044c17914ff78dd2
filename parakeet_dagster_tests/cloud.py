"""Everything that a Lambda is given, on this machine: Yahoo, S3, Secrets Manager and PostgreSQL.

The real yfinance, boto3, psycopg2 and Dagster talk to servers of the tests.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd
import psycopg2
import pytest

from parakeet_dagster import catching_up, clock
from parakeet_dagster.serverless import daily_ingest
from parakeet_dagster.storage.embedded_postgres import EmbeddedPostgres
from parakeet_dagster_tests.aws import Aws
from parakeet_dagster_tests.storage.postgres import Member, member
from parakeet_dagster_tests.yahoo_server import (
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
WRITABLE = ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")

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

    def entered_by(self, patch: pytest.MonkeyPatch) -> Self:
        """The same, with this process in the place of its Lambda as long as ``patch`` lasts.

        Of one that several tests share, each begins so: the environment is put back after each.
        """
        for name, value in self.environment.items():
            patch.setenv(name, value)
        patch.setattr(catching_up, "reports", lambda _graph: {})  # they take most of a call
        one = replace(self, patch=patch)
        one.move_to(f"{NOW:%Y-%m-%d %H:%M}")
        return one

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
    """A bucket, a database and a secret of their own, see ``Cloud.entered_by``."""
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
            **dict.fromkeys(WRITABLE, str(folder)),
        }
        yield Cloud(aws_server, user, yahoo, secret, bucket, variables, patch).entered_by(patch)


@pytest.fixture
def cloud(aws_server, yahoo, postgres_server, tmp_path) -> Iterator[Cloud]:
    with new_cloud(aws_server, yahoo, postgres_server, tmp_path) as one:
        yield one
