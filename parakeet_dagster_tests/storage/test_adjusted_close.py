"""adjusted_close = last close / product of (1 + total return) over the bars since."""

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster.storage.database import Database
from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

APPLE = [
    bar("2020-08-06", "AAPL", 455.61),
    bar("2020-08-07", "AAPL", 444.45, dividend=0.82),
    bar("2020-08-28", "AAPL", 499.23),
    bar("2020-08-31", "AAPL", 129.04, split_ratio=4.0),
]


def merge(database: Database, *bars: dict) -> None:
    sessions = days(*sorted({str(row["date"]) for row in bars}))
    database.merge_market_data(frame(*bars), sessions, "a test")


def adjusted(database: Database, ticker: str) -> list[float]:
    query = text("SELECT adjusted_close FROM market_data WHERE ticker = :ticker ORDER BY date")
    with database.transaction("look") as connection:
        return list(connection.scalars(query, {"ticker": ticker}))


APPLE_ADJUSTED = [
    # 455.61 / 4, and 444.45 / (444.45 + 0.82) for the dividend
    pytest.approx(113.69274, abs=5e-6),
    pytest.approx(111.1125, rel=1e-12),
    pytest.approx(124.8075, rel=1e-12),
    129.04,
]


def test_apple_in_august_2020(database):
    merge(database, *APPLE)
    assert adjusted(database, "AAPL") == APPLE_ADJUSTED

    first, second, third, fourth = adjusted(database, "AAPL")
    assert second / first - 1 == pytest.approx(-0.022695, abs=5e-7)
    assert fourth / third - 1 == pytest.approx(0.033912, abs=5e-7)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_the_order_in_which_the_sessions_come_does_not_matter(database, order):
    for position in order:
        merge(database, APPLE[position])

    assert adjusted(database, "AAPL") == APPLE_ADJUSTED


@pytest.mark.parametrize(
    ("case", "bars", "first_adjusted"),
    [
        (
            "the dividend is per share held before the split of the same day",
            [bar("2024-01-03", "A", 50.0, split_ratio=2.0, dividend=1.0)],
            100 * 50 / (50 * 2 + 1),
        ),
        (
            "an action without a bar counts on the next bar",
            [bar("2024-01-03", "A", NO_BAR, dividend=2.0), bar("2024-01-05", "A", 98.0)],
            100 * 98 / (98 + 2),
        ),
        (
            "a split in the gap multiplies the dividend after it",
            [
                bar("2024-01-03", "A", NO_BAR, split_ratio=2.0),
                bar("2024-01-04", "A", NO_BAR, dividend=0.5),
                bar("2024-01-05", "A", 48.0),
            ],
            100 * 48 / (48 * 2 + 2 * 0.5),
        ),
        (
            "but not the dividend before it",
            [
                bar("2024-01-03", "A", NO_BAR, dividend=0.5),
                bar("2024-01-04", "A", NO_BAR, split_ratio=2.0),
                bar("2024-01-05", "A", 48.0),
            ],
            100 * 48 / (48 * 2 + 0.5),
        ),
        (
            "an action after the last bar waits for the next one",
            [bar("2024-01-03", "A", NO_BAR, split_ratio=2.0)],
            100.0,
        ),
        (
            "an action on the first bar has nothing to adjust",
            [bar("2024-01-03", "A", 100.0), bar("2024-01-04", "A", 100.0)],
            100.0,
        ),
    ],
)
def test_by_hand(database, case, bars, first_adjusted):
    merge(database, bar("2024-01-02", "A", 100.0, dividend=9.0), *bars)

    assert adjusted(database, "A")[0] == pytest.approx(first_adjusted, rel=1e-12), case


def test_a_waiting_action_counts_as_soon_as_its_bar_comes(database):
    merge(database, bar("2024-01-02", "A", 100.0))
    merge(database, bar("2024-01-03", "A", NO_BAR, split_ratio=2.0))
    merge(database, bar("2024-01-04", "A", 51.0))

    assert adjusted(database, "A") == [50.0, 51.0]


def test_an_action_that_is_corrected_or_withdrawn_is_undone(database):
    merge(database, bar("2024-01-02", "A", 100.0), bar("2024-01-03", "A", 50.0, split_ratio=2.0))
    assert adjusted(database, "A") == [50.0, 50.0]

    merge(database, bar("2024-01-03", "A", 50.0, split_ratio=4.0))
    assert adjusted(database, "A") == [25.0, 50.0]

    merge(database, bar("2024-01-03", "A", 50.0))
    assert adjusted(database, "A") == [100.0, 50.0]


