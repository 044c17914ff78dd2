"""Two ways of doing the same work, timed fairly; and the memory of one of them."""

import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

KIB = 1024


@dataclass(frozen=True)
class Timed:
    """Seconds, the median of the rounds, of ours and of the floor."""

    ours: float
    floor: float


def timed(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    begun = perf_counter()
    run()
    return perf_counter() - begun


def side_by_side(
    ours: Callable[[], object],
    floor: Callable[[], object],
    rounds: int = 5,
    before: Callable[[], object] = lambda: None,
) -> Timed:
    """Both in turn, so that a machine whose speed drifts is as kind to one as to the other.

    Args:
        ours: our way.
        floor: the least that it could cost.
        rounds: counted calls of each.
        before: called before each call, and not timed: puts things back to where they were.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        pair = list(enumerate((ours, floor)))
        for place, run in pair if turn % 2 == 0 else reversed(pair):
            before()
            taken[place].append(timed(run))
    return Timed(median(taken[0]), median(taken[1]))


@dataclass(frozen=True)
class Alone:
    """What a function returned in a process of its own, and the peak of that process in MB."""

    value: Any
    memory: float


def alone(function: Callable[..., Any], *arguments: object) -> Alone:
    """Call a module's function in a fresh process: its memory is nobody else's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, function, arguments).result()


def _measured(function: Callable[..., Any], arguments: tuple[object, ...]) -> Alone:
    value = function(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Alone(value, peak / (KIB * KIB if sys.platform == "darwin" else KIB))
