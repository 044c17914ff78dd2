"""What comes with Parakeet: complete lists, each with the day it is of."""

import subprocess
import sys
from datetime import date

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from parakeet_dagster import sessions
from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources.base import LIST_COLUMNS
from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.files import renames, reviewed_members
from strategy.universes import KEYS, MEMBER_COLUMNS, UNIVERSES, validate_members
from strategy.universes.renames import RENAME_COLUMNS

NOTHING = pd.DataFrame()
OWN = validate_members(
    pd.DataFrame([("GE", "General Electric", "XNYS", "USD", "equity")], columns=MEMBER_COLUMNS)
)
US_SYMBOL, ASX_SYMBOL = r"[A-Z]{1,5}(-[A-Z])?", r"[A-Z0-9]{3,6}\.AX"


@pytest.fixture
def bundled():
    return BundledUniverses(OWN, date(2026, 11, 20))


def days(*texts):
    return pd.DatetimeIndex(texts).as_unit("us")


@pytest.mark.parametrize(
    ("key", "fewest", "most"),
    [
        ("SPX500", 500, 505),
        ("NASDAQ100", 100, 103),
        ("US_ETFS", 100, 150),
        ("ASX200", 195, 205),
        ("ASX_ETFS", 60, 100),
        ("CORE_ETFS", 17, 17),
        ("SCREENER", 795, 860),
        ("SAMPLE", 25, 25),
        ("CUSTOM", 1, 1),
    ],
)
def test_every_list_is_complete_and_well_formed(bundled, key, fewest, most):
    members = bundled.members(key)
    assert fewest <= len(members) <= most
    assert_frame_equal(validate_members(members), members)
    assert members["ticker"].is_unique
    on_asx = members["market"] == "XASX"
    assert members["ticker"][on_asx].str.fullmatch(ASX_SYMBOL).all()
    assert members["ticker"][~on_asx].str.fullmatch(US_SYMBOL).all()
    assert (members["currency"][on_asx] == "AUD").all()
    assert (members["currency"][~on_asx] == "USD").all()
    assert (members["name"].str.len() > 0).all()


@pytest.mark.parametrize(
    ("key", "market", "asset_class"),
    [
        ("SPX500", "XNYS", "equity"),
        ("NASDAQ100", "XNYS", "equity"),
        ("ASX200", "XASX", "equity"),
        ("US_ETFS", "XNYS", "etf"),
        ("ASX_ETFS", "XASX", "etf"),
    ],
)
def test_one_market_and_one_class(bundled, key, market, asset_class):
    members = bundled.members(key)
    assert (members["market"] == market).all()
    assert (members["asset_class"] == asset_class).all()


def test_symbols_are_written_as_yahoo_writes_them(bundled):
    assert {"BRK-B", "BF-B", "GOOGL", "GOOG"} <= set(bundled.members("SPX500")["ticker"])
    assert {"GOOG", "GOOGL", "ASML"} <= set(bundled.members("NASDAQ100")["ticker"])
    assert {"BHP.AX", "360.AX", "A2M.AX"} <= set(bundled.members("ASX200")["ticker"])


def test_the_core_funds_are_among_the_others(bundled):
    core = set(UNIVERSES["CORE_ETFS"]()["ticker"])
    others = {*bundled.members("US_ETFS")["ticker"], *bundled.members("ASX_ETFS")["ticker"]}
    assert core <= others


def test_the_list_of_the_nasdaq_100_is_of_its_day(bundled):
    """Walmart joined on 2026-01-20, Atlassian left on 2026-04-20: see ``nasdaq100.AS_OF``."""
    tickers = set(bundled.members("NASDAQ100")["ticker"])
    assert {"WMT", "TEAM"} <= tickers
    assert "SNDK" not in tickers


def test_lists_say_what_they_are(bundled):
    keys = [key for key in KEYS if key != "RUSSELL2000"]
    found = bundled.membership(keys, days("2026-07-13", "2026-07-14"), NOTHING)
    assert found.lists.columns.tolist() == LIST_COLUMNS
    assert found.lists.dtypes.astype(str).tolist() == [
        "datetime64[us]",
        "str",
        "str",
        "datetime64[us]",
        "bool",
    ]
    assert found.warnings.empty
    first = found.lists[found.lists["date"] == "2026-07-13"].set_index("universe")
    assert first["source"].to_dict() == {
        "ASX200": "reviewed list",
        "ASX_ETFS": "reviewed list",
        "CORE_ETFS": "reviewed list",
        "CUSTOM": "own list",
        "NASDAQ100": "pytickersymbols 1.17.10",
        "SAMPLE": "reviewed list",
        "SCREENER": "pitindex 0.2.1, reviewed list",
        "SPX500": "pitindex 0.2.1",
        "US_ETFS": "reviewed list",
    }
    assert first["as_of"].dt.strftime("%Y-%m-%d").to_dict() == {
        "ASX200": "2026-11-25",
        "ASX_ETFS": "2026-11-25",
        "CORE_ETFS": "2026-11-25",
        "CUSTOM": "2026-11-20",
        "NASDAQ100": "2026-04-17",
        "SAMPLE": "2022-12-28",
        "SCREENER": "2026-11-25",
        "SPX500": "2026-07-13",
        "US_ETFS": "2026-11-25",
    }
    assert first.index[first["point_in_time"]].tolist() == ["SPX500"]
    assert not found.lists.loc[found.lists["date"] == "2026-07-14", "point_in_time"].any()