def test_a_corrected_close_on_an_ex_date_moves_what_is_before(database):
    merge(database, bar("2024-01-02", "A", 100.0), bar("2024-01-03", "A", 50.0, dividend=50.0))
    assert adjusted(database, "A") == [50.0, 50.0]

    merge(database, bar("2024-01-03", "A", 150.0, dividend=50.0))
    assert adjusted(database, "A") == [75.0, 150.0]


def test_a_bar_put_in_or_taken_out_on_an_ex_date_moves_what_is_before(database):
    merge(
        database,
        bar("2024-01-02", "A", 100.0),
        bar("2024-01-03", "A", NO_BAR, dividend=50.0),
        bar("2024-01-04", "A", 50.0),
    )
    assert adjusted(database, "A") == [50.0, 50.0]

    merge(database, bar("2024-01-03", "A", 150.0, dividend=50.0))
    assert adjusted(database, "A") == [75.0, 150.0, 50.0]

    merge(database, bar("2024-01-03", "A", NO_BAR, dividend=50.0))
    assert adjusted(database, "A") == [50.0, 50.0]


def test_a_late_action_touches_its_own_ticker_only_and_leaves_no_revision(database):
    merge(database, *APPLE[:3], bar("2020-08-06", "MSFT", 216.35))
    stamp = text("SELECT xmin::text FROM market_data ORDER BY ticker, date")
    with database.transaction("look") as connection:
        before = list(connection.scalars(stamp))
    merge(database, APPLE[3], bar("2020-08-31", "MSFT", 225.53))

    with database.transaction("look") as connection:
        after = list(connection.scalars(stamp))
        revisions = connection.scalar(text("SELECT count(*) FROM market_data_revisions"))
    assert [a == b for a, b in zip(after[:3], before[:3], strict=True)] == [False] * 3
    assert after[4] == before[3]
    assert adjusted(database, "MSFT") == [216.35, 225.53]
    assert revisions == 0


def test_a_bar_appended_without_an_action_writes_no_earlier_row(database):
    merge(database, *APPLE)
    count = text("SELECT count(DISTINCT xmin::text) FROM market_data WHERE date <= '2020-08-31'")
    merge(database, bar("2020-09-01", "AAPL", 134.18))

    with database.transaction("look") as connection:
        assert connection.scalar(count) == 1
        refreshed = connection.scalar(text("SELECT refresh_adjusted_close(ARRAY['AAPL'])"))
    assert refreshed == 0
    assert adjusted(database, "AAPL") == [*APPLE_ADJUSTED, 134.18]


def by_definition(bars: pd.DataFrame) -> list[float]:
    """The running product of returns, one bar after the other."""
    growth, closes = [], []
    shares, cash = 1.0, 0.0
    for row in bars.sort_values("date").itertuples():
        cash += shares * row.dividend
        shares *= row.split_ratio
        if np.isnan(row.close):
            continue
        growth.append((row.close * shares + cash) / closes[-1] if closes else 1.0)
        closes.append(row.close)
        shares, cash = 1.0, 0.0
    since = np.cumprod([1.0, *growth[:0:-1]])[::-1]
    return list(closes[-1] / since)


def test_any_history_in_any_order_of_merges_agrees_with_the_definition(database):
    random = np.random.default_rng(7)
    dates = [str(day.date()) for day in pd.bdate_range("2024-01-01", periods=60)]
    bars = [
        bar(
            day,
            ticker,
            round(random.uniform(5, 50), 3) if random.random() < 0.8 else NO_BAR,
            dividend=round(random.uniform(0.1, 1), 2) if random.random() < 0.1 else 0.0,
            split_ratio=float(random.choice([2, 3, 0.1])) if random.random() < 0.06 else 1.0,
        )
        for ticker in ("A", "B", "C", "D")
        for day in dates
    ]
    chunks = np.array_split(random.permutation(dates), 9)
    for chunk in [*chunks, chunks[0]]:
        merge(database, *(row for row in bars if row["date"] in chunk))

    everything = frame(*bars)
    for ticker in ("A", "B", "C", "D"):
        expected = by_definition(everything[everything["ticker"] == ticker])
        assert adjusted(database, ticker) == pytest.approx(expected, rel=1e-10)


def merge_chunk(database: Database, *bars: dict) -> None:
    sessions = days(*sorted({str(row["date"]) for row in bars}))
    database.merge_chunk(frame(*bars), sessions, "a test")


