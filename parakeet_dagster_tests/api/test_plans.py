"""Which indexes the API's queries take: plans, never times.

Each is planned twice: for the values asked, and for any values, since the server does the latter
once a connection has asked the same five times.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import TextClause, text

from benchmarks.database import market
from parakeet_api.routers import allocations, orders, prices, status
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.storage.postgres import empty_database
from parakeet_dagster_tests.storage.test_query_plans import plan_of, scans

SESSIONS, TICKERS = 160, 130
DAY, FIRST, LAST = date(2024, 6, 3), date(1, 1, 1), date(9999, 12, 31)
MOMENT, BEGINNING = datetime(2024, 1, 3, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)

FILL = """
    INSERT INTO allocations (strategy, session, ticker, weight, rebalance, known_at)
    SELECT 's' || s, DATE '2020-01-01' + d, 'T' || t, 0.01, true,
           TIMESTAMPTZ '2024-01-01' + v * interval '1 day'
    FROM generate_series(1, 3) AS s, generate_series(1, 100) AS d, generate_series(1, 50) AS t,
         generate_series(1, 2) AS v;

    INSERT INTO order_versions (strategy, session, known_at)
    SELECT 's' || s, DATE '2020-01-01' + d, TIMESTAMPTZ '2024-01-01' + v * interval '1 day'
    FROM generate_series(1, 3) AS s, generate_series(1, 1000) AS d, generate_series(1, 2) AS v;

    INSERT INTO orders (strategy, session, ticker, side, quantity, price_estimate_aud,
                        cost_estimate_aud, reason, known_at)
    SELECT strategy, session, 'T' || t, 'buy', 1, 1, 1, 'enter', known_at
    FROM order_versions, generate_series(1, 5) AS t;

    INSERT INTO corporate_actions (ticker, ex_date, kind, value, known_at, source)
    SELECT 'U' || t, DATE '1990-01-01' + 91 * a, 'dividend', 1, TIMESTAMPTZ '2024-01-01', 'sample'
    FROM generate_series(1, 100) AS t, generate_series(1, 100) AS a;

    ANALYZE
