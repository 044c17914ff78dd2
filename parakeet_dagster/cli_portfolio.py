"""What to trade, and what it would have earned: ``parakeet orders``, ``report`` and ``compare``."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from parakeet_dagster import meter
from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import SessionError, SettingsError
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, log, out, records_of, show

if TYPE_CHECKING:
    import dagster as dg

    from parakeet_dagster.accounts import Record
    from parakeet_dagster.storage.database import Database
    from parakeet_dagster.storage.lake import Lake

COMPARED = {
    "CAGR": "CAGR",
    "CAGR after tax": "taxed",
    "Sharpe ratio": "Sharpe",
    "maximum drawdown": "deepest",
    "costs a year": "costs",
    "deflated Sharpe ratio": "no luck",
}
"""The figures that fit into a terminal, and their headers."""

ORDER_DIGITS = {"quantity": 4, "price_estimate_aud": 4, "cost_estimate_aud": 2}


def orders(
    strategy: Annotated[
        str | None, typer.Option(help="Default: the live strategy, else all enabled.")
    ] = None,
    day: Annotated[
        str | None, typer.Option("--date", help="A session; default: the latest.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The CSV; default: in PARAKEET_HOME/orders.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """What to trade after a session, also written as a CSV.

    Sized at the session's closes, to be filled at the next. The live strategy's orders start from
    your holdings and trades, the others' from a simulated account.

    Example: parakeet orders --strategy dual_momentum --date 2022-06-30
    """
    settings = load_settings()
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.connect import open_database

    enabled = enabled_strategies(settings)
    if strategy is not None and strategy not in enabled:
        raise SettingsError(
            f"--strategy {strategy}: not enabled; accepted are {', '.join(enabled)}"
        )
    names = [strategy] if strategy else [settings.live_strategy or "", *enabled]
    names = names[:1] if names[0] else names[1:]
    session = None if day is None else pd.Timestamp(calendar.require_session(day)).date()
    database = open_database(settings)
    stored = database.order_sessions()
    chosen = {
        name: days
        for name in names
        if (days := [one for one in stored.get(name, []) if session in (None, one)])
    }
    if not chosen:
        what = f"{names[0] if len(names) == 1 else 'any strategy'}{f' on {day}' if day else ''}"
        raise SessionError(f"no orders of {what} are stored: run parakeet backfill FROM TO first")
    told = _records(settings, database, {name: days[-1] for name, days in chosen.items()}, stored)
    found = {
        name: (calendar.key(days[-1]), database.read_orders(name, days[-1]))
        for name, days in chosen.items()
    }
    whole = pd.concat([frame for _, frame in found.values()], ignore_index=True)
    if as_json:
        show(records_of(whole.round(ORDER_DIGITS)), "", as_json=True)
    else:
        for name, (last, frame) in found.items():
            _show_orders(name, last, frame, told[name])
    path = output or settings.home / "orders" / _file_name(found)
    _write_csv(path, whole.round(ORDER_DIGITS))
    log.print(f"Written: {path}", highlight=False, soft_wrap=True)


def report(
    strategy: Annotated[str, typer.Argument(help="A strategy.")],
    output: Annotated[
        Path | None, typer.Option(help="Write the page there instead of opening it.")
    ] = None,
    browser: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool, typer.Option(help="Open it in a browser.")
    ] = True,
) -> None:
    """The tear sheet of a strategy, as an HTML page: where it is, and open it.

    Example: parakeet report dual_momentum --output dual_momentum.html
    """
    settings = load_settings()
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.storage.performance import performance_path
    from parakeet_dagster.storage.reports import PAGE, read_page

    _require_known(settings, strategy)
    lake = open_lake(settings.lake_url)
    page = read_page(lake, performance_path(strategy))
    if page is None:
        raise SessionError(_no_report(lake, strategy))
    is_local = not lake.store.url.startswith("s3://")
    stored = Path(lake.store.url) / performance_path(strategy) / PAGE
    if output or not is_local:
        path = output or settings.home / "reports" / f"{strategy}.html"
        _write(path, page)
    else:
        path = stored
    out.print(str(path), highlight=False, soft_wrap=True)
    if browser and output is None and out.is_terminal:
        typer.launch(str(path))


def compare(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """All strategies side by side, after costs, from their reports.

    Example: parakeet compare --json
    """
    settings = load_settings()
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.reports.formatting import aligned
    from parakeet_dagster.storage.performance import compared, read_performances
    from strategy.portfolio.comparison import UNITS

    with meter.waiting("reading the reports"):
        lake = open_lake(settings.lake_url)
        sheets = read_performances(lake, enabled_strategies(settings))
    if not sheets:
        raise SessionError(
            "no report is stored yet: run parakeet backfill FROM TO over more sessions than the"
            " strategies look back on"
        )
    table = compared(sheets)
    if as_json:
        show(records_of(table.reset_index()), "", as_json=True)
        return
    told = table.reset_index()
    for figure, unit in UNITS.items():
        told[figure] = aligned(table[figure], unit)
    last = table["to"].max()
    others = [f"{name} to {end}" for name, end in table["to"].items() if end != last]
    rows = records_of(told[["strategy", "from", *COMPARED]].rename(columns=COMPARED))
    show(rows, ", ".join([f"To {last}", *others, "in AUD after costs"]), as_json=False)
    out.print(
        f"The last column: how sure one can be that it is more than the luck of the best of"
        f" {len(table)}. parakeet report STRATEGY tells what is assumed, and the bias.",
        highlight=False,
    )


def _records(
    settings: Settings,
    database: "Database",
    chosen: Mapping[str, date],
    stored: Mapping[str, Sequence[date]],
) -> "dict[str, Record]":
    """What is on record of the orders to be shown, by strategy.

    The newest ones are computed again first, where they are not those of the settings or something
    was entered since. Earlier ones stay what one was told then: made again they would say what is
    known today, and every session after them would have to be, too.
    """
    from parakeet_dagster import accounts
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.instance import open_instance
    from parakeet_dagster.places import open_lake

    with open_instance(settings) as instance:
        for name, session in chosen.items():
            if session == stored[name][-1]:
                _bring_up_to_date(settings, database, instance, name, calendar.key(session))
        records = {
            name: accounts.record_of(instance, name, calendar.key(session))
            for name, session in chosen.items()
        }
        newest = {
            name: accounts.record_of(instance, name, calendar.key(stored[name][-1]))
            for name in chosen
            if name != settings.live_strategy
        }
    enabled, lake = enabled_strategies(settings), open_lake(settings.lake_url)
    for line in (
        *(_not_as_set(settings, name, chosen[name], records[name]) for name in chosen),
        accounts.other_terms(lake, enabled, newest, settings.terms),
    ):
        if line:
            log.print(line, markup=False, highlight=False, soft_wrap=True)
    return records


def _bring_up_to_date(
    settings: Settings,
    database: "Database",
    instance: "dg.DagsterInstance",
    name: str,
    session: str,
) -> None:
    """Compute the newest orders of a strategy again, where they are not what they would be now."""
    from parakeet_dagster import accounts

    record = accounts.record_of(instance, name, session)
    is_live = name == settings.live_strategy
    if is_live and record.account != accounts.LIVE:
        why = f"for {accounts.WHOSE[accounts.LIVE]}"
    elif not is_live and record.account == accounts.LIVE:
        why = f"for {accounts.WHOSE[accounts.SIMULATED]}"
    elif is_live and record.terms != settings.terms.fingerprint:
        why = "on the terms that are set now"
    elif is_live and record.made_at < _entered_at(database):
        why = "with what was entered since"
    else:
        return
    from parakeet_dagster import runs
    from parakeet_dagster.definitions import defs

    with meter.working(f"computing the orders of {name} again"):
        runs.run_orders(defs, instance, name, session)
    log.print(f"Computed again {why}: the orders of {name} on {session}", soft_wrap=True)


def _entered_at(database: "Database") -> float:
    """When holdings or trades were last entered or corrected, since 1970 in seconds; 0: never."""
    moment = database.entered_at()
    return moment.timestamp() if moment else 0.0


def _not_as_set(settings: Settings, name: str, session: date, record: "Record") -> str | None:
    """That orders are not of the account that is set now, and what computes them from it."""
    from parakeet_dagster.accounts import LIVE, SIMULATED, WHOSE

    is_set = LIVE if name == settings.live_strategy else SIMULATED
    if record.account in (None, is_set):
        return None
    return (
        f"The orders of {name} on {session} were computed for {WHOSE[record.account]}, before it"
        f" was set otherwise: parakeet backfill {session} {session} --again computes them, and all"
        f" sessions after, for {WHOSE[is_set]}"
    )


def _show_orders(name: str, day: str, frame: pd.DataFrame, record: "Record") -> None:
    from parakeet_dagster.accounts import WHOSE

    whose = f"{name} on {day}, for {WHOSE[record.account]}"
    if frame.empty:
        note = record.note or "nothing to do"
        out.print(f"{whose}: {note}", markup=False, highlight=False, soft_wrap=True)
        return
    rows = [
        {
            "side": row["side"],
            "ticker": row["ticker"],
            "quantity": f"{row['quantity']:,.4f}".rstrip("0").rstrip("."),
            "price A$": f"{row['price_estimate_aud']:,.2f}",
            "value A$": f"{row['quantity'] * row['price_estimate_aud']:,.2f}",
            "costs A$": f"{row['cost_estimate_aud']:,.2f}",
            "reason": row["reason"],
        }
        for row in frame.sort_values(["side", "ticker"], ascending=[False, True]).to_dict("records")
    ]
    show(rows, whose, as_json=False)


def _file_name(found: dict[str, tuple[str, pd.DataFrame]]) -> str:
    name = next(iter(found)) if len(found) == 1 else "all"
    return f"{name}-{max(day for day, _ in found.values())}.csv"


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    _write(path, frame.to_csv(index=False, date_format="%Y-%m-%d"))


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot write {path}: {error.strerror}; choose another --output"
        ) from None


def _require_known(settings: Settings, strategy: str) -> None:
    from parakeet_dagster.choices import catalog

    known = catalog(settings)
    if strategy not in known:
        raise SettingsError(f"strategy {strategy}: unknown; accepted are {', '.join(known)}")


def _no_report(lake: "Lake", strategy: str) -> str:
    stored = len(lake.sessions(f"allocations/{strategy}"))
    if not stored:
        return (
            f"{strategy} has no report, since it has no targets: enable it in PARAKEET_STRATEGIES"
            " and run parakeet backfill FROM TO"
        )
    return (
        f"{strategy} has {stored} sessions and no report yet: bring in more than it looks back on,"
        " or run parakeet backfill over the last session again"
    )
