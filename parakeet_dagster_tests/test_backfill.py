"""What a back-fill decides to run, and that it ends where it should, wherever it was killed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster import backfill, runs
from parakeet_dagster import sessions as calendar
from parakeet_dagster.backfill import Progress, Span, chunks, dependencies, plan, snap
from parakeet_dagster.errors import RunFailedError, SessionError
from parakeet_dagster.places import open_lake
from parakeet_dagster.price_sources.sample import SampleSource
from parakeet_dagster.price_sources.yahoo import YahooSource
from parakeet_dagster.resources.io_manager import asset_path
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster_tests.graph import Graph, bytes_of, fast_instance
from strategy.catalog import CATALOG

UNIVERSE, PRICES, TABLE, RETURNS = map(
    dg.AssetKey, ["ticker_universe", "raw_prices", "market_data", "daily_returns"]
)
SIGNALS, WEIGHTS, ORDERS = (dg.AssetKey([it, "s"]) for it in ("signals", "allocations", "orders"))
CHAIN = {
    UNIVERSE: (),
    PRICES: (UNIVERSE,),
    TABLE: (PRICES,),
    RETURNS: (PRICES,),
    SIGNALS: (RETURNS, UNIVERSE),
    WEIGHTS: (SIGNALS, RETURNS),
    ORDERS: (WEIGHTS, RETURNS, PRICES),
}

BATCH = "a back-fill"
MARCH = calendar.between("2022-03-01", "2022-03-31")
"""Weekdays without exception: March 2022 has 23 sessions, 1 to 31."""


WEEKEND = (
    "there is no session from 2022-06-04 to 2022-06-05: no market was open;"
    " the nearest are 2022-06-03 and 2022-06-06"
)


class TestSnap:
    @pytest.fixture
    def sample(self) -> SampleSource:
        return SampleSource()

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            pytest.param("2022-06-01", "2022-06-30", ("2022-06-01", "2022-06-30"), id="sessions"),
            pytest.param("2022-06-04", "2022-06-12", ("2022-06-06", "2022-06-10"), id="weekends"),
            pytest.param("2022-06-20", "2022-06-20", ("2022-06-20", "2022-06-20"), id="XASX only"),
            pytest.param("2021-12-25", "2022-01-04", ("2021-12-27", "2022-01-04"), id="Christmas"),
            pytest.param("2005-01-01", "2005-01-05", ("2005-01-03", "2005-01-05"), id="the first"),
            pytest.param("2022-12-27", "2022-12-28", ("2022-12-27", "2022-12-28"), id="the last"),
        ],
    )
    def test_dates_become_the_sessions_between_them(self, first, last, expected, sample):
        assert snap(first, last, sample) == Span(*expected)

    @pytest.mark.parametrize(
        ("first", "last", "message"),
        [
            (
                "2022-06-04",
                "2022-06-05",
                WEEKEND,
            ),
            (
                "2022-06-30",
                "2022-06-01",
                "the range 2022-06-30 2022-06-01 is reversed: write the earlier date first",
            ),
            ("06/01/2022", "2022-06-30", "'06/01/2022' is not a date: write YYYY-MM-DD"),
            ("2022-06-01", "tomorrow", "'tomorrow' is not a date: write YYYY-MM-DD"),
            ("2022-02-30", "2022-06-30", "'2022-02-30' is not a date: write YYYY-MM-DD"),
            (
                "2023-01-05",
                "2023-01-05",
                "2023-01-05 is after the sample's last session 2022-12-28: end there",
            ),
        ],
    )
    def test_what_cannot_be_had_is_refused_in_one_line(self, first, last, message, sample):
        with pytest.raises(SessionError) as refused:
            snap(first, last, sample)

        assert refused.value.message == message

    def test_nothing_is_before_the_first_partition(self, sample, monkeypatch):
        monkeypatch.setattr(backfill, "sessions", dg.DailyPartitionsDefinition("2022-06-07"))

        assert snap("2022-06-07", "2022-06-08", sample).first == "2022-06-07"
        with pytest.raises(SessionError, match="2022-06-06 is before the first session"):
            snap("2022-06-06", "2022-06-08", sample)

    def test_a_live_source_ends_with_the_last_completed_session(self, tmp_path):
        with pytest.raises(SessionError, match="is after the last completed session"):
            snap("2022-06-01", "2032-06-01", YahooSource(tmp_path, 4.0))


class TestChunks:
    def test_they_hold_at_most_so_many_sessions_and_cross_weekends(self):
        assert list(chunks([Span("2022-06-01", "2022-06-10")], 3)) == [
            Span("2022-06-01", "2022-06-03"),
            Span("2022-06-06", "2022-06-08"),
            Span("2022-06-09", "2022-06-10"),
        ]

    def test_a_span_is_not_mixed_with_the_next(self):
        spans = [Span("2022-06-01", "2022-06-02"), Span("2022-06-03", "2022-06-07", derived=True)]

        assert list(chunks(spans, 2)) == [
            Span("2022-06-01", "2022-06-02"),
            Span("2022-06-03", "2022-06-06", derived=True),
            Span("2022-06-07", "2022-06-07", derived=True),
        ]
        assert list(chunks(spans, 100)) == spans

    def test_nothing_gives_nothing(self):
        assert list(chunks([], 10)) == []


class World:
    """A lake, a database and an instance, filled asset by asset as runs would."""

    def __init__(self, home: Path, instance: dg.DagsterInstance, database: Database) -> None:
        self.instance, self.database = instance, database
        self.home = home
        self.lake: Lake = open_lake(str(home / "lake"))

    def run(self, keys: list[str], until: dg.AssetKey = ORDERS, *, derived: bool = False) -> None:
        """One run over ``keys``, killed after the asset ``until``."""
        order = list(CHAIN)
        first = order.index(RETURNS) if derived else 0
        for asset in order[first : order.index(until) + 1]:
            self.write(asset, keys)
            self.record(asset, keys)

    def write(self, asset: dg.AssetKey, keys: list[str]) -> None:
        if asset == TABLE:
            return
        path = asset_path(asset)
        self.lake.write(path, self.lake.read(path, []), keys)
        if asset == WEIGHTS:
            self.database.write_allocations("s", cash(keys))
        if asset == ORDERS:
            days = [date.fromisoformat(key) for key in keys]
            self.lake.write("holdings/s", self.lake.read("holdings/s", []), keys)
            self.database.write_orders("s", self.lake.read("orders/s", []), days)

    def record(self, asset: dg.AssetKey, keys: list[str]) -> None:
        for key in keys:
            event = dg.AssetMaterialization(asset, partition=key)
            self.instance.report_runless_asset_event(event)

    def remove(self, asset: dg.AssetKey, key: str) -> None:
        (self.home / "lake" / asset_path(asset) / f"session={key}" / "part-0.parquet").unlink()

    def progress(self) -> Progress:
        return Progress(CHAIN, self.instance, self.lake, self.database)

    def plan(self, first: str, last: str, history: int = 1) -> list[Span]:
        return plan(self.progress(), Span(first, last), history)


def cash(keys: list[str]) -> pd.DataFrame:
    """An allocation of nothing but cash."""
    days = pd.DatetimeIndex(keys).as_unit("us")
    return pd.DataFrame({"date": days, "ticker": "CASH", "weight": 1.0, "rebalance": True})


def bars(keys: list[str]) -> pd.DataFrame:
    """One ticker's bar on each session, as ``raw_prices`` holds it."""
    prices = dict.fromkeys(["open", "high", "low", "close"], 1.0)
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex(keys).as_unit("us"),
            "ticker": "KO",
            "market": "XNYS",
            "currency": "USD",
            **prices,
            "volume": 0,
            "dividend": 0.0,
            "split_ratio": 1.0,
            "source": "sample",
            "data_quality": "good",
        }
    )


