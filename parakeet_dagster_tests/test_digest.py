"""The digest of real runs over the sample, and when it is sent; the metrics of the same runs."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pandas as pd
import pytest
from typer.testing import CliRunner

from parakeet_dagster import clock, metrics, morning
from parakeet_dagster import instance as instances
from parakeet_dagster import sessions as calendar
from parakeet_dagster.cli import app
from parakeet_dagster.delivery import Delivery, Post
from parakeet_dagster.digest import Change, Digest, OfStrategy, Order
from parakeet_dagster.digest_text import message_of, text_of
from parakeet_dagster.morning import LATE_AFTER, read_digest, send_digest
from parakeet_dagster.run_metrics import record_run, sessions_behind
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.targets import SlackTarget
from parakeet_dagster.telling_sensors import morning_digest, run_metrics
from parakeet_dagster_tests.graph import Graph, failures
from parakeet_dagster_tests.message_servers import webhook
from parakeet_dagster_tests.storage.postgres import empty_database
from strategy.catalog import CATALOG

FIRST, DECIDED, LAST = "2022-11-30", "2022-12-01", "2022-12-28"
ROWS = 25 * sum(calendar.is_open("XNYS", key) for key in calendar.between(FIRST, LAST))
SHORT = {"equal_weight": CATALOG["equal_weight"]}
"""Decided on a month's first session; before that it holds cash."""


@pytest.fixture(scope="module")
def made(tmp_path_factory, postgres_server) -> Iterator[tuple[Graph, dg.ExecuteInProcessResult]]:
    """The sample's last month, in one run."""
    with pytest.MonkeyPatch.context() as patch, empty_database(postgres_server) as url:
        home = tmp_path_factory.mktemp("digest")
        patch.setenv("PARAKEET_HOME", str(home))
        patch.setenv("NEON_DATABASE_URL", url)
        with dg.DagsterInstance.ephemeral() as instance:
            graph = Graph(home, instance, SHORT)
            result = graph.run(FIRST, LAST)
            assert failures(result) == {}
            yield graph, result, url


@pytest.fixture
def stored(made, monkeypatch):
    graph, result, url = made
    monkeypatch.setenv("PARAKEET_HOME", str(graph.home))
    monkeypatch.setenv("NEON_DATABASE_URL", url)
    monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight")
    return graph, result


@pytest.fixture
def database(made) -> Iterator[Database]:
    opened = Database(DatabaseUrl.parse(made[2]))
    yield opened
    opened.close()


@pytest.fixture
def hook():
    with webhook() as server:
        yield server


def digest_on(session, graph, database) -> Digest:
    return read_digest(session, LAST, graph.instance, load_settings(), database)


class TestDigest:
    def test_the_first_decision_buys_all(self, stored, database):
        told = digest_on(DECIDED, stored[0], database)
        (one,) = told.strategies
        frame = database.read_orders("equal_weight", pd.Timestamp(DECIDED).date())
        assert len(frame) == 25
        assert {order.side for order in one.orders} == {"buy"}
        value = (frame["quantity"] * frame["price_estimate_aud"]).sum()
        assert sum(order.value_aud for order in one.orders) == pytest.approx(value, abs=0.2)
        assert [order.value_aud for order in one.orders] == sorted(
            (order.value_aud for order in one.orders), reverse=True
        )
        assert one.changes[0] == Change("CASH", 1.0, 0.0)
        assert {(move.before, move.after) for move in one.changes[1:]} == {(0.0, 0.04)}
        assert len(one.changes) == 26
        assert one.account == "a simulated account"
        assert (told.coverage, told.bars, told.expected, told.behind) == (1.0, 25, 25, 0)

    def test_a_session_without_a_decision_has_nothing_to_do(self, stored, database):
        told = digest_on(LAST, stored[0], database)
        (one,) = told.strategies
        assert (one.changes, one.orders) == ([], [])
        assert digest_on(FIRST, stored[0], database).strategies[0].changes is None
        assert (told.failed, told.quarantined, told.revised, told.corrected) == ([], [], [], [])

    def test_what_failed_since(self, stored, database):
        graph, _ = stored
        day = pd.Timestamp(LAST).date()
        names = ["ticker", "session", "error_class", "message"]
        rows = [("AAPL", LAST, "TIMEOUT", "30 s"), ("AMD", FIRST, "NETWORK", "x")]
        frame = pd.DataFrame(rows, columns=names).astype({"session": "datetime64[us]"})
        database.record_failures(frame, pd.Timestamp(FIRST).date(), day, [], "a fetch")
        database.record_corrections(
            pd.DataFrame(
                {
                    "ticker": ["MSFT"], "date": pd.DatetimeIndex([FIRST]).as_unit("us"),
                    "row": ['{"close": 1}'], "reason": ["a split"],
                }
            )
        )  # fmt: skip
        with database.transaction("revise") as connection:
            connection.exec_driver_sql(
                "INSERT INTO market_data_revisions VALUES"
                " ('JPM', '2022-12-27', clock_timestamp(), '{}', 'close was 1')"
            )
        told = digest_on(LAST, graph, database)
        assert told.failed == ["AAPL TIMEOUT"]
        assert told.failed_before == 1
        assert told.corrected == [f"MSFT {FIRST}: a split"]
        assert told.revised == ["JPM 2022-12-27: close was 1"]
        assert digest_on(FIRST, graph, database).revised == [], "it was later than that session's"
        with database.transaction("undo") as connection:
            for table in ("market_data_revisions", "price_corrections", "ingest_failures"):
                connection.exec_driver_sql(f"DELETE FROM {table}")

    def test_the_command(self, stored, monkeypatch):
        graph, _ = stored
        monkeypatch.setattr(instances, "open_instance", lambda settings: graph.instance)
        monkeypatch.setattr(type(graph.instance), "__exit__", lambda *arguments: None)
        done = CliRunner().invoke(app, ["digest", "--date", DECIDED])
        assert done.exit_code == 0, done.output
        assert "ORDERS equal_weight" in done.stdout.splitlines()
        plain = json.loads(CliRunner().invoke(app, ["digest", "--json"]).stdout)
        assert plain["session"] == LAST
        assert plain["strategies"][0]["strategy"] == "equal_weight"
        wrong = CliRunner().invoke(app, ["digest", "--date", "2022-11-01"])
        assert wrong.exit_code == 1
        assert "2022-11-01 is not stored" in str(wrong.exception)


