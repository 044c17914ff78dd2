"""How long it takes until there is something to work with: fresh processes, warm disk caches."""

import subprocess
import sys
from pathlib import Path

from benchmarks.clock import Timed, side_by_side
from benchmarks.result import Result

COMMAND_LINE = "from parakeet_dagster.__main__ import main; main()"
ROOT = Path(__file__).parents[1]


def results() -> list[Result]:
    """The definitions as Dagster loads them, and two commands that need no Dagster."""
    definitions = "import parakeet_dagster.definitions"
    libraries = "import dagster, pandas, pyarrow"
    graph = in_turn((definitions,), libraries, rounds=7)
    page = "import pandas, typer"
    helped = in_turn((COMMAND_LINE, "--help"), page, rounds=3)
    light = "import pandas, pyarrow, sqlalchemy, typer"
    listed = in_turn((COMMAND_LINE, "strategies"), light, rounds=3)
    return [
        Result("10", definitions, graph.ours, graph.floor, limit=1.5, note=f"floor: {libraries}"),
        Result("10b", "parakeet --help", helped.ours, helped.floor, note=f"floor: {page}"),
        Result("10c", "parakeet strategies", listed.ours, listed.floor, note=f"floor: {light}"),
    ]


def in_turn(ours: tuple[str, ...], floor: str, rounds: int) -> Timed:
    """Both, after one round of each that fills the caches."""
    python(*ours)
    python(floor)
    return side_by_side(lambda: python(*ours), lambda: python(floor), rounds)


def python(program: str, *arguments: str) -> None:
    """Run a program in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
