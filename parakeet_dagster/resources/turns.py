"""What a run writes, and its turn at that."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import dagster as dg

from parakeet_dagster.connect import open_database
from parakeet_dagster.partitions import PARTITION_TAG, RANGE_TAGS
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.turns import EVERYTHING, named, turn

OF_STRATEGIES = ("signals", "allocations", "orders")
REPORTS = ("performance", "walk_forward")
"""They read everything and are nobody's input: made again where something was newer."""


def nothing() -> None:
    """There is nothing to check: the run writes no session."""


@contextmanager
def turn_of(context: dg.InitResourceContext) -> Iterator[Callable[[], None]]:
    """Keep others from writing what the run writes; yields what to call before each write.

    A run that writes no session waits for nobody, and nobody for it.
    """
    run = context.run
    writes, reads = places(run.asset_selection) if run else (set[str](), set[str]())
    if run is None or not writes or not writes_sessions(run.tags):
        yield nothing
        return
    log = context.log
    database = open_database(load_settings())
    try:
        with turn(
            database,
            writes,
            reads,
            named(f"run {run.run_id[:8]}"),
            lambda line: log.info("%s", line) if log else None,
        ) as mine:
            yield mine.check
    finally:
        database.close()


def writes_sessions(tags: Collection[str]) -> bool:
    """Whether a run with these tags is of one session or of a range."""
    return PARTITION_TAG in tags or RANGE_TAGS[0] in tags


def places(selection: Collection[dg.AssetKey] | None) -> tuple[set[str], set[str]]:
    """The names of what a run over ``selection`` writes, and of what it only reads.

    None is a whole job: it writes everything.
    """
    if selection is None:
        return {EVERYTHING}, set()
    keys = [key for key in selection if key.path[0] not in REPORTS]
    if any(key.path[0] not in OF_STRATEGIES for key in keys):
        return {EVERYTHING}, set()
    return {f"strategy {key.path[-1]}" for key in keys}, {EVERYTHING}
