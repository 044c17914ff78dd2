"""The log line that CloudWatch reads, and the figures of real runs."""

import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from parakeet_dagster import clock, metrics
from parakeet_dagster.assets.prices import coverage_result
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


def test_what_the_check_of_coverage_says_of_a_run():
    """The ASX lacks most: in the sum over both markets 26 of 29 would look like enough."""
    coverage = pd.DataFrame(
        {"market": ["XASX", "XNYS"], "coverage": [1 / 4, 1.0], "accepted": [False, False]}
    )
    fetched = SimpleNamespace(
        bars=SimpleNamespace(coverage=coverage),
        blocked=coverage[:1],
        asked=SimpleNamespace(of_run=pd.DataFrame({"ticker": ["A", "B", "C", "A"]})),
        answer=SimpleNamespace(failures=("B",)),
    )
    told = coverage_result(fetched).metadata
    names = ["tickers_asked", "tickers_got", "tickers_failed", "lowest_coverage"]
    assert [told[name].value for name in names] == [3, 2, 1, 0.25]
    fetched.bars.coverage = coverage[:0]
    assert "lowest_coverage" not in coverage_result(fetched).metadata
