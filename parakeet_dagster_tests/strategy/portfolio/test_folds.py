"""Windows that roll: counted by hand, then what must always hold."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.portfolio.markets import days
from strategy.errors import StrategyError
from strategy.portfolio.folds import Windows, folds

WINDOW_COLUMNS = ["train_first", "train_last", "test_first", "test_last"]


def places(count, train, test):
    """The folds of so many sessions, by the places of their sessions."""
    sessions = days(count)
    plan = folds(sessions, Windows(train=train, test=test))
    assert plan.columns.tolist() == WINDOW_COLUMNS
    assert plan.dtypes.astype(str).tolist() == ["datetime64[us]"] * 4
    assert plan.index.tolist() == list(range(len(plan)))
    return [
        tuple(sessions.get_indexer(row)) for row in plan[WINDOW_COLUMNS].itertuples(index=False)
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (14, [(0, 5, 6, 13)]),  # exactly one
        (15, [(0, 5, 6, 14)]),  # 1 of 8 is left: less than a quarter, it joins
        (16, [(0, 5, 6, 13), (8, 13, 14, 15)]),  # 2 of 8 are a quarter
        (21, [(0, 5, 6, 13), (8, 13, 14, 20)]),
        (22, [(0, 5, 6, 13), (8, 13, 14, 21)]),
        (23, [(0, 5, 6, 13), (8, 13, 14, 22)]),
        (30, [(0, 5, 6, 13), (8, 13, 14, 21), (16, 21, 22, 29)]),
    ],
)
def test_folds_of_six_and_eight_sessions(count, expected):
    assert places(count, 6, 8) == expected


def test_by_default_three_years_train_and_one_tests():
    assert Windows() == Windows(train=774, test=258)
    assert len(folds(days(1032), Windows())) == 1
    assert len(folds(days(1032 + 258), Windows())) == 2


def test_too_short_a_sample_is_refused_with_the_numbers():
    with pytest.raises(
        StrategyError,
        match="has 400 sessions from the first decision on, and needs 1032: 774 to train and 258",
    ):
        folds(days(400), Windows())
    with pytest.raises(StrategyError, match="has 1031 sessions"):
        folds(days(1031), Windows())


@pytest.mark.parametrize("wrong", [{"train": 2}, {"test": 1}, {"trian": 774}])
def test_windows_are_checked(wrong):
    with pytest.raises(ValidationError):
        Windows(**wrong)


@given(train=st.integers(3, 40), test=st.integers(2, 20), more=st.integers(0, 100))
def test_the_windows_of_any_sample(train, test, more):
    count = train + test + more
    plan = places(count, train, test)
    assert plan[0][0] == 0
    assert plan[-1][3] == count - 1
    for train_first, train_last, test_first, _ in plan:
        assert train_last - train_first + 1 == train
        assert test_first == train_last + 1
    for (*_, ends), (*_, begins, _) in pairwise(plan):
        assert begins == ends + 1
    lengths = [last - first + 1 for _, _, first, last in plan]
    assert all(length == test for length in lengths[:-1])
    assert test <= 4 * lengths[-1] < 5 * test
