"""Is everything as it should be, and what to do where it is not: ``parakeet doctor``."""

import json
import logging
import os
import sys
from typing import Annotated

import typer
from rich.text import Text

from parakeet_dagster import meter
from parakeet_dagster.doctor import Finding, Report, Status, examine, fail
from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, out

COLOURS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def doctor(
    send_test: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool, typer.Option("--send-test", help="Send a message to every target of alerts.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Examine settings, database, lake, prices, clock, Dagster: what is found, and what to do.

    Nothing is changed but for an object that is written to the lake and removed, and Dagster's home
    where there is none yet. Exit code 1 where something fails. Less than 30
    seconds, also where nothing can be reached.

    Example: parakeet doctor --send-test
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        told, _, accepted = error.message.partition(": ")
        found = fail(told, f"{accepted}; then run this again, to see the rest")
        report = Report({"settings": found}, is_hanging=False)
    else:
        report = _examined(settings, send_test=send_test)
    if as_json:
        rows = [
            {"check": name, "status": one.status.value, "found": one.found, "do": one.do or None}
            for name, one in report.findings.items()
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for name, one in report.findings.items():
            _show(name, one)
    code = 0 if report.is_well else 1
    if report.is_hanging:
        sys.stdout.flush()
        os._exit(code)  # Python would wait for the connections that do not come back
    raise typer.Exit(code)


def _examined(settings: Settings, *, send_test: bool) -> Report:
    from parakeet_dagster.doctor_checks import ADVICE, examinations

    logging.getLogger().addHandler(logging.NullHandler())  # what it would say, a finding says
    every = examinations(settings, send_test=send_test)
    with meter.waiting("examining"):
        return examine(every, ADVICE, settings.secrets)


def _show(name: str, finding: Finding) -> None:
    line = Text.assemble(
        (f"{finding.status.value:4}", COLOURS[finding.status]), f"  {name:9} {finding.found}"
    )
    out.print(line, soft_wrap=True)
    if finding.do:
        out.print(Text(f"{'':16}do: {finding.do}"), soft_wrap=True)
