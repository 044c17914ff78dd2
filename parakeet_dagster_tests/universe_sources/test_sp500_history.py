"""The S&P 500 since 2005, under the symbols of today."""

import subprocess
import sys

import pandas as pd
import pytest

from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.files import renames
from parakeet_dagster.universe_sources.sp500_history import intervals, sp500_history

SEED = pd.DataFrame({"effective_date": "2004-12-30", "ticker": ["A", "B"]})


def spans(*changes):
    table = intervals(SEED, pd.DataFrame(changes, columns=["date", "action", "ticker"]))
    shown = table.assign(
        start=table["start"].dt.strftime("%Y-%m-%d"), end=table["end"].dt.strftime("%Y-%m-%d")
    )
    return list(shown.fillna("").itertuples(index=False, name=None))


def test_intervals_from_changes():
    assert spans(
        ("2010-01-04", "removed", "A"),
        ("2010-01-04", "added", "C"),
        ("2012-01-03", "added", "A"),
        ("2013-01-02", "removed", "C"),
    ) == [
        ("A", "2004-12-30", "2010-01-04"),
        ("A", "2012-01-03", ""),
        ("B", "2004-12-30", ""),
        ("C", "2010-01-04", "2013-01-02"),
    ]


def test_what_changes_nothing_is_skipped():
    assert spans(
        ("2010-01-04", "added", "A"),
        ("2010-01-04", "removed", "X"),
        ("2012-01-03", "removed", "B"),
        ("2013-01-02", "removed", "B"),
    ) == [("A", "2004-12-30", ""), ("B", "2004-12-30", "2012-01-03")]


def test_removed_and_added_on_one_day_is_a_member_throughout():
    assert spans(("2010-01-04", "added", "A"), ("2010-01-04", "removed", "A")) == [
        ("A", "2004-12-30", "2010-01-04"),
        ("A", "2010-01-04", ""),
        ("B", "2004-12-30", ""),
    ]


def members_on(day):
    found = BundledUniverses().membership(
        ["SPX500"], pd.DatetimeIndex([day]).as_unit("us"), pd.DataFrame()
    )
    return found.members.set_index("ticker")["name"]


@pytest.mark.parametrize(
    ("day", "inside", "outside"),
    [
        ("2005-01-03", "LEH", "META"),  # Lehman Brothers, until it failed
        ("2008-09-15", "AIG", "LEH"),
        ("2013-12-20", "AAPL", "META"),
        ("2013-12-23", "META", "FB"),  # Facebook joins, under the symbol of today
        ("2018-06-25", "BALL", "BLL"),
        ("2024-01-02", "DAY", "CDAY"),
        ("2012-01-03", "TT", "IR"),  # Ingersoll-Rand, as it was called then
        ("2020-03-02", "IR", "FLT"),  # Gardner Denver, which took the symbol
        ("2010-01-04", "PSKY", "CBS"),
        ("2019-01-02", "HWM", "ARNC"),
        ("2026-07-13", "BNY", "BK"),
        ("2010-03-01", "BRK-B", "BRK.B"),
    ],
)
def test_members_under_the_symbols_of_today(day, inside, outside):
    names = members_on(day)
    assert inside in names.index
    assert outside not in names.index


def test_no_symbol_that_was_given_up_is_left():
    """Two are: other companies took them over."""
    tickers = sp500_history().intervals["ticker"]
    assert set(tickers) & set(renames()["old"]) == {"GOOG", "IR"}


def test_names_are_todays_where_there_is_one_and_never_missing():
    names = members_on("2010-01-04")
    assert names["PSKY"] == "Paramount Skydance Corporation"
    assert names.notna().all()
    assert (names != "").all()


def test_about_five_hundred_at_every_time():
    history = sp500_history()
    days = pd.date_range("2005-01-03", history.as_of, freq="MS").as_unit("us")
    found = BundledUniverses().membership(["SPX500"], days, pd.DataFrame())
    sizes = found.members.groupby("date").size()
    assert sizes.between(494, 508).all()
    assert len(history.newest()) == 503


def test_a_cache_of_the_package_changes_nothing(tmp_path):
    """The package would prefer its user's cache to its own files."""
    (tmp_path / "sp500_current.csv").write_text("ticker,name\nFAKE,Fake\n")
    (tmp_path / "sp500_changes.csv").write_text("date,action,ticker,name,reason\n")
    program = (
        "from parakeet_dagster.universe_sources.sp500_history import sp500_history\n"
        "print(len(sp500_history().intervals), len(sp500_history().newest()))"
    )
    environment = {"PITINDEX_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(len(sp500_history().intervals)), "503"]
