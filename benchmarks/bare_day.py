"""``python -m benchmarks.bare_day STEPS SESSION``: a day of the same graph with empty assets.

STEPS is a file that ``benchmarks.empty.described`` filled; nothing of Parakeet is imported but its
partitions and the way it opens the instance.
"""

import json
import sys
from pathlib import Path

import dagster as dg

from benchmarks.empty import JOB, empty
from parakeet_dagster.instance import open_instance
from parakeet_dagster.partitions import sessions
from parakeet_dagster.settings import load_settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def main(steps: Path, session: str) -> None:
    """One run of what has partitions, and one of what has none."""
    described = json.loads(steps.read_text())
    definitions = empty(described, sessions)
    partitioned, whole = (
        [
            dg.AssetKey(asset["key"])
            for step in described
            if step["in_job"]
            for asset in step["assets"]
            if asset["partitioned"] is wanted
        ]
        for wanted in (True, False)
    )
    job = definitions.resolve_job_def(JOB)
    tags = {
        "dagster/asset_partition_range_start": session,
        "dagster/asset_partition_range_end": session,
    }
    with open_instance(load_settings()) as instance:
        for assets, of_run in ((partitioned, tags), (whole, {})):
            job.execute_in_process(
                instance=instance, tags=of_run, asset_selection=assets, run_config=QUIET
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
