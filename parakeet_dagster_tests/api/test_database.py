"""What real servers do to the API's sessions, and what a client is told of it."""

import asyncio

import asyncpg
import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from parakeet_api.database import AsyncDatabase
from parakeet_api.problems import ProblemError
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.login import FixedLogin
from parakeet_dagster_tests.api.servers import line_to
from parakeet_dagster_tests.storage.postgres import member


def opened(url, connections=2, connect_seconds=5.0, query_seconds=20.0, **trusted):
    login = FixedLogin(DatabaseUrl.parse(url))
    return AsyncDatabase(login, connections, connect_seconds, query_seconds, **trusted)


def told(url, *statements, writes=False, parameters=None, **limits):
    """What a session with these statements ends with: a problem's code, else the error itself."""

    async def ask():
        database = opened(url, **limits)
        session_of = database.writing if writes else database.reading
        try:
            async with session_of("test") as session:
                for one in statements:
                    await session.execute(text(one), parameters or {})
        except ProblemError as problem:
            is_right = (problem.status, problem.headers) == (503, {"Retry-After": "5"})
            return problem.code if is_right else problem.status
        except DBAPIError as error:
            return type(error.orig.__cause__)
        finally:
            await database.close()
        return None

    return asyncio.run(ask())


def elsewhere(url, **parts):
    base, query = url.split("?")
    host = parts.get("host", query.removeprefix("host="))
    database = parts.get("database", base.rpartition("/")[2])
    return f"{base.rpartition('/')[0]}/{database}?host={host}"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", None),
        ("SELECT pg_sleep(60)", "took_too_long"),
        ("SELECT * FROM nowhere", "schema_outdated"),
        ("SELECT nothing FROM pg_class", "schema_outdated"),
        ("SELECT no_such_function()", "schema_outdated"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "database_unavailable"),
        ("SELECT 1 / 0", asyncpg.DivisionByZeroError),
        ("SELECT CAST('x' AS integer)", asyncpg.InvalidTextRepresentationError),
        ("SELECT CAST(1e300 AS real)", asyncpg.NumericValueOutOfRangeError),
        ("SELEKT", asyncpg.PostgresSyntaxError),
        ("CREATE TABLE t (x int)", asyncpg.ReadOnlySQLTransactionError),
    ],
)
def test_a_statement(database_url, statement, expected):
    limits = {"query_seconds": 1.0} if expected == "took_too_long" else {}
    assert told(database_url, statement, **limits) == expected


def test_a_value_that_the_driver_refuses_is_not_the_database_s_fault(database_url):
    found = told(database_url, "SELECT CAST(:x AS integer)", parameters={"x": "three"})
    assert found is asyncpg.DataError


def test_a_broken_constraint_is_not_the_database_s_fault(database_url):
    made = "CREATE TABLE t (x int CHECK (x > 0))"
    found = told(database_url, made, "INSERT INTO t VALUES (0)", writes=True)
    assert found is asyncpg.CheckViolationError


def test_two_that_wrote_at_once_may_ask_again(database_url):
    raised = "DO $$ BEGIN RAISE EXCEPTION 'two' USING ERRCODE = '40001'; END $$"
    assert told(database_url, raised, writes=True) == "database_unavailable"


def test_no_server(database_url, tmp_path):
    nowhere = elsewhere(database_url, host=str(tmp_path))
    refusing, unknown = "postgresql://postgres@127.0.0.1:1/x", "postgresql://postgres@no.invalid/x"
    for url in (nowhere, refusing, unknown):
        assert told(url, connect_seconds=0.3) == "database_unavailable"


def test_no_such_database(database_url):
    assert told(elsewhere(database_url, database="missing")) == "database_unavailable"


def test_a_wrong_password(postgres_server):
    with member(postgres_server, "right") as user:
        assert told(user.url_with("right"), "SELECT 1") is None
        assert told(user.url_with("wrong"), "SELECT 1") == "database_unavailable"


def test_no_connection_left(postgres_server):
    with member(postgres_server, "right") as user:
        with psycopg2.connect(user.base) as administrator, administrator.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {user.name} CONNECTION LIMIT 0")
        administrator.close()
        assert told(user.url, "SELECT 1", connect_seconds=0.3) == "database_unavailable"


def test_a_server_that_lets_nobody_in_and_says_nothing(database_url):
    with line_to(database_url) as (line, url):
        line.silent.set()
        assert told(url, "SELECT 1", connect_seconds=0.3) == "database_unavailable"


def test_a_server_that_falls_silent_and_comes_back(database_url):
    async def ask(line, url):
        database = opened(url, connect_seconds=1.0, query_seconds=1.0)

        async def code():
            try:
                async with database.reading("test") as session:
                    await session.execute(text("SELECT 1"))
            except ProblemError as problem:
                return problem.code
            return ""

        async def back():
            async with asyncio.timeout(60):
                while await code():  # a slow machine may need more than the second
                    pass

        await back()
        line.silent.set()
        codes = [await code(), await code()]
        line.silent.clear()
        await back()
        in_use = database.engine.pool.checkedout()
        await database.close()
        return codes, in_use

    with line_to(database_url) as (line, url):
        codes, in_use = asyncio.run(ask(line, url))
    assert codes == ["took_too_long", "database_unavailable"]
    assert in_use == 0


def test_a_connection_that_was_closed_is_replaced_unnoticed(database_url):
    async def ask():
        database = opened(database_url)
        pids = []
        for _ in range(2):
            async with database.reading("test") as session:
                pids.append(await session.scalar(text("SELECT pg_backend_pid()")))
            with psycopg2.connect(database_url) as other, other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", pids[-1:])
            other.close()
            await asyncio.sleep(0.05)  # the event loop sees the end of the line
        await database.close()
        return pids

    first, second = asyncio.run(ask())
    assert first != second


@pytest.mark.parametrize("trusted", [0.0, None])
def test_a_connection_that_rested_long_is_asked_first(database_url, trusted):
    async def ask(line, url):
        database = opened(url, trusted_seconds=trusted)
        async with database.reading("test") as session:
            await session.execute(text("SELECT 1"))
        line.close()  # what was a line is none any more, and new ones work
        async with database.reading("test") as session:
            found = await session.scalar(text("SELECT 1"))
        await database.close()
        return found

    with line_to(database_url) as (line, url):
        assert asyncio.run(ask(line, url)) == 1


def test_what_goes_wrong_beside_the_database_stays_what_it_is(database_url):
    async def ask():
        database = opened(database_url)
        try:
            async with database.reading("test"):
                raise FileNotFoundError("a page")
        finally:
            await database.close()

    with pytest.raises(FileNotFoundError, match="a page"):
        asyncio.run(ask())


def test_connections_are_given_in_the_order_of_arrival(database_url):
    async def ask():
        database = opened(database_url, connections=1, connect_seconds=30.0)
        order = []

        async def client(number):
            for turn in range(5):
                async with database.reading("test") as session:
                    await session.execute(text("SELECT 1"))
                    order.append((turn, number))

        await asyncio.gather(*(client(number) for number in range(4)))
        await database.close()
        return order

    assert asyncio.run(ask()) == [(turn, number) for turn in range(5) for number in range(4)]