def test_before_its_history_nobody_was_a_member(bundled):
    found = bundled.membership(["SPX500"], days("2004-12-29", "2004-12-30"), NOTHING)
    assert found.members["date"].unique().tolist() == days("2004-12-30").tolist()
    assert found.lists["point_in_time"].tolist() == [False, True]


def test_a_list_has_the_same_members_on_every_session(bundled):
    found = bundled.membership(["CUSTOM", "SAMPLE"], days("2024-01-03", "2024-01-02"), NOTHING)
    assert found.members.columns.tolist() == ["date", "universe", *MEMBER_COLUMNS]
    assert found.members["universe"].tolist() == (["CUSTOM"] + ["SAMPLE"] * 25) * 2
    for day in days("2024-01-02", "2024-01-03"):
        rows = found.members[
            (found.members["date"] == day) & (found.members["universe"] == "SAMPLE")
        ]
        assert_frame_equal(
            rows[MEMBER_COLUMNS].reset_index(drop=True), UNIVERSES["SAMPLE"](), check_dtype=False
        )


def test_the_screener_has_each_ticker_once(bundled):
    found = bundled.membership(["SCREENER"], days("2010-01-04"), NOTHING)
    parts = bundled.membership(["SPX500", "US_ETFS", "ASX200"], days("2010-01-04"), NOTHING)
    assert (found.members["universe"] == "SCREENER").all()
    assert found.members["ticker"].is_unique
    assert set(found.members["ticker"]) == set(parts.members["ticker"])


def test_twenty_years_are_sorted_and_unique(bundled):
    calendar = sessions.calendar()
    some = calendar[(calendar >= "2005-01-03") & (calendar <= "2026-11-24")][::20]
    members = bundled.membership(["SCREENER", "SPX500"], some, NOTHING).members
    order = ["date", "universe", "ticker"]
    assert_frame_equal(members[order], members[order].sort_values(order, ignore_index=True))
    assert not members.duplicated(order).any()
    assert members.notna().all(axis=None)


def test_a_range_is_its_sessions(bundled):
    whole = bundled.membership(["SCREENER"], days("2013-12-20", "2013-12-23"), NOTHING)
    singles = [
        bundled.membership(["SCREENER"], days(day), NOTHING) for day in ("2013-12-20", "2013-12-23")
    ]
    assert_frame_equal(
        whole.members, pd.concat([one.members for one in singles], ignore_index=True)
    )
    assert_frame_equal(whole.lists, pd.concat([one.lists for one in singles], ignore_index=True))


@pytest.mark.parametrize(
    ("source", "keys", "message"),
    [
        (
            BundledUniverses(),
            ["RUSSELL2000"],
            "PARAKEET_UNIVERSES=RUSSELL2000: no list of it ships with Parakeet; set PARAKEET_",
        ),
        (
            BundledUniverses(),
            ["SAMPLE", "CUSTOM"],
            "PARAKEET_UNIVERSES=CUSTOM: no list of its own; set PARAKEET_UNIVERSE_FILE to a CSV",
        ),
        (
            BundledUniverses(),
            ["FTSE"],
            f"PARAKEET_UNIVERSES=FTSE: unknown universe; accepted are {', '.join(KEYS)}",
        ),
        (
            BundledUniverses(OWN.assign(currency="AUD"), date(2026, 11, 20)),
            ["SAMPLE", "CUSTOM"],
            "PARAKEET_UNIVERSES=SAMPLE,CUSTOM: GE is listed in two markets or currencies; correct",
        ),
    ],
)
def test_universes_that_cannot_be_had(source, keys, message):
    with pytest.raises(UniverseError) as caught:
        source.membership(keys, days("2024-01-02"), NOTHING)
    assert str(caught.value).startswith(message)


def test_reviewed_files_are_sorted_by_ticker():
    """So that a change is one line of a diff."""
    for key in ("ASX200", "US_ETFS", "ASX_ETFS"):
        assert reviewed_members(key)["ticker"].is_monotonic_increasing


def test_the_reviewed_renames():
    table = renames()
    assert table.columns.tolist() == RENAME_COLUMNS
    assert table["old"].is_unique
    assert sessions.calendar().isin(table["date"]).sum() == table["date"].nunique()
    assert table["date"].dt.year.between(2005, 2026).all()
    row = table.set_index("old").loc["FB"]
    assert (row["new"], row["date"], row["reused_by"]) == ("META", pd.Timestamp("2022-06-09"), "")


def test_no_symbol_that_was_given_up_for_good_is_a_member_today(bundled):
    """Else the table or a list is wrong: a rename has been missed, or a symbol taken over."""
    free = renames().loc[renames()["reused_by"] == "", "old"]
    for key in ("SPX500", "NASDAQ100", "US_ETFS", "ASX200"):
        assert not bundled.members(key)["ticker"].isin(free).any()


def test_importing_reads_nothing_and_asks_nobody():
    program = (
        "import sys, strategy.universes, parakeet_dagster.universe_sources.bundled\n"
        "print(sys.modules.keys() & {'pitindex', 'pytickersymbols', 'requests'})"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
