"""Opening holdings: what is read, and everything that can be wrong with a line."""

from datetime import date

import pandas as pd
import pytest

from parakeet_dagster.imports.csv_file import read_lines
from parakeet_dagster.imports.holdings import COLUMNS, check_holdings
from parakeet_dagster_tests.imports.listings import KNOWN, written

HEADER = "ticker,quantity,currency,acquired,price"
AS_OF, TODAY = date(2024, 3, 5), date(2024, 3, 7)
UNIVERSES = "add it to a universe that is fetched (PARAKEET_UNIVERSES, PARAKEET_UNIVERSE_FILE)"
PLAIN = "write a plain number such as 1234.5, without thousands separators"


@pytest.fixture
def check(tmp_path):
    def check_rows(*rows: str):
        return check_holdings(
            read_lines(written(tmp_path, HEADER, *rows), COLUMNS), KNOWN, AS_OF, TODAY
        )

    return check_rows


def test_parcels_and_cash(check):
    checked = check(
        "AAPL,10,USD,2021-05-03,132.5",
        "AAPL,2.5,USD,2024-03-05,1.7e2",
        "VAS.AX,.5,AUD,1999-12-31,95",
        "NA,1,USD,2021-05-02,1",
        "CASH,1234.56,AUD,,",
    )
    assert checked.problems.empty
    assert checked.rows.dtypes.astype("str").to_dict() == {
        "ticker": "str",
        "quantity": "float64",
        "currency": "str",
        "acquired": "datetime64[us]",
        "price": "float64",
    }
    assert checked.rows["ticker"].tolist() == ["AAPL", "AAPL", "VAS.AX", "NA", "CASH"]
    assert checked.rows["quantity"].tolist() == [10, 2.5, 0.5, 1, 1234.56]
    assert checked.rows["price"][:-1].tolist() == [132.5, 170, 95, 1]
    assert checked.rows["acquired"].iloc[1] == pd.Timestamp("2024-03-05")
    assert checked.rows[["acquired", "price"]].iloc[-1].isna().all()


def test_tickers_that_look_like_something_else(check):
    rows = check(*(f"{ticker},1,USD,2021-05-03,1" for ticker in ("NA", "ON", "TRUE"))).rows
    assert rows["ticker"].tolist() == ["NA", "ON", "TRUE"]


