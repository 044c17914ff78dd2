"""From targets to orders, holdings and tear sheets: the real graph on the sample."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from parakeet_dagster import definitions
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.walk_forward import walk_forward_asset
from parakeet_dagster.cli import app
from parakeet_dagster.errors import ParakeetError
from parakeet_dagster.resources.storage import LakeResource
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.reports import read_page, read_table
from parakeet_dagster_tests.graph import Graph, checks_of, failures, metadata_of
from parakeet_dagster_tests.storage.postgres import empty_database
from strategy.catalog import CATALOG
from strategy.portfolio.folds import Windows
from strategy.portfolio.terms import Terms

MOMENTUM = CATALOG["momentum_21"]
SHORT = {
    "equal_weight": CATALOG["equal_weight"],
    "momentum_21": MOMENTUM.model_copy(
        update={
            "signal": MOMENTUM.signal.model_copy(update={"lookback": 10, "places": 3}),
            "grid": {"signal.places": (2, 3)},
        }
    ),
}
FIRST, LAST = "2022-04-01", "2022-06-08"
DECIDED, DAY_AFTER = "2022-05-02", "2022-05-03"


@dataclass(frozen=True)
class Stored:
    """What one run over the range left."""

    home: Path
    url: str
    lake: Lake
    database: Database
    run: dg.ExecuteInProcessResult
    reports: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, postgres_server) -> Iterator[Stored]:
    home = tmp_path_factory.mktemp("orders")
    with pytest.MonkeyPatch.context() as patch, empty_database(postgres_server) as url:
        patch.setenv("PARAKEET_HOME", str(home))
        patch.setenv("NEON_DATABASE_URL", url)
        with dg.DagsterInstance.ephemeral() as instance:
            graph = Graph(home, instance, SHORT)
            run, reports = graph.run(FIRST, LAST), graph.reports()
        database = Database(DatabaseUrl.parse(url))
        yield Stored(home, url, graph.lake, database, run, reports)
        database.close()


@pytest.fixture(autouse=True)
def _at(stored, monkeypatch):
    monkeypatch.setenv("PARAKEET_HOME", str(stored.home))
    monkeypatch.setenv("NEON_DATABASE_URL", stored.url)
    monkeypatch.setenv("PARAKEET_STRATEGIES", ",".join(SHORT))


def parakeet(*arguments: str) -> tuple[int, str]:
    """Exit code, and everything that was printed on one line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, definitions.__name__)
        for exported in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(exported, "to be put back")
            patch.delenv(exported)
        done = CliRunner().invoke(app, list(arguments))
    if isinstance(done.exception, ParakeetError):  # which main() prints as one line
        return done.exception.exit_code, f"Error: {done.exception.message}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


def orders_of(stored: Stored, strategy: str, session: str) -> pd.DataFrame:
    return stored.lake.read(f"orders/{strategy}", [session]).set_index("ticker")


