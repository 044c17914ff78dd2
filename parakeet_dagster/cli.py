"""The command line: ``parakeet``."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from parakeet_dagster import (
    cli_api,
    cli_database,
    cli_decisions,
    cli_digest,
    cli_doctor,
    cli_imports,
    cli_portfolio,
    cli_status,
    clock,
    meter,
    stopping,
)
from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import ParakeetError, RunFailedError, SessionError, SettingsError
from parakeet_dagster.settings import Settings, export_dagster_home, export_dotenv, load_settings
from parakeet_dagster.stopping import StopRequested
from parakeet_dagster.tables import AsJson, log, out, records_of, show, text_of

if TYPE_CHECKING:
    import dagster as dg

    from parakeet_dagster.backfill import Span
    from parakeet_dagster.price_sources.base import PriceSource
    from parakeet_dagster.steps import Steps

app = typer.Typer(
    help="From a list of tickers to today's portfolio. Settings are environment variables; see"
    " .env.example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database: the embedded PostgreSQL, or the one you named.")
app.add_typer(db, name="db", no_args_is_help=True)
for command in (
    cli_database.migrate,
    cli_database.version,
    cli_database.dump,
    cli_database.restore,
    cli_database.rebuild,
    cli_database.refill,
):
    db.command()(command)
app.command()(cli_database.adopt)
app.command()(cli_api.api)
app.command()(cli_portfolio.orders)
app.command()(cli_portfolio.report)
app.command()(cli_portfolio.compare)
app.command()(cli_digest.digest)
app.command()(cli_doctor.doctor)
app.add_typer(cli_api.keys, name="keys")
app.add_typer(cli_decisions.quarantine, name="quarantine")
app.add_typer(cli_decisions.session, name="session", no_args_is_help=True)
app.add_typer(cli_imports.holdings, name="holdings")
app.add_typer(cli_imports.trades, name="trades")


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 1.

    Stopped by Ctrl-C it is one line and 130, by SIGTERM 143.
    """
    try:
        with stopping.listening():
            _listened_to()
    except StopRequested as stop:  # just as listening began or ended
        stopping.end_at_once(stop.exit_code)


def _listened_to() -> None:
    try:
        export_dotenv()
        app()
    except ParakeetError as error:
        log.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except StopRequested as stop:
        stopping.begin_to_end()
        if log.is_terminal:
            log.file.write("\r")  # over the ^C that the terminal shows
        meter.say(log, stop.note or "Stopped.")
        sys.stdout.flush()
        os._exit(stop.exit_code)  # threads that still wait for a vendor would hold it up


@app.command()
def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last date, YYYY-MM-DD.")],
    chunk: Annotated[int, typer.Option(min=1, help="Sessions a run.")] = 260,
    again: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool,
        typer.Option(
            "--again",
            help="Fetch and compute what is done too: after a ticker failed, or after a strategy"
            " was changed. Sessions keep the members that they have.",
        ),
    ] = False,
    lists: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool,
        typer.Option(
            "--lists",
            help="As --again, and put today's lists of members into these sessions: after you"
            " changed your own list, say. What they were is lost.",
        ),
    ] = False,
    tickers: Annotated[
        str,
        typer.Option(
            help="Comma-separated: ask for these only, and merge their history into what is"
            " stored. A new member's comes by itself on the day it joins."
        ),
    ] = "",
) -> None:
    """Materialise every asset for the sessions from FROM to TO, and the look-back before them.

    Dates are snapped to sessions. Each chunk is one run. Stop it at any time by Ctrl-C: the same
    command goes on where it stopped, and does nothing once all is done. What is stored after TO is
    computed again where it depends on what comes in.

    Example: parakeet backfill 2022-01-01 2022-06-30
    """
    settings = load_settings()
    from parakeet_dagster import backfill as work
    from parakeet_dagster import runs
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.connect import open_database, open_price_source
    from parakeet_dagster.dead_runs import bury
    from parakeet_dagster.places import open_lake

    prices = open_price_source(settings)
    wanted = replace(work.snap(first, last, prices), tickers=frozenset(names_of(tickers)))
    with _instance(settings) as instance:
        with meter.waiting("reading what is stored"):
            from parakeet_dagster.definitions import defs

            bury(instance)
            database, lake = open_database(settings), open_lake(settings.lake_url)
            assets = work.dependencies(defs.resolve_asset_graph())
            progress = work.Progress(assets, instance, lake, database)
        cli_database.say_where_records_are_lost(progress)
        history = max((one.history for one in enabled_strategies(settings).values()), default=1)
        if wanted.tickers:
            spans = work.merge(progress, wanted, lake)
        elif again or lists:
            spans = work.again(progress, replace(wanted, lists=lists))
        else:
            spans = work.plan(progress, wanted, history)
        log.print(f"Sessions {wanted.first} to {wanted.last}", highlight=False)
        batch = work.batch_of("backfill", wanted, settings)
        if again or lists:
            prices.forget(batch)
        starts_over = again or lists or bool(wanted.tickers)
        if not spans:
            log.print("Nothing to do: every session is complete.")
        while spans:
            pieces = list(work.chunks(spans, chunk))
            try:
                with _told_where_stopped(pieces, starts_over=starts_over) as completed:
                    with meter.working("reading the lists of members"):
                        runs.run_membership(defs, instance, pieces, batch)
                    _run_all(
                        pieces,
                        prices,
                        lambda piece, steps: runs.run(defs, instance, piece, batch, steps),
                        completed,
                    )
            except RunFailedError:
                prices.forget(batch)
                database.refresh_adjusted_closes()
                raise
            prices.forget(batch)
            done, progress = spans, work.Progress(assets, instance, lake, database)
            spans = work.plan_for_who_joined(progress, database)
            spans = [] if spans == done else spans
        stopping.check()
        with meter.working("adjusting closes"):
            database.refresh_adjusted_closes()
        if progress.are_stale(work.reports(defs.resolve_asset_graph()), instance):
            with meter.working("writing the reports"):
                runs.run_reports(defs, instance)
        _say_what_failed(database.open_failures(), wanted)


