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

from parakeet_dagster.errors import HoleError, LakeError, SchemaError
from parakeet_dagster.sessions import between
from parakeet_dagster.storage.lake import READ_BACK_BATCH, Lake
from parakeet_dagster.storage.schemas import COLUMN_DESCRIPTIONS, SCHEMAS
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.lakes import plain_lake, stored_paths

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
    "holdings": {
        "ticker": "GE", "quantity": 3.0, "wanted": 0.1 + 0.2, "price_aud": 1 / 3, "value_aud": 1.0,
    },
    "orders": {
        "ticker": "GE", "side": "sell", "quantity": 2.7, "price_estimate_aud": 1 / 3,
        "cost_estimate_aud": 3.0, "reason": "leave: 0.1% to 0",
    },
}  # fmt: skip
PATHS = {asset: asset for asset in ROWS} | {
    "signals": "signals/dual_momentum",
    "allocations": "allocations/dual_momentum",
    "holdings": "holdings/dual_momentum",
    "orders": "orders/dual_momentum",
}


@pytest.fixture
def lake(tmp_path):
    return plain_lake(FileStore(tmp_path))


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


def test_the_path_is_the_contract_s(lake, tmp_path):
    lake.write("raw_prices", frame("raw_prices", MONDAY), [MONDAY])
    lake.write("signals/dual_momentum", frame("signals", MONDAY), [MONDAY])
    assert stored_paths(tmp_path) == [
        "raw_prices/session=2022-03-14/part-0.parquet",
        "signals/dual_momentum/session=2022-03-14/part-0.parquet",
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
    stores = (FileStore(tmp_path_factory.mktemp(name)) for name in ("whole", "parts"))
    whole, parts = map(plain_lake, stores)
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


def store(lake, asset, *sessions):
    lake.write(asset, frame(asset, *sessions), sessions)


def window(lake, asset, keys, lookback=0):
    """The sessions of the rows that are read."""
    found = lake.read_window(asset, keys, lookback)
    return found["date"].dt.strftime("%Y-%m-%d").tolist()


def test_a_window_before_history_is_shorter(lake):
    store(lake, "raw_prices", *FORTNIGHT[4:])
    store(lake, "fx_rates", *FORTNIGHT[4:])
    assert window(lake, "fx_rates", FORTNIGHT[6:7], lookback=251) == FORTNIGHT[4:7]


def test_an_asset_that_starts_after_the_prices_has_a_hole_not_a_shorter_window(lake):
    store(lake, "raw_prices", *FORTNIGHT)
    store(lake, "fx_rates", *FORTNIGHT[4:])
    with pytest.raises(HoleError) as refused:
        window(lake, "fx_rates", FORTNIGHT[6:7])
    assert FORTNIGHT[0] in refused.value.message


@pytest.mark.parametrize(("lookback", "first"), [(0, 5), (1, 4), (2, 3), (5, 0), (6, 0), (251, 0)])
def test_a_window_is_the_run_s_sessions_and_those_before_them(lake, lookback, first):
    store(lake, "raw_prices", *FORTNIGHT)
    store(lake, "fx_rates", *FORTNIGHT)
    assert window(lake, "fx_rates", FORTNIGHT[5:7], lookback) == FORTNIGHT[first:7]


def test_a_look_back_counts_sessions_and_not_days(lake):
    """Before Easter Monday 2022 comes Maundy Thursday."""
    week = ["2022-04-13", "2022-04-14", "2022-04-18"]
    store(lake, "raw_prices", *week)
    store(lake, "fx_rates", *week)
    assert window(lake, "fx_rates", ["2022-04-18"], lookback=1) == week[1:]


def test_prices_look_back_on_themselves(lake):
    store(lake, "raw_prices", *FORTNIGHT[2:])
    assert window(lake, "raw_prices", FORTNIGHT[4:6], lookback=3) == FORTNIGHT[2:6]


def test_a_stray_file_from_before_the_prices_is_no_history(lake):
    """Exchange rates of one day in 2020, tried once, made every session since then a hole."""
    store(lake, "fx_rates", "2020-03-16")
    store(lake, "raw_prices", *FORTNIGHT[2:])
    store(lake, "fx_rates", *FORTNIGHT[2:])
    assert window(lake, "fx_rates", FORTNIGHT[3:6], lookback=3) == FORTNIGHT[2:6]


def test_a_stray_file_just_before_the_prices_is_left_out_too(lake):
    store(lake, "fx_rates", *FORTNIGHT[:6])
    store(lake, "raw_prices", *FORTNIGHT[2:6])
    assert window(lake, "fx_rates", FORTNIGHT[3:4], lookback=3) == FORTNIGHT[2:4]


def test_without_prices_history_starts_with_the_run(lake):
    store(lake, "fx_rates", "2020-03-16")
    store(lake, "fx_rates", *FORTNIGHT[2:6])
    assert window(lake, "fx_rates", FORTNIGHT[3:6], lookback=3) == FORTNIGHT[3:6]


def test_a_run_before_the_first_prices_starts_history_itself(lake):
    """A back-fill of earlier years, in whose first run no earlier session can be there."""
    store(lake, "raw_prices", *FORTNIGHT[6:])
    store(lake, "fx_rates", "2020-03-16", *FORTNIGHT[2:4])
    assert window(lake, "fx_rates", FORTNIGHT[2:4], lookback=3) == FORTNIGHT[2:4]


@pytest.mark.parametrize("hole", [2, 4, 5])
def test_a_hole_is_named_beside_a_stray_file_too(lake, hole):
    stored = [session for place, session in enumerate(FORTNIGHT[:7]) if place >= 1]
    store(lake, "raw_prices", *stored)
    stored.remove(FORTNIGHT[hole])
    store(lake, "fx_rates", "2020-03-16", *stored)
    with pytest.raises(HoleError) as caught:
        lake.read_window("fx_rates", FORTNIGHT[5:7], 1)
    assert caught.value.message == (
        f"fx_rates: session {FORTNIGHT[hole]} is not in the lake;"
        f" bring it in first: parakeet backfill {FORTNIGHT[hole]} {FORTNIGHT[hole]}"
    )


@pytest.mark.parametrize("hole", [1, 4, 6])
def test_a_hole_in_history_is_named_inside_the_window_and_before_it(lake, hole):
    store(lake, "raw_prices", *FORTNIGHT)
    store(lake, "fx_rates", *[session for place, session in enumerate(FORTNIGHT) if place != hole])
    with pytest.raises(HoleError, match=f"fx_rates: session {FORTNIGHT[hole]} is not in the lake"):
        lake.read_window("fx_rates", FORTNIGHT[3:7])


def test_a_hole_after_the_window_does_not_matter(lake):
    store(lake, "raw_prices", *FORTNIGHT)
    store(lake, "fx_rates", *FORTNIGHT[:4], FORTNIGHT[8])
    assert window(lake, "fx_rates", FORTNIGHT[2:4], lookback=2) == FORTNIGHT[:4]


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


@pytest.mark.parametrize("stored", [[], [TUESDAY], [TUESDAY, WEDNESDAY]])
def test_history_may_start_anywhere(lake, stored):
    lake.write("raw_prices", frame("raw_prices", *stored), stored)
    lake.require_history("daily_returns", TUESDAY)


def test_a_gap_after_history_is_refused(lake):
    lake.write("raw_prices", frame("raw_prices", MONDAY, TUESDAY), [MONDAY, TUESDAY])
    lake.require_history("raw_prices", WEDNESDAY)
    with pytest.raises(HoleError, match="daily_returns: session 2022-03-15 is not in the lake"):
        lake.require_history("daily_returns", WEDNESDAY)


@pytest.mark.parametrize("asset", SCHEMAS)
def test_some_columns_are_those_of_the_whole(lake, asset):
    lake.write(PATHS[asset], frame(asset, *WEEK), WEEK)
    whole = lake.read(PATHS[asset], WEEK)
    for wanted in (whole.columns[:0:-2].tolist(), ["date"], whole.columns[-1:].tolist()):
        found = lake.read(PATHS[asset], WEEK, wanted)
        assert_frame_equal(found, whole[wanted], check_exact=True)
        none = lake.read(PATHS[asset], [], wanted)
        assert none.dtypes.to_dict() == found.dtypes.to_dict()
        window = lake.read_window(PATHS[asset], WEEK, columns=wanted)
        assert_frame_equal(window, found, check_exact=True)


@pytest.mark.parametrize(
    "read",
    [
        lambda lake, columns: lake.read("allocations/x", WEEK[:1], columns),
        lambda lake, columns: lake.read_window("allocations/x", WEEK[:1], columns=columns),
    ],
)
def test_a_column_that_the_asset_has_not_is_named(lake, read):
    lake.write("allocations/x", weights(), WEEK[:1])
    with pytest.raises(SchemaError) as caught:
        read(lake, ["weight", "price"])
    assert caught.value.message == (
        "allocations/x: no column price; there are date, ticker, weight, rebalance"
    )


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


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: b"", id="empty"),
        pytest.param(lambda file: b"no Parquet", id="something else"),
        pytest.param(lambda file: file[:-20], id="cut off"),
        pytest.param(lambda file: file[:-60] + bytes(52) + file[-8:], id="footer"),
        pytest.param(lambda file: file[:10] + b"\xff" * 60 + file[70:], id="data"),
        pytest.param(lambda file: b"PAR1" + bytes(20) + b"PAR1", id="shell"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(lake, damage):
    """A disk that ran full, a copy that broke off."""
    lake.write("allocations/x", weights((MONDAY, "CASH", 1.0)), [MONDAY])
    path = f"allocations/x/session={MONDAY}/part-0.parquet"
    lake.store.write(path, damage(written(lake, "allocations/x", MONDAY)))
    with pytest.raises(LakeError) as caught:
        lake.read("allocations/x", [MONDAY])
    assert caught.value.message == (
        f"{lake.store.url}/{path} is not a readable Parquet file:"
        " delete it and materialise the session again"
    )


def test_a_symbol_that_changed_is_read_under_the_new_one(tmp_path):
    """Also where the old one was stored; the file stays as it was written."""
    store = FileStore(tmp_path)
    plain_lake(store).write("allocations/x", weights((MONDAY, "FB", 1.0)), WEEK[:1])
    change = {"old": ["FB"], "new": ["META"], "date": pd.to_datetime([TUESDAY])}
    renames = pd.DataFrame(change).astype({"date": "datetime64[us]"})
    assert Lake(store, renames).read("allocations/x", WEEK[:1])["ticker"].tolist() == ["META"]
    assert plain_lake(store).read("allocations/x", WEEK[:1])["ticker"].tolist() == ["FB"]


def test_some_columns_are_of_the_rows_that_stay(tmp_path):
    """Of two symbols of one company one row is left, whether its symbol is read or not."""
    store = FileStore(tmp_path)
    both = weights((MONDAY, "FB", 0.1), (MONDAY, "GE", 0.2), (MONDAY, "META", 0.7))
    plain_lake(store).write("allocations/x", both, WEEK[:1])
    change = {"old": ["FB"], "new": ["META"], "date": pd.to_datetime([TUESDAY])}
    renames = pd.DataFrame(change).astype({"date": "datetime64[us]"})
    found = Lake(store, renames).read("allocations/x", WEEK[:1], ["weight"])
    assert found["weight"].tolist() == [0.2, 0.7]
    assert found.columns.tolist() == ["weight"]


def test_some_tickers_have_their_rows_of_the_whole_under_the_newest_symbol(tmp_path):
    """ONE became FB, FB became META; on Wednesday another company has FB."""
    store = FileStore(tmp_path)
    rows = [
        (MONDAY, "ONE", 0.1),
        (MONDAY, "SPY", 0.9),
        (TUESDAY, "FB", 0.2),
        (WEDNESDAY, "FB", 0.3),
        (WEDNESDAY, "META", 0.7),
    ]
    plain_lake(store).write("allocations/x", weights(*rows), WEEK)
    days = pd.to_datetime([TUESDAY, WEDNESDAY])
    change = {"old": ["ONE", "FB"], "new": ["FB", "META"], "date": days}
    lake = Lake(store, pd.DataFrame(change).astype({"date": "datetime64[us]"}))
    expected = {"META": [0.1, 0.2, 0.7], "FB": [0.3], "SPY": [0.9], "ONE": [], "NOBODY": []}
    whole = lake.read("allocations/x", WEEK)
    for ticker, weight in expected.items():
        found = lake.read_tickers("allocations/x", WEEK, [ticker])
        assert found["weight"].tolist() == weight
        assert_frame_equal(found, whole[whole["ticker"] == ticker].reset_index(drop=True))
    assert_frame_equal(lake.read_tickers("allocations/x", WEEK, list(expected)), whole)


def test_some_tickers_of_a_session_that_is_not_stored(lake):
    lake.write("allocations/x", weights((MONDAY, "CASH", 1.0)), [MONDAY])
    with pytest.raises(HoleError, match=TUESDAY):
        lake.read_tickers("allocations/x", WEEK[:2], ["CASH"])