"""


@pytest.fixture(scope="module")
def filled(postgres_server) -> Iterator[Database]:
    """Tables that are large enough for the planner to prefer an index."""
    of = market(SESSIONS, TICKERS)
    with empty_database(postgres_server) as url:
        opened = Database(DatabaseUrl.parse(url))
        opened.merge_market_data(of.rows(0, SESSIONS), of.days(0, SESSIONS), "a test")
        with opened.transaction("fill") as connection:
            connection.exec_driver_sql(FILL)
        yield opened
        opened.close()


OF_TICKER = {"ticker": "T0007", "first": FIRST, "last": LAST, "after": FIRST, "rows": 1001}
OF_SESSION = {"session": DAY, "tickers": None, "after": "", "rows": 1001}
AT_FIRST = {
    "after_strategy": "",
    "after_session": FIRST,
    "after_known_at": BEGINNING,
    "after_ticker": "",
    "after_side": "",
    "rows": 101,
}
ON = AT_FIRST | {
    "after_strategy": "s1",
    "after_session": date(2020, 2, 1),
    "after_known_at": MOMENT,
    "after_ticker": "T3",
    "after_side": "buy",
}
VERSION = {"strategy": "s1", "session": None, "as_of": None}
HISTORY = {"strategy": "s1", "first": FIRST, "last": LAST, "as_of": None}
ROWS = {"strategy": "s1", "session": date(2020, 2, 1), "known_at": MOMENT}

PRIMARY = ("market_data", "market_data_pkey")
BY_DATE = ("market_data", "market_data_date")
ACTION = ("corporate_actions", "corporate_actions_pkey")
ACTION_NOW = ("corporate_actions", "corporate_actions_known_now")
WEIGHT = ("allocations", "allocations_pkey")
ORDER = ("orders", "orders_pkey")
ORDERED = ("order_versions", "order_versions_pkey")

QUERIES = [
    (prices.OF_TICKER, OF_TICKER, [{PRIMARY}]),
    (prices.NEWEST, {}, [{BY_DATE}]),
    (prices.OF_SESSION, OF_SESSION, [{BY_DATE}, {PRIMARY}]),
    (prices.OF_SESSION, OF_SESSION | {"rows": 2}, [{BY_DATE}, {PRIMARY}]),
    (prices.OF_SESSION, OF_SESSION | {"tickers": ["T0007"]}, [{BY_DATE}, {PRIMARY}]),
    (prices.ACTIONS, OF_TICKER | {"kind": ""}, [{ACTION_NOW}, {ACTION}]),
    (prices.ACTIONS_AS_OF, OF_TICKER | {"kind": "", "as_of": MOMENT}, [{ACTION}]),
    (allocations.NEWEST, AT_FIRST, [{WEIGHT}]),
    (allocations.NEWEST, ON, [{WEIGHT}]),
    (allocations.VERSION, VERSION, [{WEIGHT}]),
    (allocations.OF_VERSION, ON | ROWS, [{WEIGHT}]),
    (allocations.HISTORY, AT_FIRST | HISTORY, [{WEIGHT}]),
    (allocations.HISTORY, ON | HISTORY, [{WEIGHT}]),
    (orders.NEWEST, AT_FIRST, [{ORDER, ORDERED}]),
    (orders.NEWEST, ON, [{ORDER, ORDERED}]),
    (orders.VERSION, VERSION, [{ORDERED}]),
    (orders.OF_VERSION, ON | ROWS, [{ORDER}]),
    (orders.HISTORY, AT_FIRST | HISTORY, [{ORDER, ORDERED}]),
    (orders.HISTORY, ON | HISTORY, [{ORDER, ORDERED}]),
    (status.MARKET_DATA, {}, [{BY_DATE}]),
    (status.STRATEGIES, {}, [{WEIGHT, ORDERED}]),
]


def of_any_values(query: TextClause, asked: dict[str, object]) -> str:
    """The query with numbered places for values, of the types that the API sends."""
    names = list(dict.fromkeys(query.compile().params))
    kinds = {str: "text", int: "bigint", date: "date", datetime: "timestamptz", list: "text[]"}

    def place(found: re.Match[str]) -> str:
        kind = kinds.get(type(asked[found[1]]))
        number = f"${names.index(found[1]) + 1}"
        return f"CAST({number} AS {kind})" if kind else number

    return re.sub(r"(?<!:):([a-z_]+)", place, query.text)


@pytest.mark.parametrize(("query", "asked", "accepted"), QUERIES)
def test_a_query_takes_its_index(filled, query, asked, accepted):
    assert scans(plan_of(filled, f"EXPLAIN (FORMAT JSON) {query.text}", **asked)) in accepted


@pytest.mark.parametrize(("query", "asked", "accepted"), QUERIES)
def test_a_query_of_any_values_takes_its_index(filled, query, asked, accepted):
    explain = f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {of_any_values(query, asked)}"
    assert scans(plan_of(filled, explain)) in accepted


@pytest.mark.parametrize("query", [allocations.HISTORY, orders.HISTORY])
@pytest.mark.parametrize("after", [AT_FIRST, ON])
def test_a_page_of_a_history_reads_no_more_than_it_tells(filled, query, after):
    """In the order of the index, until the page is full: nothing is sorted."""
    plan = plan_of(filled, f"EXPLAIN (FORMAT JSON) {query.text}", **(after | HISTORY))
    (child,) = plan["Plans"]
    assert (plan["Node Type"], child["Node Type"]) == ("Limit", "Index Scan")


def test_every_query_has_its_plan_asserted():
    """But those that compute over the whole history of the tickers named, and small tables'."""
    asserted = {query.text for query, _, _ in QUERIES}
    stated = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (prices, allocations, orders, status)
        for name, query in vars(module).items()
        if isinstance(query, TextClause) and query.text not in asserted
    }
    assert stated == {
        "prices.OF_TICKER_AS_OF",
        "prices.OF_SESSION_AS_OF",
        "prices.NEWEST_AS_OF",
        "prices._WITHOUT_LOOPS",
        "allocations.IS_KNOWN",
        "orders.IS_KNOWN",
        "status.FAILURES",
        "status.DELISTED",
        "status.QUARANTINED",
        "status.CORRECTIONS",
        "status.STALE",
        "status.ACCEPTED",
    }


def test_the_tables_are_as_large_as_the_plans_take_them_for(filled):
    with filled.transaction("count") as connection:
        counts = [
            connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("market_data", "allocations", "order_versions", "orders")
        ]
    assert counts == [SESSIONS * TICKERS, 30_000, 6_000, 30_000]