class TestOrders:
    def test_the_run_succeeds_and_the_books_are_checked(self, stored):
        assert failures(stored.run) == {}
        assert checks_of(stored.run)["orders/equal_weight:book"]

    def test_the_first_decision_buys_every_member_in_whole_shares(self, stored):
        found = orders_of(stored, "equal_weight", FIRST)
        returns = stored.lake.read("daily_returns", [FIRST]).set_index("ticker")
        rate = stored.lake.read("fx_rates", [FIRST]).set_index("currency").loc["USD"]
        price = returns["close"] * rate["aud_per_unit"]
        # A$100,000 in 25 parts, each with its fee of A$3 and 75 basis points
        expected = np.floor((100_000 / 25 - 3) / (price * 1.0075))
        assert found["side"].unique().tolist() == ["buy"]
        pd.testing.assert_series_equal(found["quantity"], expected[expected > 0], check_names=False)
        assert found["price_estimate_aud"].to_dict() == price[expected > 0].to_dict()
        costs = 3 + found["quantity"] * found["price_estimate_aud"] * 0.0075
        assert found["cost_estimate_aud"].to_numpy() == pytest.approx(costs.to_numpy())
        assert found.loc["KO", "reason"] == "enter: 0 to 3.9%"

    def test_the_holdings_of_the_next_session_are_what_was_ordered(self, stored):
        ordered = orders_of(stored, "equal_weight", FIRST)["quantity"]
        held = stored.lake.read("holdings/equal_weight", [calendar.offset(FIRST, 1)])
        held = held[held["ticker"] != "CASH"].set_index("ticker")["quantity"]
        pd.testing.assert_series_equal(held, ordered, check_names=False)

    def test_between_decisions_there_is_nothing_to_do_and_it_says_so(self, stored):
        assert orders_of(stored, "momentum_21", "2022-05-17").empty
        notes = metadata_of(stored.run, "orders/momentum_21", "2022-05-17")
        assert notes["note"] == "nothing to do"
        assert notes["dagster/partition_row_count"] == 0
        assert notes["orders"] == 0

    def test_before_the_history_is_complete_the_account_is_its_capital(self, stored):
        first = stored.lake.read("holdings/momentum_21", [FIRST])
        assert first[["ticker", "value_aud"]].to_numpy().tolist() == [["CASH", 100_000.0]]
        notes = metadata_of(stored.run, "orders/momentum_21", FIRST)
        assert notes["history"] == "1 of 10 sessions"

    def test_the_database_has_the_orders_of_every_session(self, stored):
        keys = calendar.between(FIRST, LAST)
        lake = stored.lake.read("orders/momentum_21", keys)
        days = stored.database.order_sessions()["momentum_21"]
        assert [calendar.key(day) for day in days] == keys
        table = pd.concat(
            [stored.database.read_orders("momentum_21", day) for day in days], ignore_index=True
        ).rename(columns={"session": "date"})
        assert len(lake) >= 6
        pd.testing.assert_frame_equal(table[lake.columns], lake, check_exact=True)

    def test_a_sale_and_its_reason(self, stored):
        found = orders_of(stored, "momentum_21", DECIDED)
        assert set(found["side"]) == {"buy"}
        sold = orders_of(stored, "momentum_21", "2022-06-01")
        leaves = sold[sold["side"] == "sell"]
        assert leaves["reason"].str.fullmatch(r"(leave: .* to 0|adjust: .*)").all()


class TestReports:
    def test_the_curve_is_what_the_stored_holdings_are_worth(self, stored):
        assert failures(stored.reports) == {}
        for name in SHORT:
            curves = read_table(stored.lake, f"performance/{name}", "curves", "date")
            keys = [f"{day:%Y-%m-%d}" for day in curves.index]
            held = stored.lake.read(f"holdings/{name}", keys)
            worth = held.groupby("date")["value_aud"].sum()
            assert curves["strategy"].to_numpy() == pytest.approx(worth.to_numpy(), rel=1e-12)
            assert keys[-1] == LAST
        assert keys[0] == DECIDED, "the first decision on ten sessions of history"

    def test_the_benchmark_is_named(self, stored):
        notes = self.told(stored, "momentum_21")
        assert notes["benchmark"] == (
            "equal weight of all 25 tickers, rebalanced every session, before costs"
        )
        assert notes["sample"] == "2022-05-02 to 2022-06-08, 28 sessions"

    def test_charts_are_in_the_ui(self, stored):
        notes = self.told(stored, "equal_weight")
        for chart in ("equity", "drawdown", "weights"):
            assert notes[chart].startswith(f"![{chart}](data:image/png;base64,")

    def test_the_bias_is_stated_on_the_page(self, stored):
        page = read_page(stored.lake, "performance/equal_weight")
        assert "Survivorship bias: on 48 of 48 sessions" in page
        assert "chosen because they were large at the end" in page
        assert "nothing here is financial or tax advice" in page

    def test_tables_lie_beside_the_page(self, stored):
        folder = "performance/equal_weight"
        years = read_table(stored.lake, folder, "years", "financial year")
        assert years.index.tolist() == ["2021-22"]
        fills = read_table(stored.lake, folder, "fills", "date")
        figures = read_table(stored.lake, folder, "figures", "figure")
        costs = fills[["fee_aud", "slippage_aud", "fx_cost_aud"]].sum().sum()
        assert costs == pytest.approx(years[["fees", "slippage", "fx_costs"]].sum().sum())
        assert figures.loc["final value", "strategy"] > 0

    def test_too_little_history_is_said(self, stored, monkeypatch, tmp_path):
        patient = {
            "momentum_126": CATALOG["momentum_126"].model_copy(update={"grid": {}}),
        }
        with dg.DagsterInstance.ephemeral() as instance:
            found = Graph(stored.home, instance, patient).reports()
        (event,) = found.get_asset_materialization_events()
        note = event.materialization.metadata["note"].value
        assert note == "no targets are stored yet: nothing to report"

    @staticmethod
    def told(stored: Stored, name: str) -> dict[str, object]:
        for event in stored.reports.get_asset_materialization_events():
            if event.asset_key == dg.AssetKey(["performance", name]):
                found = event.materialization.metadata
                return {name: value.value for name, value in found.items()}
        raise AssertionError(name)