def stamps(database: Database) -> list[str]:
    query = text("SELECT xmin::text FROM market_data ORDER BY ticker, date")
    with database.transaction("look") as connection:
        return list(connection.scalars(query))


def test_a_chunk_writes_none_of_the_bars_before_it(database):
    merge_chunk(database, *APPLE[:2], bar("2020-08-06", "MSFT", 216.35))
    before = stamps(database)
    assert database.stale_adjusted_closes() == []

    merge_chunk(database, *APPLE[2:], bar("2020-08-31", "MSFT", 225.53))

    after = stamps(database)
    assert [*after[:2], after[4]] == before
    assert adjusted(database, "AAPL") == [
        pytest.approx(455.61 * 444.45 / 445.27, rel=1e-12), 444.45, *APPLE_ADJUSTED[2:]
    ]  # fmt: skip
    assert database.stale_adjusted_closes() == ["AAPL"]


def test_the_new_bars_of_a_chunk_are_adjusted_for_its_own_actions(database):
    merge_chunk(database, *APPLE)

    assert adjusted(database, "AAPL") == APPLE_ADJUSTED


def test_the_merge_that_follows_the_chunks_refreshes_what_they_left(database):
    for row in APPLE:
        merge_chunk(database, row)
    merge(database, bar("2020-09-01", "MSFT", 227.27))

    assert adjusted(database, "AAPL") == APPLE_ADJUSTED
    assert database.stale_adjusted_closes() == []


def test_what_chunks_left_can_be_refreshed_without_a_merge(database):
    for row in APPLE:
        merge_chunk(database, row)
    before = stamps(database)
    database.refresh_adjusted_closes()

    assert adjusted(database, "AAPL") == APPLE_ADJUSTED
    assert database.stale_adjusted_closes() == []
    assert stamps(database)[3] == before[3]
    after = stamps(database)
    database.refresh_adjusted_closes()
    assert stamps(database) == after


def test_a_chunk_put_in_before_stored_bars_knows_the_actions_after_it(database):
    merge_chunk(database, *APPLE[1:])
    merge_chunk(database, APPLE[0])

    assert adjusted(database, "AAPL")[0] == APPLE_ADJUSTED[0]


def test_a_first_load_writes_every_bar_once(database):
    """Each row has the stamp of its insert: an update would leave a dead row behind."""
    merge(database, *APPLE)

    with database.transaction("look") as connection:
        places = list(connection.scalars(text("SELECT ctid::text FROM market_data ORDER BY ctid")))
        same = connection.scalar(text("SELECT bool_and(updated_at = created_at) FROM market_data"))
    assert places == ["(0,1)", "(0,2)", "(0,3)", "(0,4)"]
    assert same


@pytest.mark.parametrize("seed", [7, 8])
def test_any_history_in_chunks_agrees_with_the_definition(database, seed):
    random = np.random.default_rng(seed)
    dates = [str(day.date()) for day in pd.bdate_range("2024-01-01", periods=60)]
    bars = [
        bar(
            day,
            ticker,
            round(random.uniform(5, 50), 3) if random.random() < 0.7 else NO_BAR,
            dividend=round(random.uniform(0.1, 1), 2) if random.random() < 0.1 else 0.0,
            split_ratio=float(random.choice([2, 3, 0.1])) if random.random() < 0.06 else 1.0,
        )
        for ticker in ("A", "B", "C", "D")
        for day in dates
    ]
    for chunk in np.array_split(random.permutation(dates), 9):
        merge_chunk(database, *(row for row in bars if row["date"] in chunk))
    database.refresh_adjusted_closes()

    everything = frame(*bars)
    for ticker in ("A", "B", "C", "D"):
        expected = by_definition(everything[everything["ticker"] == ticker])
        assert adjusted(database, ticker) == pytest.approx(expected, rel=1e-10)
    with database.transaction("look") as connection:
        tickers = text("SELECT refresh_adjusted_close(ARRAY['A', 'B', 'C', 'D'])")
        assert connection.scalar(tickers) == 0


def test_a_close_that_a_chunk_corrects_stays_at_the_level_of_its_neighbours(database):
    """Until the refresh: by itself it would stand four times as high as the days around it."""
    merge(database, *APPLE)
    merge_chunk(database, bar("2020-08-28", "AAPL", 499.24))

    assert adjusted(database, "AAPL")[2] == pytest.approx(499.24 / 4, rel=1e-12)
