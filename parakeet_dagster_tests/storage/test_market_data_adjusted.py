"""Split- and dividend-adjusted bars, by hand and against a vendor's own adjusted series."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from parakeet_dagster_tests.storage.bars import NO_BAR, bar, days, frame

COLUMNS = ["open", "high", "low", "close", "volume"]


def merge(database, *bars: dict) -> None:
    sessions = days(*sorted({str(row["date"]) for row in bars}))
    database.merge_market_data(frame(*bars), sessions, "a test")


def adjusted(database, ticker: str) -> pd.DataFrame:
    query = text("SELECT * FROM market_data_adjusted WHERE ticker = :ticker ORDER BY date")
    with database.transaction("look") as connection:
        return pd.read_sql_query(query, connection, params={"ticker": ticker})


def test_apple_in_august_2020(database):
    merge(
        database,
        bar("2020-08-06", "AAPL", 455.61, open=441.62, high=457.65, low=439.19, volume=50607200),
        bar("2020-08-07", "AAPL", 444.45, dividend=0.82, volume=49511400),
        bar("2020-08-28", "AAPL", 499.23, volume=46907500),
        bar("2020-08-31", "AAPL", 129.04, split_ratio=4.0, volume=225702700),
    )

    found = adjusted(database, "AAPL")
    assert list(found) == ["ticker", "date", *COLUMNS, "source", "data_quality"]
    assert found["volume"].tolist() == [202428800.0, 198045600.0, 187630000.0, 225702700.0]
    assert found["close"].tolist() == pytest.approx([113.69274, 111.1125, 124.8075, 129.04])
    factor = 444.45 / (444.45 + 0.82) / 4
    assert found.loc[0, ["open", "high", "low"]].tolist() == pytest.approx(
        [441.62 * factor, 457.65 * factor, 439.19 * factor], rel=1e-12
    )


@pytest.mark.parametrize(
    ("case", "bars", "expected"),
    [
        (
            "a dividend leaves the volume as it is",
            [bar("2024-01-03", "A", 50.0, dividend=50.0)],
            [50.0, 1000.0],
        ),
        (
            "a reverse split makes fewer shares of it",
            [bar("2024-01-03", "A", 1000.0, split_ratio=0.1)],
            [1000.0, 100.0],
        ),
        (
            "splits multiply, one on a day without a bar too",
            [
                bar("2024-01-03", "A", NO_BAR, split_ratio=2.0),
                bar("2024-01-04", "A", 25.0),
                bar("2024-01-05", "A", 25 / 3, split_ratio=3.0),
            ],
            [50 / 3, 6000.0],
        ),
        (
            "a split after the last bar waits for the next one",
            [bar("2024-01-03", "A", NO_BAR, split_ratio=2.0)],
            [100.0, 1000.0],
        ),
    ],
)
def test_by_hand(database, case, bars, expected):
    merge(database, bar("2024-01-02", "A", 100.0, split_ratio=5.0), *bars)

    first = adjusted(database, "A").loc[0, ["close", "volume"]]
    assert first.tolist() == pytest.approx(expected, rel=1e-12), case


def test_a_superseded_split_does_not_count(database):
    merge(database, bar("2024-01-02", "A", 100.0), bar("2024-01-03", "A", 50.0, split_ratio=2.0))
    merge(database, bar("2024-01-03", "A", 50.0, split_ratio=4.0))

    assert adjusted(database, "A").loc[0, ["close", "volume"]].tolist() == [25.0, 4000.0]


def rows_read(plan: dict) -> list[tuple[str, float]]:
    """Per scan of a table its name and the rows it read, over all loops."""
    below = [scan for child in plan.get("Plans", []) for scan in rows_read(child)]
    if "Relation Name" not in plan:
        return below
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return [(plan["Relation Name"], (plan["Actual Rows"] + removed) * plan["Actual Loops"]), *below]


def test_one_ticker_is_not_computed_from_the_whole_table(database):
    sessions = pd.bdate_range("2023-01-02", periods=250, unit="us")
    names = [f"T{i:03}" for i in range(500)]
    table = pd.MultiIndex.from_product([sessions, names]).to_frame(False, ["date", "ticker"])
    plain = frame(bar("2020-01-01", "A", 10.0)).drop(columns=["date", "ticker"])
    table = table.merge(plain, how="cross")
    of_two = table["date"].isin(sessions[[50, 150]]) & table["ticker"].isin(["T122", "T123"])
    table.loc[of_two, "split_ratio"] = 2.0
    database.merge_market_data(table, [day.date() for day in sessions], "a test")

    query = "SELECT * FROM market_data_adjusted WHERE ticker = 'T123'"
    with database.transaction("explain") as connection:
        plan = connection.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}"))
    (explained,) = plan if isinstance(plan, list) else json.loads(plan)
    bars = sum(rows for table, rows in rows_read(explained["Plan"]) if table == "market_data")
    actions = sum(rows for table, rows in rows_read(explained["Plan"]) if table != "market_data")

    found = adjusted(database, "T123")
    assert found["volume"].tolist() == [4000.0] * 50 + [2000.0] * 100 + [1000.0] * 100
    # its own bars, and one more to see that each split counts
    assert bars <= 250 + 200
    assert actions <= 200


FILE = "us_raw_and_adjusted_2014.parquet"
FLOAT_NOISE = 1e-12  # on ex-dates too: this vendor's factor is ours, (close + dividend) / close


@pytest.fixture
def vendor(market_data_folder: Path, database) -> pd.DataFrame:
    """The vendor's bars, merged as they traded; with the columns adj_* that it adjusted."""
    table = pd.read_parquet(market_data_folder / FILE).rename(columns={"ex-dividend": "dividend"})
    table["date"] = pd.to_datetime(table["date"]).astype("datetime64[us]")
    bars = table.drop(columns=[name for name in table if name.startswith("adj_")]).assign(
        market="XNYS", currency="USD", source="yahoo", data_quality="good"
    )
    sessions = [day.date() for day in sorted(bars["date"].unique())]
    database.merge_market_data(bars.astype({"volume": "int64"}), sessions, "a test")
    return table.sort_values(["ticker", "date"], ignore_index=True)


@pytest.mark.parametrize("ticker", ["AAPL", "BRK_A", "MSFT", "ZEN"])
def test_a_vendors_adjusted_series(vendor, database, ticker):
    theirs = vendor[vendor["ticker"] == ticker].reset_index(drop=True)
    ours = adjusted(database, ticker)
    assert len(ours) == len(theirs)

    assert ours["volume"].tolist() == theirs["adj_volume"].tolist()
    for column in COLUMNS[:4]:
        steps = ours[column].to_numpy()[1:] / ours["close"].to_numpy()[:-1]
        expected = theirs[f"adj_{column}"].to_numpy()[1:] / theirs["adj_close"].to_numpy()[:-1]
        np.testing.assert_allclose(steps, expected, rtol=FLOAT_NOISE, err_msg=column)