class TestWalkForward:
    def test_what_was_chosen_is_stored_and_shown(self, stored):
        windows = Windows(train=8, test=6)
        asset = walk_forward_asset("momentum_21", SHORT["momentum_21"], Terms(), windows)
        found = self.run(asset, stored)
        (event,) = found.get_asset_materialization_events()
        metadata = event.materialization.metadata
        assert metadata["equity"].value.startswith("![equity](data:image/png;base64,")
        folds = read_table(stored.lake, "walk_forward/momentum_21", "folds", "fold")
        assert set(folds["chosen"]) <= {"signal.places=2", "signal.places=3"}
        curves = read_table(stored.lake, "walk_forward/momentum_21", "curves", "date")
        assert list(curves.columns) == ["out_of_sample", "in_sample", "fixed"]
        assert (curves.iloc[0] == 100_000).all()

    def test_too_few_sessions_are_said(self, stored):
        asset = walk_forward_asset("momentum_21", SHORT["momentum_21"], Terms(), Windows())
        (event,) = self.run(asset, stored).get_asset_materialization_events()
        note = event.materialization.metadata["note"].value
        assert "nothing to report yet: a walk-forward analysis has 28 sessions" in note
        assert "needs 1032" in note

    @staticmethod
    def run(asset: dg.AssetsDefinition, stored: Stored) -> dg.ExecuteInProcessResult:
        lake = LakeResource(url=load_settings().lake_url)
        return dg.materialize([asset], resources={"lake": lake}, selection=[asset])


