"""The graph as a whole, on the sample source: what a user relies on."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.definitions import build_definitions
from parakeet_dagster.price_sources.base import FailureClass, PriceAnswer, TickerFailure
from parakeet_dagster.price_sources.sample import SampleSource, sample_closes
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster_tests.graph import (
    Graph,
    bytes_of,
    checks_of,
    copy_lake,
    failures,
    graph,  # noqa: F401 - a fixture
    metadata_of,
)
from parakeet_dagster_tests.moto_server import moto_server
from strategy.allocation.equal_weight import EqualWeight
from strategy.catalog import CATALOG
from strategy.signals.always_on import AlwaysOn
from strategy.signals.base import Split, long
from strategy.signals.momentum import Momentum
from strategy.strategy import Strategy

FIRST = "2022-04-01"
"""A history just long enough for the shortened dual momentum to be invested in June 2022."""

DUAL = CATALOG["dual_momentum"]
SHORT = {
    "dual_momentum": DUAL.model_copy(
        update={
            "signal": DUAL.signal.model_copy(update={"lookback": 40}),
            "allocation": DUAL.allocation.model_copy(update={"lookback": 20}),
        }
    ),
    "equal_weight": CATALOG["equal_weight"],
}
"""The core strategies with shorter windows: the same code, a history that is made quickly."""

RANGE = calendar.between("2022-06-17", "2022-06-22")
"""Holds 2022-06-20, when only the ASX is open and the sample has no ticker there."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, postgres_server) -> Path:
    """A lake that holds FIRST to the session before RANGE, made once."""
    home = tmp_path_factory.mktemp("history")
    patch = pytest.MonkeyPatch()
    patch.setenv("PARAKEET_HOME", str(home))
    patch.setenv("NEON_DATABASE_URL", postgres_server.start())
    with dg.DagsterInstance.ephemeral() as instance:
        before = calendar.offset(RANGE[0], -1)
        assert Graph(home, instance, SHORT).run(FIRST, before).success
    patch.undo()
    return home / "lake"


class TestRangeAndSingles:
    def test_they_give_the_same_bytes(self, history, graph):
        copy_lake(history, graph)
        assert graph.run(RANGE[0], RANGE[-1]).success
        in_one = bytes_of(graph.home / "lake")
        shutil.rmtree(graph.home / "lake")
        copy_lake(history, graph)
        for session in RANGE:
            assert graph.run(session).success
        assert bytes_of(graph.home / "lake") == in_one
        assert len(in_one) == 12 * len(calendar.between(FIRST, RANGE[-1]))

    def test_a_second_run_changes_nothing(self, history, graph, database):
        copy_lake(history, graph)
        graph.run(RANGE[0], RANGE[1])
        before = bytes_of(graph.home / "lake"), _updated_at(database)
        assert graph.run(RANGE[0], RANGE[1]).success
        assert (bytes_of(graph.home / "lake"), _updated_at(database)) == before

    @pytest.mark.parametrize("asset", ["raw_prices", "daily_returns", "fx_rates"])
    def test_a_session_missing_in_the_middle_is_named_by_both(self, asset, history, graph):
        copy_lake(history, graph)
        hole = "2022-04-13"
        shutil.rmtree(graph.home / "lake" / asset / f"session={hole}")
        for run in ((RANGE[0],), (RANGE[0], RANGE[-1])):
            result = graph.run(*run)
            assert not result.success
            told = failures(result)
            assert any(
                f"{asset}: session {hole} is not in the lake" in one for one in told.values()
            )

    def test_no_gap_is_left(self, history, graph):
        copy_lake(history, graph)
        result = graph.run(RANGE[2])
        assert not result.success
        assert f"session {RANGE[0]}, {RANGE[1]} is not in" in failures(result)["raw_prices"]
        assert RANGE[2] not in graph.lake.sessions("raw_prices")

    @pytest.mark.usefixtures("one_strategy")
    def test_s3_holds_the_same_bytes_as_files(self, history, graph, monkeypatch):
        copy_lake(history, graph)
        assert graph.run(RANGE[0], RANGE[-1]).success
        on_disk = bytes_of(graph.home / "lake")
        with moto_server() as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            monkeypatch.setenv("PARAKEET_LAKE", "s3://parakeet/some/prefix")
            missing = graph.run(RANGE[0])
            assert "the S3 bucket 'parakeet' does not exist" in failures(missing)["ticker_universe"]
            store = graph.lake.store
            store.client.create_bucket(Bucket="parakeet")
            for path, content in bytes_of(history).items():
                store.write(path, content)
            assert graph.run(RANGE[0], RANGE[-1]).success
            paths = [
                f"{folder}/part-0.parquet"
                for asset in _assets(on_disk)
                for folder in store.folders([f"{asset}/session="], "part-0.parquet")
            ]
            assert {path: store.read(path) for path in paths} == on_disk


