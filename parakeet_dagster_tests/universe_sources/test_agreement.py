"""Our lists beside other people's: how many members they have in common."""

import pandas as pd
import pytest

from parakeet_dagster import sessions
from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.files import renames
from strategy.universes.renames import newest_symbols


@pytest.fixture(scope="module")
def constituents(market_data_folder):
    file = market_data_folder / "constituents_current.csv"
    return pd.read_csv(file, dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def memberships(market_data_folder):
    return pd.read_parquet(market_data_folder / "index_membership_intervals.parquet")


def agreement(ours, theirs):
    """The share in common, of the longer list: so much at least holds in both directions."""
    return len(ours & theirs) / max(len(ours), len(theirs))


@pytest.mark.parametrize(
    ("key", "theirs", "column", "least"),
    [
        ("SPX500", "SPX500_datasets", "yahoo_symbol", 0.97),
        ("NASDAQ100", "NASDAQ100", "symbol", 0.97),
        ("ASX200", "ASX200", "yahoo_symbol", 0.90),
    ],
)
def test_todays_members(constituents, key, theirs, column, least):
    ours = set(BundledUniverses().members(key)["ticker"])
    rows = constituents[constituents["index_name"] == theirs]
    symbols = rows[column].str.replace(r"\.(?!AX$)", "-", regex=True)
    assert agreement(ours, set(symbols)) >= least


def members_on(memberships, index, day):
    rows = memberships[memberships["index_name"] == index]
    is_member = (rows["start_date"] <= day) & ~(rows["end_date"] <= day)
    return set(rows.loc[is_member, "ticker"].str.replace(".", "-"))


def test_the_nasdaq_100_on_the_day_of_its_list(memberships):
    ours = set(BundledUniverses().members("NASDAQ100")["ticker"])
    assert agreement(ours, members_on(memberships, "NASDAQ100", "2026-04-17")) >= 0.97


def test_every_quarter_of_the_s_and_p_500(memberships):
    """Their symbols are partly older than ours, so both go through the same renames."""
    symbols, start = memberships["ticker"].astype("str"), memberships["start_date"]
    theirs = memberships.assign(ticker=newest_symbols(symbols, start, renames()))
    calendar = sessions.calendar()
    days = calendar[(calendar >= "2005-01-03") & (calendar <= "2025-07-09")][::60]
    members = BundledUniverses().membership(["SPX500"], days, pd.DataFrame()).members
    by_day = {
        day: agreement(set(tickers), members_on(theirs, "SPX500", day))
        for day, tickers in members.groupby("date")["ticker"]
    }
    assert min(by_day.values()) >= 0.97
