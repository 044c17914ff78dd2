"""What is left of a line keeps its shape."""

import itertools

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from parakeet_dagster.reports.thinning import sampled, thinned

numbers = st.floats(-1e6, 1e6)


def line(values):
    return pd.Series(
        values, index=pd.date_range("2020-01-01", periods=len(values)), dtype="float64"
    )


def test_by_hand():
    values = line([1, 5, 2, 3, 3, 0, 4, 4, 4, 9, 9, 8])
    assert thinned(values, 8).tolist() == [1, 5, 0, 4, 4, 9, 8]
    assert thinned(values, 12).equals(values)


@given(values=st.lists(numbers, min_size=1, max_size=400), most=st.integers(4, 60))
def test_ends_and_extremes_stay(values, most):
    whole = line(values)
    kept = thinned(whole, most)
    assert len(kept) <= most
    assert kept.equals(whole[kept.index])
    assert kept.index.is_monotonic_increasing
    assert kept.index.is_unique
    assert kept.index[0] == whole.index[0]
    assert kept.index[-1] == whole.index[-1]
    assert kept.min() == whole.min()
    assert kept.max() == whole.max()


@given(
    values=st.lists(st.one_of(numbers, st.just(np.nan)), min_size=1, max_size=400),
    most=st.integers(4, 60),
)
def test_gaps_stay(values, most):
    whole = line(values)
    kept = thinned(whole, most)
    assert np.array_equal([kept.min(), kept.max()], [whole.min(), whole.max()], equal_nan=True)
    known = kept.index[kept.notna()]
    for before, after in itertools.pairwise(known):
        assert kept[before:after].isna().any() == whole[before:after].isna().any()


@given(count=st.integers(1, 3000), most=st.integers(3, 50))
def test_rows_are_sampled_whole(count, most):
    rows = pd.DataFrame({"a": np.arange(count)})
    kept = sampled(rows, most)["a"]
    assert len(kept) <= most
    assert kept.iloc[0] == 0
    assert kept.iloc[-1] == count - 1
    assert len(kept) >= min(count, most // 2)
    assert kept.diff().iloc[2:].nunique() <= 1
