"""Trades: what is read, which lines are bad, and what an id means."""

from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.imports.csv_file import read_lines
from parakeet_dagster.imports.trades import OPTIONAL, REQUIRED, check_trades, refused
from parakeet_dagster_tests.imports.listings import KNOWN, written

HEADER = "id,date,ticker,side,quantity,price,currency,fee,aud_per_unit"
TODAY = date(2024, 7, 10)
PLAIN = "write a plain number such as 1234.5, without thousands separators"
UNIVERSES = "add it to a universe that is fetched (PARAKEET_UNIVERSES, PARAKEET_UNIVERSE_FILE)"
OWN_ID = "give this trade an id of its own"


@pytest.fixture
def check(tmp_path):
    def check_rows(*rows: str, header: str = HEADER):
        lines = read_lines(written(tmp_path, header, *rows), REQUIRED, OPTIONAL)
        return check_trades(lines, KNOWN, TODAY)

    return check_rows


def test_trades(check):
    checked = check(
        "T1,2024-03-05,AAPL,buy,10,175.5,USD,3,1.53",
        "T2,2024-07-10,VAS.AX,sell,.5,95,AUD,,",
        "T3,2024-03-05,VAS.AX,sell,1,95,AUD,0,1",
    )
    assert checked.problems.empty
    assert checked.rows.dtypes.astype("str").to_dict() == {
        **dict.fromkeys(("id", "ticker", "side", "currency"), "str"),
        **dict.fromkeys(("quantity", "price", "fee", "aud_per_unit"), "float64"),
        "date": "datetime64[us]",
    }
    assert checked.rows.drop(columns=["date", "aud_per_unit"]).to_numpy().tolist() == [
        ["T1", "AAPL", "buy", 10, 175.5, "USD", 3],
        ["T2", "VAS.AX", "sell", 0.5, 95, "AUD", 0],
        ["T3", "VAS.AX", "sell", 1, 95, "AUD", 0],
    ]
    assert checked.rows["aud_per_unit"].fillna(0).tolist() == [1.53, 0, 1]
    assert (
        checked.rows["date"].tolist()[:2] == pd.to_datetime(["2024-03-05", "2024-07-10"]).tolist()
    )


def test_the_last_columns_may_be_missing(check):
    checked = check("T1,2024-03-05,AAPL,buy,10,175.5,USD", header=",".join(REQUIRED))
    assert checked.problems.empty
    assert checked.rows["fee"].tolist() == [0]
    assert checked.rows["aud_per_unit"].isna().all()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",2024-03-05,AAPL,buy,1,2,USD,,", "there is no id: give the trade one"),
        ("T,5 March,AAPL,buy,1,2,USD,,", "date '5 March' of AAPL is not a date: write YYYY-MM-DD"),
        (
            "T,2024-07-11,AAPL,buy,1,2,USD,,",
            "date '2024-07-11' of AAPL is in the future: today is 2024-07-10",
        ),
        (
            "T,2024-03-02,AAPL,buy,1,2,USD,,",
            "date '2024-03-02' of AAPL (Saturday): XNYS was closed, correct it",
        ),
        (
            "T,2024-07-04,AAPL,buy,1,2,USD,,",
            "date '2024-07-04' of AAPL (Thursday): XNYS was closed, correct it",
        ),
        (
            "T,2024-01-26,VAS.AX,buy,1,2,AUD,,",
            "date '2024-01-26' of VAS.AX (Friday): XASX was closed, correct it",
        ),
        (
            "T,2024-03-29,VAS.AX,buy,1,2,AUD,,",
            "date '2024-03-29' of VAS.AX (Friday): XASX was closed, correct it",
        ),
        (
            "T,2004-12-30,AAPL,buy,1,2,USD,,",
            "date '2004-12-30' of AAPL is before the first session, 2005-01-03",
        ),
        (
            "T,2024-03-05,APPL,buy,1,2,USD,,",
            f"ticker 'APPL' is unknown: is it AAPL? Else {UNIVERSES}",
        ),
        (
            "T,2024-03-05,CASH,buy,1,2,AUD,,",
            (
                "CASH is not traded: deposits and dividends come with a new snapshot, parakeet"
                " holdings import"
            ),
        ),
        ("T,2024-03-05,AAPL,b,1,2,USD,,", "side 'b' of AAPL: accepted are buy and sell"),
        ("T,2024-03-05,AAPL,Buy,1,2,USD,,", "side 'Buy' of AAPL: accepted are buy and sell"),
        ("T,2024-03-05,AAPL,,1,2,USD,,", "side '' of AAPL: accepted are buy and sell"),
        ("T,2024-03-05,AAPL,buy,-1,2,USD,,", "quantity '-1' of AAPL is not above 0: correct it"),
        ("T,2024-03-05,AAPL,buy,inf,2,USD,,", f"quantity 'inf' of AAPL: {PLAIN}"),
        ("T,2024-03-05,AAPL,buy,1,0,USD,,", "price '0' of AAPL is not above 0: correct it"),
        ("T,2024-03-05,AAPL,buy,1,2,AUD,,", "currency 'AUD' of AAPL: it trades in USD"),
        ("T,2024-03-05,AAPL,buy,1,2,USD,-3,", "fee '-3' of AAPL is below 0: correct it"),
        ("T,2024-03-05,AAPL,buy,1,2,USD,A$3,", f"fee 'A$3' of AAPL: {PLAIN}"),
        (
            "T,2024-03-05,AAPL,buy,1,2,USD,,0",
            "aud_per_unit '0' of AAPL is not above 0: correct it",
        ),
        ("T,2024-03-05,AAPL,buy,1,2,USD,,x", f"aud_per_unit 'x' of AAPL: {PLAIN}"),
        (
            "T,2024-03-05,VAS.AX,buy,1,2,AUD,,1.5",
            "aud_per_unit '1.5' of VAS.AX, which trades in AUD: leave it blank",
        ),
        (
            "T,2024-03-05,AAPL,bought,0,2,USD,,",
            (
                "side 'bought' of AAPL: accepted are buy and sell; quantity '0' of AAPL is not"
                " above 0: correct it"
            ),
        ),
        (
            "T,2024-03-05,AAPL,buy,1,000,2,USD,,",
            (
                "10 values, but the header has 9; a number is written without thousands separators,"
                " and a value with a comma in double quotes"
            ),
        ),
    ],
)
def test_a_bad_line_is_left_out_and_told(check, row, said):
    good = "2024-03-05,AAPL,buy,1,2,USD,,"
    checked = check(f"A,{good}", row, f"B,{good}")
    assert list(checked.problems.items()) == [(3, said)]
    assert checked.rows["id"].tolist() == ["A", "B"]


