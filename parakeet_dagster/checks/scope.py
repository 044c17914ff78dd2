"""Which sessions a check judges."""

import dagster as dg

from parakeet_dagster import sessions as calendar
from parakeet_dagster.partitions import PARTITION_TAG, RANGE_TAGS
from parakeet_dagster.storage.lake import Lake


def judged_sessions(context: dg.AssetCheckExecutionContext, lake: Lake, asset: str) -> list[str]:
    """The sessions of the run that the check is part of; run by itself, all that are stored.

    Our checks have no partitions of their own: Dagster plans a partitioned check once a session
    and evaluates it once a run, so that after a back-fill the UI shows none as passed.
    """
    tags = context.run.tags
    first, last = (tags.get(tag, tags.get(PARTITION_TAG)) for tag in RANGE_TAGS)
    if first and last:
        return calendar.between(first, last)
    return lake.sessions(asset)
