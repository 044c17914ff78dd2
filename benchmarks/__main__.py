"""``python -m benchmarks [--full] [MODULE ...]``: the whole table, or the rows of some modules.

Rows are printed, stored in ``benchmarks/results/`` as JSON, and put into ``docs/performance.md``.
Every module runs in a process of its own.
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
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- table: written by `make bench` -->\n", "<!-- end of table -->\n"
MODULES = ("database", "lake", "s3", "backfill", "yahoo", "imports", "signals", "simulation", "api")
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


def shown(rows: Sequence[Result], about: str) -> Table:
    """The table for the terminal."""
    table = Table(*HEADINGS, caption=about)
    for row in rows:
        table.add_row(*row.cells, style="red" if row.holds is False else None)
    return table


def store(module: str, rows: Sequence[Result], about: str) -> None:
    """Keep the rows of a module, in place of those of its run before."""
    RESULTS.mkdir(exist_ok=True)
    stored = {"machine": about, "rows": [row.record for row in rows]}
    (RESULTS / f"{module}.json").write_text(json.dumps(stored, indent=2) + "\n")


def stored_rows() -> tuple[list[Result], str]:
    """The rows of every module's last run, by number, and what the newest was measured on."""
    files = [RESULTS / f"{module}.json" for module in (*MODULES, FULL)]
    runs = [json.loads(file.read_text()) for file in files if file.exists()]
    rows = [Result.of(record) for run in runs for record in run["rows"]]
    rows.sort(key=lambda row: (int(row.number.rstrip(ascii_lowercase)), row.number))
    return rows, max(run["machine"] for run in runs)


def publish() -> None:
    """Put the table into the page about performance, in place of the one before."""
    rows, about = stored_rows()
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    head, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{about}\n\n{table}\n\n{END}{after}")


def main(arguments: Sequence[str]) -> None:
    """Measure, show and store, a module after the other: what is measured is not lost."""
    is_full = "--full" in arguments
    named = tuple(one for one in arguments if one != "--full")
    console, about = Console(width=WIDTH), machine()
    measured: list[Result] = []
    for module in named or ((FULL,) if is_full else MODULES):
        console.print(f"measuring: {module}")
        rows: list[Result] = alone(results_of, module).value
        store(module, rows, about)
        publish()
        measured += rows
    console.print(shown(measured, about))


if __name__ == "__main__":
    main(sys.argv[1:])
