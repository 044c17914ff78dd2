"""What a person owns and trades: ``parakeet holdings`` and ``parakeet trades``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from parakeet_dagster import clock
from parakeet_dagster import sessions as calendar
from parakeet_dagster.counted import counted
from parakeet_dagster.errors import InputFileError, SessionError, UniverseError
from parakeet_dagster.imports.csv_file import read_lines, told
from parakeet_dagster.imports.holdings import COLUMNS, check_holdings
from parakeet_dagster.imports.trades import OPTIONAL, REQUIRED, check_trades, refused
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, log, out, records_of, show
from strategy.universes.members import CASH

if TYPE_CHECKING:
    from parakeet_dagster.storage.database import Database

holdings = typer.Typer(invoke_without_command=True)
trades = typer.Typer(invoke_without_command=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV; see docs/your-portfolio.md.")]


@holdings.callback()
def snapshot(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="DATE", help="The last one on or before it; default: all."),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """What you hold, as you imported it last.

    Example: parakeet holdings --json
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    until = None if day is None else calendar.parse_date(day)
    rows = _database(settings).holdings(until)
    if rows.empty and not as_json:
        when = f" on or before {day}" if day else ""
        out.print(f"No holdings are imported{when}: parakeet holdings import FILE", highlight=False)
        return
    show(records_of(rows), "Holdings", as_json=as_json, only_json=("imported_at",))


@holdings.command("import")
def import_holdings(
    file: File,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The day on which you hold this; default: today."),
    ] = None,
) -> None:
    """Import all that you hold on a day, in place of what was imported of that day.

    All or nothing: every problem of the file is listed, and nothing is imported while there is one.
    Trades after the day count on top of it, see parakeet trades import.

    Example: parakeet holdings import holdings.csv --as-of 2024-03-05
    """
    settings = load_settings()
    day, today = clock.session_day(), clock.newest_day()
    if as_of is not None:
        day = calendar.parse_date(as_of)
        if day > today:
            raise SessionError(f"--as-of {as_of} is in the future: today is {today}")
    lines = read_lines(file, COLUMNS)
    if lines.rows.empty and lines.problems.empty:
        raise InputFileError(f"{file}: there is no holding below the header: write one a line")
    checked = check_holdings(lines, _known_tickers(settings), day, today)
    if not checked.problems.empty:
        _say(checked.problems)
        problems = counted(len(checked.problems), "problem")
        raise InputFileError(f"{file}: {problems}, nothing is imported")
    replaced = _database(settings).replace_holdings(day, checked.rows)
    is_cash = checked.rows["ticker"] == CASH
    shares, cash = checked.rows[~is_cash], checked.rows.loc[is_cash, "quantity"].sum()
    out.print(
        f"{'Replaced' if replaced else 'Imported'} the holdings of {day}:"
        f" {counted(shares['ticker'].nunique(), 'ticker')} in {counted(len(shares), 'parcel')},"
        f" {cash:,.2f} AUD in cash",
        highlight=False,
        soft_wrap=True,
    )


@trades.callback()
def recorded(
    context: typer.Context,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """What you bought and sold, as you imported it.

    Example: parakeet trades --json
    """
    if context.invoked_subcommand is not None:
        return
    rows = _database(load_settings()).trades()
    if rows.empty and not as_json:
        out.print("No trades are imported: parakeet trades import FILE", highlight=False)
        return
    show(records_of(rows), "Trades", as_json=as_json, only_json=("imported_at",))


@trades.command("import")
def import_trades(file: File) -> None:
    """Import what you bought and sold. The same file again, or a longer one, does no harm.

    A trade is known by its id; one that is recorded is left as it is. Bad lines are named and left
    out; the exit code is 1 where there are some.

    Example: parakeet trades import fills.csv
    """
    settings = load_settings()
    lines = read_lines(file, REQUIRED, OPTIONAL)
    checked = check_trades(lines, _known_tickers(settings), clock.newest_day())
    counts = _database(settings).record_trades(checked.rows.drop_duplicates())
    bad = told([checked.problems, refused(checked.rows, counts.refused)])
    _say(bad)
    total = len(checked.rows) + len(checked.problems)
    out.print(
        f"{counted(total, 'trade')}: {counts.new} new, {total - counts.new - len(bad)} already"
        f" known, {counted(len(bad), 'bad line')}",
        highlight=False,
        soft_wrap=True,
    )
    if not bad.empty:
        raise typer.Exit(1)


def _known_tickers(settings: Settings) -> pd.DataFrame:
    """See ``known_tickers``."""
    from parakeet_dagster.choices import check_universes
    from parakeet_dagster.connect import active_universe
    from parakeet_dagster.known_tickers import known_tickers
    from parakeet_dagster.places import open_lake

    def say(error: UniverseError) -> None:
        log.print(f"Without today's members: {error}", markup=False, soft_wrap=True)

    check_universes(settings)
    return known_tickers(open_lake(settings.lake_url), active_universe(settings), say)


def _say(problems: "pd.Series[str]") -> None:
    for line, message in problems.items():
        text = f"line {line}: {message}"
        log.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def _database(settings: Settings) -> "Database":
    from parakeet_dagster.connect import open_database

    return open_database(settings)