@pytest.fixture
def world(tmp_path, database) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(tmp_path, instance, database)


class TestPlan:
    def test_an_empty_lake_gets_the_look_back_first(self, world):
        assert world.plan("2022-03-30", "2022-03-31", history=6) == [
            Span("2022-03-23", "2022-03-31")
        ]

    def test_a_look_back_ends_where_partitions_start(self, world):
        assert world.plan("2005-01-05", "2005-01-06", history=250) == [
            Span("2005-01-03", "2005-01-06")
        ]

    def test_what_is_complete_is_not_run(self, world):
        world.run(MARCH)

        assert world.plan(MARCH[0], MARCH[-1]) == []
        assert world.plan(MARCH[10], MARCH[12], history=5) == []

    def test_a_shorter_history_than_the_look_back_is_not_complete(self, world):
        world.run(MARCH)

        assert world.plan(MARCH[2], MARCH[-1], history=4) == [
            Span("2022-02-28", "2022-02-28"),
            Span(MARCH[0], MARCH[-1], derived=True),
        ]

    def test_an_earlier_history_is_brought_in_and_all_after_it_computed_again(self, world):
        world.run(MARCH[5:])

        assert world.plan(MARCH[0], MARCH[4]) == [
            Span(MARCH[0], MARCH[4]),
            Span(MARCH[5], MARCH[-1], derived=True),
        ]

    def test_a_later_range_needs_nothing_before_it_again(self, world):
        world.run(MARCH[:10])

        assert world.plan(MARCH[8], MARCH[12], history=3) == [Span(MARCH[10], MARCH[12])]

    def test_a_gap_after_what_is_stored_is_filled(self, world):
        world.run(MARCH[:5])

        assert world.plan(MARCH[15], MARCH[16], history=2) == [Span(MARCH[5], MARCH[16])]

    def test_a_gap_before_what_is_stored_is_filled(self, world):
        world.run(MARCH[15:])

        assert world.plan(MARCH[0], MARCH[1]) == [
            Span(MARCH[0], MARCH[14]),
            Span(MARCH[15], MARCH[-1], derived=True),
        ]

    @pytest.mark.parametrize(
        "wanted",
        [
            pytest.param((MARCH[0], MARCH[-1]), id="inside what is wanted"),
            pytest.param((MARCH[20], MARCH[-1]), id="before it"),
            pytest.param((MARCH[0], MARCH[1]), id="after it"),
        ],
    )
    def test_a_missing_session_comes_in_and_later_prices_are_left_alone(self, wanted, world):
        world.run(MARCH)
        world.remove(PRICES, MARCH[10])

        assert world.plan(*wanted) == [
            Span(MARCH[10], MARCH[10]),
            Span(MARCH[11], MARCH[-1], derived=True),
        ]

    def test_several_holes_are_one_span(self, world):
        world.run(MARCH)
        world.remove(PRICES, MARCH[10])
        world.remove(RETURNS, MARCH[14])

        assert world.plan(MARCH[0], MARCH[-1]) == [
            Span(MARCH[10], MARCH[14]),
            Span(MARCH[15], MARCH[-1], derived=True),
        ]

    def test_a_session_that_is_stored_but_not_recorded_comes_in_again(self, world):
        world.run(MARCH[:10])
        for asset in CHAIN:
            world.write(asset, [MARCH[10]])

        assert world.plan(MARCH[0], MARCH[10]) == [Span(MARCH[10], MARCH[10])]

    def test_orders_go_on_from_those_of_the_session_before(self, world):
        world.run(MARCH)
        world.write(ORDERS, [MARCH[7]])
        world.record(ORDERS, [MARCH[7]])

        assert world.plan(MARCH[0], MARCH[-1]) == [Span(MARCH[8], MARCH[-1], derived=True)]

    def test_an_account_is_kept_from_its_first_target_on(self, world):
        """Targets without orders: no session can be brought in without all those before it."""
        world.run(MARCH, until=WEIGHTS)

        assert world.plan(MARCH[-1], MARCH[-1]) == [Span(MARCH[0], MARCH[-1], derived=True)]

    @pytest.mark.parametrize("lost", ["lake/orders/s", "lake/holdings/s"])
    def test_orders_are_stored_where_lake_and_database_have_them(self, world, lost):
        world.run(MARCH)
        (world.home / lost / f"session={MARCH[9]}" / "part-0.parquet").unlink()

        assert world.progress().missing(ORDERS, MARCH) == [MARCH[9]]
        with world.database.transaction("forget a session") as connection:
            connection.execute(
                text("DELETE FROM order_versions WHERE session = :day"), {"day": MARCH[4]}
            )
        assert world.progress().missing(ORDERS, MARCH) == [MARCH[4], MARCH[9]]

    @pytest.mark.parametrize("asset", [SIGNALS, WEIGHTS], ids=asset_path)
    def test_what_follows_from_returns_is_computed_again_without_prices(self, asset, world):
        world.run(MARCH)
        world.remove(asset, MARCH[10])

        assert world.plan(MARCH[0], MARCH[-1]) == [Span(MARCH[10], MARCH[-1], derived=True)]

    def test_a_session_made_again_makes_all_after_it_stale(self, world):
        world.run(MARCH)
        world.run([MARCH[10]])

        for wanted in ((MARCH[0], MARCH[-1]), (MARCH[20], MARCH[20]), (MARCH[0], MARCH[0])):
            assert world.plan(*wanted) == [Span(MARCH[11], MARCH[-1], derived=True)]

    def test_prices_fetched_again_alone_are_judged_by_their_checks_again(self, world):
        """A run that a blocking check stopped leaves prices newer than the returns."""
        world.run(MARCH)
        world.run([MARCH[10]], until=TABLE)

        assert world.plan(MARCH[0], MARCH[-1]) == [
            Span(MARCH[10], MARCH[10]),
            Span(MARCH[11], MARCH[-1], derived=True),
        ]

    def test_a_new_strategy_is_computed_over_its_look_back_without_prices(self, world):
        world.run(MARCH, until=RETURNS)

        assert world.plan(MARCH[-1], MARCH[-1], history=5) == [
            Span(MARCH[-5], MARCH[-1], derived=True)
        ]


