"""The right table of a page, by its columns; symbols as Yahoo writes them."""

import pytest

from parakeet_dagster.universe_sources.web import UnusableListError
from parakeet_dagster.universe_sources.wikipedia import asx_members, us_members
from parakeet_dagster_tests.constituents_pages import (
    CHANGES,
    asx200_page,
    nasdaq100_page,
    page,
    sp500_page,
    table,
)


def rows(members):
    return list(members[["ticker", "name"]].itertuples(index=False, name=None))


def test_the_s_and_p_500():
    members = us_members(sp500_page([("MMM", "3M"), ("BRK-B", "Berkshire Hathaway")]))
    assert rows(members) == [("MMM", "3M"), ("BRK-B", "Berkshire Hathaway")]
    assert (members[["market", "currency", "asset_class"]] == ["XNYS", "USD", "equity"]).all(None)


def test_the_nasdaq_100_with_its_footnotes():
    assert rows(us_members(nasdaq100_page([("AAPL", "Apple")]))) == [("AAPL", "Apple")]


def test_the_s_and_p_asx_200():
    members = asx_members(asx200_page([("360.AX", "Life360"), ("BHP.AX", "BHP & Co")]))
    assert rows(members) == [("360.AX", "Life360"), ("BHP.AX", "BHP & Co")]
    assert (members[["market", "currency", "asset_class"]] == ["XASX", "AUD", "equity"]).all(None)


def test_codes_that_are_all_numbers_stay_as_they_are_written():
    assert rows(asx_members(asx200_page([("360.AX", "Life360")]))) == [("360.AX", "Life360")]


@pytest.mark.parametrize("symbol", ["NA", "ON", "TRUE", "NULL", "NAN", "A"])
def test_symbols_that_look_like_something_else(symbol):
    assert rows(us_members(sp500_page([(symbol, "N/A"), ("T", "AT&T")])))[0] == (symbol, "N/A")


@pytest.mark.parametrize("written", ["NYSE: IBM", "NASDAQ:IBM", "IBM[12]", " IBM\xa0"])
def test_what_stands_beside_a_symbol(written):
    whole = page(table(["Symbol", "Security"], [(written, "IBM[a]")]))
    assert rows(us_members(whole)) == [("IBM", "IBM")]


def test_an_asx_code_with_its_exchange_or_suffix():
    whole = page(table(["Code", "Company"], [("ASX: BHP", "BHP"), ("RIO.AX", "Rio Tinto")]))
    assert [ticker for ticker, _ in rows(asx_members(whole))] == ["BHP.AX", "RIO.AX"]


def test_of_several_tables_the_longest_counts():
    few = table(["Symbol", "Company"], [("X", "Top holding")], "top")
    many = table(["Symbol", "Company"], [("A", "Agilent"), ("B", "Barnes")])
    assert len(us_members(page(few, many))) == len(us_members(page(many, few))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Service unavailable",
        "<html><body><p>Something went wrong</p></body></html>",
        page(CHANGES),
        page(table(["Symbol", "Weight"], [("A", "1%")])),
        page(table(["Security", "Weight"], [("Agilent", "1%")])),
        '{"error": "not a page"}',
        "\x00\x01",
    ],
)
def test_a_page_without_constituents(text):
    with pytest.raises(UnusableListError, match="no table with a column Symbol, Ticker or Code"):
        us_members(text)
