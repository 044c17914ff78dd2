"""Each message to each target once; what a target did not take, again the next time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from parakeet_dagster.errors import TargetError
from parakeet_dagster.marks import Marks
from parakeet_dagster.redaction import redacted
from parakeet_dagster.targets import Message, Target

GIVE_UP_AFTER = timedelta(days=3)
"""What a target has not taken by then is told no more: nobody wants to hear of it any longer."""

_log = logging.getLogger("parakeet.alerts")


@dataclass(frozen=True)
class Delivery:
    """What became of a message. problems: one line per target that did not take it."""

    sent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Post:
    """Sends messages by key, and remembers in the Dagster instance which target has which.

    A target is marked as soon as it has taken a message. Should the process die between the two,
    that one target gets it twice; the other way about, nobody would.

    Args:
        instance: where it is remembered.
        targets: all that are set.
        secrets: what may be in no message.
    """

    def __init__(
        self, instance: dg.DagsterInstance, targets: Sequence[Target], secrets: Sequence[str] = ()
    ) -> None:
        self._marks = Marks(instance, "sent")
        self._targets = targets
        self._secrets = secrets
        self._silent: dict[str, str] = {}

    def lacks(self, key: str) -> list[Target]:
        """The targets that do not have the message ``key`` yet."""
        has = self._marks.among(_key(key, target) for target in self._targets)
        return [target for target in self._targets if _key(key, target) not in has]

    def deliver(self, key: str, message: Message, now: datetime) -> Delivery:
        """Send a message to the targets that lack it; one that fails does not stop the others."""
        done = Delivery()
        safe = Message(
            " ".join(redacted(message.subject, self._secrets).split()),
            redacted(message.text, self._secrets),
        )
        for target in self.lacks(key):
            problem = self._silent.get(target.name) or self._send(target, safe)
            if problem is None:
                self._marks.set(_key(key, target), now)
                done.sent.append(target.name)
            else:
                done.problems.append(problem)
        return done

    def _send(self, target: Target, message: Message) -> str | None:
        """Why it was not sent; None where it was. A target that fails is left alone from then on.

        It may take ten seconds to say nothing, and a tick of a sensor has a minute for all.
        """
        try:
            target.send(message)
        except TargetError as error:
            problem = redacted(str(error), self._secrets)
            self._silent[target.name] = problem
            _log.warning("not sent, will be tried again: %s", problem)
            return problem
        return None


def _key(key: str, target: Target) -> str:
    return f"{key}/{target.name}"
