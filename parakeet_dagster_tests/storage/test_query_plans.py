"""Which index a query of the benchmark and of docs/database.md takes: plans, never times."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from benchmarks.database import COUNTS_ALL, QUERIES, market
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.storage.postgres import empty_database

SESSIONS, TICKERS = 160, 130


@pytest.fixture(scope="module")
def filled(postgres_server) -> Iterator[Database]:
    """A table that is large enough for the planner to prefer an index."""
    of = market(SESSIONS, TICKERS)
    with empty_database(postgres_server) as url:
        opened = Database(DatabaseUrl.parse(url))
        opened.merge_market_data(of.rows(0, SESSIONS), of.days(0, SESSIONS), "a test")
        with opened.transaction("analyze") as connection:
            connection.execute(text("ANALYZE"))
        yield opened
        opened.close()


def plan_of(database: Database, explain: str, **asked: object) -> dict:
    """The plan that an EXPLAIN with FORMAT JSON tells."""
    with database.transaction("explain") as connection:
        plan = connection.scalar(text(explain), asked)
    (explained,) = plan if isinstance(plan, list) else json.loads(plan)
    return explained["Plan"]


def scans(plan: dict) -> set[tuple[str, str]]:
    """The tables that a query reads, each with the index that it takes, or "whole"."""

    def below(node: dict) -> Iterator[tuple[str, str]]:
        children = node.get("Plans", [])
        if "Relation Name" in node:
            indexes = [child["Index Name"] for child in children if "Index Name" in child]
            index = node.get("Index Name", indexes[0] if indexes else "whole")
            yield node["Relation Name"], index
        for child in children:
            yield from below(child)

    return set(below(plan))


def scans_of(database: Database, query: str) -> set[tuple[str, str]]:
    """As ``scans``, of a query."""
    return scans(plan_of(database, f"EXPLAIN (FORMAT JSON) {query}"))


PRIMARY = ("market_data", "market_data_pkey")
BY_DATE = ("market_data", "market_data_date")


@pytest.mark.parametrize(
    ("name", "indexes"),
    [
        ("one ticker's five years", {PRIMARY}),
        ("the same adjusted", {PRIMARY, ("corporate_actions", "corporate_actions_known_now")}),
        ("one day's cross-section", {BY_DATE}),
        ("get_ticker_date_range", {PRIMARY}),
        ("market_data_latest", {PRIMARY}),
        ("market_data_sessions", {BY_DATE}),
        ("the last 252 bars of one ticker", {PRIMARY}),
        ("the last 252 bars of 20 tickers", {PRIMARY}),
        ("a moving average of one ticker's twenty years", {PRIMARY}),
    ],
)
def test_a_query_takes_its_index(filled, name, indexes):
    assert scans_of(filled, QUERIES[name]) == indexes


def test_every_query_that_does_not_count_all_has_its_plan_asserted():
    (mark,) = test_a_query_takes_its_index.pytestmark
    asserted = {name for name, _ in mark.args[1]}
    # A function that is no table hides its plan; its body is the query below.
    assert set(QUERIES) - asserted - COUNTS_ALL == {"get_latest_close"}


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        (
            "SELECT close FROM market_data WHERE ticker = 'T0007' ORDER BY date DESC LIMIT 1",
            {PRIMARY},
        ),
        (
            "SELECT count(*) FROM market_data WHERE date = ANY (ARRAY['2024-12-30'::date])",
            {BY_DATE},
        ),
        (
            "SELECT * FROM market_data_checksum('2024-12-30', '2024-12-31')",
            {BY_DATE},
        ),
    ],
)  # fmt: skip
def test_what_a_merge_and_the_checks_ask_takes_its_index(filled, query, indexes):
    assert scans_of(filled, query) == indexes
