"""``/v1/strategies``: the catalog with the user's own, and what of it is computed."""

from pathlib import Path

import pytest

from parakeet_dagster_tests.api.clients import api, api_on  # noqa: F401 - api is a fixture
from strategy.catalog import CATALOG

MINE = """
[mine]
description = "Mine"
universe = "SAMPLE"
rebalance = "weekly"
signal = { kind = "dual_momentum", lookback = 126, places = 3 }
overlay = { kind = "regime", lookback = 504 }
allocation = { kind = "equal_weight" }
"""


@pytest.fixture
def own(database_url, monkeypatch):
    file = Path("mine.toml").absolute()
    file.write_text(MINE)
    with api_on(
        database_url,
        monkeypatch,
        PARAKEET_STRATEGIES_FILE=str(file),
        PARAKEET_STRATEGIES="mine,equal_weight",
    ) as opened:
        yield opened


def test_the_catalog_in_its_order(own):
    rows = {row["strategy"]: row for row in own.rows("/v1/strategies")}
    assert list(rows) == [*CATALOG, "mine"]
    assert rows["mine"] == {
        "strategy": "mine",
        "description": "Mine",
        "universe": "SAMPLE",
        "rebalance": "weekly",
        "lookback": 504,
        "enabled": True,
        "left_out": None,
        "signal": "dual_momentum",
        "overlay": "regime",
        "allocation": "equal_weight",
    }
    assert [name for name, row in rows.items() if row["enabled"]] == ["equal_weight", "mine"]
    assert rows["quallamaggie"]["left_out"].startswith("it needs volume and an intraday range")
    assert rows["dual_momentum"]["overlay"] is None
    assert rows["dual_momentum"]["lookback"] == CATALOG["dual_momentum"].signal.lookback == 252


def test_one_with_its_parameters(own):
    mine = own.get("/v1/strategies/mine").json()
    assert mine["signal"] == {
        "kind": "dual_momentum",
        "lookback": 126,
        "places": 3,
        **{name: mine["signal"][name] for name in ("hurdle", "defensive")},
    }
    assert mine["allocation"] == {"kind": "equal_weight", "lookback": 1}
    assert mine["overlay"]["lookback"] == 504
    core = own.get("/v1/strategies/dual_momentum").json()
    assert core["grid"] == {"signal.lookback": [63, 126, 252], "signal.places": [4, 8]}
    assert core["source"].startswith("Antonacci (2014)")
    assert (core["enabled"], core["overlay"]) == (False, None)


def test_csv(own):
    lines = own.get("/v1/strategies?format=csv").text.splitlines()
    assert lines[-1] == "mine,Mine,SAMPLE,weekly,504,true,,dual_momentum,regime,equal_weight"


def test_an_unknown_one(own):
    answer = own.get("/v1/strategies/astrology")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_stored")
    assert answer.json()["detail"].startswith("astrology: no such strategy")


def test_an_etag(own):
    tag = {"If-None-Match": own.get("/v1/strategies/mine").headers["etag"]}
    assert own.get("/v1/strategies/mine", headers=tag).status_code == 304


def test_settings_that_are_wrong(database_url, monkeypatch, caplog):
    """Told to whoever has the log, and to the client only that it is so."""
    with api_on(database_url, monkeypatch, PARAKEET_STRATEGIES_FILE="/no/such.toml") as opened:
        answer = opened.get("/v1/strategies")
        assert (answer.status_code, answer.json()["code"]) == (503, "settings_wrong")
        assert "such.toml" not in answer.text
    assert "PARAKEET_STRATEGIES_FILE=/no/such.toml" in caplog.text
