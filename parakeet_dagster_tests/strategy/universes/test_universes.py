"""The universes, and what a list of members must look like."""

import pandas as pd
import pytest

from strategy.errors import StrategyError
from strategy.universes import (
    DESCRIPTIONS,
    KEYS,
    LIVE_ONLY,
    MEMBER_COLUMNS,
    UNIVERSES,
    validate_members,
)
from strategy.universes.core_etfs import DEFENSIVE
from strategy.universes.keys import parts_of

BHP = ("BHP.AX", "BHP", "XASX", "AUD", "equity")
SPY = ("SPY", "S&P 500", "XNYS", "USD", "etf")


def members(*rows):
    return pd.DataFrame(rows, columns=MEMBER_COLUMNS)


def test_core_etfs_are_those_of_the_issue():
    """Gold once: the predecessor's list held it four times over."""
    us = ["SPY", "QQQ", "IWM", "EFA", "EEM", "VNQ", "GLD", "SLV", "DBC", "TLT", "IEF", "BND"]
    asx = ["VAS.AX", "VGS.AX", "VAP.AX", "NDQ.AX", "VAF.AX"]
    table = UNIVERSES["CORE_ETFS"]().set_index("ticker")
    assert sorted(table.index) == sorted(us + asx)
    assert (table.loc[us, ["market", "currency"]] == ["XNYS", "USD"]).all(axis=None)
    assert (table.loc[asx, ["market", "currency"]] == ["XASX", "AUD"]).all(axis=None)
    assert (table["asset_class"] == "etf").all()
    assert DEFENSIVE == ("TLT", "IEF", "BND", "VAF.AX")


def test_the_sample_is_20_stocks_and_5_funds():
    table = UNIVERSES["SAMPLE"]()
    assert table["asset_class"].value_counts().to_dict() == {"equity": 20, "etf": 5}
    assert (table["market"] == "XNYS").all()


@pytest.mark.parametrize("key", UNIVERSES)
def test_every_universe_is_valid_and_sorted(key):
    assert DESCRIPTIONS[key]
    table = UNIVERSES[key]()
    pd.testing.assert_frame_equal(validate_members(table), table)
    assert table["ticker"].is_monotonic_increasing
    assert table["ticker"].is_unique


def test_the_keys():
    assert KEYS == (
        "SPX500",
        "NASDAQ100",
        "RUSSELL2000",
        "US_ETFS",
        "ASX200",
        "ASX_ETFS",
        "CORE_ETFS",
        "SCREENER",
        "SAMPLE",
        "CUSTOM",
    )
    assert LIVE_ONLY == ("RUSSELL2000",)
    assert all(DESCRIPTIONS[key] for key in KEYS)
    assert parts_of("SCREENER") == ("SPX500", "US_ETFS", "ASX200")
    assert parts_of("SPX500") == ("SPX500",)


def test_a_list_is_trimmed_and_sorted():
    loose = members(("SPY ", " S&P 500", "XNYS", "USD ", " etf"), BHP)
    pd.testing.assert_frame_equal(validate_members(loose), members(BHP, SPY).astype("str"))


@pytest.mark.parametrize("ticker", ["BRK-B", "BF-B", "^GSPC", "AUDUSD=X", "NA", "ON", "TRUE", "7"])
def test_tickers_as_yahoo_writes_them_are_accepted(ticker):
    assert validate_members(members((ticker, *SPY[1:])))["ticker"].tolist() == [ticker]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "there is no ticker in it; write one a line"),
        ([SPY, ("spy", *SPY[1:])], "line 3: ticker 'spy' of spy; accepted is upper case"),
        ([("", *SPY[1:])], "line 2: ticker '' of a row; accepted is upper case"),
        ([("A B", *SPY[1:])], "line 2: ticker 'A B' of A B; accepted is upper case"),
        (
            [SPY, ("A", "A", "NYSE", "USD", "etf")],
            "line 3: market 'NYSE' of A; accepted is XNYS or XASX",
        ),
        (
            [("A", "A", "XNYS", "EUR", "etf")],
            "line 2: currency 'EUR' of A; accepted is USD or AUD",
        ),
        (
            [("A", "A", "XNYS", "USD", "fund")],
            "line 2: asset_class 'fund' of A; accepted is equity or etf",
        ),
        (
            [("BHP", *BHP[1:])],
            "line 2: market 'XASX' of BHP; accepted is XASX exactly for tickers that end in .AX",
        ),
        (
            [("SPY.AX", *SPY[1:])],
            "line 2: market 'XNYS' of SPY.AX; accepted is XASX exactly for tickers that end in .AX",
        ),
        ([SPY, BHP, SPY], "line 4: ticker SPY stands twice; keep one"),
    ],
)
def test_a_wrong_list_is_refused_with_the_line_and_what_is_accepted(rows, message):
    with pytest.raises(StrategyError) as caught:
        validate_members(members(*rows))
    assert str(caught.value).startswith(message)


def test_a_missing_column_is_named():
    with pytest.raises(StrategyError) as caught:
        validate_members(members(SPY).drop(columns=["currency", "name"]))
    assert str(caught.value) == (
        "column name, currency is missing; the header must be"
        " ticker,name,market,currency,asset_class"
    )


def test_more_columns_are_left_out():
    noted = members(SPY).assign(note="mine")
    assert validate_members(noted).columns.tolist() == MEMBER_COLUMNS
