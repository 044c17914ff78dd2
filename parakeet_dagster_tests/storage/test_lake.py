"""The lake: a file per asset and session, the same bytes for the same input."""

import io
from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from parakeet_dagster.errors import HoleError, SchemaError
from parakeet_dagster.sessions import between
from parakeet_dagster.storage.lake import READ_BACK_BATCH, Lake
from parakeet_dagster.storage.schemas import COLUMN_DESCRIPTIONS, SCHEMAS
from parakeet_dagster.storage.stores import FileStore

MONDAY, TUESDAY, WEDNESDAY = WEEK = ["2022-03-14", "2022-03-15", "2022-03-16"]

ROWS = {
    "ticker_universe": {
        "universe": "SAMPLE", "ticker": "GE", "name": "General Electric", "market": "XNYS",
        "currency": "USD", "asset_class": "equity",
    },
    "raw_prices": {
        "ticker": "GE", "market": "XNYS", "currency": "USD", "open": 0.1, "high": 0.3, "low": 0.1,
        "close": 0.1 + 0.2, "volume": 2**53 + 1, "dividend": 0.0, "split_ratio": 1.998,
        "source": "sample", "data_quality": "good",
    },
    "fx_rates": {
        "currency": "USD", "aud_per_unit": 1 / 3, "source": "ecb", "carried": True,
    },
    "daily_returns": {
        "ticker": "GE", "market": "XNYS", "currency": "USD", "close": 10.0, "traded": False,
        "open_ratio": 1.0, "high_ratio": 1.0, "low_ratio": 1.0, "value_traded_aud": 0.0,
        "return_local": np.nan, "return_aud": -1e-17,
    },
    "signals": {"ticker": "GE", "signal": -1, "strength": 0.5, "score": np.nan},
    "allocations": {"ticker": "CASH", "weight": 1.0, "rebalance": False},
}  # fmt: skip
PATHS = {asset: asset for asset in ROWS} | {
    "signals": "signals/dual_momentum",
    "allocations": "allocations/dual_momentum",
}


@pytest.fixture
def lake(tmp_path):
    return Lake(FileStore(tmp_path))


def frame(asset, *days, **changes):
    rows = [ROWS[asset] | {"date": day} | changes for day in days]
    types = {"date": "datetime64[us]"} | ({"signal": "int8"} if asset == "signals" else {})
    columns = SCHEMAS[asset].names
    return pd.DataFrame(rows, columns=columns).astype(types)


def weights(*rows):
    """``allocations`` from (date, ticker, weight)."""
    table = pd.DataFrame(rows, columns=["date", "ticker", "weight"]).assign(rebalance=True)
    return table.astype({"date": "datetime64[us]", "ticker": "str", "weight": "float64"})


def written(lake, asset, session):
    return lake.store.read(f"{asset}/session={session}/part-0.parquet")


@pytest.mark.parametrize("asset", SCHEMAS)
def test_what_is_written_is_read_exactly(lake, asset):
    before = frame(asset, *WEEK)
    lake.write(PATHS[asset], before, WEEK)
    assert_frame_equal(lake.read(PATHS[asset], WEEK), before, check_exact=True)
    assert_frame_equal(lake.read(PATHS[asset], [TUESDAY]), frame(asset, TUESDAY), check_exact=True)


@pytest.mark.parametrize("asset", SCHEMAS)
def test_a_session_without_a_row_is_an_empty_typed_file(lake, asset):
    """A closed market is a stored fact, and no hole."""
    lake.write(PATHS[asset], frame(asset, MONDAY), [MONDAY, TUESDAY])
    content = pq.ParquetFile(io.BytesIO(written(lake, PATHS[asset], TUESDAY)))
    assert content.metadata.num_rows == 0
    assert content.schema_arrow == SCHEMAS[asset]
    empty = lake.read(PATHS[asset], [TUESDAY])
    assert empty.dtypes.to_dict() == frame(asset, MONDAY).dtypes.to_dict()


@pytest.mark.parametrize("asset", SCHEMAS)
def test_every_column_is_described(asset):
    assert list(COLUMN_DESCRIPTIONS[asset]) == SCHEMAS[asset].names


def test_the_path_is_the_contract_s(lake):
    lake.write("raw_prices", frame("raw_prices", MONDAY), [MONDAY])
    lake.write("signals/dual_momentum", frame("signals", MONDAY), [MONDAY])
    assert lake.store.paths("raw_prices") == ["raw_prices/session=2022-03-14/part-0.parquet"]
    assert lake.store.paths("signals") == [
        "signals/dual_momentum/session=2022-03-14/part-0.parquet"
    ]


