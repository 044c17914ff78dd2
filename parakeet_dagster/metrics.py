"""The figures that a cloud watches: their names, and the log line that carries them.

With ``PARAKEET_LOGS=json`` a line is a JSON object in CloudWatch's embedded metric format: written
to the standard output of a Lambda or an ECS task it becomes metrics, without an agent and without a
request. As text it is a line for people. Which figures a run has is in ``run_metrics.py``.

Source: "Specification: Embedded metric format", Amazon CloudWatch's user guide.
"""

import logging
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parakeet_dagster import clock

NAMESPACE = "Parakeet"

METRICS = {
    "SessionsBehind": "Count",
    "Coverage": "None",
    "TickersAsked": "Count",
    "TickersGot": "Count",
    "TickersFailed": "Count",
    "Rows": "Count",
    "Seconds": "Seconds",
    "Failed": "Count",
    "Heartbeat": "Count",
}
"""Name to unit, as CloudWatch spells it. ``Coverage`` is a part of 1."""

DIMENSIONS = {"Service": "parakeet"}

FIELDS = "fields"
"""The attribute of a log record whose entries stand beside the message in a JSON line."""

_log = logging.getLogger("parakeet.metrics")


def record(values: Mapping[str, float], **about: str) -> None:
    """Write one log line with these figures.

    Args:
        values: of ``METRICS``; what is not known is left out.
        about: what they are of, to search by: ``run_id``, ``job``, ``session``.

    Raises:
        ValueError: a name is not in ``METRICS``, or a value is not finite. CloudWatch would drop
            the whole line without a word.
    """
    for name, value in values.items():
        if name not in METRICS or not math.isfinite(value):
            raise ValueError(f"{name}={value}: no metric, or no finite number")
    told = ", ".join(f"{name} {value:g}" for name, value in values.items())
    _log.info("metrics: %s", told, extra={FIELDS: {**about, **embedded(values, clock.now())}})


def embedded(values: Mapping[str, float], at: datetime) -> dict[str, Any]:
    """The figures in the embedded metric format.

    Args:
        values: of ``METRICS``.
        at: the moment that they are of, with a zone.
    """
    metrics = [{"Name": name, "Unit": METRICS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": metrics}
    told = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": told, **DIMENSIONS, **values}
