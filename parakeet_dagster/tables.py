"""What the command line prints: tables for people, JSON for scripts."""

import json
import sys
from typing import Annotated, Any

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

out = Console()
log = Console(stderr=True)

PROSE = frozenset({"description", "name", "url", "reason", "resolution"})
"""The columns that wrap where the terminal is narrow; the others keep to one line."""

AsJson = Annotated[bool, typer.Option("--json", help="An array of objects on standard output.")]


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain objects; dates and moments as text, None where there is none."""
    plain = frame.copy()
    for name in plain.select_dtypes("datetime"):
        plain[name] = plain[name].dt.strftime("%Y-%m-%d")
    for name in plain.select_dtypes("datetimetz"):
        plain[name] = plain[name].dt.strftime("%Y-%m-%d %H:%M UTC")
    plain = plain.astype(object).where(plain.notna(), None)
    records: list[dict[str, Any]] = plain.to_dict("records")  # type: ignore[assignment]  # names are str
    return records


def show(
    rows: list[dict[str, Any]], title: str, *, as_json: bool, only_json: tuple[str, ...] = ()
) -> None:
    """Print rows as JSON, or as a table without the columns that make it too wide."""
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    rows = [{name: it for name, it in row.items() if name not in only_json} for row in rows]
    out.print(title, style="italic", highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    numeric = {name for row in rows for name, value in row.items() if isinstance(value, int)}
    for name in rows[0]:
        is_number = name in numeric or name == "weight"
        justify: JustifyMethod = "right" if is_number else "left"
        table.add_column(name, justify=justify, no_wrap=name not in PROSE)
    for row in rows:
        table.add_row(*(Text(text_of(value)) for value in row.values()))
    out.print(table)


def text_of(value: Any) -> str:  # noqa: ANN401 - a cell of any column
    """A cell for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={text_of(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "-"
    return str(value)