def test_a_file_is_zstd_with_the_schema_of_the_code_and_rows_sorted_by_ticker(lake):
    rows = weights((MONDAY, "CASH", 0.5), (MONDAY, "AAPL", 0.2), (MONDAY, "ZM", 0.3))
    lake.write("allocations/x", rows, [MONDAY])
    file = pq.ParquetFile(io.BytesIO(written(lake, "allocations/x", MONDAY)))
    assert file.schema_arrow == SCHEMAS["allocations"]
    assert file.schema_arrow.metadata is None
    group = file.metadata.row_group(0)
    assert {group.column(place).compression for place in range(4)} == {"ZSTD"}
    assert file.read()["ticker"].to_pylist() == ["AAPL", "CASH", "ZM"]
    assert file.read()["date"].to_pylist() == [date(2022, 3, 14)] * 3


ALLOCATIONS = st.lists(
    st.tuples(st.sampled_from(WEEK), st.text("ABCXYZ.-", min_size=1), st.floats(0, 1)),
    unique_by=lambda row: row[:2],
    max_size=30,
)


@settings(max_examples=20)
@given(ALLOCATIONS, st.randoms(use_true_random=False))
def test_a_range_gives_the_bytes_of_single_sessions(tmp_path_factory, rows, random):
    whole, parts = (Lake(FileStore(tmp_path_factory.mktemp(name))) for name in ("whole", "parts"))
    whole.write("allocations/x", weights(*rows), WEEK)
    random.shuffle(rows)
    for session in WEEK:
        of_day = weights(*[row for row in rows if row[0] == session])
        parts.write("allocations/x", of_day[["weight", "ticker", "rebalance", "date"]], [session])
    for session in WEEK:
        assert written(parts, "allocations/x", session) == written(whole, "allocations/x", session)
    found = whole.read("allocations/x", WEEK)
    expected = weights(*rows).sort_values(["date", "ticker"], ignore_index=True)
    assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            lambda good: good.drop(columns=["weight"]),
            (
                "allocations/x: columns are date, rebalance, ticker;"
                " they must be date, rebalance, ticker, weight"
            ),
        ),
        (lambda good: good.assign(note=1), "allocations/x: columns are date, note, rebalance"),
        (lambda good: pd.concat([good, good]), "allocations/x: two rows for 2022-03-14"),
        (lambda good: good.assign(ticker=None), "allocations/x: a row without date or ticker"),
        (lambda good: good.assign(date=pd.NaT), "allocations/x: a row without date or ticker"),
        (lambda good: good.assign(weight="half"), "allocations/x: "),
        (lambda good: good.assign(rebalance="perhaps"), "allocations/x: "),
        (
            lambda good: good.assign(date=pd.Timestamp(TUESDAY)),
            "allocations/x: a row is dated 2022-03-15, which is not being written",
        ),
    ],
)
def test_what_does_not_keep_the_promise_is_refused_and_nothing_written(lake, broken, message):
    with pytest.raises(SchemaError) as caught:
        lake.write("allocations/x", broken(weights((MONDAY, "CASH", 1.0))), [MONDAY])
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert lake.sessions("allocations/x") == []


