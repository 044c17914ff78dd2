"""Cursors: what went out comes back, and what did not come from us never gets in."""

import base64
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parakeet_api import paging
from parakeet_api.problems import ProblemError

ZONES = st.timezones() | st.just(UTC)
KEYS = st.tuples(
    st.dates(),
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=ZONES),  # noqa: DTZ001 - hypothesis adds the zone
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
TEXTS = st.dates().map(str) | st.datetimes(timezones=ZONES).map(str) | SCALARS
JSON = st.tuples(TEXTS, TEXTS, TEXTS) | st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
CHECKS = (paging.day, paging.moment, paging.word)


def packed(value: object) -> str:
    """As ``encode`` packs, whatever it is."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refused(cursor: str, *types) -> bool:
    with pytest.raises(ProblemError) as raised:
        paging.decode(cursor, *types)
    return (raised.value.status, raised.value.code) == (422, "invalid_request")


@given(KEYS)
def test_a_key_comes_back(key):
    cursor = paging.encode(key)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&? ")  # it stands in a URL as it is
    day, moment, word = paging.decode(cursor, *CHECKS)
    assert (day, moment, word) == key
    assert moment.tzinfo is UTC


def test_a_known_cursor():
    """Clients keep cursors over our releases."""
    assert paging.encode([date(2024, 1, 2), "BHP.AX"]) == "WyIyMDI0LTAxLTAyIiwgIkJIUC5BWCJd"


def test_no_cursor():
    assert paging.decode(None, paging.day) is None


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_refused(cursor):
    assert refused(cursor, *CHECKS)


@given(JSON)
def test_other_content_is_refused_or_of_its_types(value):
    try:
        found = paging.decode(packed(value), *CHECKS)
    except ProblemError:
        return
    assert found is not None
    assert [type(one) for one in found] == [date, datetime, str]


@pytest.mark.parametrize(
    ("value", "check"),
    [
        ("2024-02-30", paging.day),
        ("tomorrow", paging.day),
        (20240102.5, paging.day),
        (None, paging.word),
        (["a"], paging.word),
        ("a\0b", paging.word),
        ("\ud800", paging.word),
        ("2024-01-02T00:00:00", paging.moment),
        ("0001-01-01T00:00:00+01:00", paging.moment),
        ("9999-12-31T23:59:59-01:00", paging.moment),
    ],
)
def test_a_value_of_another_kind_is_refused(value, check):
    assert refused(packed([value]), check)


@pytest.mark.parametrize("value", [[], ["a"], ["a", "b", "c"], "ab", {"a": "b"}])
def test_another_number_of_values_is_refused(value):
    assert refused(packed(value), paging.word, paging.word)


def test_a_deep_nest_and_a_long_number_are_refused():
    deep = base64.urlsafe_b64encode(b"[" * 200_000).decode()
    long = base64.urlsafe_b64encode(b"[" + b"9" * 10_000 + b"]").decode()
    assert refused(deep, paging.word)
    assert refused(long, paging.word)


def test_a_moment_is_told_in_utc():
    there = datetime(2024, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=10)))
    (found,) = paging.decode(paging.encode([there]), paging.moment)
    assert found == datetime(2024, 1, 1, 23, 30, tzinfo=UTC)


ROWS = [("a", 1), ("b", 2), ("c", 3)]


@pytest.mark.parametrize(
    ("rows", "limit", "shown", "key"),
    [
        ([], 2, [], None),
        (ROWS[:2], 2, ROWS[:2], None),
        (ROWS, 2, ROWS[:2], [2, "b"]),
        (ROWS, 3, ROWS, None),
    ],
)
def test_a_page(rows, limit, shown, key):
    found, cursor = paging.page(rows, limit, 1, 0)
    assert found == shown
    assert cursor == (None if key is None else paging.encode(key))
