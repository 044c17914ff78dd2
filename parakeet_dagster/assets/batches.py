"""Under which name a run's answers from a vendor are kept until they are stored."""

import dagster as dg

BATCH_TAG = "parakeet/batch"
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