@pytest.mark.parametrize(
    ("asset", "changes"),
    [
        ("signals", {"signal": 300}),
        ("signals", {"signal": 0.5}),
        ("raw_prices", {"volume": 1.5}),
        ("raw_prices", {"close": "10.0 USD"}),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(lake, asset, changes):
    rows = frame(asset, MONDAY).assign(**changes)
    with pytest.raises(SchemaError, match=f"^{asset}"):
        lake.write(PATHS[asset], rows, [MONDAY])


def test_a_ticker_may_stand_in_two_universes_but_once_in_each(lake):
    rows = frame("ticker_universe", MONDAY)
    both = pd.concat([rows, rows.assign(universe="CUSTOM")])
    lake.write("ticker_universe", both, [MONDAY])
    assert lake.read("ticker_universe", [MONDAY])["universe"].tolist() == ["CUSTOM", "SAMPLE"]
    with pytest.raises(SchemaError, match="two rows for 2022-03-14 00:00:00, SAMPLE, GE"):
        lake.write("ticker_universe", pd.concat([rows, rows]), [MONDAY])


def test_writing_again_replaces(lake):
    lake.write("allocations/x", weights((MONDAY, "CASH", 1.0)), [MONDAY])
    lake.write("allocations/x", weights((MONDAY, "GE", 1.0)), [MONDAY])
    assert lake.read("allocations/x", [MONDAY])["ticker"].tolist() == ["GE"]


def test_the_stored_sessions_are_those_of_one_asset(lake):
    lake.write("allocations/x", weights(), [TUESDAY, MONDAY])
    lake.write("allocations/xy", weights(), [WEDNESDAY])
    assert lake.sessions("allocations/x") == [MONDAY, TUESDAY]
    assert lake.sessions("allocations/xy") == [WEDNESDAY]
    assert lake.sessions("raw_prices") == []


def test_a_session_that_is_not_stored_is_named_with_the_command_that_brings_it(lake):
    lake.write("fx_rates", frame("fx_rates", MONDAY), [MONDAY])
    with pytest.raises(HoleError) as caught:
        lake.read("fx_rates", [MONDAY, TUESDAY])
    assert caught.value.message == (
        "fx_rates: session 2022-03-15 is not in the lake;"
        " bring it in first: parakeet backfill 2022-03-15 2022-03-15"
    )


def test_many_missing_sessions_are_counted(lake):
    with pytest.raises(HoleError) as caught:
        lake.read("fx_rates", between("2022-03-14", "2022-03-18"))
    assert caught.value.message == (
        "fx_rates: session 2022-03-14, 2022-03-15, 2022-03-16 and 2 more is not in the lake;"
        " bring it in first: parakeet backfill 2022-03-14 2022-03-18"
    )


FORTNIGHT = between("2022-03-14", "2022-03-25")


def test_a_window_before_history_is_shorter(lake):
    lake.write("fx_rates", frame("fx_rates", *FORTNIGHT[4:]), FORTNIGHT[4:])
    window = lake.read_window("fx_rates", FORTNIGHT[:7])
    assert window["date"].dt.strftime("%Y-%m-%d").tolist() == FORTNIGHT[4:7]


def test_a_whole_window_is_read_in_order(lake):
    lake.write("fx_rates", frame("fx_rates", *FORTNIGHT), FORTNIGHT)
    window = lake.read_window("fx_rates", FORTNIGHT[3:7])
    assert window["date"].dt.strftime("%Y-%m-%d").tolist() == FORTNIGHT[3:7]


@pytest.mark.parametrize("hole", [1, 4, 6])
def test_a_hole_in_history_is_named_inside_the_window_and_before_it(lake, hole):
    stored = [session for place, session in enumerate(FORTNIGHT) if place != hole]
    lake.write("fx_rates", frame("fx_rates", *stored), stored)
    with pytest.raises(HoleError, match=f"fx_rates: session {FORTNIGHT[hole]} is not in the lake"):
        lake.read_window("fx_rates", FORTNIGHT[3:7])


def test_a_hole_after_the_window_does_not_matter(lake):
    lake.write(
        "fx_rates", frame("fx_rates", *FORTNIGHT[:4], FORTNIGHT[8]), [*FORTNIGHT[:4], FORTNIGHT[8]]
    )
    assert len(lake.read_window("fx_rates", FORTNIGHT[:4])) == 4


@pytest.mark.parametrize("stored", [[], FORTNIGHT[5:]])
def test_a_window_that_ends_before_history_is_refused(lake, stored):
    lake.write("fx_rates", frame("fx_rates", *stored), stored)
    with pytest.raises(HoleError, match="fx_rates: session 2022-03-16 is not in the lake"):
        lake.read_window("fx_rates", WEEK)


def test_the_session_before_is_read_over_a_holiday(lake):
    """Before Easter Monday 2022 comes Maundy Thursday."""
    lake.write("raw_prices", frame("raw_prices", "2022-04-14"), ["2022-04-14"])
    lake.write("daily_returns", frame("daily_returns", "2022-04-14"), ["2022-04-14"])
    before = lake.read_session_before("daily_returns", "2022-04-18")
    assert before["date"].tolist() == [pd.Timestamp("2022-04-14")]


@pytest.mark.parametrize("stored", [[], [TUESDAY], [TUESDAY, WEDNESDAY]])
def test_where_history_starts_nothing_comes_before(lake, stored):
    lake.write("raw_prices", frame("raw_prices", *stored), stored)
    before = lake.read_session_before("daily_returns", TUESDAY)
    assert before.empty
    assert before.dtypes.to_dict() == frame("daily_returns", MONDAY).dtypes.to_dict()


def test_nothing_comes_before_the_calendar_s_first_session(lake):
    assert lake.read_session_before("daily_returns", "2005-01-03").empty


def test_a_missing_session_before_is_a_hole_where_older_prices_are_stored(lake):
    lake.write("raw_prices", frame("raw_prices", MONDAY), [MONDAY])
    with pytest.raises(HoleError, match="daily_returns: session 2022-03-15 is not in the lake"):
        lake.read_session_before("daily_returns", WEDNESDAY)


LONG = between("2022-01-04", "2022-04-29")


@pytest.mark.parametrize(
    ("wanted", "batches"), [(0, 0), (1, 1), (READ_BACK_BATCH, 1), (READ_BACK_BATCH + 1, 2)]
)
def test_reading_back_stops_once_there_is_enough(lake, wanted, batches):
    lake.write("fx_rates", frame("fx_rates", *LONG), LONG)
    place = 70
    found = lake.read_back("fx_rates", LONG[place], lambda read: len(read) >= wanted)
    days = found["date"].dt.strftime("%Y-%m-%d").tolist()
    assert days == LONG[place - batches * READ_BACK_BATCH : place]


def test_reading_back_ends_where_history_starts(lake):
    lake.write("fx_rates", frame("fx_rates", *LONG[:50]), LONG[:50])
    found = lake.read_back("fx_rates", LONG[60], lambda read: False)
    assert found["date"].dt.strftime("%Y-%m-%d").tolist() == LONG[:50]


def test_reading_back_an_empty_lake_is_empty(lake):
    assert lake.read_back("fx_rates", MONDAY, lambda read: False).empty
