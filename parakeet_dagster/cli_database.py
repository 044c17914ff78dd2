"""The database's schema, its dumps and its recovery: ``parakeet db``; ``parakeet adopt``."""

from typing import TYPE_CHECKING, Annotated

import typer

from parakeet_dagster import meter
from parakeet_dagster import sessions as calendar
from parakeet_dagster.counted import counted
from parakeet_dagster.errors import SessionError, SettingsError
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, log, out, show

if TYPE_CHECKING:
    from parakeet_dagster.backfill import Progress

NOT_IN_THE_LAKE = (
    "What the lake does not hold comes from a dump only (parakeet db restore, into an empty"
    " database, before the rebuild): revisions, older versions of allocations and orders, when each"
    " became known, quarantine and decisions, failures, corrections, acceptances, your holdings and"
    " trades."
)

Place = Annotated[
    str,
    typer.Option(help="A directory, or s3://bucket/prefix; default: PARAKEET_BACKUPS."),
]


def migrate() -> None:
    """Bring the schema of the database to this version: before a deploy, once.

    Files of sql/ that were not applied are applied in order, all or none. It can run while others
    read and write, and twice at once. An empty database needs no command, nor does the embedded
    one; an older version of Parakeet refuses to work on a newer schema.

    Example: parakeet db migrate
    """
    settings = load_settings()
    from parakeet_dagster.connect import find_database

    database = find_database(settings)
    for name in database.migrate():
        _say(f"Applied sql/{name}")
    _say(f"The schema is at {database.schema_state().newest}: {database.url.display}")


def version(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """The version of the schema: that of the database, and that of this Parakeet.

    Example: parakeet db version --json
    """
    settings = load_settings()
    from parakeet_dagster.connect import find_database
    from parakeet_dagster.storage.migrations import all_migrations

    database = find_database(settings)
    state, known = database.schema_state(), all_migrations()
    missing = [one.name for one in known if one.name not in state.applied]
    row = {"database": state.newest, "parakeet": known[-1].name, "to_apply": len(missing)}
    show([row], "Schema", as_json=as_json)


def dump(
    to: Place = "",
    keep: Annotated[
        int | None,
        typer.Option(
            min=1, help="So many dumps stay, the newest, 30 unless told; the others are removed."
        ),
    ] = None,
) -> None:
    """Write what only the database holds to a new folder: revisions, trades, decisions and so on.

    As it is at one moment, compressed, with a manifest. Bars are in the lake and are left out. The
    Dagster job backup does the same every day.

    Example: parakeet db dump --to s3://bucket/backups --keep 30
    """
    settings = _with_place(load_settings(), to)
    from parakeet_dagster.backups import KEPT, back_up

    with meter.working("dumping the database"):
        made = back_up(settings, keep or KEPT)
    tables, manifest = made.manifest.tables, made.manifest
    show(
        [
            {"table": name, "rows": table.rows, "bytes": table.size}
            for name, table in tables.items()
        ],
        "Dump",
        as_json=False,
    )
    _say(f"{counted(manifest.rows, 'row')}, {manifest.size} bytes: {made.dump.url}")
    if made.removed:
        _say(f"Removed {', '.join(made.removed)}")


def restore(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FROM",
            help="A dump, or the place of several, of which the newest is taken: a directory, or"
            " s3://bucket/prefix.",
        ),
    ],
) -> None:
    """Fill an empty database from a dump, all of it or nothing. Then: parakeet db rebuild.

    A dump of an older Parakeet is brought up to date.

    Example: parakeet db restore s3://bucket/backups
    """
    settings = _with_place(load_settings(), place)
    from parakeet_dagster import backups

    with meter.working("restoring the database"):
        restored, manifest = backups.restore(settings)
    _say(
        f"Restored {counted(manifest.rows, 'row')} of {manifest.made_at:%Y-%m-%d %H:%M UTC}:"
        f" {restored.url}"
    )
    _say("Next: parakeet db rebuild brings the bars, and what came since, from the lake")