EXAMPLE = Digest(
    session="2022-12-28",
    strategies=[
        OfStrategy(
            "hrp_core",
            "your own portfolio",
            [
                Order("sell", "AAPL", 12.0, 2234.56, 3.0, "target"),
                Order("buy", "MSFT", 7.5, 2600.0, 4.3, "target"),
            ],
            [Change("AAPL", 0.25, 0.1), Change("MSFT", 0.0, 0.1514)],
            ["orders from your holdings", "held without a price: XYZ"],
        ),
        OfStrategy("idle", "a simulated account", [], [], ["nothing to do"]),
        OfStrategy("odd", "your own portfolio", [], [], ["no orders: more sold than held: AMD"]),
        OfStrategy("late", "a simulated account", None, None, []),
    ],
    coverage=0.982,
    bars=491,
    expected=500,
    behind=0,
    failed=[f"T{n} TIMEOUT" for n in range(7)],
    failed_before=2,
    quarantined=[],
    in_quarantine=4,
    revised=[],
    corrected=["MSFT 2022-12-01: a split"],
    runs_failed=["raw_prices failed, 2022-12-28"],
)


class TestText:
    def test_all_of_it(self):
        assert text_of(EXAMPLE).splitlines() == [
            "Session Wed 2022-12-28",
            "",
            "ORDERS hrp_core",
            "for your own portfolio",
            "sell 12 AAPL A$2,235",
            "buy 7.5 MSFT A$2,600",
            "= A$4,835 in 2 orders, costs A$7.30",
            "held without a price: XYZ",
            "",
            "Nothing to do: idle",
            "NOTHING TO DO odd",
            "no orders: more sold than held: AMD",
            "NO ORDERS YET: late",
            "see parakeet status",
            "",
            "CHANGED TARGETS",
            "hrp_core:",
            "AAPL 25.0% -> 10.0%",
            "MSFT 0.0% -> 15.1%",
            "",
            "DATA",
            "Coverage: 98.2% (491 bars, 500 tickers)",
            "Sessions behind: 0",
            "Failed: 7",
            "- T0 TIMEOUT",
            "- T1 TIMEOUT",
            "- T2 TIMEOUT",
            "- T3 TIMEOUT",
            "- T4 TIMEOUT",
            "- and 2 more",
            "Failed on other sessions: 2 tickers",
            "Quarantined: none",
            "In quarantine in all: 4 (parakeet quarantine)",
            "Revised: none",
            "Corrections waiting: 1",
            "- MSFT 2022-12-01: a split",
            "Runs failed: 1",
            "- raw_prices failed, 2022-12-28",
            "",
            "Details: parakeet orders, parakeet status",
        ]

    @pytest.mark.parametrize(
        ("strategies", "behind", "subject"),
        [
            (EXAMPLE.strategies[:1], 0, "2 orders"),
            (EXAMPLE.strategies[1:2], 0, "nothing to do"),
            (EXAMPLE.strategies, 0, "not complete"),
            (EXAMPLE.strategies[:1], 1, "not complete"),
        ],
    )
    def test_the_subject(self, strategies, behind, subject):
        told = message_of(replace(EXAMPLE, strategies=strategies, behind=behind))
        assert told.subject == f"Parakeet 2022-12-28: {subject}"


