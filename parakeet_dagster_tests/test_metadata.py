"""What the UI shows of a session's rows."""

import dagster as dg
import pandas as pd

from parakeet_dagster.assets.metadata import describe
from parakeet_dagster.partitions import sessions

FIRST, SECOND, THIRD = "2022-06-01", "2022-06-02", "2022-06-03"


def shown(frame: pd.DataFrame) -> dict[str, dict[str, object]]:
    """By session, what ``describe`` says of ``frame``."""

    @dg.asset(partitions_def=sessions, backfill_policy=dg.BackfillPolicy.single_run())
    def one(context: dg.AssetExecutionContext) -> None:
        describe(context, frame)

    tags = {
        "dagster/asset_partition_range_start": FIRST,
        "dagster/asset_partition_range_end": THIRD,
    }
    result = dg.materialize([one], tags=tags)
    return {
        str(event.partition): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
    }


def test_a_session_shows_its_counts_and_its_first_rows():
    days = pd.DatetimeIndex([SECOND, FIRST, FIRST, FIRST, FIRST]).as_unit("us")
    frame = pd.DataFrame(
        {
            "date": days,
            "ticker": ["X", "A", "B", "C", "A"],
            "name": ["Plain", "A|B Ltd", "C", "D", "E"],
            "weight": [0.12345678, float("nan"), 1.0, 0.5, 0.25],
        }
    )
    told = shown(frame)
    counts = ("dagster/partition_row_count", "tickers")
    assert {day: [one[name] for name in counts] for day, one in told.items()} == {
        FIRST: [4, 3],
        SECOND: [1, 1],
        THIRD: [0, 0],
    }
    assert str(told[FIRST]["preview"]).splitlines() == [
        "| date | ticker | name | weight |",
        "| --- | --- | --- | --- |",
        r"| 2022-06-01 | A | A\|B Ltd |  |",
        "| 2022-06-01 | B | C | 1.0 |",
        "| 2022-06-01 | C | D | 0.5 |",
    ]
    assert str(told[SECOND]["preview"]).splitlines()[2:] == [
        "| 2022-06-02 | X | Plain | 0.123457 |"
    ]
    assert "preview" not in told[THIRD]
