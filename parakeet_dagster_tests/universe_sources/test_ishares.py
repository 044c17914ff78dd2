"""The shares in a fund's holdings, without what is no share."""

import pytest

from parakeet_dagster.universe_sources.ishares import fund_members
from parakeet_dagster.universe_sources.web import UnusableListError
from parakeet_dagster_tests.constituents_pages import iwm_holdings


def tickers(text):
    return fund_members(text)["ticker"].tolist()


def test_shares_and_nothing_else():
    text = iwm_holdings(
        [
            ("FTAI", "FTAI AVIATION LTD"),
            ("NA", "NANO LABS, INC"),
            ("P5N994", "PETROCORP INC. ESCROW"),
            ("ADRO", "CHINOOK THERAPEUTICS INC CVR"),
            ("OMNI", "OMNIAB INC $12.50 VESTING CONTRA"),
            ("GTXI", "GTX INC RIGHTS"),
            ("-", "AN UNLISTED SHARE"),
        ],
        ("XTSLA", "BLK CSH FND TREASURY SL AGENCY", "Money Market"),
        ("USD", "USD CASH", "Cash"),
        ("RTYZ6", "RUSSELL 2000 EMINI CME DEC 26", "Futures"),
    )
    members = fund_members(text)
    assert members["ticker"].tolist() == ["FTAI", "NA"]
    assert members["name"].tolist() == ["FTAI AVIATION LTD", "NANO LABS, INC"]
    assert (members[["market", "currency", "asset_class"]] == ["XNYS", "USD", "equity"]).all(None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("MOGA", "MOG-A"),
        ("BRKB", "BRK-B"),
        ("CENTA", "CENTA"),  # a symbol of the Nasdaq, which has no classes in its symbols
        ("META", "META"),
        ("GEF.B", "GEF-B"),
        ("GEF/B", "GEF-B"),
        (" CRD A ", "CRD-A"),
    ],
)
def test_class_shares(written, expected):
    assert tickers(iwm_holdings([(written, "SOME COMPANY CLASS A")])) == [expected]


def test_a_name_with_right_in_it_is_a_share():
    assert tickers(iwm_holdings([("FRGT", "FREIGHT BRIGHT INC"), ("W", "WRIGHTS MEDIA")])) == [
        "FRGT",
        "W",
    ]


def test_two_lots_are_one_member():
    assert tickers(iwm_holdings([("A", "ALPHA"), ("A", "ALPHA")])) == ["A"]


@pytest.mark.parametrize(
    "text",
    ["", "<html><body>Error</body></html>", "iShares Russell 2000 ETF\nTicker,Weight\nA,1\n"],
)
def test_a_file_without_holdings(text):
    with pytest.raises(UnusableListError) as caught:
        fund_members(text)
    assert str(caught.value) == "the file has no table with the columns Ticker, Name, Asset Class"