class TestSending:
    def test_once_a_session(self, stored, hook):
        graph, _ = stored
        post = Post(graph.instance, [SlackTarget(hook.url)])
        hook.status = 500
        failed = send_digest(graph.instance, load_settings(), post, clock.now())
        assert isinstance(failed, Delivery)
        assert failed.problems
        hook.status = 200
        for _ in range(2):
            again = Post(graph.instance, [SlackTarget(hook.url)])
            said = send_digest(graph.instance, load_settings(), again, clock.now())
        assert said == f"the digest of {LAST} is sent"
        (text,) = hook.taken
        assert text.startswith(f"*Parakeet {LAST}: ")

    def test_it_waits_for_the_orders_and_not_for_ever(self, stored, hook, monkeypatch):
        """equal_weight's are stored; another strategy's are not."""
        monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight,dual_momentum")
        complete = calendar.complete_at(LAST)
        with dg.DagsterInstance.ephemeral() as instance:
            post = Post(instance, [SlackTarget(hook.url)])
            soon = complete + timedelta(minutes=5)
            said = send_digest(instance, load_settings(), post, soon)
            assert said == f"waits for the orders of {LAST}"
            late = complete + LATE_AFTER + timedelta(seconds=1)
            send_digest(instance, load_settings(), post, late)
        (text,) = hook.taken
        assert text.startswith(f"*Parakeet {LAST}: not complete*")
        assert "NO ORDERS YET: dual_momentum" in text

    def test_of_the_live_strategy_alone(self, stored, monkeypatch):
        monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight,dual_momentum")
        monkeypatch.setenv("PARAKEET_LIVE_STRATEGY", "dual_momentum")
        assert morning.names_of(load_settings()) == ["dual_momentum"]

    def test_nothing_is_stored(self, monkeypatch, tmp_path, hook):
        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "new"))
        with dg.DagsterInstance.ephemeral() as instance:
            post = Post(instance, [SlackTarget(hook.url)])
            said = send_digest(instance, load_settings(), post, clock.now())
        assert said.startswith("nothing is stored yet")

    def test_the_sensor(self, stored, hook, monkeypatch):
        monkeypatch.setenv("PARAKEET_SLACK_WEBHOOK", hook.url)
        sensor = morning_digest(dg.DefaultSensorStatus.RUNNING)
        with dg.DagsterInstance.ephemeral() as instance:
            told = [sensor(dg.build_sensor_context(instance=instance)) for _ in range(2)]
        assert [one.skip_message for one in told] == [
            "1 message sent",
            f"the digest of {LAST} is sent",
        ]
        assert len(hook.taken) == 1


class TestRunMetrics:
    def test_the_figures_of_a_run(self, stored):
        graph, result = stored
        found = record_run(graph.instance, result.run_id, 2)
        seconds = found.pop("Seconds")
        assert 0 < seconds < 600
        assert found == {
            "TickersAsked": 25,
            "TickersGot": 25,
            "TickersFailed": 0,
            "Coverage": 1.0,
            "Rows": ROWS,
            "Failed": 0,
            "SessionsBehind": 2,
        }
        assert found.keys() <= metrics.METRICS.keys()

    def test_sessions_behind(self, stored):
        graph, _ = stored
        assert sessions_behind(graph.lake, LAST) == 0
        assert sessions_behind(graph.lake, str(calendar.offset(LAST, 3))) == 3
        assert sessions_behind(graph.lake, FIRST) == 0

    def test_the_sensor_measures_each_run_once(self, stored, caplog):
        graph, result = stored
        sensor = run_metrics(dg.DefaultSensorStatus.RUNNING)
        first = sensor(dg.build_sensor_context(instance=graph.instance))
        assert first.skip_reason.skip_message == "begins to watch"
        before = (clock.now() - timedelta(hours=1)).isoformat()
        cursor = json.dumps({"begun": before, "seen": before, "waiting": {}})
        with caplog.at_level(logging.INFO, "parakeet.metrics"):
            for _ in range(2):
                sensor(dg.build_sensor_context(instance=graph.instance, cursor=cursor))
        (line,) = [one for one in caplog.records if one.name == "parakeet.metrics"]
        fields = getattr(line, metrics.FIELDS)
        assert fields["run_id"] == result.run_id
        assert fields["session"] == f"{FIRST} to {LAST}"
        assert (fields["Rows"], fields["SessionsBehind"]) == (ROWS, 0)
