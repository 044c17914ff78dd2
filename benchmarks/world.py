"""A Parakeet of its own for a measurement: a lake, a database, an instance, made-up prices.

What runs is the real command line and the real graph; only the price source is another one, which
``use`` puts in its place before anything else of Parakeet is imported.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.market import SyntheticSource

STRATEGIES = ("dual_momentum", "equal_weight", "momentum_63", "momentum_126", "vol_scaled_momentum")
ENVIRONMENT = os.environ  # noqa: TID251 - a world of its own is made of it
COUNT, LENGTH, FIRST = "BENCHMARK_TICKERS", "BENCHMARK_SESSIONS", "BENCHMARK_FIRST"


@contextmanager
def world(source: SyntheticSource, strategies: Sequence[str] = STRATEGIES) -> Iterator[Path]:
    """An empty home in a temporary directory, named in the environment of what is started.

    History starts with the source.
    """
    home = Path(tempfile.mkdtemp(prefix="parakeet-benchmark-"))
    universe = home / "universe.csv"
    source.members.to_csv(universe, index=False)
    for name in [name for name in ENVIRONMENT if name.startswith(("PARAKEET_", "DAGSTER_"))]:
        del ENVIRONMENT[name]
    ENVIRONMENT.update(
        {
            "PARAKEET_HOME": str(home),
            "PARAKEET_UNIVERSE_FILE": str(universe),
            "PARAKEET_STRATEGIES": ",".join(strategies),
            "PARAKEET_FIRST_SESSION": source.first,
            "PARAKEET_PRICE_SOURCE": "yahoo",
            "PARAKEET_SCHEDULES": "stopped",
            COUNT: str(source.count),
            LENGTH: str(source.length),
            FIRST: source.first,
        }
    )
    from parakeet_dagster.logins import embedded_postgres
    from parakeet_dagster.settings import export_dagster_home, load_settings

    export_dagster_home(load_settings())
    try:
        yield home
    finally:
        embedded_postgres(load_settings()).stop()
        shutil.rmtree(home, ignore_errors=True)


def use() -> SyntheticSource:
    """Let this process ask the made-up source; to call before Parakeet's assets are imported."""
    from parakeet_dagster import connect

    source = SyntheticSource(int(ENVIRONMENT[COUNT]), int(ENVIRONMENT[LENGTH]), ENVIRONMENT[FIRST])
    connect.open_price_source = lambda settings: source  # noqa: ARG005 - there is one only
    return source
