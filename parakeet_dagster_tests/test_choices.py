"""Which strategies are computed: those of the catalog and the user's own that can be."""

from pathlib import Path

import pytest

from parakeet_dagster.choices import catalog, enabled_strategies, told_catalog, why_impossible
from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import load_settings
from strategy.catalog import CATALOG, CORE
from strategy.universes import KEYS

MINE = """
[mine]
description = "Mine"
universe = "{universe}"
rebalance = "weekly"
signal = {{ kind = "dual_momentum", lookback = 126 }}
allocation = {{ kind = "equal_weight" }}
"""


def strategies_file(monkeypatch, text):
    file = Path("mine.toml").absolute()
    file.write_text(text)
    monkeypatch.setenv("PARAKEET_STRATEGIES_FILE", str(file))
    return file


def refusal(call, *arguments):
    with pytest.raises(SettingsError) as caught:
        call(*arguments)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_the_core_strategies_are_enabled_unless_told_otherwise():
    settings = load_settings()
    possible = [name for name in CORE if why_impossible(settings, CATALOG[name]) is None]
    assert list(enabled_strategies(settings)) == possible == ["dual_momentum", "equal_weight"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("equal_weight", ["equal_weight"]),
        ("equal_weight,dual_momentum", ["equal_weight", "dual_momentum"]),
    ],
)
def test_strategies_are_chosen_by_name(monkeypatch, chosen, expected):
    monkeypatch.setenv("PARAKEET_STRATEGIES", chosen)
    assert list(enabled_strategies(load_settings())) == expected


def test_all_are_those_that_can_be_computed(monkeypatch):
    monkeypatch.setenv("PARAKEET_STRATEGIES", "all")
    settings = load_settings()
    possible = [name for name, one in CATALOG.items() if why_impossible(settings, one) is None]
    assert list(enabled_strategies(settings)) == possible
    assert set(CORE) <= set(CATALOG)
    assert 10 <= len(possible) < len(CATALOG)


def test_a_strategy_that_needs_what_the_source_lacks_is_left_out_and_says_why(monkeypatch):
    """The sample has closes only."""
    monkeypatch.setenv("PARAKEET_STRATEGIES", "quallamaggie")
    assert refusal(enabled_strategies, load_settings()) == (
        "PARAKEET_STRATEGIES=quallamaggie: it needs volume and an intraday range, which"
        " PARAKEET_PRICE_SOURCE=sample does not have; choose another source"
    )
    monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "yahoo")
    assert list(enabled_strategies(load_settings())) == ["quallamaggie"]


def test_an_unknown_strategy(monkeypatch):
    monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight,astrology")
    assert refusal(enabled_strategies, load_settings()) == (
        f"PARAKEET_STRATEGIES=astrology: unknown strategy; accepted are all, {', '.join(CATALOG)}"
    )


def test_a_strategy_of_the_user_s_own(monkeypatch):
    strategies_file(monkeypatch, MINE.format(universe="SAMPLE"))
    monkeypatch.setenv("PARAKEET_STRATEGIES", "mine")
    (mine,) = enabled_strategies(load_settings()).values()
    assert mine.signal.lookback == 126
    assert mine.rebalance == "weekly"
    assert list(catalog(load_settings())) == [*CATALOG, "mine"]


def test_the_user_s_own_overrides(monkeypatch):
    own = MINE.format(universe="active").replace("[mine]", "[dual_momentum]")
    strategies_file(monkeypatch, own)
    assert catalog(load_settings())["dual_momentum"].description == "Mine"
    assert CATALOG["dual_momentum"].description != "Mine"


def test_a_strategy_whose_universe_is_not_fetched_becomes_no_asset(monkeypatch):
    strategies_file(monkeypatch, MINE.format(universe="CORE_ETFS"))
    monkeypatch.setenv("PARAKEET_STRATEGIES", "all")
    assert "mine" not in enabled_strategies(load_settings())
    monkeypatch.setenv("PARAKEET_UNIVERSES", "SAMPLE,CORE_ETFS")
    assert "mine" in enabled_strategies(load_settings())


def test_a_strategy_chosen_by_name_whose_universe_is_not_fetched_is_refused(monkeypatch):
    strategies_file(monkeypatch, MINE.format(universe="CORE_ETFS"))
    monkeypatch.setenv("PARAKEET_STRATEGIES", "equal_weight,mine")
    assert refusal(enabled_strategies, load_settings()) == (
        "PARAKEET_STRATEGIES=mine: its universe CORE_ETFS is not fetched;"
        " add it to PARAKEET_UNIVERSES=SAMPLE"
    )
    monkeypatch.setenv("PARAKEET_UNIVERSES", "SAMPLE,CORE_ETFS")
    assert list(enabled_strategies(load_settings())) == ["equal_weight", "mine"]


def test_a_core_strategy_whose_universe_is_not_fetched_is_left_out_by_default(monkeypatch):
    own = MINE.format(universe="CORE_ETFS").replace("[mine]", "[dual_momentum]")
    strategies_file(monkeypatch, own)
    assert list(enabled_strategies(load_settings())) == ["equal_weight"]
    monkeypatch.setenv("PARAKEET_STRATEGIES", "dual_momentum")
    assert refusal(enabled_strategies, load_settings()).startswith(
        "PARAKEET_STRATEGIES=dual_momentum: its universe CORE_ETFS is not fetched"
    )


@pytest.mark.parametrize("chosen", ["mine", "all"])
def test_a_strategy_of_an_unknown_universe(monkeypatch, chosen):
    strategies_file(monkeypatch, MINE.format(universe="FTSE"))
    monkeypatch.setenv("PARAKEET_STRATEGIES", chosen)
    assert refusal(enabled_strategies, load_settings()) == (
        "PARAKEET_STRATEGIES_FILE: mine.universe=FTSE: unknown;"
        f" accepted are active, {', '.join(KEYS)}"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[mine", "Expected"),
        ("mine = 5", "mine=5: accepted is a table"),
        (MINE.format(universe="SAMPLE").replace("126", "0"), "mine.signal.lookback: Input should"),
        ('[mine]\nsignal = "dual_momentum"', "mine.signal=dual_momentum: accepted is a table"),
    ],
)
def test_a_wrong_strategies_file(monkeypatch, text, reason):
    file = strategies_file(monkeypatch, text)
    message = refusal(catalog, load_settings())
    assert message.startswith(f"PARAKEET_STRATEGIES_FILE={file}: {reason}")


def test_a_strategies_file_that_is_not_there(monkeypatch):
    monkeypatch.setenv("PARAKEET_STRATEGIES_FILE", "/no/such.toml")
    message = refusal(catalog, load_settings())
    assert message.startswith("PARAKEET_STRATEGIES_FILE=/no/such.toml: ")


def test_a_strategies_file_that_is_no_text(monkeypatch):
    file = strategies_file(monkeypatch, "")
    file.write_bytes(b"\xff\xfe\x00")
    assert refusal(catalog, load_settings()).startswith(f"PARAKEET_STRATEGIES_FILE={file}: ")


def test_what_is_told_is_enabled_where_it_is_computed(monkeypatch):
    monkeypatch.setenv("PARAKEET_STRATEGIES", "all")
    settings = load_settings()
    told = {row["strategy"]: row for row in told_catalog(settings)}
    assert list(told) == list(CATALOG)
    computed = list(enabled_strategies(settings))
    assert [name for name, row in told.items() if row["enabled"]] == computed
    assert [name for name, row in told.items() if row["left_out"] is None] == computed
    assert told["risk_parity_in_calm"]["lookback"] == 504
