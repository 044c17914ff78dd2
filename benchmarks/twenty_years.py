"""``make bench-full``: twenty years of all assets, in chunks."""

from benchmarks import world
from benchmarks.backfill import CHUNK, bare, bring_in
from benchmarks.clock import alone
from benchmarks.market import SESSIONS, SyntheticSource
from benchmarks.result import Result

YEAR = CHUNK


def results() -> list[Result]:
    """Row 7, and row 11 with all tickers and strategies."""
    source = SyntheticSource()
    with world.world(source):
        first = alone(bring_in, 0, YEAR)
        rest = alone(bring_in, YEAR, SESSIONS - YEAR)
        floor = alone(bare, 0, SESSIONS)
    ours = first.value + rest.value
    return [
        Result(
            "7",
            f"twenty years, all assets, {len(world.STRATEGIES)} strategies, {source.count} tickers",
            ours,
            floor.value,
            limit=2.0,
            memory=rest.memory,
            note=f"chunks of {CHUNK} sessions, {ours / SESSIONS * 1000:.0f} ms a session",
        ),
        Result(
            "11c",
            "a row of twenty years, beside one of the first year",
            ours / SESSIONS / source.count,
            first.value / YEAR / source.count,
            limit=1.2,
            memory=rest.memory,
        ),
    ]