class TestKilledAnywhere:
    """The same command goes on where it stopped: 2 to 31 March wanted, in runs of 8 sessions."""

    WANTED = Span(MARCH[0], MARCH[-1])

    @pytest.mark.parametrize("until", list(CHAIN)[:-1], ids=asset_path)
    def test_in_the_middle_of_a_chunk(self, until, world):
        world.run(MARCH[:8])
        world.run(MARCH[8:16], until=until)

        brought_in = until in (RETURNS, SIGNALS, WEIGHTS)
        expected = (
            [Span(MARCH[8], MARCH[15], derived=True), Span(MARCH[16], MARCH[-1])]
            if brought_in
            else [Span(MARCH[8], MARCH[-1])]
        )
        assert plan(world.progress(), self.WANTED, 1) == expected

    @pytest.mark.parametrize("until", [PRICES, TABLE])
    def test_in_the_first_of_all_runs_and_then_another_day_is_asked_for(self, until, world):
        world.run(MARCH[:3], until)

        assert world.plan(MARCH[3], MARCH[3]) == [Span(MARCH[0], MARCH[3])]

    @pytest.mark.parametrize("until", list(CHAIN)[:-1], ids=asset_path)
    def test_while_a_gap_before_what_is_stored_is_filled(self, until, world):
        """The gap goes beyond what is wanted; the second attempt must not forget it."""
        world.run(MARCH[20:])
        assert world.plan(MARCH[0], MARCH[3])[0] == Span(MARCH[0], MARCH[19])
        world.run(MARCH[:8], until=until)

        spans = world.plan(MARCH[0], MARCH[3])

        assert Span(MARCH[20], MARCH[-1], derived=True) in spans
        assert [key for span in spans for key in span.keys] == MARCH

    @pytest.mark.parametrize("until", list(CHAIN)[:-1], ids=asset_path)
    def test_while_a_gap_after_what_is_stored_is_filled(self, until, world):
        world.run(MARCH[:4])
        assert world.plan(MARCH[-1], MARCH[-1]) == [Span(MARCH[4], MARCH[-1])]
        world.run(MARCH[4:12], until=until)

        spans = world.plan(MARCH[-1], MARCH[-1])

        assert [key for span in spans for key in span.keys] == MARCH[4:]

    @pytest.mark.parametrize("until", [RETURNS, SIGNALS, WEIGHTS, ORDERS], ids=asset_path)
    def test_while_what_is_stored_is_computed_again(self, until, world):
        """Every file is there and recorded: only the order of the records tells."""
        world.run(MARCH[5:])
        world.run(MARCH[:5])
        world.run(MARCH[5:13], until=until, derived=True)

        first = MARCH[13] if until == ORDERS else MARCH[5]
        for wanted in ((MARCH[0], MARCH[4]), (MARCH[-1], MARCH[-1])):
            assert world.plan(*wanted) == [Span(first, MARCH[-1], derived=True)]

    def test_a_plan_carried_out_leaves_nothing_to_do(self, world):
        world.run(MARCH[5:9])
        world.run(MARCH[15:])
        world.remove(PRICES, MARCH[17])
        for attempt in range(60):
            pieces = list(chunks(world.plan(MARCH[0], MARCH[2]), 4))
            if not pieces:
                break
            piece = pieces[0]
            killed_after = [RETURNS, SIGNALS, WEIGHTS, ORDERS][attempt % 4]
            world.run(piece.keys, killed_after, derived=piece.derived)

        assert world.plan(MARCH[0], MARCH[-1]) == []
        newest = [world.progress()._recorded[RETURNS][key] for key in MARCH]
        assert newest == sorted(newest)


