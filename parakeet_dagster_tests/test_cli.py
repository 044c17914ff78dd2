"""The command line: what a mistake looks like, what a script reads, and that help teaches."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
import stamina
import typer

from parakeet_dagster import cli, stopping
from parakeet_dagster import sessions as calendar
from parakeet_dagster.backfill import Span
from parakeet_dagster.cli import _say_what_failed, app, main
from parakeet_dagster.stopping import StopRequested
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.command_line import Outcome, parakeet
from parakeet_dagster_tests.moto_server import moto_server
from parakeet_dagster_tests.storage.lakes import plain_lake
from strategy.catalog import CATALOG
from strategy.universes import KEYS

PASSWORD = "s3cret-word"
HEADER = "ticker,name,market,currency,asset_class"
JUNE = ("2022-06-01", "2022-06-30")
SATURDAY = "2022-06-04"
NEAREST = "2022-06-03 and 2022-06-06"


def program(name: str, *arguments: str) -> Outcome:
    """A command of the environment, in a process of its own."""
    path = Path(sys.executable).with_name(name)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, and a database that no command may reach or start."""
    monkeypatch.setenv("NEON_DATABASE_URL", "postgres:///none?host=/no/such/socket")
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def with_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    return database_url


EVERY_COMMAND = [
    ("backfill", *JUNE),
    ("status",),
    ("verify",),
    ("allocations",),
    ("universe",),
    ("strategies",),
    ("ui",),
    ("quarantine",),
    ("quarantine", "reject", "1", "--reason", "x"),
    ("session", "list"),
    ("session", "withdraw", JUNE[0], "--market", "XASX"),
    ("holdings",),
    ("holdings", "import", "mine.csv"),
    ("trades",),
    ("trades", "import", "mine.csv"),
    ("db", "status"),
    ("db", "start"),
    ("db", "stop"),
    ("db", "migrate"),
    ("db", "version"),
    ("db", "dump"),
    ("db", "restore", "backups"),
    ("db", "rebuild"),
    ("db", "refill", *JUNE),
    ("adopt",),
    ("api",),
    ("keys",),
    ("keys", "create", "spreadsheet"),
    ("keys", "revoke", "spreadsheet"),
]


def words(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments)


class TestWrongSettings:
    @pytest.mark.parametrize("command", EVERY_COMMAND, ids=words)
    def test_an_unknown_price_source_stops_every_command(self, command, monkeypatch):
        monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "bloomberg")

        assert parakeet(*command).is_one_line(
            "PARAKEET_PRICE_SOURCE=bloomberg: accepted is sample or yahoo"
        )

    @pytest.mark.parametrize("command", [("backfill", *JUNE), ("status",)], ids=words)
    def test_an_unknown_universe(self, command, with_database, monkeypatch):
        monkeypatch.setenv("PARAKEET_UNIVERSES", "SAMPLE,NOPE")

        assert parakeet(*command).is_one_line(
            f"PARAKEET_UNIVERSES=NOPE: unknown universe; accepted are {', '.join(KEYS)}"
        )

    @pytest.mark.parametrize(
        "command", [("backfill", *JUNE), ("status",), ("strategies",)], ids=words
    )
    def test_an_unknown_strategy(self, command, with_database, monkeypatch):
        monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight, nope")

        assert parakeet(*command).is_one_line(
            f"PARAKEET_STRATEGIES=nope: unknown strategy; accepted are all, {', '.join(CATALOG)}"
        )

    @pytest.mark.parametrize(
        ("name", "value", "accepted"),
        [
            ("PARAKEET_FIRST_SESSION", "1999-01-01", "a date from 2005-01-03 to 2032-12-31"),
            ("PARAKEET_SCHEDULES", "on", "running or stopped"),
            ("PARAKEET_LAKE", "gs://bucket", "a directory, or s3://bucket/prefix"),
            (
                "PARAKEET_YAHOO_RPS",
                "0",
                "a number of requests a second, above 0 and at most 1000",
            ),
        ],
    )
    def test_any_other_wrong_value(self, name, value, accepted, monkeypatch):
        monkeypatch.setenv(name, value)

        assert parakeet("universe").is_one_line(f"{name}={value}: accepted is {accepted}")

    def test_a_value_may_come_from_a_file(self, monkeypatch):
        Path(".env").write_text("PARAKEET_PRICE_SOURCE=bloomberg\n")
        monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "")
        monkeypatch.delenv("PARAKEET_PRICE_SOURCE")

        assert parakeet("universe").is_one_line(
            "PARAKEET_PRICE_SOURCE=bloomberg: accepted is sample or yahoo"
        )


