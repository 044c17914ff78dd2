"""The table as it was known at a moment: changed, deleted and re-inserted bars, late actions."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

MONDAY, TUESDAY, WEDNESDAY = "2024-01-08", "2024-01-09", "2024-01-10"
ALL = (MONDAY, TUESDAY, WEDNESDAY)
TICK = timedelta(microseconds=1)


def merge(database, *bars: dict, sessions: tuple[str, ...] = ALL) -> datetime:
    """Merge; then the time of the server."""
    database.merge_market_data(frame(*bars), days(*sessions), "a test")
    return scalar(database, "SELECT clock_timestamp()")


def scalar(database, query: str) -> datetime:
    with database.transaction("look") as connection:
        return connection.scalar(text(query))


def closes(database, moment: datetime) -> list[tuple]:
    found = database.market_data_as_of(moment)
    found["date"] = found["date"].dt.strftime("%Y-%m-%d")
    columns = ["ticker", "date", "close", "adjusted_close"]
    return list(found[columns].itertuples(index=False, name=None))


def test_before_the_first_merge_there_is_nothing(database):
    empty = database.market_data_as_of(datetime.now(UTC))
    assert empty.empty
    merge(database, bar(MONDAY, "A", 10.0))

    before = database.market_data_as_of(datetime(2020, 1, 1, tzinfo=UTC))
    assert before.empty
    assert before.dtypes.astype("str").to_dict() == {
        "ticker": "str",
        "date": "datetime64[us]",
        **dict.fromkeys(("open", "high", "low", "close"), "float64"),
        "volume": "int64",
        "adjusted_close": "float64",
        "source": "str",
        "data_quality": "str",
        "created_at": "datetime64[us, UTC]",
        "updated_at": "datetime64[us, UTC]",
        "metadata": "str",
    }


def test_a_moment_without_a_time_zone_is_a_mistake_of_the_caller(database):
    with pytest.raises(ValueError, match="2024-01-08 00:00:00 has no time zone"):
        database.market_data_as_of(datetime(2024, 1, 8))  # noqa: DTZ001 - the mistake


def test_a_time_zone_is_respected(database):
    known = merge(database, bar(MONDAY, "A", 10.0))
    far_east = known.astimezone(timezone(timedelta(hours=14)))

    assert closes(database, far_east) == [("A", MONDAY, 10.0, 10.0)]


def test_to_the_microsecond(database):
    merge(database, bar(MONDAY, "A", 10.0))
    created = scalar(database, "SELECT created_at FROM market_data")
    merge(database, bar(MONDAY, "A", 11.0))
    revised = scalar(database, "SELECT revised_at FROM market_data_revisions")

    assert created < revised
    assert closes(database, created - TICK) == []
    assert closes(database, created) == [("A", MONDAY, 10.0, 10.0)]
    assert closes(database, revised - TICK) == [("A", MONDAY, 10.0, 10.0)]
    assert closes(database, revised) == [("A", MONDAY, 11.0, 11.0)]


def test_a_bar_that_goes_and_comes_again(database):
    first = merge(database, bar(MONDAY, "A", 10.0), bar(TUESDAY, "A", 20.0))
    gone = merge(database, bar(TUESDAY, "A", 20.0))
    again = merge(database, bar(MONDAY, "A", 12.0), bar(TUESDAY, "A", 20.0))
    changed = merge(database, bar(MONDAY, "A", 13.0), bar(TUESDAY, "A", 20.0))
    gone_again = merge(database, bar(TUESDAY, "A", 20.0))

    other = ("A", TUESDAY, 20.0, 20.0)
    assert closes(database, first) == [("A", MONDAY, 10.0, 10.0), other]
    assert closes(database, gone) == [other]
    assert closes(database, again) == [("A", MONDAY, 12.0, 12.0), other]
    assert closes(database, changed) == [("A", MONDAY, 13.0, 13.0), other]
    assert closes(database, gone_again) == [other]


def test_a_ticker_that_is_gone_altogether_is_known_then(database):
    known = merge(database, bar(MONDAY, "A", 10.0))
    merge(database)

    assert closes(database, known) == [("A", MONDAY, 10.0, 10.0)]
    assert closes(database, datetime.now(UTC) + timedelta(days=1)) == []


def test_adjusted_close_follows_from_the_actions_known_then(database):
    plain = merge(database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 50.0))
    split = merge(database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 50.0, split_ratio=2.0))
    dividend = merge(
        database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 50.0, split_ratio=4.0, dividend=50.0)
    )
    withdrawn = merge(database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 50.0))

    assert closes(database, plain)[0] == ("A", MONDAY, 100.0, 100.0)
    assert closes(database, split)[0] == ("A", MONDAY, 100.0, 50.0)
    assert closes(database, dividend)[0] == ("A", MONDAY, 100.0, 20.0)
    assert closes(database, withdrawn)[0] == ("A", MONDAY, 100.0, 100.0)


def test_adjusted_close_follows_from_the_closes_known_then(database):
    """The factor of a dividend is a share of the close of its day, which was another one then."""
    ex_date = {"dividend": 50.0}
    low = merge(database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 50.0, **ex_date))
    high = merge(database, bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", 150.0, **ex_date))
    waits = merge(
        database,
        bar(MONDAY, "A", 100.0), bar(TUESDAY, "A", NO_BAR, **ex_date), bar(WEDNESDAY, "A", 200.0),
    )  # fmt: skip

    assert closes(database, low)[0] == ("A", MONDAY, 100.0, 50.0)
    assert closes(database, high)[0] == ("A", MONDAY, 100.0, 75.0)
    assert closes(database, waits) == [("A", MONDAY, 100.0, 80.0), ("A", WEDNESDAY, 200.0, 200.0)]


def test_updated_at_is_never_later_than_the_moment(database):
    merge(database, bar(MONDAY, "A", 100.0), sessions=(MONDAY,))
    changed = merge(database, bar(MONDAY, "A", 101.0), sessions=(MONDAY,))
    revised = scalar(database, "SELECT revised_at FROM market_data_revisions")
    split = merge(database, bar(TUESDAY, "A", 50.0, split_ratio=2.0), sessions=(TUESDAY,))

    then = database.market_data_as_of(changed).iloc[0]
    now = database.market_data_as_of(split).iloc[0]
    assert then["updated_at"] == revised
    assert then["created_at"] == now["created_at"] < revised < changed < now["updated_at"] < split
    assert then["metadata"] == '{"market": "XNYS", "currency": "USD"}'


def test_a_volume_that_drifts_is_that_of_the_newest_version(database):
    first = merge(database, bar(MONDAY, "A", 10.0))
    merge(database, bar(MONDAY, "A", 10.0, volume=1001))

    assert database.market_data_as_of(first)["volume"].tolist() == [1001]


def test_a_clock_that_is_set_back_does_not_mix_the_order_up(database):
    merge(database, bar(MONDAY, "A", 10.0, dividend=1.0))
    with database.transaction("tomorrow") as connection:
        connection.execute(text("UPDATE market_data SET updated_at = now() + interval '1 day'"))
        connection.execute(text("UPDATE corporate_actions SET known_at = now() + interval '2 day'"))
    merge(database, bar(MONDAY, "A", 11.0, dividend=2.0))

    known_at = scalar(
        database, "SELECT known_at FROM corporate_actions WHERE superseded_at IS NULL"
    )
    revised_at = scalar(database, "SELECT revised_at FROM market_data_revisions")
    assert known_at == revised_at > datetime.now(UTC) + timedelta(days=1)
    assert scalar(
        database,
        "SELECT superseded_at > known_at FROM corporate_actions WHERE superseded_at IS NOT NULL",
    )
    assert closes(database, revised_at - TICK) == [("A", MONDAY, 10.0, 10.0)]
    assert closes(database, revised_at) == [("A", MONDAY, 11.0, 11.0)]


NOW = "SELECT * FROM market_data ORDER BY ticker, date"


def snapshot(database) -> pd.DataFrame:
    with database.transaction("look") as connection:
        return pd.read_sql_query(text(NOW), connection)


def test_any_history_of_merges_can_be_seen_again(database):
    """Bars and actions that come, change and go at random; then every state once more."""
    random = np.random.default_rng(11)
    dates = [str(day.date()) for day in pd.bdate_range("2024-01-01", periods=8)]

    def some_bar(day: str, ticker: str) -> dict:
        return bar(
            day,
            ticker,
            float(random.integers(10, 14)) if random.random() < 0.8 else NO_BAR,
            dividend=float(random.choice([0.0, 0.0, 0.0, 0.5, 1.0])),
            split_ratio=float(random.choice([1.0, 1.0, 1.0, 2.0, 0.1])),
        )

    seen = []
    for _ in range(14):
        chosen = random.choice(dates, 5, replace=False).tolist()
        bars = [some_bar(day, name) for day in chosen for name in "ABC" if random.random() < 0.8]
        moment = merge(database, *bars, sessions=tuple(chosen))
        seen.append((moment, snapshot(database)))

    columns = ["ticker", "open", "high", "low", "close", "source", "data_quality"]
    seen.append((moment + timedelta(days=1), snapshot(database)))
    for moment, then in seen:
        found = database.market_data_as_of(moment)
        assert found["date"].dt.date.tolist() == then["date"].tolist()
        assert found[columns].to_numpy().tolist() == then[columns].to_numpy().tolist()
        assert found["adjusted_close"].tolist() == pytest.approx(
            then["adjusted_close"].tolist(), rel=1e-10
        )
        assert found["created_at"].tolist() == then["created_at"].tolist()
        assert (found["updated_at"] <= moment).all()
        assert (found["updated_at"] >= found["created_at"]).all()
