"""A company that changed its symbol keeps its history; another company's is left alone."""

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings
from pandas.testing import assert_frame_equal

from strategy.errors import StrategyError
from strategy.universes.renames import (
    newest_symbols,
    of_free_symbols,
    renamed,
    symbols_ever,
    validate_renames,
)

CHANGES = [
    ("FB", "META", "2022-06-09", ""),
    ("CBS", "VIAC", "2019-12-05", ""),
    ("VIAC", "PARA", "2022-02-17", ""),
    ("PARA", "PSKY", "2025-08-07", ""),
    ("IR", "TT", "2020-03-02", "Ingersoll Rand"),
    ("AA", "ARNC", "2016-11-01", "Alcoa"),
    ("ARNC", "HWM", "2020-04-01", ""),
]


def table(*changes):
    rows = pd.DataFrame(changes, columns=["old", "new", "date", "reused_by"])
    texts = dict.fromkeys(("old", "new", "reused_by"), "str")
    return rows.astype(texts | {"date": "datetime64[us]"})


RENAMES = validate_renames(table(*CHANGES))


def frame(*rows, columns=("ticker", "date")):
    made = pd.DataFrame(rows, columns=list(columns)).assign(row=range(len(rows)))
    return made.astype({"ticker": "str", columns[1]: "datetime64[us]"})


def newest(ticker, day):
    rows = frame((ticker, day))
    return newest_symbols(rows["ticker"], rows["date"], RENAMES).item()


@pytest.mark.parametrize(
    ("ticker", "day", "expected"),
    [
        ("FB", "2012-05-18", "META"),
        ("FB", "2022-06-08", "META"),
        ("FB", "2022-06-09", "FB"),  # whoever has it now is another company
        ("META", "2012-05-18", "META"),
        ("AAPL", "2012-05-18", "AAPL"),
        ("CBS", "2012-05-18", "PSKY"),  # through VIAC and PARA
        ("VIAC", "2020-01-02", "PSKY"),
        ("VIAC", "2022-02-17", "VIAC"),
        ("PARA", "2025-08-06", "PSKY"),
        ("IR", "2020-02-28", "TT"),
        ("IR", "2020-03-02", "IR"),  # Gardner Denver took the symbol on that day
        ("AA", "2016-10-31", "HWM"),
        ("AA", "2016-11-01", "AA"),  # the new Alcoa
        ("ARNC", "2020-03-31", "HWM"),
        ("ARNC", "2020-04-01", "ARNC"),  # spun off on that day
    ],
)
def test_the_newest_symbol_of_a_company(ticker, day, expected):
    assert newest(ticker, day) == expected


def test_where_both_have_a_row_the_new_symbol_s_stays():
    rows = frame(
        ("FB", "2022-06-07"), ("META", "2022-06-08"), ("FB", "2022-06-08"), ("FB", "2022-06-10")
    )
    assert renamed(rows, RENAMES).to_numpy().tolist() == [
        ["META", pd.Timestamp("2022-06-07"), 0],
        ["META", pd.Timestamp("2022-06-08"), 1],
        ["FB", pd.Timestamp("2022-06-10"), 3],
    ]


def test_of_two_old_symbols_the_later_one_s_stays():
    rows = frame(("CBS", "2019-12-02"), ("VIAC", "2019-12-02"), ("CBS", "2019-12-03"))
    assert renamed(rows, RENAMES)[["ticker", "row"]].to_numpy().tolist() == [
        ["PSKY", 1],
        ["PSKY", 2],
    ]


def test_every_universe_has_a_row_of_its_own():
    rows = frame(("FB", "2022-06-07"), ("META", "2022-06-07")).assign(universe=["U", "V"])
    assert renamed(rows, RENAMES)["ticker"].tolist() == ["META", "META"]
    same = rows.assign(universe="U")
    assert renamed(same, RENAMES)["row"].tolist() == [1]


def test_another_column_of_dates():
    rows = frame(("FB", "2022-06-07"), columns=("ticker", "ex_date"))
    assert renamed(rows, RENAMES, date="ex_date")["ticker"].tolist() == ["META"]