class TestWrongDatabase:
    COMMANDS = (
        ("backfill", *JUNE),
        ("status",),
        ("allocations",),
        ("quarantine",),
        ("session", "list"),
        ("holdings",),
        ("trades",),
        ("db", "status"),
        ("db", "start"),
    )

    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            (f"mysql://me:{PASSWORD}@db.example.com/x", "mysql://*** is not a PostgreSQL URL"),
            (f"me:{PASSWORD}@db.example.com/x", "(hidden) is not a PostgreSQL URL"),
            (f"postgres://me:{PASSWORD}@db.example.com", "postgresql://*** names no database"),
            (
                f"postgres://me:{PASSWORD}/1@db.example.com/x",
                "(hidden) holds an @, : or / that must be percent-encoded (%40, %3A, %2F)",
            ),
        ],
    )
    @pytest.mark.parametrize("command", COMMANDS, ids=words)
    def test_a_malformed_url(self, command, url, problem, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", url)

        assert parakeet(*command).is_one_line(
            f"NEON_DATABASE_URL={problem};"
            " accepted is postgresql://user:password@host:port/database or postgres://…"
        )

    @pytest.mark.parametrize("command", COMMANDS, ids=words)
    def test_a_server_that_is_not_there(self, command, monkeypatch):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        monkeypatch.setenv("NEON_DATABASE_URL", f"postgres://me:{PASSWORD}@127.0.0.1:{port}/x")

        with stamina.set_testing(True, attempts=1):
            outcome = parakeet(*command)

        assert outcome.is_one_line(
            "cannot connect to the database (127.0.0.1, database x): connection to server at"
            f' "127.0.0.1", port {port} failed: Connection refused'
        )
        assert PASSWORD not in outcome.out + outcome.err

    @pytest.mark.parametrize("command", COMMANDS, ids=words)
    def test_a_database_that_is_not_there(self, command, with_database, monkeypatch):
        base, _, options = with_database.partition("?")
        url = f"{base.replace('@', f':{PASSWORD}@')}_nope?{options}"
        monkeypatch.setenv("NEON_DATABASE_URL", url)

        outcome = parakeet(*command)

        assert (outcome.code, outcome.out) == (1, "")
        (line,) = outcome.err.splitlines()
        assert line.startswith("Error: cannot connect to the database (")
        assert line.endswith("; check the names of the database and the user in NEON_DATABASE_URL")
        assert PASSWORD not in line

    def test_a_server_of_someone_else_is_not_stopped(self, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", f"postgres://me:{PASSWORD}@db.example.com/x")

        assert parakeet("db", "stop").is_one_line(
            "NEON_DATABASE_URL is set: its server is not ours to stop; unset it to stop the"
            " embedded one"
        )


@pytest.mark.parametrize("command", [("status",), ("verify",), ("ui",)], ids=words)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_line_where_a_person_stops_it(command, number, code, monkeypatch):
    monkeypatch.setattr(cli, "load_settings", lambda: signal.raise_signal(number))
    monkeypatch.setattr(os, "_exit", sys.exit)

    outcome = parakeet(*command)

    assert (outcome.code, outcome.out, outcome.err) == (code, "", "Stopped.\n")


def test_one_line_where_that_comes_as_listening_begins(monkeypatch, capfd):
    @contextmanager
    def listening():
        raise StopRequested(signal.SIGINT)
        yield

    monkeypatch.setattr(stopping, "listening", listening)
    monkeypatch.setattr(os, "_exit", sys.exit)

    with pytest.raises(SystemExit) as end:
        main()

    assert (end.value.code, capfd.readouterr().err) == (130, "Stopped.\n")


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("command", "message"),
        [
            pytest.param(
                ("backfill", SATURDAY, "2022-06-05"),
                f"there is no session from {SATURDAY} to 2022-06-05: no market was open;"
                f" the nearest are {NEAREST}",
                id="a weekend",
            ),
            pytest.param(
                ("allocations", "--date", SATURDAY),
                f"{SATURDAY} (Saturday) is not a session: no market is open;"
                f" the nearest are {NEAREST}",
                id="a Saturday",
            ),
            pytest.param(
                ("backfill", *reversed(JUNE)),
                "the range 2022-06-30 2022-06-01 is reversed: write the earlier date first",
                id="a reversed range",
            ),
            pytest.param(
                ("backfill", "1 June", "2022-06-30"),
                "'1 June' is not a date: write YYYY-MM-DD",
                id="no date",
            ),
            pytest.param(
                ("allocations", "--date", "yesterday"),
                "'yesterday' is not a date: write YYYY-MM-DD",
                id="no date either",
            ),
            pytest.param(
                ("backfill", "2023-01-05", "2023-01-05"),
                "2023-01-05 is after the sample's last session 2022-12-28: end there",
                id="after the sample",
            ),
            pytest.param(
                ("backfill", "2004-12-01", "2005-01-31"),
                "2004-12-01 is before the first session 2005-01-03: start there",
                id="before the first session",
            ),
            pytest.param(
                ("allocations", "--strategy", "nope"),
                f"--strategy nope: unknown; accepted are {', '.join(CATALOG)}",
                id="an unknown strategy",
            ),
            pytest.param(
                ("universe", "NOPE"),
                f"universe NOPE: unknown; accepted are {', '.join(KEYS)}",
                id="an unknown universe",
            ),
            pytest.param(
                ("universe", "CUSTOM"),
                "PARAKEET_UNIVERSES=CUSTOM: no list of its own;"
                " set PARAKEET_UNIVERSE_FILE to a CSV",
                id="a list that is not set",
            ),
        ],
    )
    def test_they_are_named_with_what_is_accepted(self, command, message):
        assert parakeet(*command).is_one_line(message)

    @pytest.mark.parametrize(
        "command",
        [
            ("nope",),
            ("backfill",),
            ("backfill", JUNE[0]),
            ("backfill", *JUNE, "--chunk", "0"),
            ("backfill", *JUNE, "--chunk", "many"),
            ("allocations", "--nope"),
            ("quarantine", "release", "seven", "--reason", "x"),
            ("quarantine", "release", "7"),
            ("session", "accept", JUNE[0], "--market", "XASX"),
            ("db", "nope"),
            ("ui", "--port", "high"),
        ],
        ids=words,
    )
    def test_usage_is_another_exit_code(self, command):
        outcome = parakeet(*command)

        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Usage:")
        assert "Traceback" not in outcome.err


class TestWrongUniverseFile:
    @pytest.mark.parametrize("command", [("backfill", *JUNE), ("universe", "CUSTOM")], ids=words)
    @pytest.mark.parametrize(
        ("lines", "names"),
        [
            pytest.param(
                ["ticker,name,market,currency", "KO,Coca-Cola,XNYS,USD"],
                ["asset_class"],
                id="without a column",
            ),
            pytest.param(
                [HEADER, "KO,Coca-Cola,XNYS,USD,equity", "KO,Coke,XNYS,USD,equity"],
                ["KO", "twice"],
                id="a duplicate ticker",
            ),
            pytest.param(
                [HEADER, "KO,Coca-Cola,NYSE,USD,equity"], ["NYSE", "XNYS"], id="no such market"
            ),
            pytest.param([HEADER], ["there is no ticker in it"], id="no row"),
            pytest.param([], ["No columns to parse"], id="nothing"),
        ],
    )
    def test_what_is_wrong_with_it_is_named(
        self, lines, names, command, tmp_path, with_database, monkeypatch
    ):
        file = tmp_path / "mine.csv"
        file.write_text("\n".join(lines))
        monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(file))

        outcome = parakeet(*command)

        assert (outcome.code, outcome.out) == (1, "")
        (line,) = outcome.err.splitlines()
        assert line.startswith(f"Error: PARAKEET_UNIVERSE_FILE={file}: ")
        assert all(name in line for name in names), line

    @pytest.mark.parametrize("command", [("backfill", *JUNE), ("universe", "CUSTOM")], ids=words)
    def test_a_file_that_is_not_there(self, command, with_database, monkeypatch, tmp_path):
        file = tmp_path / "nope.csv"
        monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(file))

        assert parakeet(*command).is_one_line(
            f"PARAKEET_UNIVERSE_FILE={file}: there is no such file;"
            f" write a CSV with the header {HEADER}"
        )


