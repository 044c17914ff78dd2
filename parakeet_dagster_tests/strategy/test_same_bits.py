"""The same window gives the same bits, whatever process computes it on however many threads."""

import subprocess
import sys
from pathlib import Path

import strategy
from parakeet_dagster_tests.strategy.allocation.test_bounded import ALL, bits
from parakeet_dagster_tests.strategy.overlays.test_regime import STORM_OVER, exposure

PROCESS = "from parakeet_dagster_tests.strategy.test_same_bits import outcome; print(outcome())"


def outcome():
    """With 100 assets, sums split among threads differ in the last bits."""
    return " ".join([*(bits(method).hex() for method in ALL), exposure(STORM_OVER).hex()])


def test_allocations_and_overlays_in_another_process_on_one_thread():
    done = subprocess.run(
        [sys.executable, "-c", PROCESS],
        cwd=Path(strategy.__file__).parents[1],
        env={"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == outcome()