class TestProgress:
    def test_nothing(self, world):
        progress = world.progress()

        assert progress.history == []
        assert progress.stored(PRICES) == []
        assert progress.missing(PRICES, MARCH[:2]) == MARCH[:2]

    def test_a_session_needs_its_record_and_its_file(self, world):
        world.run(MARCH[:3])
        world.remove(PRICES, MARCH[1])
        world.write(PRICES, [MARCH[3]])

        progress = world.progress()

        assert progress.stored(PRICES) == [MARCH[0], MARCH[2], MARCH[3]]
        assert progress.missing(PRICES, MARCH[:4]) == [MARCH[1], MARCH[3]]

    def test_a_session_with_bars_needs_them_in_the_table_too(self, world):
        world.run(MARCH[:3])
        world.lake.write("raw_prices", bars(MARCH[1:3]), MARCH[1:3])
        day = pd.Timestamp(MARCH[2]).date()
        world.database.merge_market_data(bars(MARCH[2:3]), [day], "test")

        progress = world.progress()

        assert progress.missing(TABLE, MARCH[:3]) == [MARCH[1]]
        assert not progress.is_done(MARCH[1])
        assert progress.is_done(MARCH[2])

    def test_an_allocation_needs_its_rows_in_the_database_too(self, world):
        world.run(MARCH[:2], until=SIGNALS)
        path = asset_path(WEIGHTS)
        world.lake.write(path, world.lake.read(path, []), MARCH[:2])
        world.record(WEIGHTS, MARCH[:2])
        assert world.progress().missing(WEIGHTS, MARCH[:2]) == MARCH[:2]

        world.database.write_allocations("s", cash(MARCH[:1]))

        assert world.progress().missing(WEIGHTS, MARCH[:2]) == [MARCH[1]]


