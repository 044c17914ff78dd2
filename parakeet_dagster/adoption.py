"""What the lake and the database hold, told to a Dagster instance that lost its event log."""

from collections.abc import Callable
from uuid import uuid4

import dagster as dg
from dagster._core.events import (
    DagsterEvent,
    DagsterEventBatchMetadata,
    StepMaterializationData,
)
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

from parakeet_dagster.backfill import Progress

NOTE = "was stored already, and not on record"


def adopt(
    progress: Progress, instance: dg.DagsterInstance, tell: Callable[[int, int, str], None]
) -> dict[dg.AssetKey, int]:
    """Record as materialised what is stored and is not on record; nothing is fetched or computed.

    Upstream assets come first, so that nothing looks older than what it was computed from. A
    session that was half computed when the log was lost cannot be told from one that is done.

    Args:
        progress: what is recorded and stored.
        instance: where to record it.
        tell: told how many sessions are recorded, of how many, and which asset is next.

    Returns:
        How many sessions were recorded of each asset, in that order, those of which there were any.
    """
    lacking = {key: progress.missing(key, progress.stored(key)) for key in progress.assets}
    total = sum(map(len, lacking.values()))
    done = 0
    for key, sessions in lacking.items():
        tell(done, total, key.to_user_string())
        batch = str(uuid4())
        for session in sessions:
            is_end = session == sessions[-1]
            _record(instance, key, session, DagsterEventBatchMetadata(batch, is_end))
        done += len(sessions)
    return {key: len(sessions) for key, sessions in lacking.items() if sessions}


def _record(
    instance: dg.DagsterInstance,
    key: dg.AssetKey,
    session: str,
    batch: DagsterEventBatchMetadata,
) -> None:
    """As ``instance.report_runless_asset_event``, which writes every event by itself."""
    stored = dg.AssetMaterialization(asset_key=key, partition=session, metadata={"adopted": NOTE})
    event = DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name=RUNLESS_JOB_NAME,
        event_specific_data=StepMaterializationData(stored),
    )
    instance.report_dagster_event(event, run_id=RUNLESS_RUN_ID, batch_metadata=batch)
