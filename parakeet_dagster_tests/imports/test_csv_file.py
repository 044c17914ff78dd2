"""Text as a person wrote it, each line with its number; what is no table is one line."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.errors import InputFileError
from parakeet_dagster.imports.cells import dates, numbers
from parakeet_dagster.imports.csv_file import read_lines

NOT_TEXT = " is not text in UTF-8: save it as CSV (UTF-8)"


@pytest.fixture
def read(tmp_path):
    """Of a file with the content given, with the column ``fee`` optional."""

    def read_content(content: str | bytes):
        file = tmp_path / "mine.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_lines(file, ("ticker", "quantity"), ("fee",))

    return read_content


def test_every_value_is_text_and_every_line_has_its_number(read):
    lines = read("ticker,quantity,fee\nNA,10,\n\nTRUE,1e3,3.0\nON,007,None\n")
    assert lines.rows.to_dict("split") == {
        "index": [2, 4, 5],
        "columns": ["ticker", "quantity", "fee"],
        "data": [["NA", "10", ""], ["TRUE", "1e3", "3.0"], ["ON", "007", "None"]],
    }
    assert lines.rows.dtypes.astype("str").unique().tolist() == ["str"]
    assert lines.rows.index.name == "line"
    assert lines.problems.empty


@pytest.mark.parametrize(
    "content",
    [
        "ticker,quantity,fee\nBHP.AX,10,3\n",
        "\ufeffticker,quantity,fee\nBHP.AX,10,3\n",
        "ticker,quantity,fee\r\nBHP.AX,10,3\r\n",
        "ticker,quantity,fee\rBHP.AX,10,3\r",
        " Ticker , QUANTITY,Fee \n BHP.AX ,\t10, 3\u00a0\n",
        '"ticker","quantity","fee"\n"BHP.AX","10","3"',
        "fee,ticker,quantity\n3,BHP.AX,10",
        "\n\nticker,quantity,fee\n,,\n  ,,\nBHP.AX,10,3\n,,\n",
    ],
)
def test_it_may_be_written_in_many_ways(read, content):
    assert read(content).rows.to_numpy().tolist() == [["BHP.AX", "10", "3"]]


def test_an_optional_column_is_blank_where_it_is_not(read):
    assert read("quantity,ticker\n10,A").rows.to_numpy().tolist() == [["A", "10", ""]]


def test_a_value_over_several_lines_counts_them(read):
    lines = read('ticker,quantity,fee\n"A\nB",1,\nC,2,\n')
    assert lines.rows["ticker"].to_dict() == {2: "A B", 4: "C"}


def test_a_line_that_is_torn_is_a_problem(read):
    lines = read("ticker,quantity,fee\nA,1,000,3\nB,2,3\nC,1\nD,\u202a5,\n")
    assert lines.rows.index.tolist() == [3]
    assert lines.problems.to_dict() == {
        2: "4 values, but the header has 3; a number is written without thousands separators, and a"
        " value with a comma in double quotes",
        4: "2 values, but the header has 3; a number is written without thousands separators, and a"
        " value with a comma in double quotes",
        5: "it holds a sign that cannot be seen, '\\u202a': type it again",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", " is empty: write a CSV with the header ticker,quantity,fee"),
        ("\ufeff \n\n", " is empty: write a CSV with the header ticker,quantity,fee"),
        ("A,1\n", ": column ticker, quantity is missing; the header must be ticker,quantity,fee"),
        (
            "ticker;quantity\nA;1\n",
            (": column ticker, quantity is missing; the header must be ticker,quantity,fee"),
        ),
        (
            "ticker,fee\nA,1\n",
            (": column quantity is missing; the header must be ticker,quantity,fee"),
        ),
        (
            "ticker,quantity,fees\n",
            (": column 'fees' is unknown; the header must be ticker,quantity,fee"),
        ),
        ("ticker,quantity,ticker\n", ": column 'ticker' stands twice; keep one"),
        (
            "ticker,quantity,fee,\n",
            (": column '' is unknown; the header must be ticker,quantity,fee"),
        ),
        (",,\n", ": column ticker, quantity is missing; the header must be ticker,quantity,fee"),
        (
            'ticker,quantity\nA,1\n"B,2\nC,3\n',
            (" line 3: unexpected end of data: a quoted value must end with its quote"),
        ),
        (
            'ticker,quantity\n"A"x,1\n',
            (" line 2: ',' expected after '\"': a quoted value must end with its quote"),
        ),
        ("ticker,quantity\nA,1\n".encode("utf-16"), NOT_TEXT),
        (b"ticker,quantity\nCaf\xe9,1\n", NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n\0\0", NOT_TEXT),
        (b"PK\x03\x04\0\0", NOT_TEXT),
    ],
)
def test_what_is_no_table_is_one_line(read, content, said, tmp_path):
    with pytest.raises(InputFileError) as caught:
        read(content)
    assert caught.value.message == f"{tmp_path / 'mine.csv'}{said}"


def test_what_is_no_file_is_one_line(tmp_path):
    with pytest.raises(InputFileError) as caught:
        read_lines(tmp_path / "none.csv", ("ticker",))
    assert caught.value.message == (
        f"{tmp_path / 'none.csv'}: there is no such file; write a CSV with the header ticker"
    )
    with pytest.raises(InputFileError) as caught:
        read_lines(tmp_path, ("ticker",))
    assert caught.value.message == f"{tmp_path} is a directory: name the CSV in it"
    with pytest.raises(InputFileError, match=r"x\.csv cannot be read: "):
        read_lines(tmp_path / ("long" * 100 + "x.csv"), ("ticker",))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_bits(value):
    (found,) = numbers(pd.Series([repr(value)]))
    assert found == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1,000", "1 000", "1_000", "1'000", "12,5", "$5", "5 USD", "inf", "-Infinity"),
        *("nan", "NaN", "1e999", "0x10", "1.2.3", "--1", "\u0663", "\u00bd", "True", "1e", "."),
    ],
)
def test_what_is_no_number(text):
    assert numbers(pd.Series([text])).isna().all()


def test_dates_are_written_in_one_way():
    texts = pd.Series(["2024-02-29", "1999-12-31", "2023-02-29", "2024-2-9", "09/02/2024", "", "x"])
    found = dates(pd.concat([texts, pd.Series(["20240229", "2024-02-29T00:00", "0024-02-29"])]))
    assert found.dtype == "datetime64[us]"
    assert found.dt.strftime("%Y-%m-%d").tolist()[:2] == ["2024-02-29", "1999-12-31"]
    assert found[2:].isna().all()