def rebuild() -> None:
    """Make the database say what the lake says: bars, actions, allocations and orders.

    In an empty database, in one that was restored from a dump, or in one that lost some rows. Stop
    it at any time by Ctrl-C: the same command goes on. What is the same already is not written.

    Example: parakeet db rebuild
    """
    settings = load_settings()
    from parakeet_dagster.connect import open_database
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.storage.rebuilding import rebuild as from_lake
    from parakeet_dagster.storage.turns import EVERYTHING, named, turn

    database, lake = open_database(settings), open_lake(settings.lake_url)
    with (
        meter.shown(0, "step") as shown,
        turn(database, [EVERYTHING], [], named("parakeet db rebuild"), lambda w: shown.at(0, w)),
    ):
        totals = from_lake(database, lake, lambda done, of, doing: shown.at(done, doing, of))
        shown.over("rebuilt")
    _say(
        f"Wrote {counted(totals.bars, 'bar')}, {counted(totals.allocations, 'allocation')} and the"
        f" orders of {counted(totals.orders, 'session')}"
    )
    if totals.recalled:
        _say(f"{counted(totals.recalled, 'bar')} known since the moment that the dump tells")
    if totals.beside:
        _say(
            f"{counted(totals.beside, 'session')} of the database are not in the lake: parakeet db"
            " refill FROM TO writes them there"
        )
    _say(NOT_IN_THE_LAKE)


def refill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last date, YYYY-MM-DD.")],
) -> None:
    """Write partitions of raw_prices that the lake lost, from the database.

    For what the vendor no longer has; else parakeet backfill FROM TO asks it again. What the lake
    has is left alone.

    Example: parakeet db refill 2022-06-01 2022-06-03
    """
    settings = load_settings()
    from parakeet_dagster.connect import open_database
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.storage.rebuilding import refill as from_database
    from parakeet_dagster.storage.turns import EVERYTHING, named, turn

    start, end = calendar.parse_date(first), calendar.parse_date(last)
    keys = calendar.between(calendar.key(start), calendar.key(end))
    if not keys:
        raise SessionError(f"there is no session from {first} to {last}: name other dates")
    database, lake = open_database(settings), open_lake(settings.lake_url)
    with turn(database, [EVERYTHING], [], named("parakeet db refill"), _say):
        written = from_database(database, lake, keys)
    _say(
        f"Wrote raw_prices of {', '.join(written)}"
        if written
        else "Nothing to do: the lake has every session of these that the database has."
    )


def adopt() -> None:
    """Tell Dagster what the lake and the database hold, after its own storage was lost.

    Otherwise everything counts as missing, and the next back-fill asks the vendor for all of it.
    Nothing is fetched, computed or written but the records.

    Example: parakeet adopt
    """
    settings = load_settings()
    from parakeet_dagster import adoption
    from parakeet_dagster.backfill import Progress, dependencies
    from parakeet_dagster.connect import open_database
    from parakeet_dagster.definitions import defs
    from parakeet_dagster.instance import open_instance
    from parakeet_dagster.places import open_lake

    with open_instance(settings) as instance:
        with meter.waiting("reading what is stored"):
            assets = dependencies(defs.resolve_asset_graph())
            lake, database = open_lake(settings.lake_url), open_database(settings)
            progress = Progress(assets, instance, lake, database)
        with meter.shown(0, "record") as shown:
            counts = adoption.adopt(
                progress, instance, lambda done, of, doing: shown.at(done, doing, of)
            )
            shown.over("recorded")
    for key, count in counts.items():
        out.print(f"{key.to_user_string():40} {counted(count, 'session')}", highlight=False)
    if not counts:
        _say("Nothing to do: all that is stored is on record.")


def say_where_records_are_lost(progress: "Progress") -> None:
    """One line where Dagster's storage looks lost, as after a first back-fill that was killed."""
    if progress.lost_its_records:
        _say(
            f"The lake holds {counted(len(progress.history), 'session')} and Dagster has none on"
            " record: if its storage was lost, run parakeet adopt first, or all of them are asked"
            " for again"
        )


def _with_place(settings: Settings, place: str) -> Settings:
    """The settings with another ``PARAKEET_BACKUPS``, where one is given."""
    if "://" in place and not place.startswith("s3://"):
        raise SettingsError(f"{place}: accepted is a directory, or s3://bucket/prefix")
    return settings.model_copy(update={"backups": place.rstrip("/")}) if place else settings


def _say(line: str) -> None:
    log.print(line, markup=False, highlight=False, soft_wrap=True)
