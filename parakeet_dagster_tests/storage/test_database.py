"""Connecting, the schema, and every failure as one line without a password."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_errors import is_transient
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.migrations import all_migrations

TABLES = {
    "allocations",
    "api_keys",
    "bars_known_since",
    "corporate_actions",
    "entry_audit",
    "healing_requests",
    "holdings",
    "ingest_failures",
    "market_data",
    "market_data_quarantine",
    "market_data_revisions",
    "order_versions",
    "orders",
    "price_corrections",
    "schema_migrations",
    "session_acceptances",
    "stale_adjusted_closes",
    "trades",
    "universe_lists",
}


def at(url: str, connect_seconds: float = 20.0) -> Database:
    return Database(DatabaseUrl.parse(url), connect_seconds)


def message_of(database: Database) -> str:
    with pytest.raises(DatabaseError) as failure:
        database.market_data_summary()
    assert "\n" not in failure.value.message
    assert "s3cret" not in failure.value.message
    return failure.value.message


def test_nothing_is_connected_before_the_first_use():
    at("postgresql://ann:s3cret@nowhere.invalid/main").close()


def test_the_first_use_applies_the_schema(database):
    with database.transaction("look") as connection:
        tables = set(connection.scalars(text(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))  # fmt: skip

    assert tables == TABLES


def test_a_database_that_has_the_schema_is_not_touched(database_url):
    catalog = "SELECT max(xmin::text::bigint) FROM pg_class"
    with psycopg2.connect(database_url) as administrator, administrator.cursor() as cursor:
        at(database_url).apply_schema()
        cursor.execute(catalog)
        before = cursor.fetchall()
        at(database_url).apply_schema()
        cursor.execute(catalog)
        assert cursor.fetchall() == before


def test_the_files_can_be_applied_over_what_is_there(database):
    database.apply_schema()
    with database.transaction("forget") as connection:
        connection.execute(text("DELETE FROM schema_migrations"))

    again = Database(database.url)
    again.apply_schema()
    assert again.market_data_summary().rows == 0
    again.close()


def test_several_processes_can_apply_the_schema_at_once(database_url):
    script = (
        "import sys;"
        "from parakeet_dagster.storage.database import Database;"
        "from parakeet_dagster.storage.database_url import DatabaseUrl;"
        "sys.stdin.read();"
        "Database(DatabaseUrl.parse(sys.argv[1])).apply_schema()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, database_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    # They wait for the end of their input, so that they start together.
    outcomes = [process.communicate("")[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, outcomes
    with at(database_url).transaction("look") as connection:
        applied = connection.scalar(text("SELECT count(*) FROM schema_migrations"))
    assert applied == len(all_migrations())


def test_the_async_engine_reads_what_the_sync_one_wrote(database):
    database.apply_schema()

    async def tables() -> int:
        engine = database.async_engine()
        async with engine.connect() as connection:
            count = await connection.scalar(
                text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            )
        await engine.dispose()
        return count

    assert asyncio.run(tables()) == len(TABLES)


def test_a_connection_lost_while_idle_is_replaced(database):
    database.apply_schema()
    with psycopg2.connect(
        database.url.sync.set(drivername="postgresql").render_as_string()
    ) as other:
        other.cursor().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert database.market_data_summary().rows == 0


def test_a_database_that_does_not_exist_fails_at_once(database_url):
    start = time.monotonic()
    message = message_of(at(database_url.replace("/test_", "/no_such_")))

    assert time.monotonic() - start < 5
    assert message.startswith("cannot connect to the database (/")
    assert 'FATAL: database "no_such_' in " ".join(message.split())
    assert message.endswith("check the names of the database and the user in NEON_DATABASE_URL")


def test_a_socket_without_a_server_fails_at_once(tmp_path):
    message = message_of(at(f"postgresql://ann:s3cret@/main?host={tmp_path}"))

    assert message.endswith("no server listens on this socket")


def test_a_server_that_refuses_is_tried_until_the_time_is_up():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        start = time.monotonic()
        message = message_of(at(f"postgresql://ann:s3cret@127.0.0.1:{port}/main", 1.0))

    assert time.monotonic() - start < 4
    assert message.startswith("cannot connect to the database (127.0.0.1, database main): ")
    assert "Connection refused" in message


def test_a_suspended_server_is_waited_for(postgres_server, database_url):
    """The first connections are cut, as by a proxy whose server is still waking up."""
    sockets = DatabaseUrl.parse(database_url).host
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        threading.Thread(
            target=wake_up, args=(proxy, f"{sockets}/.s.PGSQL.5432"), daemon=True
        ).start()
        port = proxy.getsockname()[1]
        name = DatabaseUrl.parse(database_url).database
        waiting = at(f"postgresql://postgres@127.0.0.1:{port}/{name}")
        waiting.apply_schema()
        waiting.close()


def wake_up(proxy: socket.socket, server: str) -> None:
    for _ in range(2):
        proxy.accept()[0].close()
    client, _ = proxy.accept()
    behind = socket.socket(socket.AF_UNIX)
    behind.connect(server)
    threading.Thread(target=pump, args=(client, behind), daemon=True).start()
    pump(behind, client)


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)


@pytest.mark.parametrize(
    ("words", "transient"),
    [
        ('connection to server at "x", port 5432 failed: Connection refused', True),
        ("server closed the connection unexpectedly", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ("timeout expired", True),
        ('could not translate host name "x": Temporary failure in name resolution', True),
        ('could not translate host name "x" to address: Name or service not known', False),
        ('FATAL:  password authentication failed for user "ann"', False),
        ('FATAL:  database "main" does not exist', False),
        ('FATAL:  role "ann" does not exist', False),
        ('FATAL:  permission denied for database "main"', False),
        ("server does not support SSL, but SSL was required", False),
        ('root certificate file "/x" does not exist', False),
        ('invalid sslmode value: "yes"', False),
    ],
)
def test_what_no_retry_mends_is_told_apart(words, transient):
    error = OperationalError("connect", None, psycopg2.OperationalError(words))

    assert is_transient(error) is transient


def test_a_right_that_is_missing_is_named(database):
    database.apply_schema()
    with database.transaction("grant") as connection:
        connection.execute(text(
            "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
        ))  # fmt: skip
    reader = at(
        database.url.sync.set(username="reader", drivername="postgresql").render_as_string()
    )

    message = message_of(reader)
    assert message.startswith("cannot read the version of the schema (/")
    assert message.endswith("permission denied for table schema_migrations")
    reader.close()


def test_a_password_that_the_server_repeats_is_struck_out(database):
    url = database.url.sync.set(password="s3cret", drivername="postgresql")
    careless = at(url.render_as_string(hide_password=False))

    with (
        pytest.raises(DatabaseError) as failure,
        careless.transaction("look") as connection,
    ):
        connection.execute(text("SELECT 's3cret'::integer"))
    assert failure.value.message.endswith('invalid input syntax for type integer: "***"')
    careless.close()