@pytest.fixture
def one_strategy(graph) -> None:
    """Where storage is at stake, one strategy is enough."""
    graph.strategies = {"equal_weight": SHORT["equal_weight"]}


@pytest.fixture
def no_strategy(graph) -> None:
    """Where prices are at stake, nothing needs to follow them."""
    graph.strategies = {}


@pytest.mark.usefixtures("no_strategy")
class TestPrices:
    def test_the_sample_is_stored_as_it_is(self, graph):
        result = graph.run("2022-06-15", "2022-06-17")
        assert result.success
        assert all(passed for name, passed in checks_of(result).items() if "last_comp" not in name)
        stored = graph.lake.read("raw_prices", ["2022-06-16"]).set_index("ticker")
        closes = sample_closes().loc["2022-06-16"]
        pd.testing.assert_series_equal(
            stored["close"], closes.sort_index(), check_names=False, check_index_type=False
        )
        assert stored[["open", "high", "low"]].eq(stored["close"], axis=0).all(axis=None)
        assert set(stored["volume"]) == {0}
        assert set(stored["source"]) == {"sample"}
        assert set(stored["data_quality"]) == {"good"}

    def test_the_database_holds_the_same(self, graph, database):
        graph.strategies = {"equal_weight": SHORT["equal_weight"]}
        graph.run("2022-06-15", "2022-06-17")
        assert database.market_data_summary().rows == 3 * 25
        newest = database.read_allocations("equal_weight")
        assert newest["session"].unique().tolist() == [pd.Timestamp("2022-06-17")]

    def test_a_return_is_that_of_the_closes_in_aud(self, graph):
        graph.run("2022-06-15", "2022-06-16")
        closes = sample_closes()["AAPL"]
        local = closes["2022-06-16"] / closes["2022-06-15"] - 1
        rates = graph.lake.read("fx_rates", ["2022-06-15", "2022-06-16"])
        usd = rates[rates["currency"] == "USD"]["aud_per_unit"].to_numpy()
        row = graph.lake.read("daily_returns", ["2022-06-16"]).set_index("ticker").loc["AAPL"]
        assert row["return_local"] == pytest.approx(local, rel=1e-12)
        assert row["return_aud"] == pytest.approx((1 + local) * usd[1] / usd[0] - 1, rel=1e-12)

    def test_where_no_market_of_ours_is_open_the_partition_is_empty_and_says_so(self, graph):
        result = graph.run("2022-06-17", "2022-06-21")
        assert result.success
        assert graph.lake.read("raw_prices", ["2022-06-20"]).empty
        shown = metadata_of(result, "raw_prices", "2022-06-20")
        assert shown["status"] == "market closed"
        assert shown["open_markets"] == "XASX"
        carried = graph.lake.read("daily_returns", ["2022-06-20"])
        assert len(carried) == 25
        assert not carried["traded"].any()
        assert set(carried["return_local"]) == {0.0}
        assert carried["return_aud"].nunique() == 1

    def test_a_session_after_the_sample_is_one_line(self, graph):
        result = graph.run("2023-01-05")
        assert failures(result)["raw_prices"].startswith(
            "2023-01-05 is after the sample's last session 2022-12-28"
        )
        assert graph.lake.sessions("raw_prices") == []

    @pytest.mark.parametrize("run", [("2022-06-16",), ("2022-06-13", "2022-06-14")])
    def test_two_sources_do_not_mix(self, run, graph):
        graph.run("2022-06-15")
        stored = graph.lake.read("raw_prices", ["2022-06-15"]).assign(source="yahoo")
        graph.lake.write("raw_prices", stored, ["2022-06-15"])
        told = failures(graph.run(*run))["raw_prices"]
        assert "holds prices from 'yahoo', PARAKEET_PRICE_SOURCE is 'sample'" in told

    def test_a_database_of_another_source_is_refused(self, graph, database):
        graph.run("2022-06-15")
        shutil.rmtree(graph.home / "lake")
        with database.transaction("pretend") as connection:
            connection.exec_driver_sql("UPDATE market_data SET source = 'yahoo'")
        assert "prices from 'yahoo'" in failures(graph.run("2022-06-16"))["raw_prices"]

    def test_a_split_missed_by_a_failure_is_not_passed_over(self, graph, monkeypatch):
        """KO fails on the day of its split and is back the day after."""
        fetch = SampleSource.fetch

        def with_split(source, members, start, end, batch=None):
            answer = fetch(source, members, start, end)
            bars = answer.bars.copy()
            of_ko = bars["ticker"] == "KO"
            bars.loc[of_ko & (bars["date"] == "2022-06-16"), "split_ratio"] = 4.0
            if end == date(2022, 6, 16):
                failed = (TickerFailure("KO", FailureClass.TIMEOUT, "no answer"),)
                return PriceAnswer(bars[~of_ko], answer.listing.drop("KO"), failed)
            return PriceAnswer(bars, answer.listing, answer.failures)

        monkeypatch.setattr(SampleSource, "fetch", with_split)
        assert graph.run("2022-06-15").success
        assert graph.run("2022-06-16").success
        told = failures(graph.run("2022-06-17"))["raw_prices"]
        assert told == (
            "KO had a dividend or split on 2022-06-16, after its last stored bar: bring that in"
            " first: parakeet backfill 2022-06-16 2022-06-17"
        )
        assert "2022-06-17" not in graph.lake.sessions("raw_prices")

    def test_a_failure_without_an_action_does_no_harm(self, graph, monkeypatch):
        fetch = SampleSource.fetch

        def failing(source, members, start, end, batch=None):
            answer = fetch(source, members, start, end)
            if end == date(2022, 6, 16):
                failed = (TickerFailure("KO", FailureClass.TIMEOUT, "no answer"),)
                bars = answer.bars[answer.bars["ticker"] != "KO"]
                return PriceAnswer(bars, answer.listing.drop("KO"), failed)
            return answer

        monkeypatch.setattr(SampleSource, "fetch", failing)
        for session in ("2022-06-15", "2022-06-16", "2022-06-17"):
            result = graph.run(session)
            assert result.success, failures(result)
        closes = sample_closes()["KO"]
        row = graph.lake.read("daily_returns", ["2022-06-17"]).set_index("ticker").loc["KO"]
        assert row["return_local"] == closes["2022-06-17"] / closes["2022-06-15"] - 1


