"""Parts of the whole, by hand."""

import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import weekdays
from strategy.portfolio.weights import weights

SESSIONS = weekdays("2021-03-01", 3)


def positions(**by_ticker):
    rows = [
        (day, ticker, value)
        for ticker, values in by_ticker.items()
        for day, value in zip(SESSIONS, values, strict=True)
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["date", "ticker", "value_aud"])


def test_by_hand():
    """B is held from the second session on, a third of the time all; SOLD is never worth a cent."""
    table = weights(
        positions(
            A=[60.0, 0.0, 50.0],
            B=[None, 180.0, 50.0],
            CASH=[40.0, 20.0, 100.0],
            SOLD=[0.0, None, None],
        )
    )
    assert table.columns.tolist() == ["B", "A", "CASH"]
    assert table.index.equals(SESSIONS.rename("date"))
    assert table["A"].tolist() == pytest.approx([0.6, 0, 0.25])
    assert table["B"].tolist() == pytest.approx([0, 0.9, 0.25])
    assert table["CASH"].tolist() == pytest.approx([0.4, 0.1, 0.5])


def test_cash_is_the_last_however_much_there_is():
    table = weights(positions(CASH=[98.0] * 3, Z=[1.0] * 3, A=[1.0] * 3))
    assert table.columns.tolist() == ["A", "Z", "CASH"]


def test_cash_alone():
    table = weights(positions(CASH=[100.0, 101.0, 102.0]))
    assert table.columns.tolist() == ["CASH"]
    assert table["CASH"].tolist() == [1, 1, 1]


def test_no_row_of_cash_is_no_cash():
    assert weights(positions(A=[1.0, 1.0, 1.0]))["CASH"].tolist() == [0, 0, 0]


def test_parts_of_nothing_are_not_known():
    table = weights(positions(CASH=[100.0, 0.0, 5.0]))
    assert table["CASH"].isna().tolist() == [False, True, False]