def test_a_row_without_a_date_is_left_alone():
    assert renamed(frame(("FB", None)), RENAMES)["ticker"].tolist() == ["FB"]


def test_repeated_rows_that_no_rename_concerns_are_left_alone():
    rows = frame(("A", "2022-06-07"), ("A", "2022-06-07"), ("FB", "2022-06-07"))
    assert renamed(rows, RENAMES)["ticker"].tolist() == ["A", "A", "META"]


def test_nothing_to_rename():
    rows = frame(("A", "2022-06-07"), ("FB", "2022-06-09"))
    assert_frame_equal(renamed(rows, RENAMES), rows)
    assert_frame_equal(renamed(rows, RENAMES[:0]), rows)
    assert_frame_equal(renamed(rows[:0], RENAMES), rows[:0])


def test_types_and_columns_stay():
    rows = frame(("FB", "2022-06-07"), ("A", "2022-06-07"))
    assert renamed(rows, RENAMES).dtypes.to_dict() == rows.dtypes.to_dict()


def test_symbols_that_another_company_has_now_are_told_apart():
    assert of_free_symbols(RENAMES)["old"].tolist() == ["CBS", "ARNC", "VIAC", "FB", "PARA"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("A", "A", "2020-01-02", "")], "renames: A to A on 2020-01-02 changes into itself"),
        (
            [("A", "B", "2020-01-02", ""), ("A", "C", "2020-01-02", "")],
            "renames: A to C on 2020-01-02 changes twice on one day",
        ),
        (
            [("IR", "TT", "2020-03-02", ""), ("GDI", "IR", "2020-03-02", "")],
            "renames: GDI to IR on 2020-03-02 changes into a symbol that was given up before",
        ),
    ],
)
def test_a_table_that_cannot_be_used(changes, message):
    """Were GDI called IR in 2018, the row could not be told from Ingersoll-Rand's."""
    with pytest.raises(StrategyError) as caught:
        validate_renames(table(*changes))
    assert str(caught.value) == message


rows_of_any_company = st.lists(
    st.tuples(
        st.sampled_from(sorted({name for old, new, *_ in CHANGES for name in (old, new)} | {"X"})),
        st.sampled_from(["2016-10-31", "2016-11-01", "2019-12-04", "2020-03-02", "2022-06-09"]),
        st.sampled_from("UV"),
    ),
    max_size=30,
)


@settings(max_examples=25)
@given(rows_of_any_company, st.randoms())
def test_again_changes_nothing_and_order_does_not_matter(rows, random):
    whole = frame(*rows, columns=("ticker", "date", "universe"))
    once = renamed(whole, RENAMES)
    assert_frame_equal(renamed(once, RENAMES), once)
    order = list(range(len(whole)))
    random.shuffle(order)
    shuffled = renamed(whole.iloc[order], RENAMES.sample(frac=1, random_state=len(rows)))
    assert_frame_equal(shuffled.sort_values("row", ignore_index=True), once)


@settings(max_examples=25)
@given(rows_of_any_company)
def test_no_company_and_no_day_is_lost(rows):
    whole = frame(*rows, columns=("ticker", "date", "universe"))
    found = renamed(whole, RENAMES)
    symbols = newest_symbols(whole["ticker"], whole["date"], RENAMES)
    expected = set(zip(whole["universe"], whole["date"], symbols, strict=True))
    assert set(zip(found["universe"], found["date"], found["ticker"], strict=True)) == expected


@pytest.mark.parametrize(
    ("tickers", "expected"),
    [
        (["META"], {"META", "FB"}),
        (["PSKY", "SPY"], {"PSKY", "PARA", "VIAC", "CBS", "SPY"}),
        (["FB"], {"FB"}),
        ([], set()),
    ],
)
def test_the_symbols_under_which_rows_can_be_stored(tickers, expected):
    assert symbols_ever(tickers, RENAMES) == expected


def test_symbols_that_change_places_come_to_an_end():
    swapped = table(("A", "B", "2020-01-02", ""), ("B", "A", "2021-01-04", ""))
    assert symbols_ever(["A"], swapped) == {"A", "B"}