@pytest.mark.usefixtures("one_strategy")
class TestBlockedSession:
    @pytest.fixture
    def three_of_four(self, graph, tmp_path, monkeypatch) -> Graph:
        file = tmp_path / "mine.csv"
        rows = [f"{ticker},{ticker},XNYS,USD,equity" for ticker in ("AAPL", "KO", "PG", "NOPE")]
        file.write_text("\n".join(["ticker,name,market,currency,asset_class", *rows]))
        monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", str(file))
        return graph

    @pytest.mark.parametrize("run", [("2022-06-15",), ("2022-06-15", "2022-06-17")])
    def test_it_is_written_nowhere_and_named(self, run, three_of_four, database):
        result = three_of_four.run(*run)
        told = failures(result)["raw_prices"]
        assert told.startswith(
            "blocked, nothing written: 2022-06-15 XNYS: 3 of 4 expected tickers have a bar"
        )
        assert "NOPE NO_DATA" in told
        assert checks_of(result)["raw_prices:coverage"] is False
        assert three_of_four.lake.sessions("raw_prices") == []
        assert three_of_four.lake.sessions("daily_returns") == []
        assert database.market_data_summary().rows == 0
        assert set(database.open_failures()["ticker"]) == {"NOPE"}

    def test_four_of_five_is_enough(self, three_of_four, tmp_path):
        with (tmp_path / "mine.csv").open("a") as file:
            file.write("\nJNJ,JNJ,XNYS,USD,equity")
        result = three_of_four.run("2022-06-15")
        assert result.success
        shown = metadata_of(result, "raw_prices", "2022-06-15")
        assert shown["failures"] == 1
        assert "NOPE" in str(shown["failed_tickers"])


class Contrarian(AlwaysOn):
    """A toy: hold what fell yesterday."""

    fields = ("return_aud",)

    def compute(self, window):
        fell = window["return_aud"][-1] < 0
        return long(fell.astype(float), -window["return_aud"][-1])


class Obstinate(Contrarian):
    """A toy that holds what it does not want."""

    def split(self, signals):
        return Split(tuple(signals["ticker"]), 1.0)