def test_each_market_has_its_own_sessions(check):
    """New York was closed on 4 July 2024, Sydney on 26 January."""
    checked = check("A,2024-07-04,VAS.AX,buy,1,2,AUD,,", "B,2024-01-26,AAPL,buy,1,2,USD,,")
    assert checked.problems.empty


def test_an_id_that_stands_twice_with_the_same_content_is_one_trade(check):
    checked = check(
        "T,2024-03-05,AAPL,buy,1,2,USD,,",
        "T,2024-03-05,AAPL,buy,1.0,2e0,USD,0,",
    )
    assert checked.problems.empty
    assert len(checked.rows.drop_duplicates()) == 1


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ("2024-03-06,AAPL,buy,1,2,USD,3,1.5", "date"),
        ("2024-03-05,ON,sell,1,2,USD,3,1.5", "ticker, side"),
        ("2024-03-05,AAPL,buy,2,3,USD,3,1.5", "quantity, price"),
        ("2024-03-05,AAPL,buy,1,2,USD,4,", "fee, aud_per_unit"),
        ("2024-03-05,VAS.AX,buy,1,2,AUD,3,1", "ticker, currency, aud_per_unit"),
    ],
)
def test_an_id_that_stands_twice_with_other_content_is_a_bad_line(check, other, differs):
    checked = check("T,2024-03-05,AAPL,buy,1,2,USD,3,1.5", f"T,{other}", "", f"T,{other}")
    said = f"id 'T' stands on line 2 with another {differs}: {OWN_ID}"
    assert list(checked.problems.items()) == [(3, said), (5, said)]
    assert checked.rows.index.tolist() == [2]


def test_an_id_on_a_bad_line_is_free(check):
    checked = check("T,2024-03-05,AAPL,buy,0,2,USD,,", "T,2024-03-05,AAPL,buy,1,2,USD,,")
    assert checked.problems.index.tolist() == [2]
    assert checked.rows["quantity"].tolist() == [1]


def test_what_the_table_refuses_is_a_bad_line(check):
    good = "2024-03-05,AAPL,buy,1,2,USD,,"
    rows = check(f"A,{good}", f"B,{good}", f"A,{good}").rows
    said = f"id 'A' is recorded with another price, fee: {OWN_ID}"
    assert refused(rows, {"A": "price, fee"}).to_dict() == {2: said, 4: said}
    assert refused(rows, {}).empty


def test_a_header_alone_is_no_trade(check):
    checked = check()
    assert checked.rows.empty
    assert checked.problems.empty
    assert checked.rows.dtypes.astype("str")["date"] == "datetime64[us]"