@pytest.fixture
def graph(tmp_path, database_url, monkeypatch) -> Iterator[Graph]:
    """The graph of one strategy, on an empty lake and an empty database."""
    home = tmp_path / "home"
    monkeypatch.setenv("PARAKEET_HOME", str(home))
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    with fast_instance(tmp_path, monkeypatch) as instance:
        yield Graph(home, instance, {"equal_weight": CATALOG["equal_weight"]})


class TestRealGraph:
    """Short back-fills of the real graph, history starting with the first session wanted."""

    def progress(self, graph: Graph, database: Database) -> Progress:
        assets = dependencies(graph.definitions().resolve_asset_graph())
        return Progress(assets, graph.instance, graph.lake, database)

    def backfill(self, graph: Graph, database: Database, wanted: Span) -> list[Span]:
        spans = plan(self.progress(graph, database), wanted, 1)
        for piece in chunks(spans, 5):
            runs.run(graph.definitions(), graph.instance, piece, BATCH)
        return spans

    def test_dependencies_are_the_graphs(self, graph):
        found = {
            asset_path(key): sorted(map(asset_path, parents))
            for key, parents in dependencies(graph.definitions().resolve_asset_graph()).items()
        }

        assert found == {
            "ticker_universe": [],
            "fx_rates": [],
            "raw_prices": ["ticker_universe"],
            "market_data": ["raw_prices"],
            "daily_returns": ["fx_rates", "raw_prices", "ticker_universe"],
            "signals/equal_weight": ["daily_returns", "ticker_universe"],
            "allocations/equal_weight": ["daily_returns", "signals/equal_weight"],
            "orders/equal_weight": [
                *("allocations/equal_weight", "daily_returns", "fx_rates", "raw_prices"),
            ],
        }
        order = list(found)
        assert all(
            order.index(one) < order.index(key) for key, ones in found.items() for one in ones
        )

    def test_it_completes_and_then_has_nothing_to_do(self, graph, database):
        wanted = Span("2022-06-15", "2022-06-23")

        assert self.backfill(graph, database, wanted) == [wanted]

        progress = self.progress(graph, database)
        assert progress.history == wanted.keys
        assert all(progress.is_done(key) for key in wanted.keys)
        assert "2022-06-20" in progress.stored(TABLE), "no market of the sample was open"
        assert self.backfill(graph, database, wanted) == []

    def test_history_brought_in_later_gives_what_one_back_fill_gives(
        self,
        graph,
        database,
        tmp_path,
        monkeypatch,
    ):
        self.backfill(graph, database, Span("2022-06-15", "2022-06-23"))
        before = bytes_of(graph.home / "lake")

        spans = self.backfill(graph, database, Span("2022-06-09", "2022-06-10"))
        assert spans == [
            Span("2022-06-09", "2022-06-14"),
            Span("2022-06-15", "2022-06-23", derived=True),
        ]
        after = bytes_of(graph.home / "lake")
        changed = {path for path, content in before.items() if after[path] != content}
        assert "daily_returns/session=2022-06-15/part-0.parquet" in changed
        assert not any(path.startswith("raw_prices") for path in changed)

        monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "other"))
        with fast_instance(tmp_path / "other", monkeypatch) as instance:
            other = Graph(tmp_path / "other", instance, graph.strategies)
            runs.run(other.definitions(), instance, Span("2022-06-09", "2022-06-23"), BATCH)
        assert bytes_of(tmp_path / "other" / "lake") == after

    def test_a_failure_is_the_assets_own_line(self, graph):
        with pytest.raises(RunFailedError) as failed:
            runs.run(
                graph.definitions(),
                graph.instance,
                Span("2022-12-28", "2022-12-29"),
                BATCH,
            )

        assert failed.value.message.startswith(
            "raw_prices: 2022-12-29 is after the sample's last session 2022-12-28"
        )
        assert graph.lake.sessions("raw_prices") == []

    def test_the_sessions_before_a_blocked_one_are_brought_in(self, graph, tmp_path, monkeypatch):
        """The sample has no ASX ticker: fine on Easter Monday, when that market is closed."""
        file = tmp_path / "mine.csv"
        file.write_text(
            "ticker,name,market,currency,asset_class\n"
            "KO,Coca-Cola,XNYS,USD,equity\n"
            "BHP.AX,BHP,XASX,AUD,equity\n"
        )
        monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(file))

        with pytest.raises(RunFailedError) as failed:
            runs.run(
                graph.definitions(),
                graph.instance,
                Span("2022-04-18", "2022-04-20"),
                BATCH,
            )

        assert "2022-04-19 XASX: 0 of 1 expected tickers have a bar" in failed.value.message
        assert graph.lake.sessions("daily_returns") == ["2022-04-18"]
        assert graph.lake.sessions("allocations/equal_weight") == ["2022-04-18"]


class TestWaiting:
    """Sessions that are stored, and still not done."""

    def test_a_correction_makes_its_session_wait(self, database):
        row = {"ticker": "A", "date": pd.Timestamp("2022-03-02"), "row": "{}", "reason": "late"}
        database.record_corrections(pd.DataFrame([row]))
        assert backfill.corrected_sessions(database) == {"2022-03-02"}

    @pytest.mark.parametrize(
        ("error_class", "times", "waits"),
        [
            ("TIMEOUT", 1, True),
            ("TIMEOUT", 2, True),
            ("TIMEOUT", 3, False),
            ("BAD_DATA", 1, True),
            ("NO_HISTORY", 1, True),
            ("DELISTED", 1, False),
            ("NO_DATA", 1, False),
        ],
    )
    def test_a_failure_waits_where_another_try_may_help(self, error_class, times, waits, database):
        day = pd.Timestamp("2022-03-02")
        row = {"ticker": "A", "session": day, "error_class": error_class, "message": "no"}
        for _ in range(times):
            database.record_failures(pd.DataFrame([row]), day.date(), day.date(), [], "a fetch")
        assert backfill.failed_tickers(database.open_failures()) == (
            {"2022-03-02": {"A"}} if waits else {}
        )
