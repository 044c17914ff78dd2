"""What only a person can decide: ``parakeet quarantine`` and ``parakeet session``."""

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from parakeet_dagster import clock
from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import SessionError, SettingsError
from parakeet_dagster.settings import load_settings
from parakeet_dagster.tables import AsJson, log, out, records_of, show

if TYPE_CHECKING:
    from parakeet_dagster.storage.database import Database

quarantine = typer.Typer(invoke_without_command=True)
session = typer.Typer(help="Sessions whose data is incomplete for good.")

Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]
Market = Annotated[str, typer.Option(help="XNYS or XASX.")]


@quarantine.callback()
def listing(
    context: typer.Context,
    whole: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool, typer.Option("--all", help="What was resolved, too.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Bars that cannot be right, or look like an unlisted split, and the rule that each breaks.

    They are in no return. A row leaves by itself when a second bar holds the new level, when the
    split is listed, or when the vendor corrects it.

    Example: parakeet quarantine --all --json
    """
    if context.invoked_subcommand is not None:
        return
    database = _database()
    rows = database.whole_quarantine() if whole else database.open_quarantine()
    shown = rows.assign(close=rows["row"].map(lambda text: json.loads(text).get("close")))
    columns = ["id", "ticker", "date", "rule", "close", "detected_at"]
    if whole:
        columns += ["resolution"]
    if shown.empty and not as_json:
        out.print("Nothing is in quarantine.")
        return
    show(records_of(shown[columns]), "Quarantine", as_json=as_json)


@quarantine.command()
def release(row: Annotated[int, typer.Argument(metavar="ID")], reason: Reason) -> None:
    """Say that a bar is right: it is stored, marked suspect, and counts.

    Example: parakeet quarantine release 7 --reason "the takeover bid, see the news"
    """
    decided = _database().decide_quarantine(row, "released", reason)
    day = calendar.key(decided["date"])
    log.print(
        f"Released {decided['ticker']} {day}. The healing sensor computes it again, or:"
        f" parakeet backfill {day} {day}",
        soft_wrap=True,
    )


@quarantine.command()
def reject(row: Annotated[int, typer.Argument(metavar="ID")], reason: Reason) -> None:
    """Say that a bar is wrong: it stays out for good, unless the vendor shows another value.

    Example: parakeet quarantine reject 8 --reason "in pence"
    """
    decided = _database().decide_quarantine(row, "rejected", reason)
    log.print(f"Rejected {decided['ticker']} {calendar.key(decided['date'])}.")


@session.command()
def accept(
    day: Annotated[str, typer.Argument(metavar="SESSION")], market: Market, reason: Reason
) -> None:
    """Take a session of a market as complete with what the vendor has, be it nothing.

    For a closure that no calendar foresaw, or a day that the vendor never delivers. It is shown
    wherever the session is used.

    Example: parakeet session accept 2024-02-06 --market XASX --reason "exchange outage"
    """
    session_day = _open_session(day, market)
    if not reason.strip():
        raise SettingsError("--reason is empty: say why the session cannot be had")
    is_new = _database().accept_session(session_day, market, reason.strip())
    said = "Accepted" if is_new else "Already accepted:"
    log.print(
        f"{said} {day} {market}. The healing sensor brings it in, or:"
        f" parakeet backfill {day} {day}",
        soft_wrap=True,
    )


@session.command()
def withdraw(day: Annotated[str, typer.Argument(metavar="SESSION")], market: Market) -> None:
    """Take an acceptance back. What is stored stays until the session is computed again.

    Example: parakeet session withdraw 2024-02-06 --market XASX
    """
    session_day = calendar.parse_date(day)
    if not _database().withdraw_acceptance(session_day, market):
        raise SessionError(f"{day} {market} is not accepted: see parakeet session list")
    log.print(
        f"Withdrawn: {day} {market}. To ask the vendor again:"
        f" parakeet backfill {day} {day} --again",
        soft_wrap=True,
    )


@session.command("list")
def accepted(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """The sessions that were accepted by hand, and why.

    Example: parakeet session list --json
    """
    rows = _database().acceptances()
    if rows.empty and not as_json:
        out.print("No session was accepted by hand.")
        return
    show(records_of(rows), "Accepted sessions", as_json=as_json)


def _open_session(text: str, market: str) -> date:
    """The date of a completed session on which the market was open."""
    day = calendar.require_session(text)
    if market not in calendar.MARKETS:
        raise SettingsError(f"--market {market}: accepted are {', '.join(calendar.MARKETS)}")
    if not calendar.is_open(market, day):
        raise SessionError(f"{market} was closed on {day}: there is nothing to accept")
    if day > calendar.last_completed(clock.now()):
        raise SessionError(f"{day} is not over: wait until the vendor had its chance")
    return pd.Timestamp(day).date()


def _database() -> "Database":
    from parakeet_dagster.connect import open_database

    return open_database(load_settings())
