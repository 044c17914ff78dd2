"""From settings to universes and the price source; what is refused before anybody is asked."""

from pathlib import Path

import pandas as pd
import pytest

from parakeet_dagster.choices import check_universes
from parakeet_dagster.connect import active_universe, check_settings, open_price_source
from parakeet_dagster.errors import SettingsError, UniverseError
from parakeet_dagster.settings import load_settings
from strategy.universes import KEYS

HEADER = "ticker,name,market,currency,asset_class"


def universe_file(*lines, header=HEADER, encoding="utf-8"):
    file = Path("mine.csv").absolute()
    file.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
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


def test_the_price_source_is_the_one_named(monkeypatch):
    assert open_price_source(load_settings()).name == "sample"
    monkeypatch.setenv("PARAKEET_PRICE_SOURCE", "yahoo")
    assert open_price_source(load_settings()).name == "yahoo"