@app.command()
def status(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """Per asset: first and last session, missing sessions, failed tickers, and how far behind.

    Missing are sessions between the first and the last stored price that an asset does not have.
    Behind are completed sessions after its last one, as far as the price source has data. Below
    the table is what is not settled: failed tickers, sessions that nothing could complete, rows in
    quarantine, corrections, accepted sessions.

    Example: parakeet status --json
    """
    settings = load_settings()
    from parakeet_dagster import backfill as work
    from parakeet_dagster.checks.prices import due_session
    from parakeet_dagster.connect import open_database, open_price_source
    from parakeet_dagster.definitions import defs
    from parakeet_dagster.places import open_lake

    database = open_database(settings)
    assets = work.dependencies(defs.resolve_asset_graph())
    with meter.waiting("reading what is stored"), _instance(settings) as instance:
        progress = work.Progress(assets, instance, open_lake(settings.lake_url), database)
        other_terms = cli_status.terms_line(settings, instance, progress)
    cli_database.say_where_records_are_lost(progress)
    unsettled = cli_status.unsettled(database, progress, other_terms)
    due = due_session(open_price_source(settings), clock.now())
    history = progress.history
    span = calendar.between(history[0], history[-1]) if history else []
    rows = [
        cli_status.asset_row(progress, key, span, due)
        | (unsettled.of_prices if key == work.PRICES else {})
        for key in assets
    ]
    show(rows, "Assets", as_json=as_json, only_json=cli_status.ONLY_JSON)
    if not as_json:
        for line in unsettled.lines():
            out.print(line, markup=False, highlight=False, soft_wrap=True)
        _where(settings, database.url.display)


@app.command()
def verify(
    first: Annotated[str | None, typer.Argument(metavar="FROM", help="Default: all.")] = None,
    last: Annotated[str | None, typer.Argument(metavar="TO", help="Default: all.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Compare what is stored with what the vendor says now; every ticker is asked for once.

    Nothing is changed. What differs is recorded: the healing sensor computes those sessions again,
    or a back-fill does.

    Example: parakeet verify 2024-01-01 2024-06-30
    """
    settings = load_settings()
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.verify import verify_history

    stored = open_lake(settings.lake_url).sessions("raw_prices")
    start, end = _stored_range(stored, first, last)
    with meter.shown(0, "ticker") as shown:
        shown.at(0, "reading what is stored")
        found = verify_history(
            settings,
            start,
            end,
            lambda answered, asked: shown.at(answered, "asking for tickers", asked),
        )
        shown.over("asked")
    if as_json or not found.empty:
        show(records_of(found), "Corrections", as_json=as_json)
    else:
        out.print("Everything that is stored equals what the vendor says now.")
    if not as_json and not found.empty:
        day = f"{found['date'].min():%Y-%m-%d}"
        log.print(
            f"Next: the healing sensor, or parakeet backfill {day} {stored[-1]}", soft_wrap=True
        )


@app.command()
def allocations(
    strategy: Annotated[str | None, typer.Option(help="A strategy; default: all enabled.")] = None,
    date: Annotated[str | None, typer.Option(help="A session; default: the latest.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """The target weights: what to hold, as parts of the portfolio in AUD.

    Example: parakeet allocations --strategy dual_momentum --date 2022-06-30
    """
    settings = load_settings()
    from parakeet_dagster.assets.membership import UNKNOWN, strategy_membership
    from parakeet_dagster.choices import catalog
    from parakeet_dagster.connect import open_database
    from strategy.universes.membership import BIASED

    known = catalog(settings)
    if strategy is not None and strategy not in known:
        raise SettingsError(f"--strategy {strategy}: unknown; accepted are {', '.join(known)}")
    session = None if date is None else pd.Timestamp(calendar.require_session(date)).date()
    database = open_database(settings)
    weights = database.read_allocations(strategy, session)
    if weights.empty:
        what = f"{strategy or 'any strategy'}{f' on {date}' if date else ''}"
        raise SessionError(
            f"no allocation of {what} is stored: run parakeet backfill FROM TO first"
        )
    if as_json:
        show(records_of(weights), "", as_json=True)
        return
    for (name, day), rows in weights.groupby(["strategy", "session"]):
        ordered = rows.sort_values("weight", ascending=False, kind="stable")
        shown = [
            {"ticker": row["ticker"], "weight": f"{row['weight']:.2%}"}
            for row in ordered.to_dict("records")
        ]
        shown.append({"ticker": "sum", "weight": f"{rows['weight'].sum():.2%}"})
        show(shown, f"{name} on {day:%Y-%m-%d}", as_json=False)
        key = f"{day:%Y-%m-%d}"
        told = strategy_membership(database, [key], known.get(str(name))).get(key, UNKNOWN)
        if BIASED in told:
            out.print(f"Members: {told}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def universe(
    key: Annotated[str | None, typer.Argument(help="A universe's key.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """The members of a universe; without a key, the universes.

    Example: parakeet universe CORE_ETFS --json
    """
    settings = load_settings()
    from parakeet_dagster.connect import open_universe_source
    from strategy.universes import DESCRIPTIONS, KEYS

    if key is not None:
        if key not in KEYS:
            raise SettingsError(f"universe {key}: unknown; accepted are {', '.join(KEYS)}")
        members = open_universe_source(settings, (key,)).members(key)
        listed = members.assign(universe=key)[["universe", *members.columns]]
        show(records_of(listed), key, as_json=as_json)
        return
    source = open_universe_source(settings, KEYS)
    rows = []
    for name in KEYS:
        try:
            count: int | None = len(source.members(name))
        except ParakeetError:
            count = None
        active = name in settings.universe_keys
        rows.append(
            {
                "universe": name,
                "members": count,
                "active": active,
                "description": DESCRIPTIONS[name],
            }
        )
    show(rows, "Universes", as_json=as_json)


@app.command()
def strategies(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """The catalog: every named strategy, its parameters, and whether it becomes assets.

    Example: parakeet strategies --json
    """
    settings = load_settings()
    from parakeet_dagster.choices import told_catalog

    rows = told_catalog(settings)
    if as_json:
        show(rows, "", as_json=True)
        return
    for row in rows:
        out.print(row["strategy"], style="bold", highlight=False)
        for name, value in list(row.items())[1:]:
            line = f"  {name:12} {text_of(value)}"
            out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Of the web server.")] = 3000) -> None:
    """The Dagster UI with its daemon, on the same data: http://localhost:3000.

    Example: parakeet ui --port 3001
    """
    settings = load_settings()
    home = export_dagster_home(settings)
    from parakeet_dagster.dead_runs import bury

    with _instance(settings) as instance:
        bury(instance)
    log.print(f"Dagster home {home}; http://localhost:{port}; Ctrl-C stops it", highlight=False)
    program = str(Path(sys.executable).with_name("dagster"))
    logs = ["--log-format", "json"] if settings.logs == "json" else []
    arguments = ["dev", "-m", "parakeet_dagster.definitions", "--port", str(port), *logs]
    os.execv(program, [program, *arguments])  # noqa: S606 - our own arguments, no shell


@db.command("status")
def db_status(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """Where the database is and what it holds.

    Example: parakeet db status --json
    """
    settings = load_settings()
    from parakeet_dagster.connect import open_database
    from parakeet_dagster.logins import embedded_postgres

    if settings.has_own_database and not embedded_postgres(settings).status().running:
        show(
            [{"url": None, "bars": None, "first": None, "last": None}],
            "Not running",
            as_json=as_json,
        )
        return
    database = open_database(settings)
    summary = database.market_data_summary()
    row: dict[str, Any] = {"url": database.url.display, "bars": summary.rows}
    row |= {"first": str(summary.first_date or ""), "last": str(summary.last_date or "")}
    show([row], "Database", as_json=as_json)


@db.command("start")
def db_start() -> None:
    """Start the embedded PostgreSQL, with its schema. Everything else does so by itself.

    Example: parakeet db start
    """
    settings = load_settings()
    from parakeet_dagster.connect import open_database

    database = open_database(settings)
    database.apply_schema()
    log.print(f"Running: {database.url.display}", highlight=False, soft_wrap=True)


@db.command("stop")
def db_stop() -> None:
    """Stop the embedded PostgreSQL; nothing is lost. It starts again when it is needed.

    Example: parakeet db stop
    """
    settings = load_settings()
    from parakeet_dagster.logins import embedded_postgres

    if not settings.has_own_database:
        variable = "PARAKEET_DATABASE_SECRET" if settings.database_secret else "NEON_DATABASE_URL"
        raise SettingsError(
            f"{variable} is set: its server is not ours to stop; unset it to stop the embedded one"
        )
    stopped = embedded_postgres(settings).stop()
    log.print("Stopped." if stopped else "It was not running.")


def _run_all(
    pieces: list["Span"],
    prices: "PriceSource",
    run: "Callable[[Span, Steps], None]",
    completed: list["Span"],
) -> None:
    """Run the pieces one by one, show how far that is, and list those that are complete."""
    from parakeet_dagster.steps import Steps

    total = count_of(pieces)
    with meter.shown(total, "session") as shown:
        for piece in pieces:
            stopping.check()
            done, count = count_of(completed), len(piece.keys)
            verb = "recomputing" if piece.derived else "bringing in"
            what = f"{verb} {piece.first} to {piece.last}"

            def tell(part: float, doing: str) -> None:
                shown.at(done + part * count, f"{what}: {doing}")  # noqa: B023 - within this turn

            steps = Steps(tell)
            prices.on_answer = steps.answered
            run(piece, steps)
            completed.append(piece)
            shown.part(count_of(completed), what)
    log.print(f"Done: {total} sessions, {pieces[0].first} to {pieces[-1].last}", highlight=False)


@contextmanager
def _told_where_stopped(pieces: list["Span"], *, starts_over: bool) -> Iterator[list["Span"]]:
    """Where the block is stopped, tell how many sessions are complete; the block lists them."""
    completed: list[Span] = []
    try:
        yield completed
    except StopRequested as stop:
        then = "begins again" if starts_over else "goes on there"
        stop.note = (
            f"Stopped: {count_of(completed)} of {count_of(pieces)} sessions are complete;"
            f" the same command {then}."
        )
        raise


def count_of(pieces: list["Span"]) -> int:
    """How many sessions are in them."""
    return sum(len(piece.keys) for piece in pieces)


def _say_what_failed(failures: pd.DataFrame, wanted: "Span") -> None:
    """A back-fill goes on without the tickers that could not be had, but not in silence."""
    within = failures["session"].between(pd.Timestamp(wanted.first), pd.Timestamp(wanted.last))
    failed = cli_status.by_ticker(failures[within])
    if not failed.empty:
        named = ", ".join(failed["ticker"] + " " + failed["error_class"])
        command = f"parakeet backfill {wanted.first} {wanted.last}"
        log.print(
            f"Without {named}. What another try may mend is asked for again by {command}; all of"
            " it with --again",
            soft_wrap=True,
        )


def _stored_range(stored: list[str], first: str | None, last: str | None) -> tuple[str, str]:
    """The first and last stored session from ``first`` to ``last``; None leaves an end open.

    Raises:
        SessionError: a date is malformed, the range is reversed, or nothing is stored in it.
            Comparing nothing would find no difference, and that must not read as a good result.
    """
    if not stored:
        raise SessionError("nothing is stored yet: run parakeet backfill FROM TO first")
    start = calendar.key(calendar.parse_date(first)) if first else stored[0]
    end = calendar.key(calendar.parse_date(last)) if last else stored[-1]
    if first and last and end < start:
        raise SessionError(f"the range {first} {last} is reversed: write the earlier date first")
    inside = [session for session in stored if start <= session <= end]
    if not inside:
        raise SessionError(
            f"nothing is stored from {start} to {end}: choose dates from {stored[0]} to"
            f" {stored[-1]}"
        )
    return inside[0], inside[-1]


def names_of(text: str) -> list[str]:
    """The names in a comma-separated list."""
    return [name for part in text.split(",") if (name := part.strip())]


def _instance(settings: Settings) -> "dg.DagsterInstance":
    from parakeet_dagster.instance import open_instance

    return open_instance(settings)


def _where(settings: Settings, database: str) -> None:
    places = {
        "lake": settings.lake_url,
        "database": database,
        "Dagster home": str(settings.instance_home),
        "prices": settings.price_source,
        "universes": ", ".join(settings.universe_keys),
    }
    for what, place in places.items():
        out.print(f"{what:13} {place}", highlight=False, markup=False, soft_wrap=True)
    if settings.price_source == "sample":
        out.print(
            "Sample prices are adjusted closes to 2022-12-28: open, high and low equal the close,"
            " volume is 0."
        )
