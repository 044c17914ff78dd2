"""Who was a member stays who was a member."""

import pandas as pd

from strategy.universes.membership import keep_stored, told

DAYS = pd.DatetimeIndex(["2024-01-02", "2024-01-03"]).as_unit("us")


def members(*rows):
    """From (place of the day, universe, tickers)."""
    table = [(DAYS[day], universe, name) for day, universe, names in rows for name in names]
    frame = pd.DataFrame(table, columns=["date", "universe", "ticker"])
    return frame.astype({"date": "datetime64[us]", "universe": "str", "ticker": "str"})


def lists(*rows):
    """From (place of the day, universe, as_of, point_in_time)."""
    table = [(DAYS[day], universe, "test", as_of, known) for day, universe, as_of, known in rows]
    frame = pd.DataFrame(table, columns=["date", "universe", "source", "as_of", "point_in_time"])
    return frame.astype({"date": "datetime64[us]", "as_of": "datetime64[us]"})


def plain(frame):
    return [
        (DAYS.get_loc(row.date), row.universe, row.ticker) for row in frame.itertuples(index=False)
    ]


def test_a_session_keeps_the_members_of_its_list_and_a_history_is_taken_again():
    fresh = members((0, "LIST", "AC"), (1, "LIST", "AC"), (0, "SPX", "XZ"), (1, "SPX", "XZ"))
    stored = members((0, "LIST", "AB"), (0, "SPX", "XY"))
    wanted = lists(
        (0, "LIST", "2024-06-30", False),
        (1, "LIST", "2024-06-30", False),
        (0, "SPX", "2026-07-13", True),
        (1, "SPX", "2026-07-13", True),
    )
    found, taken = keep_stored(fresh, stored, wanted)
    assert plain(found) == [
        *[(0, "LIST", "A"), (0, "LIST", "B"), (0, "SPX", "X"), (0, "SPX", "Z")],
        *[(1, "LIST", "A"), (1, "LIST", "C"), (1, "SPX", "X"), (1, "SPX", "Z")],
    ]
    assert taken["date"].tolist() == [DAYS[1], DAYS[0], DAYS[1]]


def test_a_universe_that_is_no_longer_fetched_goes():
    fresh, wanted = members((0, "NEW", "A")), lists((0, "NEW", "2024-01-01", False))
    found, taken = keep_stored(fresh, members((0, "OLD", "B")), wanted)
    assert plain(found) == [(0, "NEW", "A")]
    assert len(taken) == 1


def test_nothing_stored_is_what_the_source_says():
    fresh, wanted = members((0, "L", "BA")), lists((0, "L", "2024-01-01", False))
    found, taken = keep_stored(fresh, members(), wanted)
    assert plain(found) == [(0, "L", "A"), (0, "L", "B")]
    pd.testing.assert_frame_equal(taken, wanted)


def test_a_list_of_a_later_day_is_survivorship_biased_and_says_so():
    words = told(
        lists(
            (0, "ASX200", "2024-01-03", False),
            (1, "ASX200", "2024-01-03", False),
            (1, "SPX500", "2026-07-13", True),
        )
    )
    assert words.tolist() == [
        "ASX200 is the list of 2024-01-03 (test): survivorship-biased",
        "ASX200 is the list of 2024-01-03 (test); SPX500 as of the day (test)",
    ]
    assert words.index.tolist() == DAYS.tolist()
