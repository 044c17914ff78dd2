"""From settings to universes, strategies, the lake and the price source."""

from pathlib import Path

import pandas as pd
import pytest

from parakeet_dagster.connect import (
    active_universe,
    catalog,
    check_settings,
    check_universes,
    enabled_strategies,
    open_lake,
    open_price_source,
    why_impossible,
)
from parakeet_dagster.errors import LakeError, SettingsError, UniverseError
from parakeet_dagster.settings import load_settings
from strategy.catalog import CATALOG, CORE
from strategy.universes import KEYS

HEADER = "ticker,name,market,currency,asset_class"
MINE = """
[mine]
description = "Mine"
universe = "{universe}"
rebalance = "weekly"
signal = {{ kind = "dual_momentum", lookback = 126 }}
allocation = {{ kind = "equal_weight" }}
"""


def universe_file(*lines, header=HEADER, encoding="utf-8"):
    file = Path("mine.csv").absolute()
    file.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
    return file


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


def members(keys, file=None):
    settings = load_settings().model_copy(update={"universes": keys, "universe_file": file})
    check_universes(settings)
    days = pd.DatetimeIndex(["2024-01-08"]).as_unit("us")
    found = active_universe(settings).membership(days, pd.DataFrame({"universe": []}))
    return found.members.drop(columns="date")


def test_the_members_of_the_default_universe():
    assert len(members(("SAMPLE",), None)) == 25


def test_a_universe_file_becomes_the_universe_custom():
    file = universe_file(
        "BHP.AX, BHP Group ,XASX,AUD,equity", '"SPY","S&P 500, by SPDR",XNYS,USD,etf'
    )
    assert members(("CUSTOM",), file).values.tolist() == [
        ["CUSTOM", "BHP.AX", "BHP Group", "XASX", "AUD", "equity"],
        ["CUSTOM", "SPY", "S&P 500, by SPDR", "XNYS", "USD", "etf"],
    ]


@pytest.mark.parametrize("ticker", ["NA", "ON", "NAN", "NULL", "TRUE", "7"])
def test_tickers_that_look_like_other_things_survive(ticker):
    """``NA`` becomes a missing value in pandas' reader, ``ON`` a truth in YAML."""
    file = universe_file(f"{ticker},A name,XNYS,USD,equity")
    assert members(("CUSTOM",), file)["ticker"].tolist() == [ticker]


def test_a_file_from_a_spreadsheet_may_start_with_a_byte_order_mark():
    file = universe_file("SPY,S&P 500,XNYS,USD,etf", encoding="utf-8-sig")
    assert members(("CUSTOM",), file)["ticker"].tolist() == ["SPY"]


def test_the_file_is_not_read_where_custom_is_not_wanted():
    assert len(members(("SAMPLE",), Path("/no/such/file"))) == 25


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "there is no ticker in it; write one a line"),
        (
            ["SPY,S&P 500,XNYS,USD,etf", "SPY,Again,XNYS,USD,etf"],
            "line 3: ticker SPY stands twice; keep one",
        ),
        (
            ["SPY,S&P 500,NYSE,USD,etf"],
            "line 2: market 'NYSE' of SPY; accepted is XNYS or XASX",
        ),
        (["SPY,S&P 500,XNYS"], "line 2: currency '' of SPY; accepted is USD or AUD"),
        (
            [",S&P 500,XNYS,USD,etf"],
            "line 2: ticker '' of a row; accepted is upper case, e.g. BHP.AX",
        ),
    ],
)
def test_a_wrong_universe_file_is_refused_with_the_line(lines, reason):
    file = universe_file(*lines)
    assert refusal(members, ("CUSTOM",), file) == f"PARAKEET_UNIVERSE_FILE={file}: {reason}"


def test_a_universe_file_without_a_column():
    file = universe_file("SPY,XNYS,USD,etf", header="ticker,market,currency,asset_class")
    assert refusal(members, ("CUSTOM",), file) == (
        f"PARAKEET_UNIVERSE_FILE={file}: column name is missing; the header must be {HEADER}"
    )


