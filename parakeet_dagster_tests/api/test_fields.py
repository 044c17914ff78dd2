"""What clients may write in a query."""

from datetime import date

import pytest

from parakeet_api.fields import require_range
from parakeet_api.problems import ProblemError

EARLY, LATE = date(2024, 1, 2), date(2024, 1, 3)


@pytest.mark.parametrize(
    ("first", "last"), [(None, None), (LATE, None), (None, EARLY), (EARLY, LATE), (EARLY, EARLY)]
)
def test_a_range_that_may_hold_something(first, last):
    require_range(first, last)


def test_a_range_that_ends_before_it_begins():
    with pytest.raises(ProblemError) as raised:
        require_range(LATE, EARLY)
    problem = raised.value
    assert (problem.status, problem.code) == (422, "invalid_request")
    assert problem.detail == "from: 2024-01-03 is after to, 2024-01-02; swap them"
    assert [one.where for one in problem.errors] == ["from"]