class TestWrongLake:
    @pytest.fixture(scope="class")
    def endpoint(self) -> Iterator[str]:
        with moto_server() as url:
            yield url

    @pytest.fixture(autouse=True)
    def _credentials(self, endpoint, with_database, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("PARAKEET_LAKE", "s3://no-such-bucket/lake")

    @pytest.mark.parametrize("command", [("backfill", *JUNE), ("status",)], ids=words)
    def test_a_bucket_that_does_not_exist(self, command):
        assert parakeet(*command).is_one_line(
            "the S3 bucket 'no-such-bucket' does not exist: create it, or correct PARAKEET_LAKE"
        )


class TestInAProcessOfItsOwn:
    """As users meet it: what an import warns of, or a run logs, would show here."""

    def test_parakeet(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_STRATEGIES", "nope")

        assert program("parakeet", "backfill", *JUNE).is_one_line(
            f"PARAKEET_STRATEGIES=nope: unknown strategy; accepted are all, {', '.join(CATALOG)}"
        )

    @pytest.mark.parametrize(
        ("arguments", "universe", "message"),
        [
            pytest.param(
                ("--partition", SATURDAY),
                "SAMPLE",
                f"{SATURDAY} (Saturday) is not a session: no market is open;"
                f" the nearest are {NEAREST}",
                id="a Saturday",
            ),
            pytest.param(
                ("--partition-range", "2022-06-30...2022-06-01"),
                "SAMPLE",
                "the range 2022-06-30...2022-06-01 is reversed: write the earlier session first",
                id="a reversed range",
            ),
            pytest.param(
                ("--partition", "2022-06-01"),
                "NOPE",
                f"PARAKEET_UNIVERSES=NOPE: unknown universe; accepted are {', '.join(KEYS)}",
                id="an unknown universe",
            ),
        ],
    )
    def test_dagster(self, arguments, universe, message, home, monkeypatch):
        monkeypatch.setenv("PARAKEET_UNIVERSES", universe)
        (home / "dagster").mkdir(parents=True)
        (home / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))

        module = ("-m", "parakeet_dagster.definitions")
        outcome = program("dagster", "asset", "materialize", *module, "--select", "*", *arguments)

        assert outcome.code == 1
        assert outcome.err.splitlines()[-1] == f"Error: {message}"
        assert "Trace" not in outcome.err
        assert not (home / "lake").exists()


def commands() -> list[tuple[str, ...]]:
    """Every command and group, as a user types it."""
    root = typer.main.get_command(app)
    found: list[tuple[str, ...]] = [()]
    for name, command in root.commands.items():
        found += [(name,), *((name, inner) for inner in getattr(command, "commands", {}))]
    return found


GROUPS = [("db",), ("session",)]
"""They only hold commands; other groups, such as ``quarantine``, are commands themselves."""


class TestHelp:
    def test_these_are_the_commands(self):
        assert {words(command) for command in commands()} == {
            "",
            *("backfill", "status", "verify", "allocations", "universe", "strategies", "ui"),
            *("db", "db status", "db start", "db stop", "db migrate", "db version"),
            *("db dump", "db restore", "db rebuild", "db refill", "adopt"),
            *("quarantine", "quarantine release", "quarantine reject"),
            *("session", "session accept", "session withdraw", "session list"),
            *("orders", "report", "compare", "digest", "doctor"),
            *("holdings", "holdings import", "trades", "trades import"),
            *("api", "keys", "keys create", "keys revoke"),
        }

    @pytest.mark.parametrize("command", commands(), ids=words)
    def test_every_command_says_what_it_does(self, command):
        found = typer.main.get_command(app)
        for name in command:
            found = found.commands[name]
        shown = parakeet(*command, "--help")

        assert (shown.code, shown.err) == (0, "")
        assert len(found.help.split()) > 3
        plain = " ".join(shown.out.replace("│", " ").split())
        assert " ".join(found.help.split("\n\n")[0].split()) in plain

    @pytest.mark.parametrize(
        "command", [one for one in commands() if one and one not in GROUPS], ids=words
    )
    def test_every_command_shows_an_example(self, command):
        shown = " ".join(parakeet(*command, "--help").out.split())
        assert f"Example: parakeet {words(command)} " in shown

    def test_without_a_command_there_is_help(self):
        assert "Commands" in parakeet().out


@pytest.fixture(scope="module")
def filled() -> Iterator[Path]:
    """A home after a short back-fill of one strategy, with the embedded database running."""
    with tempfile.TemporaryDirectory(prefix="parakeet-") as directory:
        home = Path(directory) / "home"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PARAKEET_HOME", str(home))
            patch.setenv("PARAKEET_STRATEGIES", "equal_weight")
            done = parakeet("backfill", "2022-06-18", "2022-06-22", "--chunk", "20")
            assert done.code == 0, done.err
            try:
                yield home
            finally:
                parakeet("db", "stop")


FIRST, LAST = "2022-05-18", "2022-06-22"
"""What equal_weight needs before 2022-06-20, the first session on or after 18 June."""


class TestCommands:
    @pytest.fixture(autouse=True)
    def _at(self, filled, home, monkeypatch):
        monkeypatch.delenv("NEON_DATABASE_URL")
        monkeypatch.setenv("PARAKEET_HOME", str(filled))
        monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight")

    def test_the_back_fill_says_that_there_is_nothing_left_to_do(self):
        again = parakeet("backfill", "2022-06-18", "2022-06-22")

        assert (again.code, again.out) == (0, "")
        assert again.err.splitlines() == [
            "Sessions 2022-06-20 to 2022-06-22",
            "Nothing to do: every session is complete.",
        ]

    def test_dagsters_home_is_in_ours(self, filled):
        assert (filled / "dagster" / "dagster.yaml").exists()
        assert (filled / "dagster" / "history" / "runs" / "index.db").exists()

    def test_status(self):
        rows = {row["asset"]: row for row in parakeet("status", "--json").objects}

        count = len(calendar.between(FIRST, LAST))
        assert list(rows["raw_prices"]) == [
            *("asset", "first", "last", "sessions", "missing", "first_missing", "behind"),
            *("failed_tickers", "quarantined", "open_corrections", "accepted_sessions"),
        ]
        assert set(rows) == {
            *("ticker_universe", "fx_rates", "raw_prices", "market_data", "daily_returns"),
            *("signals/equal_weight", "allocations/equal_weight", "orders/equal_weight"),
        }
        for row in rows.values():
            assert (row["first"], row["last"]) == (FIRST, LAST)
            assert (row["sessions"], row["missing"], row["first_missing"]) == (count, 0, None)
            assert row["behind"] == len(calendar.between("2022-06-23", "2022-12-28"))
            assert row["failed_tickers"] == []

    def test_status_for_people_says_where_everything_is(self, filled):
        shown = parakeet("status")

        assert (shown.code, shown.err) == (0, "")
        assert f"lake          {filled / 'lake'}" in shown.out
        assert f"Dagster home  {filled / 'dagster'}" in shown.out
        assert "Sample prices are adjusted closes to 2022-12-28" in shown.out

    def test_status_names_a_missing_session(self, filled):
        file = filled / "lake/signals/equal_weight/session=2022-06-01/part-0.parquet"
        content = file.read_bytes()
        file.unlink()
        rows = {row["asset"]: row for row in parakeet("status", "--json").objects}
        file.write_bytes(content)

        torn = rows.pop("signals/equal_weight")
        assert (torn["missing"], torn["first_missing"]) == (1, "2022-06-01")
        assert {row["missing"] for row in rows.values()} == {0}

    def test_allocations(self):
        rows = parakeet("allocations", "--json").objects

        assert len(rows) == 26
        assert rows[0] == {
            "strategy": "equal_weight",
            "session": LAST,
            "ticker": "AAPL",
            "weight": pytest.approx(1 / 25),
            "rebalance": False,
        }
        assert sum(row["weight"] for row in rows) == pytest.approx(1)

    def test_allocations_of_a_strategy_on_a_date(self):
        chosen = ("--strategy", "equal_weight", "--date", "2022-06-01")
        rows = parakeet("allocations", *chosen, "--json").objects

        assert {(row["session"], row["rebalance"]) for row in rows} == {("2022-06-01", True)}
        shown = parakeet("allocations", *chosen)
        assert "equal_weight on 2022-06-01" in shown.out
        assert re.search(r"AAPL\W+4\.00%", shown.out)
        assert re.search(r"sum\W+100\.00%", shown.out)

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (("--date", "2022-06-23"), "any strategy on 2022-06-23"),
            (("--strategy", "dual_momentum"), "dual_momentum"),
        ],
    )
    def test_an_allocation_that_is_not_stored(self, arguments, what):
        assert parakeet("allocations", *arguments).is_one_line(
            f"no allocation of {what} is stored: run parakeet backfill FROM TO first"
        )

    def test_universes(self):
        rows = {row["universe"]: row for row in parakeet("universe", "--json").objects}

        assert tuple(rows) == KEYS
        assert [name for name, row in rows.items() if row["active"]] == ["SAMPLE"]
        sizes = {name: row["members"] for name, row in rows.items()}
        assert (sizes["SAMPLE"], sizes["CORE_ETFS"], sizes["ASX200"]) == (25, 17, 200)
        assert (sizes["CUSTOM"], sizes["RUSSELL2000"]) == (None, None)
        assert 495 <= sizes["SPX500"] <= 510
        assert sizes["SCREENER"] > 800

    def test_the_members_of_a_universe(self):
        rows = parakeet("universe", "CORE_ETFS", "--json").objects

        assert {row["ticker"]: row["market"] for row in rows}["VAS.AX"] == "XASX"
        assert list(rows[0]) == ["universe", *HEADER.split(",")]
        assert "VAS.AX" in parakeet("universe", "CORE_ETFS").out

    def test_a_list_of_ones_own(self, tmp_path, monkeypatch):
        file = tmp_path / "mine.csv"
        file.write_text(f"{HEADER}\nTRUE,True Corp,XNYS,USD,equity\nNA,Nano,XNYS,USD,equity\n")
        monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(file))

        rows = parakeet("universe", "CUSTOM", "--json").objects

        assert [row["ticker"] for row in rows] == ["NA", "TRUE"]

    def test_strategies(self):
        rows = {row["strategy"]: row for row in parakeet("strategies", "--json").objects}

        assert list(rows) == list(CATALOG)
        assert [name for name, row in rows.items() if row["enabled"]] == ["equal_weight"]
        assert rows["quallamaggie"]["left_out"].startswith("it needs volume and an intraday range")
        assert rows["hrp_core"]["left_out"].startswith("its universe CORE_ETFS is not fetched")
        assert rows["olmar"]["left_out"] is None
        assert rows["risk_parity_in_calm"]["overlay"]["kind"] == "regime"
        dual = rows["dual_momentum"]
        assert (dual["signal"]["kind"], dual["signal"]["lookback"]) == ("dual_momentum", 252)
        assert dual["allocation"]["kind"] == "hrp"
        assert dual["grid"]["signal.places"] == [4, 8]
        assert rows["equal_weight"]["grid"] == {}
        assert "Antonacci" in dual["source"]
        assert "dual_momentum" in parakeet("strategies").out

    def test_database_status(self):
        (row,) = parakeet("db", "status", "--json").objects

        traded = len(calendar.between(FIRST, LAST)) - 2
        assert "database parakeet" in row.pop("url")
        assert row == {"bars": 25 * traded, "first": FIRST, "last": LAST}, (
            "XNYS was closed on 2022-05-30 and 2022-06-20"
        )

    def test_the_database_is_stopped_and_starts_when_it_is_needed(self):
        assert parakeet("db", "stop").err == "Stopped.\n"
        assert parakeet("db", "stop").err == "It was not running.\n"
        assert parakeet("db", "status", "--json").objects[0]["url"] is None
        assert parakeet("db", "start").err.startswith("Running: ")
        assert parakeet("db", "status", "--json").objects[0]["first"] == FIRST

    def test_the_ui_is_dagsters_on_the_same_data(self, filled, monkeypatch):
        started = []

        def execv(path: str, arguments: list[str]) -> None:
            home = os.environ["DAGSTER_HOME"]  # noqa: TID251 - what Dagster is going to read
            started.append((path, arguments, home))

        monkeypatch.setattr(os, "execv", execv)

        parakeet("ui", "--port", "3210")

        path = str(Path(sys.executable).with_name("dagster"))
        options = ["dev", "-m", "parakeet_dagster.definitions", "--port", "3210"]
        assert started == [(path, [path, *options], str(filled / "dagster"))]


