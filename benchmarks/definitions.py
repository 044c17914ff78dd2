"""The graph on made-up prices, for Dagster's own command line."""

from benchmarks.world import use

use()

from parakeet_dagster.definitions import defs  # noqa: E402 - the source comes first

__all__ = ["defs"]
