"""The morning digest in a terminal: ``parakeet digest``."""

import json
import sys
from typing import Annotated

import typer

from parakeet_dagster import clock, meter
from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import SessionError
from parakeet_dagster.settings import load_settings
from parakeet_dagster.tables import out

AsObject = Annotated[bool, typer.Option("--json", help="One object on standard output.")]


def digest(
    day: Annotated[
        str | None, typer.Option("--date", help="A session; default: the latest stored.")
    ] = None,
    as_json: AsObject = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """What is sent every morning: orders, changed targets, what failed. Nothing is sent by this.

    Of the live strategy, or of all enabled where none is live.

    Example: parakeet digest --date 2022-06-30
    """
    settings = load_settings()
    from parakeet_dagster.checks.prices import due_session
    from parakeet_dagster.connect import open_database, open_price_source
    from parakeet_dagster.digest_text import text_of
    from parakeet_dagster.instance import open_instance
    from parakeet_dagster.morning import read_digest
    from parakeet_dagster.places import open_lake
    from parakeet_dagster.run_metrics import LATEST

    with meter.waiting("reading what is stored"):
        stored = open_lake(settings.lake_url).sessions(LATEST)
        if not stored:
            raise SessionError("nothing is stored yet: run parakeet backfill FROM TO first")
        session = calendar.require_session(day) if day else stored[-1]
        if session not in stored:
            raise SessionError(
                f"{session} is not stored: choose a session from {stored[0]} to {stored[-1]}, or"
                f" run parakeet backfill {session} {session}"
            )
        due = due_session(open_price_source(settings), clock.now())
        with open_instance(settings) as instance:
            found = read_digest(session, due, instance, settings, open_database(settings))
    if as_json:
        sys.stdout.write(json.dumps(found.plain(), indent=2) + "\n")
        return
    for line in text_of(found).splitlines():
        out.print(line, markup=False, highlight=False, soft_wrap=True)