def test_a_universe_file_with_a_comma_too_many():
    file = universe_file("SPY,S&P 500,XNYS,USD,etf", "IBM,IBM, Inc.,XNYS,USD,equity")
    assert refusal(members, ("CUSTOM",), file).startswith(f"PARAKEET_UNIVERSE_FILE={file}: ")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\n\n"])
def test_a_universe_file_that_is_no_csv(content):
    Path("mine.csv").write_bytes(content)
    message = refusal(members, ("CUSTOM",), Path("mine.csv"))
    assert message.startswith("PARAKEET_UNIVERSE_FILE=mine.csv: ")


def test_a_universe_file_that_is_not_there():
    assert refusal(members, ("CUSTOM",), Path("/no/such.csv")) == (
        "PARAKEET_UNIVERSE_FILE=/no/such.csv: there is no such file; write a CSV with the header"
        f" {HEADER}"
    )


def test_a_universe_file_that_is_a_directory(tmp_path):
    message = refusal(members, ("CUSTOM",), tmp_path)
    assert message.startswith(f"PARAKEET_UNIVERSE_FILE={tmp_path}: ")


def test_an_unknown_universe():
    assert refusal(members, ("SAMPLE", "FTSE"), None) == (
        f"PARAKEET_UNIVERSES=FTSE: unknown universe; accepted are {', '.join(KEYS)}"
    )


def test_custom_without_a_file():
    assert refusal(members, ("CUSTOM",), None) == (
        "PARAKEET_UNIVERSES=CUSTOM: no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV"
    )


def test_a_universe_of_which_no_list_ships(monkeypatch):
    assert refusal(members, ("RUSSELL2000",), None) == (
        "PARAKEET_UNIVERSES=RUSSELL2000: no list of it ships with Parakeet; set"
        " PARAKEET_UNIVERSE_SOURCE=live"
    )


def test_universes_that_disagree_about_a_ticker():
    file = universe_file("GE,General Electric,XNYS,AUD,equity")
    with pytest.raises(UniverseError, match="GE"):
        members(("SAMPLE", "CUSTOM"), file)


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


def test_the_default_settings_are_sound():
    check_settings(load_settings())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PARAKEET_UNIVERSES", "FTSE", "PARAKEET_UNIVERSES=FTSE: unknown universe"),
        ("PARAKEET_UNIVERSE_FILE", "/no/such.csv", "PARAKEET_UNIVERSE_FILE=/no/such.csv: there"),
        ("NEON_DATABASE_URL", "mysql://me:hunter2@db/app", "NEON_DATABASE_URL"),
        ("NEON_DATABASE_URL", "me:hunter2@db/app", "NEON_DATABASE_URL"),
    ],
)
def test_settings_that_are_known_to_be_wrong_without_connecting(
    monkeypatch, variable, value, message
):
    monkeypatch.setenv(variable, value)
    shown = refusal(check_settings, load_settings())
    assert shown.startswith(message)
    assert "hunter2" not in shown


def test_the_lake_is_where_the_settings_say(tmp_path):
    assert open_lake(load_settings().lake_url).store.url == str(tmp_path / ".parakeet" / "lake")


def test_the_price_source_is_the_one_named(monkeypatch):
    assert open_price_source(load_settings()).name == "sample"
    monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "yahoo")
    assert open_price_source(load_settings()).name == "yahoo"


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("AWS_ENDPOINT_URL_S3", "localhost:5000", "Invalid endpoint: localhost:5000"),
        ("AWS_PROFILE", "nobody", "The config profile (nobody) could not be found"),
    ],
)
def test_a_wrong_aws_variable_gets_one_line(monkeypatch, tmp_path, variable, value, reason):
    """Known when the client is made, before anything is sent."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    monkeypatch.setenv(variable, value)
    with pytest.raises(LakeError) as caught:
        open_lake("s3://bucket/prefix")
    assert caught.value.message == f"s3://bucket/prefix: {reason}; correct the AWS_* variables"