def test_the_price_of_cash_may_be_one(check):
    checked = check("CASH,5,AUD,,1.0")
    assert checked.problems.empty
    assert checked.rows["price"].isna().all()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("APPL,1,USD,2021-05-03,1", f"ticker 'APPL' is unknown: is it AAPL? Else {UNIVERSES}"),
        ("aapl,1,USD,2021-05-03,1", f"ticker 'aapl' is unknown: is it AAPL? Else {UNIVERSES}"),
        ("BRK.B,1,USD,2021-05-03,1", f"ticker 'BRK.B' is unknown: is it BRK-B? Else {UNIVERSES}"),
        ("VAS,1,AUD,2021-05-03,1", f"ticker 'VAS' is unknown: is it VAS.AX? Else {UNIVERSES}"),
        ("ZZZZ,1,USD,2021-05-03,1", f"ticker 'ZZZZ' is unknown: {UNIVERSES}"),
        (",1,USD,2021-05-03,1", f"ticker '' is unknown: {UNIVERSES}"),
        ("AAPL,-1,USD,2021-05-03,1", "quantity '-1' of AAPL is not above 0: correct it"),
        ("AAPL,0,USD,2021-05-03,1", "quantity '0' of AAPL is not above 0: correct it"),
        ("AAPL,ten,USD,2021-05-03,1", f"quantity 'ten' of AAPL: {PLAIN}"),
        ("AAPL,inf,USD,2021-05-03,1", f"quantity 'inf' of AAPL: {PLAIN}"),
        ("AAPL,nan,USD,2021-05-03,1", f"quantity 'nan' of AAPL: {PLAIN}"),
        ("AAPL,,USD,2021-05-03,1", f"quantity '' of AAPL: {PLAIN}"),
        ('AAPL,"1,000",USD,2021-05-03,1', f"quantity '1,000' of AAPL: {PLAIN}"),
        ("AAPL,1 000,USD,2021-05-03,1", f"quantity '1 000' of AAPL: {PLAIN}"),
        ("AAPL,1,AUD,2021-05-03,1", "currency 'AUD' of AAPL: it trades in USD"),
        ("VAS.AX,1,,2021-05-03,1", "currency '' of VAS.AX: it trades in AUD"),
        (
            "AAPL,1,USD,2024-03-06,1",
            (
                "acquired '2024-03-06' of AAPL is after the day of the snapshot, 2024-03-05: give a"
                " later --as-of"
            ),
        ),
        (
            "AAPL,1,USD,2024-03-08,1",
            "acquired '2024-03-08' of AAPL is in the future: today is 2024-03-07",
        ),
        (
            "AAPL,1,USD,03/05/2021,1",
            "acquired '03/05/2021' of AAPL is not a date: write YYYY-MM-DD",
        ),
        (
            "AAPL,1,USD,2021-02-29,1",
            "acquired '2021-02-29' of AAPL is not a date: write YYYY-MM-DD",
        ),
        ("AAPL,1,USD,,1", "acquired '' of AAPL is not a date: write YYYY-MM-DD"),
        ("AAPL,1,USD,2021-05-03,0", "price '0' of AAPL is not above 0: correct it"),
        ("AAPL,1,USD,2021-05-03,-2", "price '-2' of AAPL is not above 0: correct it"),
        ("AAPL,1,USD,2021-05-03,", f"price '' of AAPL: {PLAIN}"),
        ("CASH,1,USD,,", "currency 'USD' of CASH: cash is held in AUD; convert it"),
        ("CASH,0,AUD,,", "quantity '0' of CASH is not above 0: correct it"),
        ("CASH,1,AUD,2021-05-03,", "acquired '2021-05-03' of CASH: leave it blank"),
        ("CASH,1,AUD,,2", "price '2' of CASH: leave it blank"),
    ],
)
def test_what_is_wrong_with_a_line(check, row, said):
    checked = check("NA,1,USD,2021-05-03,1", row, "ON,1,USD,2021-05-03,1")
    assert list(checked.problems.items()) == [(3, said)]
    assert checked.rows["ticker"].tolist() == ["NA", "ON"]


def test_cash_stands_once(check):
    checked = check("CASH,1,AUD,,", "NA,1,USD,2021-05-03,1", "CASH,1,AUD,,")
    assert list(checked.problems.items()) == [(4, "CASH stands twice: write the sum on one line")]


def test_a_ticker_has_one_currency(check):
    known = check("AAPL,1,USD,2021-05-03,1", "AAPL,1,AUD,2021-05-03,1")
    assert list(known.problems.items()) == [(3, "currency 'AUD' of AAPL: it trades in USD")]
    unknown = check("ZZZZ,1,USD,2021-05-03,1", "ZZZZ,1,AUD,2021-05-03,1")
    assert list(unknown.problems.items()) == [
        (2, f"ticker 'ZZZZ' is unknown: {UNIVERSES}"),
        (3, f"ticker 'ZZZZ' is unknown: {UNIVERSES}"),
        (3, "currency 'AUD' of ZZZZ, which stands in USD before: a ticker has one"),
    ]


def test_all_that_is_wrong_is_listed_in_the_order_of_the_lines(check):
    checked = check("AAPL,0,AUD,2021,1", "", "AAPL,1", "ON,1,USD,2021-05-03,0")
    assert [(line, message.split(" of ")[0]) for line, message in checked.problems.items()] == [
        (2, "quantity '0'"),
        (2, "currency 'AUD'"),
        (2, "acquired '2021'"),
        (4, checked.problems[4]),
        (5, "price '0'"),
    ]
    assert checked.problems[4].startswith("2 values, but the header has 5")
    assert checked.rows.empty
