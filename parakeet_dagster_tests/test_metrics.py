"""The log line that CloudWatch reads, and the figures of real runs."""

import json
import logging
from datetime import UTC, datetime

import pytest

from parakeet_dagster import clock, metrics
from parakeet_dagster.metrics import DIMENSIONS, METRICS, NAMESPACE, embedded

UNITS = {"Count", "None", "Seconds", "Percent", "Bytes"}
"""Of those that CloudWatch knows, the ones that would be right for something."""


def test_names_and_units():
    assert NAMESPACE == "Parakeet"
    assert METRICS == {
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
    assert set(METRICS.values()) <= UNITS


def test_the_embedded_metric_format():
    moment = datetime(2024, 1, 2, 1, 30, tzinfo=UTC)
    told = embedded({"Rows": 25, "Coverage": 0.96}, moment)
    assert told == {
        "_aws": {
            "Timestamp": 1704159000000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Parakeet",
                    "Dimensions": [["Service"]],
                    "Metrics": [
                        {"Name": "Rows", "Unit": "Count"},
                        {"Name": "Coverage", "Unit": "None"},
                    ],
                }
            ],
        },
        "Service": "parakeet",
        "Rows": 25,
        "Coverage": 0.96,
    }
    assert DIMENSIONS == {"Service": "parakeet"}
    json.dumps(told, allow_nan=False)


def test_record_is_one_line(caplog, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 1, 2, tzinfo=UTC))
    with caplog.at_level(logging.INFO, "parakeet.metrics"):
        metrics.record({"Heartbeat": 1, "Seconds": 12.5}, run_id="abc")
    (line,) = caplog.records
    assert line.getMessage() == "metrics: Heartbeat 1, Seconds 12.5"
    fields = getattr(line, metrics.FIELDS)
    assert (fields["run_id"], fields["Seconds"]) == ("abc", 12.5)


@pytest.mark.parametrize("wrong", [{"Latency": 1.0}, {"Rows": float("nan")}])
def test_what_cloudwatch_would_drop_is_refused(wrong):
    with pytest.raises(ValueError, match="no metric, or no finite number"):
        metrics.record(wrong)