class TestWhatIsNotSettled:
    """On a copy of what is stored, beside a database that knows of trouble."""

    @pytest.fixture(autouse=True)
    def copied(self, filled, home, with_database, monkeypatch) -> Path:
        monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight")
        shutil.copytree(filled / "lake", home / "lake")
        shutil.copytree(filled / "dagster", home / "dagster")
        return home / "lake"

    def test_status(self, database, copied):
        shutil.rmtree(copied / "raw_prices" / "session=2022-06-01")
        day = date(2022, 6, 1)
        failed = {"ticker": "KO", "error_class": "TIMEOUT", "message": "[30 s]"}
        days = pd.to_datetime(["2022-06-01", "2022-06-02"])
        database.record_failures(
            pd.DataFrame([{**failed, "session": one} for one in days]),
            day,
            date(2022, 6, 2),
            [],
            "a fetch",
        )
        aside = {"ticker": "PG", "date": days[0], "rule": "move", "row": '{"close": 7.5}'}
        database.quarantine(pd.DataFrame([aside]))
        late = {"ticker": "WMT", "date": days[1], "row": '{"close": 1}', "reason": "a late split"}
        database.record_corrections(pd.DataFrame([late]))
        database.accept_session(day, "XASX", "an outage")
        database.record_healing(day, date(2022, 6, 2), "1 without prices", datetime.now(UTC))

        shown = parakeet("status")
        rows = {row["asset"]: row for row in parakeet("status", "--json").objects}

        assert (shown.code, shown.err) == (0, "")
        said = shown.out.splitlines()
        how = "parakeet backfill 2022-06-01 2022-06-01 says why"
        or_else = "parakeet session accept 2022-06-01 takes it as it is"
        assert [one for one in said if one.startswith(("KO", "not", "in ", "corr", "acc"))] == [
            "KO TIMEOUT 2022-06-01 to 2022-06-02, 2 sessions, 1 attempt: [30 s]",
            f"not complete: 2022-06-01, after 1 request of the healing sensor ({how}; {or_else})",
            "in quarantine: 1 row (parakeet quarantine)",
            "correction not yet applied: WMT 2022-06-02: a late split",
            "accepted by hand: 2022-06-01 XASX (parakeet session list)",
        ]
        names = ("failed_tickers", "quarantined", "open_corrections", "accepted_sessions")
        told = {asset: [row[name] for name in names] for asset, row in rows.items()}
        assert told.pop("raw_prices") == [["KO"], 1, 1, ["2022-06-01 XASX"]]
        assert all(one == [[], 0, 0, []] for one in told.values())

    def test_verify_finds_what_is_not_as_the_vendor_says(self, database, copied):
        everything = parakeet("verify")
        assert everything.out == "Everything that is stored equals what the vendor says now.\n"
        assert parakeet("verify", "2022-06-01", "2022-06-02", "--json").objects == []
        lake = plain_lake(FileStore(copied))
        stored = lake.read("raw_prices", ["2022-06-01"])
        is_ko = stored["ticker"] == "KO"
        columns = ["open", "high", "low", "close"]
        stored.loc[is_ko, columns] = stored.loc[is_ko, columns] * 1.1
        lake.write("raw_prices", stored, ["2022-06-01"])

        found = parakeet("verify")

        assert found.code == 0
        assert "KO" in found.out
        assert found.err == f"Next: the healing sensor, or parakeet backfill 2022-06-01 {LAST}\n"
        (row,) = parakeet("verify", "--json").objects
        assert (row["ticker"], row["date"]) == ("KO", "2022-06-01")
        assert database.open_corrections()["ticker"].tolist() == ["KO"]

    STORED = f"choose dates from {FIRST} to {LAST}"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ("2022-06-02", "2022-06-01"),
                "the range 2022-06-02 2022-06-01 is reversed: write the earlier date first",
            ),
            (
                ("2022-06-04", "2022-06-05"),
                f"nothing is stored from 2022-06-04 to 2022-06-05: {STORED}",
            ),
            (
                ("2022-07-01",),
                f"nothing is stored from 2022-07-01 to {LAST}: {STORED}",
            ),
            (("June",), "'June' is not a date: write YYYY-MM-DD"),
        ],
    )
    def test_verify_of_nothing_is_not_a_good_result(self, arguments, message):
        assert parakeet("verify", *arguments).is_one_line(message)


class TestWhatABackFillSaysInTheEnd:
    def test_failures_in_its_range_by_ticker_and_class(self, capsys):
        rows = [("KO", 1), ("KO", 2), ("PG", 2), ("WMT", 30)]
        failures = pd.DataFrame(
            {
                "ticker": [ticker for ticker, _ in rows],
                "session": pd.to_datetime([f"2022-06-{day:02}" for _, day in rows]),
                "error_class": "TIMEOUT",
                "message": "30 s",
                "attempts": 1,
                "last_seen": pd.Timestamp("2022-07-01", tz="UTC"),
            }
        )
        _say_what_failed(failures, Span("2022-06-01", "2022-06-02"))

        assert capsys.readouterr().err == (
            "Without KO TIMEOUT, PG TIMEOUT. What another try may mend is asked for again by"
            " parakeet backfill 2022-06-01 2022-06-02; all of it with --again\n"
        )
        _say_what_failed(failures.iloc[:0], Span("2022-06-01", "2022-06-02"))
        assert capsys.readouterr().err == ""