class TestLive:
    """The strategy that is traded with real money."""

    def orders(self, stored: Stored, day: str, monkeypatch) -> tuple[pd.DataFrame, dict]:
        monkeypatch.setenv("PARAKEET_LIVE_STRATEGY", "equal_weight")
        with dg.DagsterInstance.ephemeral() as instance:
            found = Graph(stored.home, instance, SHORT).run(
                day, selection=[dg.AssetKey(["orders", "equal_weight"])]
            )
        assert failures(found) == {}
        notes = metadata_of(found, "orders/equal_weight", day)
        return orders_of(stored, "equal_weight", day), notes

    def test_it_starts_from_imported_holdings_and_goes_on_from_trades(self, stored, monkeypatch):
        nobody, notes = self.orders(stored, "2022-05-31", monkeypatch)
        assert notes["note"] == "orders from the capital in cash: no holdings were imported"
        assert len(nobody) == 25

        Path("mine.csv").write_text(
            "ticker,quantity,currency,acquired,price\nKO,600,USD,2020-03-02,50\nCASH,20000,AUD,,\n"
        )
        code, said = parakeet("holdings", "import", "mine.csv", "--as-of", "2022-06-01")
        assert code == 0, said

        found, notes = self.orders(stored, "2022-06-01", monkeypatch)
        rate = stored.lake.read("fx_rates", ["2022-06-01"]).set_index("currency")["aud_per_unit"]
        close = stored.lake.read("daily_returns", ["2022-06-01"]).set_index("ticker")["close"]
        price = close * rate["USD"]
        equity = 20_000 + 600 * price["KO"]
        assert notes["equity_aud"] == round(equity, 2)
        assert notes["note"] == "orders from your holdings of 2022-06-01 and the trades since"
        # the target is 4 % of each: all but 4 % of KO are to go, and pay for the others
        raised = 600 * price["KO"] - equity / 25 + 3
        kept = np.floor(600 - raised / (price["KO"] * (1 - 0.0075)))
        assert found.loc["KO", ["side", "quantity"]].tolist() == ["sell", 600 - kept]
        assert found.loc["PEP", "quantity"] == np.floor((equity / 25 - 3) / (price["PEP"] * 1.0075))
        before = found["quantity"]

        pepsi = int(before["PEP"])
        Path("fills.csv").write_text(
            "id,date,ticker,side,quantity,price,currency,fee,aud_per_unit\n"
            f"a1,2022-06-02,KO,sell,{int(before['KO'])},62.5,USD,3,\n"
            f"a2,2022-06-02,PEP,buy,{pepsi},166,USD,3,1.4\n"
        )
        code, said = parakeet("trades", "import", "fills.csv")
        assert code == 0, said
        assert "2 new" in said
        after, notes = self.orders(stored, "2022-06-02", monkeypatch)
        assert "KO" not in after.index
        assert "PEP" not in after.index
        rest = before.drop(["KO", "PEP"])
        pd.testing.assert_series_equal(after["quantity"], rest, check_names=False)
        assert after.loc["JNJ", "reason"].endswith("; open since 2022-06-01")
        assert notes["positions"] == 2

        code, said = parakeet("orders")
        assert code == 0
        again = "Computed again with what was imported since: the orders of 2022-06-08"
        assert again in said
        assert "equal_weight on 2022-06-08, for your own portfolio" in said
        newest = orders_of(stored, "equal_weight", "2022-06-08")
        pd.testing.assert_series_equal(newest["quantity"], rest, check_names=False)
        assert again not in parakeet("orders")[1]

    def test_an_unknown_live_strategy_is_one_line(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_LIVE_STRATEGY", "momentum")
        code, said = parakeet("orders")
        assert (code, said) == (
            1,
            (
                "Error: PARAKEET_LIVE_STRATEGY=momentum: not enabled; accepted are equal_weight,"
                " momentum_21, or enable it in PARAKEET_STRATEGIES"
            ),
        )


class TestCommands:
    def test_orders_are_printed_and_written(self, stored):
        code, said = parakeet("orders", "--strategy", "momentum_21", "--date", DECIDED)
        assert code == 0
        assert "momentum_21 on 2022-05-02, for a simulated account" in said
        path = stored.home / "orders" / "momentum_21-2022-05-02.csv"
        written = pd.read_csv(path)
        assert written["session"].unique().tolist() == [DECIDED]
        table = stored.database.read_orders("momentum_21", date.fromisoformat(DECIDED))
        assert written["quantity"].tolist() == table["quantity"].tolist()
        assert str(path) in said.replace(" ", "")

    def test_nothing_to_do_is_said(self):
        code, said = parakeet("orders", "--strategy", "momentum_21", "--date", "2022-05-17")
        assert code == 0
        assert "momentum_21 on 2022-05-17: nothing to do, for a simulated account" in said

    def test_scripts_read_orders(self):
        code, said = parakeet("orders", "--strategy", "momentum_21", "--date", DECIDED, "--json")
        assert code == 0
        rows = json.loads(said[said.index("[") :])
        assert {row["side"] for row in rows} == {"buy"}
        assert rows[0]["session"] == DECIDED

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ("orders", "--strategy", "nope"),
                "--strategy nope: not enabled; accepted are equal_weight, momentum_21",
            ),
            (
                ("orders", "--date", "2022-06-04"),
                (
                    "2022-06-04 (Saturday) is not a session: no market is open; the nearest are"
                    " 2022-06-03 and 2022-06-06"
                ),
            ),
            (
                ("orders", "--date", "2021-06-03"),
                (
                    "no orders of any strategy on 2021-06-03 are stored: run parakeet backfill"
                    " FROM TO first"
                ),
            ),
            (
                ("report", "hrp_core"),
                (
                    "hrp_core has no report, since it has no targets: enable it in"
                    " PARAKEET_STRATEGIES and run parakeet backfill FROM TO"
                ),
            ),
            (
                ("report", "equal_weight", "--output", "/proc/x/y.html"),
                "cannot write /proc/x/y.html: No such file or directory; choose another --output",
            ),
        ],
    )
    def test_a_mistake_is_one_line(self, arguments, message):
        assert parakeet(*arguments) == (1, f"Error: {message}")

    def test_an_unknown_strategy_has_no_report(self):
        code, said = parakeet("report", "nope")
        assert code == 1
        assert said.startswith("Error: strategy nope: unknown; accepted are dual_momentum, ")

    def test_a_report_is_written_where_one_wants_it(self, stored, tmp_path):
        code, said = parakeet("report", "equal_weight", "--output", str(tmp_path / "page.html"))
        assert code == 0
        page = (tmp_path / "page.html").read_text()
        assert page == read_page(stored.lake, "performance/equal_weight")
        code, said = parakeet("report", "equal_weight")
        assert said.replace(" ", "").endswith("performance/equal_weight/report.html")

    def test_strategies_are_compared(self):
        code, said = parakeet("compare")
        assert code == 0
        assert "equal_weight 2022-04-01" in said
        assert "momentum_21 2022-05-02" in said
        code, said = parakeet("compare", "--json")
        assert '"deflated Sharpe ratio"' in said
