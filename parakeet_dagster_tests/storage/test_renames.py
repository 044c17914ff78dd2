"""A ticker that changed its symbol keeps its rows, and another company's are left alone."""

import pandas as pd
from sqlalchemy import text

from parakeet_dagster_tests.storage.bars import bar, days, frame

MONDAY, TUESDAY, WEDNESDAY = days("2022-06-07", "2022-06-08", "2022-06-09")
FB = pd.DataFrame({"old": ["FB"], "new": ["META"], "date": pd.to_datetime([WEDNESDAY])})


def stored(database):
    query = "SELECT ticker, date, close, adjusted_close FROM market_data ORDER BY date, ticker"
    with database.transaction("look") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def merge(database, *bars):
    whole = frame(*bars)
    database.merge_market_data(whole, sorted({row.date() for row in whole["date"]}), "test")


def test_rows_before_the_day_move_and_their_actions_count(database):
    merge(
        database,
        bar(str(MONDAY), "FB", 200.0),
        bar(str(TUESDAY), "FB", 100.0, split_ratio=2.0),
        bar(str(WEDNESDAY), "META", 110.0),
    )
    assert database.rename_tickers(FB) == 2
    assert stored(database) == [
        ("META", MONDAY, 200.0, 100.0),
        ("META", TUESDAY, 100.0, 100.0),
        ("META", WEDNESDAY, 110.0, 110.0),
    ]
    assert database.rename_tickers(FB) == 0


def test_where_the_new_symbol_has_the_row_the_old_one_goes(database):
    merge(database, bar(str(MONDAY), "FB", 200.0), bar(str(MONDAY), "META", 201.0))
    assert database.rename_tickers(FB) == 0
    assert stored(database) == [("META", MONDAY, 201.0, 201.0)]


def test_a_company_that_took_the_symbol_later_is_left_alone(database):
    merge(database, bar(str(WEDNESDAY), "FB", 5.0))
    assert database.rename_tickers(FB) == 0
    assert stored(database) == [("FB", WEDNESDAY, 5.0, 5.0)]


def test_its_failures_end(database):
    failed = {"ticker": "FB", "session": pd.Timestamp(WEDNESDAY), "error_class": "DELISTED"}
    rows = pd.DataFrame([failed | {"message": "no data found"}])
    database.record_failures(rows, WEDNESDAY, WEDNESDAY, [], "a fetch")
    merge(database, bar(str(MONDAY), "FB", 200.0))
    database.rename_tickers(FB)
    assert database.open_failures().empty


def test_a_target_of_the_past_has_the_new_symbol(database):
    weights = pd.DataFrame(
        {
            "date": pd.to_datetime([MONDAY, MONDAY]),
            "ticker": ["CASH", "FB"],
            "weight": [0.5, 0.5],
            "rebalance": True,
        }
    )
    database.write_allocations("one", weights)
    merge(database, bar(str(MONDAY), "FB", 200.0))
    database.rename_tickers(FB)
    assert database.read_allocations("one")["ticker"].tolist() == ["CASH", "META"]
