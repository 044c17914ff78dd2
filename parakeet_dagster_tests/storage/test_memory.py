"""A run reads each session of history once."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import HoleError
from parakeet_dagster.storage import memory
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.lakes import plain_lake

KEYS = calendar.between("2022-03-01", "2022-03-31")
ASSET = "fx_rates"


class CountingStore(FileStore):
    """Remembers what is read and how often a folder is listed."""

    def __init__(self, root):
        super().__init__(root)
        self.reads: list[str] = []
        self.listings = 0

    def read(self, path):
        self.reads.append(path.split("session=")[1][:10])
        return super().read(path)

    def folders(self, prefixes, file):
        self.listings += 1
        return super().folders(prefixes, file)


def rates(keys, rate=1.5):
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex(keys).as_unit("us"),
            "currency": "USD",
            "aud_per_unit": [rate + place / 100 for place in range(len(keys))],
            "aud_per_unit_before": 1.5,
            "source": "ecb",
            "carried": False,
        }
    )


@pytest.fixture
def store(tmp_path):
    store = CountingStore(tmp_path)
    lake = plain_lake(store)
    lake.write(ASSET, rates(KEYS), KEYS)
    for asset in ("raw_prices", "signals/x"):
        lake.write(asset, lake.read(asset, []), KEYS)
    store.listings = 0
    return store


def test_windows_that_overlap_read_a_session_once(store):
    lake = plain_lake(store).remembering()
    plain = plain_lake(FileStore(store.root))
    for lookback in (2, 9, 5, 0):
        window = lake.read_window(ASSET, KEYS[10:15], lookback)
        pd.testing.assert_frame_equal(window, plain.read_window(ASSET, KEYS[10:15], lookback))
    assert sorted(store.reads) == KEYS[1:15]


def test_what_is_stored_is_listed_once(store):
    lake = plain_lake(store).remembering()
    for _ in range(3):
        lake.read_window(ASSET, KEYS[10:15], 3)
    assert store.listings == 2, "of the asset, and of the prices that history starts with"


def test_what_the_run_writes_is_seen_by_it(store):
    lake = plain_lake(store).remembering()
    lake.read_window(ASSET, KEYS[10:15], 3)
    following = calendar.between("2022-04-01", "2022-04-05")
    lake.write(ASSET, rates(following, rate=9.0), following)
    lake.write(ASSET, rates(KEYS[12:14], rate=7.0), KEYS[12:14])
    rows = lake.read_window(ASSET, following, 12)
    assert rows["aud_per_unit"].max() == 9.0 + (len(following) - 1) / 100
    again = lake.recall(ASSET, KEYS[11:15])
    assert again["aud_per_unit"].round(2).tolist() == [1.61, 7.0, 7.01, 1.64]


def test_what_is_given_back_is_read_and_listed_again(store):
    lake = plain_lake(store).remembering()
    lake.read_window(ASSET, KEYS[3:5], 1)
    listed = store.listings
    lake.forget()
    before, again = lake.read_window(ASSET, KEYS[3:5], 1), lake.read_window(ASSET, KEYS[3:5], 1)
    assert store.reads == KEYS[2:5] * 2
    assert store.listings == 2 * listed
    pd.testing.assert_frame_equal(before, again)


def test_a_hole_is_a_hole(store):
    (store.root / ASSET / f"session={KEYS[5]}" / "part-0.parquet").unlink()
    lake = plain_lake(store).remembering()
    with pytest.raises(HoleError, match=f"{ASSET}: session {KEYS[5]} is not in the lake"):
        lake.read_window(ASSET, KEYS[4:8], 2)


def test_columns_of_what_is_remembered(store):
    lake = plain_lake(store).remembering()
    some = lake.read_window(ASSET, KEYS[3:5], 1, ["aud_per_unit", "date"])
    assert some.columns.tolist() == ["aud_per_unit", "date"]
    whole = lake.read_window(ASSET, KEYS[3:5], 1)
    assert whole.columns.tolist() == lake.read(ASSET, []).columns.tolist()
    assert sorted(store.reads) == KEYS[2:5]


def test_what_a_reader_does_to_its_rows_is_its_own(store):
    lake = plain_lake(store).remembering()
    rows = lake.recall(ASSET, KEYS[:3])
    rows["aud_per_unit"] = 0.0
    rows.loc[0, "currency"] = "XXX"
    assert lake.recall(ASSET, KEYS[:3])["aud_per_unit"].tolist() == [1.5, 1.51, 1.52]
    assert set(lake.recall(ASSET, KEYS[:3])["currency"]) == {"USD"}


def test_what_was_not_used_for_longest_is_forgotten_where_much_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "MOST_ROWS", 5)
    kept = memory.Memory()
    kept.keep("a", KEYS[:2], rates(KEYS[:2]))
    kept.keep("b", KEYS[:3], rates(KEYS[:3]))
    kept.rows("a", KEYS[:1])
    kept.keep("c", KEYS[:1], rates(KEYS[:1]))
    assert [kept.lacking(asset, KEYS[:1]) for asset in "abc"] == [[], KEYS[:1], []]

    kept.keep("d", KEYS[:9], rates(KEYS[:9]))
    assert (
        kept.rows("d", KEYS[:9])["aud_per_unit"].tolist()
        == rates(KEYS[:9])["aud_per_unit"].tolist()
    )
    assert kept.lacking("a", KEYS[:1]) == KEYS[:1]


@given(st.lists(st.sets(st.sampled_from(KEYS), min_size=1), min_size=1, max_size=5))
def test_any_sessions_in_any_order_are_what_is_stored(asked):
    """Also with gaps, as for the members before and after a run."""
    frame = rates(KEYS)
    lake = plain_lake(_Frames(frame)).remembering()
    for some in asked:
        keys = sorted(some)
        wanted = frame[frame["date"].isin(pd.DatetimeIndex(keys))].reset_index(drop=True)
        pd.testing.assert_frame_equal(lake.recall(ASSET, keys), wanted)


class _Frames:
    """A store in memory."""

    url, threads = "memory", 2

    def __init__(self, frame):
        self.files: dict[str, bytes] = {}
        plain_lake(self).write(ASSET, frame, KEYS)

    def read(self, path):
        return self.files.get(path)

    def write(self, path, content):
        self.files[path] = content
