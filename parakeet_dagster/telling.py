"""Who hears of runs that have ended: the alerts' targets, and the log with its metrics.

``Watch`` is what a sensor does at each tick; without a daemon, ``tell_of_run`` does it for one run.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import dagster as dg
from dagster._core.instance import RUNLESS_RUN_ID

from parakeet_dagster import clock
from parakeet_dagster.alerts import Alert, alert_of_check, alert_of_run
from parakeet_dagster.delivery import GIVE_UP_AFTER, Delivery, Post
from parakeet_dagster.finished_runs import finished_runs
from parakeet_dagster.settings import Settings
from parakeet_dagster.targets import targets_of

_log = logging.getLogger("parakeet.alerts")


@dataclass(frozen=True)
class Watch:
    """What a sensor knows from its tick before.

    begun: when it was first evaluated: what ended before is not told. seen: up to when runs have
    been looked at. waiting: the runs that a target has not heard of, and since when.
    """

    begun: datetime
    seen: datetime
    waiting: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str | None, now: datetime) -> Self:
        """From a sensor's cursor; one that begins now, where there is none."""
        if not cursor:
            return cls(now, now)
        told = json.loads(cursor)
        waiting = {run_id: _moment(since) for run_id, since in told["waiting"].items()}
        return cls(_moment(told["begun"]), _moment(told["seen"]), waiting)

    @property
    def cursor(self) -> str:
        """To read it from."""
        waiting = {run_id: since.isoformat() for run_id, since in self.waiting.items()}
        told = {"begun": self.begun.isoformat(), "seen": self.seen.isoformat(), "waiting": waiting}
        return json.dumps(told)

    def runs(self, instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
        """The runs to tell of: that have ended since, and those that are waiting."""
        found = {record.dagster_run.run_id: record for record in finished_runs(instance, self.seen)}
        for run_id in self.waiting.keys() - found.keys():
            record = instance.get_run_record_by_id(run_id)
            if record is not None:
                found[run_id] = record
        begun = self.begun.timestamp()
        return (record for record in found.values() if (record.end_time or begun) >= begun)


@dataclass
class Told:
    """What a tick came to."""

    sent: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, delivery: Delivery) -> None:
        """Count one message."""
        self.sent += bool(delivery.sent)
        self.problems += [one for one in delivery.problems if one not in self.problems]

    def __str__(self) -> str:
        problems = f"; not sent, tried again: {'; '.join(self.problems)}" if self.problems else ""
        return f"{self.sent or 'no'} message{'' if self.sent == 1 else 's'} sent{problems}"


def post_of(instance: dg.DagsterInstance, settings: Settings) -> Post:
    """The post to the targets that are set."""
    return Post(instance, targets_of(settings), settings.secrets)


def tell(
    instance: dg.DagsterInstance, post: Post, watch: Watch, checks: Sequence[dg.AssetCheckKey]
) -> tuple[Watch, Told]:
    """Send the alerts of all that has ended since the tick before.

    Args:
        instance: where runs and checks are recorded.
        post: to the targets.
        watch: of the tick before.
        checks: all there are; of those that failed outside of a run it is told, too.
    """
    now, told = clock.now(), Told()
    waiting: dict[str, datetime] = {}
    for record in watch.runs(instance):
        alert = alert_of_run(instance, record)
        delivery = post.deliver(alert.key, alert.message, now) if alert else Delivery()
        told.add(delivery)
        run_id = record.dagster_run.run_id
        since = watch.waiting.get(run_id, now)
        if delivery.problems and now - since < GIVE_UP_AFTER:
            waiting[run_id] = since
        elif delivery.problems:
            _log.error("given up: the alert of run %s: %s", run_id, "; ".join(delivery.problems))
    for alert in _outside_of_runs(instance, checks, watch.begun):
        told.add(post.deliver(alert.key, alert.message, now))
    return Watch(watch.begun, now, waiting), told


def tell_of_run(instance: dg.DagsterInstance, settings: Settings, run_id: str) -> Delivery:
    """Send the alert of one run that has ended, where there is one; for who has no daemon."""
    record = instance.get_run_record_by_id(run_id)
    alert = alert_of_run(instance, record) if record else None
    if alert is None:
        return Delivery()
    return post_of(instance, settings).deliver(alert.key, alert.message, clock.now())


def _outside_of_runs(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], since: datetime
) -> Iterator[Alert]:
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    for record in newest.values():
        event = record.event.dagster_event if record.event else None
        is_new = record.create_timestamp >= since.timestamp()
        if event is None or record.run_id != RUNLESS_RUN_ID or not is_new:
            continue
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            yield alert_of_check(evaluation, record.create_timestamp, record.id)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
