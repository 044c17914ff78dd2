"""What every strategy would have earned to date, after costs and tax: the tear sheets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.backtests import backtests
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.performance_notes import notes_on
from parakeet_dagster.assets.sample import Sample, read_samples
from parakeet_dagster.assets.strategies import history_note, stored_history
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.reports.charts import drawdown_chart, equity_chart, weights_chart
from parakeet_dagster.reports.images import as_markdown
from parakeet_dagster.reports.page import page
from parakeet_dagster.reports.tables import key_table
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.performance import PERFORMANCE, performance_path
from parakeet_dagster.storage.reports import remove_report, write_report
from strategy.portfolio.after_tax import after_tax
from strategy.portfolio.benchmark import choose
from strategy.portfolio.book import Book
from strategy.portfolio.compose import tear_sheet
from strategy.portfolio.sharpe import track_record
from strategy.portfolio.tax import TaxResult, liquidated, tax_years
from strategy.portfolio.tear_sheet import TearSheet
from strategy.strategy import Strategy

SHORTEST = 2
"""Sessions without which there is no return."""

TABLES = ("curves", "figures", "chance", "drawdowns", "monthly", "weights", "years")
"""The frames of a tear sheet that are stored beside the page."""


def performance_assets(
    strategies: Mapping[str, Strategy], settings: Settings
) -> list[dg.AssetsDefinition]:
    """The assets ``performance/<name>``, made in one step.

    They share the market that is read, and whether a result is luck depends on how many strategies
    were tried.
    """

    @dg.multi_asset(
        name=PERFORMANCE,
        specs=[_spec(name, one) for name, one in strategies.items()],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    @one_line_failures
    def performance(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[Lake],
        neon: dg.ResourceParam[Database],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        books = backtests(lake, strategies, settings.terms, SHORTEST)
        spans = {name: book.sessions for name, book in books.items()}
        samples, trials = read_samples(lake, strategies, spans), _sharpe_ratios(books)
        sources = neon.sources()
        for key in sorted(context.selected_asset_keys):
            name = key.path[-1]
            strategy, book = strategies[name], books.get(name)
            if book is None:
                remove_report(lake, performance_path(name))  # of before, and true no longer
                shown: dict[str, Any] = {"note": nothing_yet(lake, name, strategy)}
            else:
                sample = samples[name]
                notes = notes_on(neon, sources, sample, strategy, book.sessions, settings.terms)
                sheet, tax = sheet_of(strategy, book, trials, sample, notes, settings)
                shown = _stored(lake, sheet, book, tax)
            yield dg.MaterializeResult(asset_key=key, metadata=shown)

    return [performance] if strategies else []


def sheet_of(
    strategy: Strategy,
    book: Book,
    trials: pd.Series,
    sample: Sample,
    notes: Sequence[str],
    settings: Settings,
) -> tuple[TearSheet, TaxResult]:
    """The tear sheet of one book, and the tax behind it.

    Args:
        strategy: whose book it is.
        book: of its simulated account.
        trials: Sharpe ratio of a session, by strategy, of all that were tried.
        sample: what could have been held, for the benchmark.
        notes: what a reader must know.
        settings: the marginal rate of tax, and which parcels are sold first.
    """
    daily = book.daily
    interest = daily.set_index("date")["interest"]
    tax = tax_years(
        book.fills, book.splits, book.income, interest, settings.tax_rate, settings.parcels
    )
    sheet = tear_sheet(
        strategy=book.name,
        description=strategy.description,
        terms=book.terms,
        daily=daily,
        positions=book.positions,
        fills=book.fills,
        after_tax=after_tax(_equity(book), tax.years["tax"]),
        tax_years=tax.years,
        benchmark=choose(sample.funds, sample.mean, sample.held, book.terms.capital),
        trials=trials,
        notes=(*notes, *tax.notes, latent_note(book, tax)),
    )
    return sheet, tax


def latent_note(book: Book, tax: TaxResult) -> str:
    """What selling everything would add to the tax."""
    last = book.positions[book.positions["date"] == book.sessions[-1]]
    prices = last.set_index("ticker")["price_aud"]
    sold = liquidated(tax, prices, book.sessions[-1]).years["tax"].sum() - tax.years["tax"].sum()
    more = "more" if sold >= 0 else "less"
    return (
        f"The curve after tax bears what was due by its last session. If everything were sold then,"
        f" A${abs(sold):,.0f} {more} would be due."
    )


def nothing_yet(lake: Lake, name: str, strategy: Strategy) -> str:
    """Why there is no tear sheet."""
    stored = lake.sessions(f"allocations/{name}")
    if not stored:
        return "no targets are stored yet: nothing to report"
    lookback = max(strategy.signal.lookback, strategy.target_lookback)
    history = stored_history(lake, pd.Timestamp(stored[-1]))
    note = history_note(history, history[-1], lookback)
    return f"history: {note}, and a decision after them: nothing to report yet"


def _equity(book: Book) -> pd.Series:
    return book.daily.set_index("date")["equity"]


def _sharpe_ratios(books: Mapping[str, Book]) -> pd.Series:
    """Of a session, by strategy: of all that were tried."""
    records = {name: track_record(_equity(one), one.terms.cash_rate) for name, one in books.items()}
    return pd.Series({name: one.sharpe for name, one in records.items()}, dtype="float64")


def _stored(lake: Lake, sheet: TearSheet, book: Book, tax: TaxResult) -> dict[str, Any]:
    """Store the tear sheet; what the UI shows of it."""
    tables = {name: getattr(sheet, name) for name in TABLES}
    tables["monthly"] = sheet.monthly.rename_axis("calendar_year")
    more = {"fills": book.fills, "income": book.income, "disposals": tax.disposals}
    path = write_report(lake, performance_path(sheet.strategy), page(sheet), tables | more)
    last = sheet.curves.iloc[-1]
    return {
        "path": dg.MetadataValue.path(path),
        "sample": f"{sheet.first:%Y-%m-%d} to {sheet.last:%Y-%m-%d}, {len(sheet.curves)} sessions",
        "final_value_aud": round(float(last["strategy"]), 2),
        "after_tax_aud": round(float(last["after_tax"]), 2),
        "benchmark": sheet.benchmark,
        "figures": table(key_table(sheet)),
        "equity": dg.MetadataValue.md(as_markdown(equity_chart(sheet), "equity")),
        "drawdown": dg.MetadataValue.md(as_markdown(drawdown_chart(sheet), "drawdown")),
        "weights": dg.MetadataValue.md(as_markdown(weights_chart(sheet), "weights")),
        "notes": dg.MetadataValue.md("\n".join(f"* {note}" for note in sheet.notes)),
    }


def _spec(name: str, strategy: Strategy) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=[PERFORMANCE, name],
        deps=[["allocations", name], "daily_returns", "raw_prices", "fx_rates", "ticker_universe"],
        description=f"{strategy.description}.\n\nThe account that `orders/{name}` simulates, from"
        " its first decision on a complete history to the last stored session: what it earned after"
        " costs and after Australian tax, at what risk, beside a benchmark. `parakeet report"
        f" {name}` opens the page.",
        group_name=PERFORMANCE,
        kinds={"html", "parquet"},
        owners=OWNERS,
    )