class TestStrategies:
    def test_a_new_strategy_gets_its_assets_and_checks(self, graph):
        toy = Strategy(
            description="A toy", signal=Contrarian(), allocation=EqualWeight(), rebalance="daily"
        )
        graph.strategies = {"toy": toy}
        result = graph.run("2022-06-15", "2022-06-16")
        assert result.success
        checks = checks_of(result)
        assert checks["signals/toy:signals_in_range"]
        assert checks["allocations/toy:weights"]
        returns = graph.lake.read("daily_returns", ["2022-06-16"])
        fell = returns[returns["return_aud"] < 0]["ticker"].tolist()
        weights = graph.lake.read("allocations/toy", ["2022-06-16"])
        assert weights["ticker"].tolist() == sorted(["CASH", *fell])
        assert weights["weight"].sum() == pytest.approx(1)
        assert (graph.home / "lake/signals/toy/session=2022-06-15/part-0.parquet").exists()

    def test_what_has_no_signal_must_not_be_held(self, graph):
        toy = Strategy(
            description="A toy", signal=Obstinate(), allocation=EqualWeight(), rebalance="daily"
        )
        graph.strategies = {"toy": toy}
        checks = checks_of(graph.run("2022-06-16"))
        assert checks["signals/toy:signals_in_range"]
        assert not checks["allocations/toy:weights"]

    def test_dual_momentum_is_cash_until_history_suffices(self, history, graph):
        copy_lake(history, graph)
        result = graph.run(RANGE[0])
        weights = graph.lake.read("allocations/dual_momentum", [RANGE[0]])
        held = weights[weights["ticker"] != "CASH"]["weight"]
        assert weights["weight"].sum() == pytest.approx(1, abs=1e-12)
        assert held.between(0.02 - 1e-12, 0.30 + 1e-12).all()
        assert len(held) == 8
        shown = metadata_of(result, "allocations/dual_momentum", RANGE[0])
        assert shown["history"] == "40 of 40 sessions"
        early = graph.lake.read("allocations/dual_momentum", ["2022-05-03"])
        assert early["ticker"].tolist() == ["CASH"]

    def test_a_strategy_switched_on_within_a_period_holds_what_it_would_have_decided(self, graph):
        """Its target of 2022-06-16 was decided on 2022-06-01, of which it has no signals stored."""
        graph.strategies = {"equal_weight": SHORT["equal_weight"]}
        assert graph.run("2022-05-26", "2022-06-15").success
        late = SHORT["equal_weight"].model_copy(update={"signal": Momentum(lookback=3, places=2)})
        graph.strategies = {"late": late}
        assert graph.run("2022-06-16").success
        found = graph.lake.read("allocations/late", ["2022-06-16"])
        days = ["2022-05-30", "2022-05-31", "2022-06-01"]
        returns = graph.lake.read("daily_returns", days)
        grown = (1 + returns["return_aud"]).groupby(returns["ticker"]).prod(min_count=1)
        assert found["rebalance"].tolist() == [False] * 3
        assert grown.notna().all()
        assert found["ticker"].tolist() == ["CASH", *sorted(grown.nlargest(2).index)]

    def test_warm_up_is_said(self, graph):
        result = graph.run("2022-06-15", "2022-06-17")
        shown = metadata_of(result, "signals/dual_momentum", "2022-06-16")
        assert shown["history"] == "2 of 40 sessions"


class TestDefinitions:
    def test_every_asset_is_single_run_and_described(self, graph):
        settings = load_settings()
        definitions = graph.definitions()
        assets = definitions.resolve_asset_graph()
        assert settings.universe_keys == ("SAMPLE",)
        names = {key.to_user_string() for key in assets.get_all_asset_keys()}
        assert names == {
            "ticker_universe",
            "raw_prices",
            "fx_rates",
            "market_data",
            "daily_returns",
            "signals/dual_momentum",
            "signals/equal_weight",
            "allocations/dual_momentum",
            "allocations/equal_weight",
            "orders/dual_momentum",
            "orders/equal_weight",
            "performance/dual_momentum",
            "performance/equal_weight",
            "walk_forward/dual_momentum",
        }
        for key in assets.get_all_asset_keys():
            node = assets.get(key)
            assert node.backfill_policy == dg.BackfillPolicy.single_run()
            assert node.description
            assert node.owners
            assert node.kinds
            assert node.group_name != "default"
            if key.path[0] not in ("market_data", "performance", "walk_forward"):
                assert "dagster/column_schema" in node.metadata

    def test_no_secret_is_in_the_definitions(self, graph, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", "postgres://me:s3cret@db.example.com/x")
        settings = load_settings()
        definitions = build_definitions(settings, {})
        assert "s3cret" not in repr(definitions.resources)
        assert "s3cret" not in repr(settings)


def _updated_at(database: Database) -> list[tuple[object, ...]]:
    with database.transaction("read") as connection:
        rows = connection.exec_driver_sql(
            "SELECT ticker, date, updated_at FROM market_data ORDER BY 1, 2"
        )
        versions = connection.exec_driver_sql("SELECT count(*) FROM allocations")
        return [*map(tuple, rows), *map(tuple, versions)]


def _assets(files: dict[str, bytes]) -> list[str]:
    return sorted({path.split("/session=")[0] for path in files})


def test_no_nan_hides_in_the_weights(history):
    frame = pd.read_parquet(history / "allocations" / "dual_momentum")
    assert np.isfinite(frame["weight"]).all()
