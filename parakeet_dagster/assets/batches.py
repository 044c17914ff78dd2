"""What a run's tags say: the name of its back-fill, and the tickers that it is for."""

import dagster as dg

BATCH_TAG = "parakeet/batch"
TICKERS_TAG = "parakeet/tickers"
LISTS_TAG = "parakeet/lists"
_BACKFILL_TAG = "dagster/backfill"


def batch_of(context: dg.AssetExecutionContext) -> str:
    """The name of the back-fill that a run is part of; of its own range where it is part of none.

    A run that was killed is started again under the same name, and asks only for what is missing.
    """
    tags = context.run.tags
    keys = context.partition_keys
    return tags.get(BATCH_TAG) or tags.get(_BACKFILL_TAG) or f"{keys[0]}_{keys[-1]}"


def ends_with_run(context: dg.AssetExecutionContext) -> bool:
    """Whether nobody else will need the answers: a back-fill in chunks ends its batch itself."""
    return BATCH_TAG not in context.run.tags


def tickers_of(context: dg.AssetExecutionContext) -> frozenset[str]:
    """The tickers that a run merges into what is stored; empty where it brings in everything."""
    return frozenset(context.run.tags.get(TICKERS_TAG, "").split())


def takes_lists_again(context: dg.AssetExecutionContext) -> bool:
    """Whether a run takes today's lists of members for sessions that have theirs already."""
    return LISTS_TAG in context.run.tags
