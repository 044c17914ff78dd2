"""The lake and the database hold the same bars exactly when their checksums are equal."""

import hashlib
import struct

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster.storage.checksum import lake_checksum
from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

FIRST, LAST = days("2024-01-02", "2024-01-31")
BARS = [
    bar("2024-01-03", "B", 2.5, volume=3),
    bar("2024-01-02", "é", 3.0),
    bar("2024-01-02", "Z", 0.1),
    bar("2024-01-02", "a", 1 / 3, high=1.0, low=0.25, open=0.5, volume=2**40),
    bar("2024-01-02", "C", NO_BAR, dividend=1.0),
    bar("2024-01-04", "C", NO_BAR, dividend=1.0),
]


def test_one_bar_by_hand():
    content = b"B" + struct.pack(">ddddq", 2.5, 2.5, 2.5, 2.5, 3)

    expected = pd.DataFrame(
        {
            "date": pd.Series(["2024-01-03"], dtype="datetime64[us]"),
            "rows": pd.Series([1], dtype="int64"),
            "checksum": pd.Series([hashlib.md5(content).hexdigest()], dtype="str"),
        }
    )
    pd.testing.assert_frame_equal(lake_checksum(frame(BARS[0])), expected)


def test_both_sides_agree_and_leave_out_what_is_no_bar(database):
    database.merge_market_data(frame(*BARS), days("2024-01-02", "2024-01-03", "2024-01-04"), "test")

    lake = lake_checksum(frame(*BARS))
    assert lake["rows"].tolist() == [3, 1]
    pd.testing.assert_frame_equal(database.market_data_checksums(FIRST, LAST), lake)
    pd.testing.assert_frame_equal(
        database.market_data_checksums(*days("2024-01-03", "2024-01-03")),
        lake[1:].reset_index(drop=True),
    )


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_the_last_bit_of_any_column_shows(column):
    changed = BARS[0] | {column: np.nextafter(BARS[0][column], 9)}
    if column == "volume":
        changed = BARS[0] | {"volume": 4}

    assert (
        lake_checksum(frame(changed))["checksum"][0] != lake_checksum(frame(BARS[0]))["checksum"][0]
    )


def test_an_empty_lake_and_an_empty_database(database):
    pd.testing.assert_frame_equal(
        database.market_data_checksums(FIRST, LAST), lake_checksum(frame())
    )
