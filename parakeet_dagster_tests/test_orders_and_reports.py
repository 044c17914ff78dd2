"""From targets to orders, holdings and tear sheets: the real graph on the sample."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree

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
from parakeet_dagster.settings import export_dagster_home, load_settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.reports import read_page, read_table, write_report, write_tables
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


@contextmanager
def instance_at(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that the command line uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
        export_dagster_home(load_settings())
        with dg.DagsterInstance.get() as instance:
            yield instance


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, postgres_server) -> Iterator[Stored]:
    home = tmp_path_factory.mktemp("orders")
    with pytest.MonkeyPatch.context() as patch, empty_database(postgres_server) as url:
        patch.setenv("PARAKEET_HOME", str(home))
        patch.setenv("NEON_DATABASE_URL", url)
        with instance_at(home) as instance:
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


def computed(
    stored: Stored, strategy: str, first: str, last: str | None = None
) -> dg.ExecuteInProcessResult:
    """The orders of a strategy once more, on record where the command line looks."""
    with instance_at(stored.home) as instance:
        graph = Graph(stored.home, instance, SHORT)
        return graph.run(first, last, [dg.AssetKey(["orders", strategy])])


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
            assert notes[chart].startswith(f"![{chart}](data:image/svg+xml;base64,")

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
        write_report(stored.lake, "performance/momentum_126", "<p>of before</p>", {})
        with dg.DagsterInstance.ephemeral() as instance:
            found = Graph(stored.home, instance, patient).reports()
        (event,) = found.get_asset_materialization_events()
        note = event.materialization.metadata["note"].value
        assert note == "no targets are stored yet: nothing to report"
        assert read_page(stored.lake, "performance/momentum_126") is None, "it is out of date"
        assert stored.lake.store.paths("performance/momentum_126") == []

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
        assert metadata["equity"].value.startswith("![equity](data:image/svg+xml;base64,")
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
        found = computed(stored, "equal_weight", day)
        assert failures(found) == {}
        notes = metadata_of(found, "orders/equal_weight", day)
        return orders_of(stored, "equal_weight", day), notes

    def test_orders_of_before_it_was_live_are_not_called_ones_own(self, stored, monkeypatch):
        simulated = orders_of(stored, "equal_weight", LAST)
        monkeypatch.setenv("PARAKEET_LIVE_STRATEGY", "equal_weight")
        code, said = parakeet("orders", "--date", "2022-05-31")
        assert code == 0
        assert "Computed again" not in said
        assert "equal_weight on 2022-05-31, for a simulated account" in said
        assert (
            "The orders of equal_weight on 2022-05-31 were computed for a simulated account, before"
            " it was set otherwise: parakeet backfill 2022-05-31 2022-05-31 --again computes them,"
            " and all sessions after, for your own portfolio"
        ) in said

        code, said = parakeet("orders")
        assert code == 0
        again = "Computed again for your own portfolio: the orders of equal_weight on 2022-06-08"
        assert again in said
        assert "equal_weight on 2022-06-08, for your own portfolio" in said
        own = orders_of(stored, "equal_weight", LAST)
        assert len(own) == 25
        assert again not in parakeet("orders")[1]

        monkeypatch.setenv("PARAKEET_FEE_AUD", "5")
        code, said = parakeet("orders")
        assert (
            "Computed again on the terms that are set now: the orders of equal_weight on"
            " 2022-06-08" in said
        )
        assert "kept on other terms" not in said, "of the simulated account, which is not shown"
        dearer = orders_of(stored, "equal_weight", LAST)["cost_estimate_aud"]
        assert dearer["KO"] == pytest.approx(own["cost_estimate_aud"]["KO"] + 2, abs=1)
        monkeypatch.delenv("PARAKEET_FEE_AUD")
        parakeet("orders")

        monkeypatch.delenv("PARAKEET_LIVE_STRATEGY")
        code, said = parakeet("orders", "--strategy", "equal_weight")
        assert (
            "Computed again for a simulated account: the orders of equal_weight on 2022-06-08"
            in said
        )
        assert "for your own portfolio" not in said
        again = computed(stored, "equal_weight", FIRST, LAST)
        assert failures(again) == {}
        pd.testing.assert_frame_equal(orders_of(stored, "equal_weight", LAST), simulated)

    def test_an_account_that_is_not_on_record(self, stored, monkeypatch):
        """The Dagster home was lost, say."""
        lost = (stored.home / "dagster").rename(stored.home / "lost")
        try:
            code, said = parakeet("orders", "--strategy", "momentum_21", "--date", "2022-05-17")
        finally:
            rmtree(stored.home / "dagster")
            lost.rename(stored.home / "dagster")
        assert code == 0
        assert said.startswith(
            "momentum_21 on 2022-05-17, for an account of which there is no record: nothing to do"
        )

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

        parakeet("orders")
        Path("last.csv").write_text(
            "id,date,ticker,side,quantity,price,currency,fee\na3,2022-06-08,PEP,sell,1,166,USD,3\n"
        )
        assert parakeet("trades", "import", "last.csv")[0] == 0
        code, said = parakeet("orders")
        assert code == 0
        again = (
            "Computed again with what was entered since: the orders of equal_weight on 2022-06-08"
        )
        assert again in said
        assert "equal_weight on 2022-06-08, for your own portfolio" in said
        newest = orders_of(stored, "equal_weight", "2022-06-08")
        assert newest["quantity"].to_dict() == {**rest, "PEP": 1}
        assert again not in parakeet("orders")[1]

        # a correction counts, and so does a deletion, after which no row is newer than before
        for change, pepsi_left in (
            ("put_trade('a3', trade_content('a3') || '{\"quantity\": 2}', 'me', 'k')", {"PEP": 2}),
            ("delete_trade('a3', 'me', 'k')", {}),
        ):
            with stored.database.transaction("change a trade") as connection:
                connection.exec_driver_sql(f"SELECT {change}")
            assert again in parakeet("orders")[1]
            newest = orders_of(stored, "equal_weight", "2022-06-08")
            assert newest["quantity"].to_dict() == {**rest, **pepsi_left}
            assert again not in parakeet("orders")[1]

        # what does not add up keeps nobody from other sessions, and is not "nothing to do"
        Path("more.csv").write_text(
            "id,date,ticker,side,quantity,price,currency,fee\n"
            "b1,2022-06-03,KO,sell,9999,62.5,USD,3\n"
        )
        code, said = parakeet("trades", "import", "more.csv")
        assert code == 0, said
        told = f"KO on 2022-06-03: 9999 sold, but {600 - before['KO']:.10g} held: import a snapshot"
        none, notes = self.orders(stored, "2022-06-03", monkeypatch)
        assert none.empty
        assert notes["note"].startswith(f"no orders: {told}")
        code, said = parakeet("orders", "--date", "2022-06-03")
        assert code == 0
        assert f"equal_weight on 2022-06-03, for your own portfolio: no orders: {told}" in said
        assert "nothing to do" not in said
        code, said = parakeet("orders")
        assert (code, said.startswith(f"Error: orders__equal_weight: {told}")) == (1, True)
        code, said = parakeet("holdings", "import", "mine.csv", "--as-of", "2022-06-08")
        assert code == 0, said
        code, said = parakeet("orders")
        assert (code, again in said) == (0, True)

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


class TestTerms:
    """One account on two terms; the back-fill from its start mends it."""

    TOLD = (
        "kept on other terms (capital, costs, ...) than are set now: the simulated account of"
        " equal_weight; parakeet backfill 2022-04-01 2022-04-01 --again computes all of it anew"
    )

    def test_an_account_on_two_terms_is_told(self, stored, monkeypatch):
        ask = ("orders", "--strategy", "equal_weight")
        parakeet(*ask)  # it may have been the live one
        assert "other terms" not in parakeet(*ask)[1]
        monkeypatch.setenv("PARAKEET_FEE_AUD", "5")
        code, said = parakeet(*ask)
        assert code == 0
        assert self.TOLD in said, said
        assert "Computed again" not in said

        mixed = computed(stored, "equal_weight", LAST)
        assert metadata_of(mixed, "orders/equal_weight", LAST)["past_terms"] == "other than these"
        assert self.TOLD in parakeet(*ask)[1]
        assert self.TOLD in parakeet(*ask, "--date", "2022-05-17")[1]
        monkeypatch.delenv("PARAKEET_FEE_AUD")
        assert self.TOLD in parakeet(*ask)[1]
        assert failures(computed(stored, "equal_weight", "2022-06-07", LAST)) == {}
        assert "other terms" not in parakeet(*ask)[1], "as if it had never been"

        monkeypatch.setenv("PARAKEET_FEE_AUD", "5")
        assert failures(computed(stored, "equal_weight", "2022-06-06")) == {}
        monkeypatch.delenv("PARAKEET_FEE_AUD")
        for day in ("2022-06-07", LAST):
            assert failures(computed(stored, "equal_weight", day)) == {}
        assert self.TOLD in parakeet(*ask)[1], "though the newest session was on these"
        code, said = parakeet("status")
        assert code == 0
        assert self.TOLD in said

        assert failures(computed(stored, "equal_weight", FIRST, LAST)) == {}
        assert "other terms" not in parakeet(*ask)[1]
        assert "other terms" not in parakeet("status")[1]

    def test_before_an_account_starts_it_has_no_past(self, stored, monkeypatch):
        monkeypatch.setenv("PARAKEET_CAPITAL_AUD", "5000")
        found = computed(stored, "momentum_21", DECIDED)
        assert "past_terms" not in metadata_of(found, "orders/momentum_21", DECIDED)
        monkeypatch.delenv("PARAKEET_CAPITAL_AUD")
        assert failures(computed(stored, "momentum_21", DECIDED, LAST)) == {}


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
        assert "momentum_21 on 2022-05-17, for a simulated account: nothing to do" in said

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

    def test_what_is_written_is_utf_8_whatever_the_locale(self, tmp_path):
        """On Windows, say; pages and names have letters that ASCII lacks."""
        code = (
            "import locale; from pathlib import Path; from parakeet_dagster.cli_portfolio import"
            " _write; assert 'UTF' not in locale.getpreferredencoding(); _write(Path('page.html'),"
            " '\\u2212 \\u00d7')"
        )
        plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        here = str(Path(definitions.__file__).parents[1])
        subprocess.run(
            [sys.executable, "-c", code],
            env={**plain, "PYTHONPATH": here},
            check=True,
            cwd=tmp_path,
        )
        assert (tmp_path / "page.html").read_bytes() == "\u2212 \u00d7".encode()

    def test_a_report_is_written_where_one_wants_it(self, stored, tmp_path):
        code, said = parakeet("report", "equal_weight", "--output", str(tmp_path / "page.html"))
        assert code == 0
        page = (tmp_path / "page.html").read_text()
        assert page == read_page(stored.lake, "performance/equal_weight")
        code, said = parakeet("report", "equal_weight")
        assert said.replace(" ", "").endswith("performance/equal_weight/report.html")

    def test_strategies_that_end_on_different_sessions_are_not_told_one_end(self, stored):
        path = stored.home / "lake/performance/momentum_21/curves.parquet"
        before = path.read_bytes()
        curves = read_table(stored.lake, "performance/momentum_21", "curves", "date")
        write_tables(stored.lake, "performance/momentum_21", {"curves": curves.iloc[:-3]})
        try:
            code, said = parakeet("compare")
        finally:
            path.write_bytes(before)
        assert code == 0
        told = "To 2022-06-08, momentum_21 to 2022-06-03, in AUD after costs strategy from"
        assert said.startswith(told)
        assert parakeet("compare")[1].startswith("To 2022-06-08, in AUD after costs strategy from")

    def test_strategies_are_compared(self):
        code, said = parakeet("compare")
        assert code == 0
        assert "equal_weight 2022-04-01" in said
        assert "momentum_21 2022-05-02" in said
        code, said = parakeet("compare", "--json")
        assert '"deflated Sharpe ratio"' in said
