"""``python -m benchmarks [--full] [MODULE ...]``: the whole table, or the rows of some modules.

The table is printed and, where it is whole, written to ``benchmarks/results/`` as JSON and
Markdown. Every module runs in a process of its own.
"""

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from string import ascii_lowercase

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.clock import alone
from benchmarks.result import HEADINGS, Result, results_of

RESULTS = Path(__file__).parent / "results"
MODULES = ("database", "lake", "s3", "backfill", "yahoo", "imports", "signals", "simulation")
FULL = "twenty_years"
WIDTH = 160
PACKAGES = ("dagster", "pandas", "numpy", "pyarrow", "SQLAlchemy", "boto3", "yfinance")


def machine() -> str:
    """What it was measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB,"
        f" {platform.system()} {platform.machine()}, Python {platform.python_version()}, {packages}"
    )


def markdown(rows: Sequence[Result], about: str, title: str) -> str:
    """The table as a document."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"# {title}\n\n{about}\n\n{table}\n"


def shown(rows: Sequence[Result], about: str) -> Table:
    """The table for the terminal."""
    table = Table(*HEADINGS, caption=about)
    for row in rows:
        table.add_row(*row.cells, style="red" if row.holds is False else None)
    return table


def write(rows: Sequence[Result], about: str, name: str, title: str) -> None:
    """The table as JSON and as Markdown."""
    RESULTS.mkdir(exist_ok=True)
    stored = {"machine": about, "rows": [row.record for row in rows]}
    (RESULTS / f"{name}.json").write_text(json.dumps(stored, indent=2) + "\n")
    (RESULTS / f"{name}.md").write_text(markdown(rows, about, title))


def main(arguments: Sequence[str]) -> None:
    """Measure, show, and store a whole table."""
    is_full = "--full" in arguments
    named = tuple(one for one in arguments if one != "--full")
    modules = named or ((FULL,) if is_full else MODULES)
    console, about, rows = Console(width=WIDTH), machine(), []
    for module in modules:
        console.print(f"measuring: {module}")
        rows += alone(results_of, module).value
    rows.sort(key=lambda row: (int(row.number.rstrip(ascii_lowercase)), row.number))
    console.print(shown(rows, about))
    if not named:
        name, title = ("full", "Twenty years") if is_full else ("benchmark", "The benchmark")
        write(rows, about, name, title)


if __name__ == "__main__":
    main(sys.argv[1:])
