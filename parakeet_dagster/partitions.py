"""The one partition definition, and look-back windows on it."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.subset import TimeWindowPartitionsSubset
from dagster._core.instance import DynamicPartitionsStore

from parakeet_dagster import sessions as calendar
from parakeet_dagster.closures import LAST_DAY
from parakeet_dagster.errors import SessionError
from parakeet_dagster.settings import load_settings

# Single-run back-fills and partitioned checks are previews; pyproject.toml pins Dagster's minor
# version for them, so that the warnings say nothing new.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

LOOKBACK = "lookback"
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class SessionPartitions(dg.DailyPartitionsDefinition):
    """Daily partitions that answer a wrong key with one line naming the nearest sessions.

    Dagster itself answers an unknown key with a traceback, and a reversed range with a run over
    no partition that succeeds.
    """

    def validate_partition_key(self, partition_key: str, context: Any) -> None:  # noqa: ANN401, ARG002 - Dagster's signature; its context type is not public
        """Accept a session whose window has closed.

        Raises:
            SessionError: the key is no session, or not one of this definition yet.
        """
        session = calendar.require_session(partition_key)
        super_keys = (self.get_first_partition_key(), self.get_last_partition_key())
        if not self.has_partition_key(session):
            raise SessionError(
                f"{session} is not among the sessions so far, {super_keys[0]} to {super_keys[1]}:"
                " choose one of those"
            )

    def get_partition_subset_in_time_window(
        self, time_window: dg.TimeWindow
    ) -> TimeWindowPartitionsSubset:
        """Every session in a window; what a range of partitions becomes before its run starts.

        Raises:
            SessionError: the window ends before it starts.
        """
        if time_window.end <= time_window.start:
            first = calendar.key(time_window.start)
            last = calendar.key(time_window.end - timedelta(days=1))
            raise _reversed(first, last)
        return super().get_partition_subset_in_time_window(time_window)

    def __hash__(self) -> int:
        """Of the ends. Dagster's spells out every closure, at each look-up in one of its caches."""
        return hash((self.start_timestamp, self.end_timestamp))

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """Every session so far, from the calendar: Dagster counts twenty years anew each time.

        A run asks once for each of its checks.
        """
        with partition_loading_context(current_time, dynamic_partitions_store):
            first, last = self.get_first_partition_key(), self.get_last_partition_key()
        return calendar.between(first, last) if first and last else []

    def has_any_partitions_in_window(self, time_window: dg.TimeWindow) -> bool:
        """Whether a session starts in a window; asked between any two sessions of a range."""
        last = time_window.end - timedelta(microseconds=1)
        return bool(calendar.between(f"{time_window.start:%Y-%m-%d}", f"{last:%Y-%m-%d}"))

    def get_partition_keys_in_range(
        self, partition_key_range: dg.PartitionKeyRange
    ) -> Sequence[str]:
        """Every session of a range, from the calendar.

        A run asks for them with each session's metadata, and where it has assets without
        partitions, too.

        Raises:
            SessionError: the range ends before it starts.
        """
        first, last = partition_key_range.start, partition_key_range.end
        if last < first:
            raise _reversed(first, last)
        keys = calendar.between(max(first, f"{self.start:%Y-%m-%d}"), last)
        if keys and (keys[0], keys[-1]) == (first, last):
            return keys
        return super().get_partition_keys_in_range(partition_key_range)


def _reversed(first: str, last: str) -> SessionError:
    return SessionError(f"the range {first}...{last} is reversed: write the earlier session first")


sessions = SessionPartitions(
    start_date=f"{load_settings().first_session:%Y-%m-%d}",
    end_date=f"{datetime.fromisoformat(LAST_DAY) + timedelta(days=1):%Y-%m-%d}",
    timezone="UTC",
    exclusions=[
        "0 0 * * 6",
        "0 0 * * 0",
        *(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in calendar.BOTH_CLOSED),
    ],
)


def sessions_of_run(tags: Mapping[str, str]) -> str:
    """The session of a run, or the first and last of its range, in words; empty where it has none.

    Args:
        tags: of the run.
    """
    ends = dict.fromkeys(tags[name] for name in RANGE_TAGS if name in tags)
    return tags.get(PARTITION_TAG) or " to ".join(ends)


def trailing(lookback: int, key: Sequence[str] | None = None) -> dg.AssetIn:
    """An input that is loaded with the ``lookback`` sessions before the run's own.

    The I/O manager widens the window. To Dagster the input is an ordinary one, session by session:
    with a ``TimeWindowPartitionMapping`` a back-fill from the UI would ask for every session whose
    window holds one of those selected, up to a year after them, in a run per layer of the graph.
    """
    return dg.AssetIn(key=key, metadata={LOOKBACK: lookback})
